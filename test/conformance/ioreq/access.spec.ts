/** What one instruction on an emulated address does, end to end: the request, the register, the abort (xen-ioreq.md 1.1, 5, 11). */
import { describe, expect } from 'vitest';
import {
  DATA,
  RAM,
  bareBench,
  words,
  type Answer,
  type BareBench,
  type BareGuest,
  type Emulator,
  type Outcome,
  type Run,
} from '../../support/bare-guest.js';
import { onEach, rule, setting, type TestedBaseline } from '../../support/ioreq-test.js';

const B = 0x0200_0000;
const WINDOW: readonly (readonly [number, number])[] = [[B, B + 0x1ff]];
/** x0 before, and what the emulator answers: negative as a byte, a half word and a word. */
const OLD = 0x1111_2222_3333_4444n;
const D = 0xdead_beef_cafe_f08dn;
/** Injected abort: EC 0x25, IL, ISS 0 (xen-ioreq.md 5.8). */
const ABORT = 0x9600_0000n;
const RD = true;
const WR = false;

interface Done {
  readonly bench: BareBench;
  readonly guest: BareGuest;
  readonly emulator: Emulator;
  readonly outcome: Outcome;
  /** Requests as [address - B, bytes, read, data]. */
  readonly requests: readonly (readonly [number, number, boolean, bigint])[];
}

function execute(
  baseline: TestedBaseline,
  run: Run,
  options: {
    answer?: Answer;
    ranges?: readonly (readonly [number, number])[];
    trapUnmapped?: boolean;
    prepare?: (guest: BareGuest, bench: BareBench) => void;
  } = {},
): Done {
  const bench = bareBench([setting(baseline)]);
  const guest = bench.guest('bare', { trapUnmapped: options.trapUnmapped ?? true });
  const emulator = bench.emulate(guest, options.ranges ?? WINDOW, () => options.answer ?? { data: D });
  expect(emulator.results).toEqual([0, 0, 0, 0, 0]);
  options.prepare?.(guest, bench);
  guest.load(0, { ...run, x: { 0: OLD, 1: B, ...run.x } });
  guest.start();
  bench.run(() => guest.outcome().done || bench.machine.outcome !== undefined);
  const outcome = guest.outcome();
  expect(outcome.done).toBe(true);
  const requests = emulator.requests.map((r) => [r.addr - B, r.size, r.read, r.data] as const);
  return { bench, guest, emulator, outcome, requests };
}

const LOADS: readonly (readonly [asm: string, word: number, bytes: number, current: bigint, old: bigint])[] = [
  ['ldrb w0,[x1]', 0x3940_0020, 1, 0x8dn, D],
  ['ldrh w0,[x1]', 0x7940_0020, 2, 0xf08dn, D],
  ['ldr w0,[x1]', 0xb940_0020, 4, 0xcafe_f08dn, D],
  ['ldr x0,[x1]', 0xf940_0020, 8, D, D],
  // ISS.SF is not looked at: W destinations are extended to 64 bits too (derived).
  ['ldrsb w0,[x1]', 0x39c0_0020, 1, 0xffff_ffff_ffff_ff8dn, 0xffff_ffff_ffff_ff8dn],
  ['ldrsb x0,[x1]', 0x3980_0020, 1, 0xffff_ffff_ffff_ff8dn, 0xffff_ffff_ffff_ff8dn],
  ['ldrsh w0,[x1]', 0x79c0_0020, 2, 0xffff_ffff_ffff_f08dn, 0xffff_ffff_ffff_f08dn],
  ['ldrsh x0,[x1]', 0x7980_0020, 2, 0xffff_ffff_ffff_f08dn, 0xffff_ffff_ffff_f08dn],
  ['ldrsw x0,[x1]', 0xb980_0020, 4, 0xffff_ffff_cafe_f08dn, 0xffff_ffff_cafe_f08dn],
  ['ldur w0,[x1]', 0xb840_0020, 4, 0xcafe_f08dn, D],
  ['ldtr w0,[x1]', 0xb840_0820, 4, 0xcafe_f08dn, D],
  ['ldarb w0,[x1]', 0x08df_fc20, 1, 0x8dn, D],
  ['ldarh w0,[x1]', 0x48df_fc20, 2, 0xf08dn, D],
  ['ldar w0,[x1]', 0x88df_fc20, 4, 0xcafe_f08dn, D],
  ['ldar x0,[x1]', 0xc8df_fc20, 8, D, D],
  ['ldr w0,[x1,x2]', 0xb862_6820, 4, 0xcafe_f08dn, D],
  ['ldr w0,[x1,w2,uxtw #2]', 0xb862_5820, 4, 0xcafe_f08dn, D],
];

const STORES: readonly (readonly [asm: string, word: number, bytes: number, current: bigint, old: bigint])[] = [
  ['strb w0,[x1]', 0x3900_0020, 1, 0x44n, OLD],
  ['strh w0,[x1]', 0x7900_0020, 2, 0x4444n, OLD],
  ['str w0,[x1]', 0xb900_0020, 4, 0x3333_4444n, OLD],
  ['str x0,[x1]', 0xf900_0020, 8, OLD, OLD],
  ['stur w0,[x1]', 0xb800_0020, 4, 0x3333_4444n, OLD],
  ['sttr w0,[x1]', 0xb800_0820, 4, 0x3333_4444n, OLD],
  ['stlrb w0,[x1]', 0x089f_fc20, 1, 0x44n, OLD],
  ['stlrh w0,[x1]', 0x489f_fc20, 2, 0x4444n, OLD],
  ['stlr w0,[x1]', 0x889f_fc20, 4, 0x3333_4444n, OLD],
  ['stlr x0,[x1]', 0xc89f_fc20, 8, OLD, OLD],
  ['str w0,[x1,x2]', 0xb822_6820, 4, 0x3333_4444n, OLD],
  ['str wzr,[x1]', 0xb900_003f, 4, 0n, 0n],
  ['str xzr,[x1]', 0xf900_003f, 8, 0n, 0n],
];

describe('syndrome valid', () => {
  /** All forms in one program: x0 is set to OLD before each, and stored after it. */
  const each = (baseline: TestedBaseline, list: readonly number[]): Done & { readonly results: readonly bigint[] } => {
    // mov x0, x11; the form; str x0,[x10],#8
    const code = list.flatMap((word) => [0xaa0b_03e0, word, 0xf800_8540]);
    const run = execute(baseline, { code, x: { 2: 0, 10: DATA, 11: OLD } });
    return { ...run, results: list.map((_, i) => run.guest.read64(DATA + 8 * i)) };
  };

  onEach('ioreq-isv1-load', 'every load: size, data in the request, masking, sign extension', (baseline) => {
    const { requests, results, outcome } = each(
      baseline,
      LOADS.map(([, word]) => word),
    );
    const data = baseline === 'current' ? 0n : OLD;
    expect([outcome.aborts, outcome.x(1)]).toEqual([0, BigInt(B)]);
    LOADS.forEach(([asm, , bytes, current, old], i) => {
      expect([asm, requests[i]]).toEqual([asm, [0, bytes, RD, data]]);
      expect([asm, results[i]]).toEqual([asm, baseline === 'current' ? current : old]);
    });
  });

  onEach(
    'ioreq-isv1-load-positive',
    'a sign that is clear extends nothing: the data above stays as the baseline has it',
    (baseline) => {
      const data = 0xdead_beef_cafe_000dn;
      const { outcome } = execute(baseline, { code: [0x3980_0020] }, { answer: { data } });
      expect(outcome.x(0)).toBe(baseline === 'current' ? 0x0dn : data);
    },
  );

  rule('ioreq-isv1-load-zr', 'a load to the zero register is forwarded and changes nothing', () => {
    for (const word of [0xb940_003f, 0xf940_003f]) {
      const { requests, outcome } = execute('current', { code: [word] });
      expect([requests.length, outcome.x(0)]).toEqual([1, OLD]);
    }
  });

  onEach(
    'ioreq-isv1-store',
    'every store: size and data of the request, no register changed; it waits for the answer',
    (baseline) => {
      const { requests, results, outcome } = each(
        baseline,
        STORES.map(([, word]) => word),
      );
      expect([outcome.aborts, outcome.x(1)]).toEqual([0, BigInt(B)]);
      STORES.forEach(([asm, , bytes, current, old], i) => {
        expect([asm, requests[i]]).toEqual([asm, [0, bytes, WR, baseline === 'current' ? current : old]]);
        expect([asm, results[i]]).toEqual([asm, OLD]);
      });
    },
  );

  rule(
    'ioreq-ar-bit',
    'the acquire/release bit of the syndrome does not disturb the decoding (golden-libxl.md 8)',
    () => {
      const plain = execute('current', { code: [0xb940_0020] });
      const acquire = execute('current', { code: [0x88df_fc20] });
      expect(acquire.requests).toEqual(plain.requests);
      expect(acquire.outcome.x(0)).toBe(plain.outcome.x(0));
    },
  );
});

const forwarded = (baseline: TestedBaseline): boolean => baseline !== 'v1';

describe('syndrome not valid', () => {
  onEach('ioreq-isv0-store', 'post-indexed stores are decoded since Mar 2022, with write-back', (baseline) => {
    const forms: readonly (readonly [asm: string, word: number, bytes: number, step: number, masked: bigint])[] = [
      ['str w0,[x1],#4', 0xb800_4420, 4, 4, 0x3333_4444n],
      ['strb w0,[x1],#1', 0x3800_1420, 1, 1, 0x44n],
      ['strh w0,[x1],#-2', 0x781f_e420, 2, -2, 0x4444n],
      ['str x0,[x1],#8', 0xf800_8420, 8, 8, OLD],
    ];
    for (const [asm, word, bytes, step, masked] of forms) {
      const { requests, outcome } = execute(baseline, { code: [word] });
      if (forwarded(baseline)) {
        expect([asm, requests]).toEqual([asm, [[0, bytes, WR, baseline === 'current' ? masked : OLD]]]);
        expect([asm, outcome.x(1), outcome.aborts]).toEqual([asm, BigInt(B + step), 0]);
      } else expect([asm, requests, outcome.esr, outcome.x(1)]).toEqual([asm, [], ABORT, BigInt(B)]);
    }
  });

  onEach(
    'ioreq-isv0-load',
    'a forwarded post-indexed load completes by the empty syndrome: one byte, into x0 (derived)',
    (baseline) => {
      // ldr w2,[x1],#4
      const { requests, outcome } = execute(baseline, { code: [0xb840_4422], x: { 2: 5 } });
      if (!forwarded(baseline)) {
        expect([requests, outcome.esr, outcome.x(0), outcome.x(1)]).toEqual([[], ABORT, OLD, BigInt(B)]);
        return;
      }
      expect(requests).toEqual([[0, 4, RD, baseline === 'current' ? 0n : 5n]]);
      expect([outcome.x(0), outcome.x(2), outcome.x(1)]).toEqual([
        baseline === 'current' ? 0x8dn : D,
        5n,
        BigInt(B + 4),
      ]);
    },
  );

  onEach('ioreq-isv0-sp', 'the base may be the stack pointer', (baseline) => {
    // mov x3, sp; mov sp, x1; str w0,[sp],#4; mov x1, sp; mov sp, x3
    const { requests, outcome } = execute(baseline, {
      code: [0x9100_03e3, 0x9100_003f, 0xb800_47e0, 0x9100_03e1, 0x9100_007f],
    });
    expect([requests.length, outcome.x(1)]).toEqual(forwarded(baseline) ? [1, BigInt(B + 4)] : [0, BigInt(B)]);
  });

  onEach(
    'ioreq-isv0-abort',
    'pairs, pre-indexed, exclusive, sign-extending and vector forms abort, and nothing is forwarded',
    (baseline) => {
      const forms: readonly (readonly [asm: string, code: readonly number[]])[] = [
        ['ldp w0,w2,[x1]', [0x2940_0820]],
        ['stp w0,w2,[x1]', [0x2900_0820]],
        ['ldp x0,x2,[x1]', [0xa940_0820]],
        ['ldnp w0,w2,[x1]', [0x2840_0820]],
        ['ldr w0,[x1,#4]!', [0xb840_4c20]],
        ['str w0,[x1,#4]!', [0xb800_4c20]],
        ['ldrsb w0,[x1],#1', [0x38c0_1420]],
        ['ldrsw x0,[x1],#4', [0xb880_4420]],
        ['ldxr w0,[x1]', [0x885f_7c20]],
        ['ldaxr w0,[x1]', [0x885f_fc20]],
        // FPEN in CPACR_EL1 first
        ['ldr q0,[x1]', [0xd2a0_0603, 0xd518_1043, 0xd503_3fdf, 0x3dc0_0020]],
        ['ldr s0,[x1],#4', [0xd2a0_0603, 0xd518_1043, 0xd503_3fdf, 0xbc40_4420]],
      ];
      for (const [asm, code] of forms) {
        const { requests, outcome, guest } = execute(baseline, { code });
        expect([asm, requests, outcome.aborts, outcome.esr]).toEqual([asm, [], 1, ABORT]);
        expect([asm, outcome.elr, outcome.x(0), outcome.x(1)]).toEqual([
          asm,
          guest.pc(code.length - 1),
          OLD,
          BigInt(B),
        ]);
        expect([asm, outcome.far - BigInt(B) <= 4n]).toEqual([asm, true]);
      }
    },
  );

  onEach(
    'ioreq-cache-op',
    'cache maintenance on an emulated line is ignored since Mar 2022, and aborts elsewhere',
    (baseline) => {
      for (const [asm, word] of [
        ['dc civac,x1', 0xd50b_7e21],
        ['dc cvac,x1', 0xd50b_7a21],
      ] as const) {
        const at = (x1: number): Outcome => {
          const { requests, outcome } = execute(baseline, { code: [word], x: { 1: x1 }, mmu: true });
          expect([asm, requests]).toEqual([asm, []]);
          return outcome;
        };
        expect([asm, at(B).aborts]).toEqual([asm, forwarded(baseline) ? 0 : 1]);
        // Xen's own distributor as well.
        expect([asm, at(0x0300_1000).aborts]).toEqual([asm, forwarded(baseline) ? 0 : 1]);
        // The whole line must be the server's: it ends at 0x1ff.
        const end = at(B + 0x1f0);
        expect([asm, end.aborts, end.esr]).toEqual([asm, 1, ABORT]);
        expect([asm, at(B + 0x1000).aborts]).toEqual([asm, 1]);
      }
    },
  );

  onEach('ioreq-zva', 'DC ZVA on an emulated address aborts', (baseline) => {
    const { requests, outcome } = execute(baseline, { code: [0xd50b_7421], mmu: true });
    expect([requests, outcome.aborts, outcome.esr]).toEqual([[], 1, ABORT]);
  });
});

describe('ranges', () => {
  const access = (word: number, x1: number, ranges = WINDOW, baseline: TestedBaseline = 'current'): Done =>
    execute(baseline, { code: [word], x: { 1: x1 }, mmu: true }, { ranges });
  const LDR_W = 0xb940_0020;
  const LDR_X = 0xf940_0020;

  onEach('ioreq-boundary', 'an access is the server’s only as a whole', (baseline) => {
    const claimed = (word: number, x1: number, ranges = WINDOW): boolean => {
      const { requests, outcome } = access(word, x1, ranges, baseline);
      expect(outcome.aborts).toBe(1 - requests.length);
      return requests.length === 1;
    };
    expect([claimed(LDR_W, B + 0x1fc), claimed(LDR_W, B + 0x1fe)]).toEqual([true, false]);
    expect([claimed(LDR_X, B + 0x1f8), claimed(LDR_X, B + 0x1fc)]).toEqual([true, false]);
    expect([claimed(LDR_W, B - 4), claimed(LDR_W, B + 0x200)]).toEqual([false, false]);
    // Two ranges of one server, side by side, are one.
    expect(
      claimed(LDR_W, B + 0x1fe, [
        [B, B + 0x1ff],
        [B + 0x200, B + 0x3ff],
      ]),
    ).toBe(true);
  });

  onEach('ioreq-boundary-servers', 'ranges of two servers, side by side, are not one', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const first = bench.emulate(guest, [[B, B + 0x1ff]], () => ({ data: 1n }));
    const second = bench.emulate(guest, [[B + 0x200, B + 0x3ff]], () => ({ data: 2n }));
    guest.load(0, { code: [LDR_W], x: { 1: B + 0x1fe }, mmu: true });
    guest.start();
    expect(bench.run(() => guest.outcome().done)).toBe(true);
    expect([first.requests.length, second.requests.length, guest.outcome().esr]).toEqual([0, 0, ABORT]);
  });

  rule('ioreq-page-crossing', 'an access over a page end is one request when the range holds both pages', () => {
    const { requests, outcome } = access(LDR_W, B + 0xffe, [[B, B + 0x1fff]]);
    expect([requests, outcome.x(0)]).toEqual([[[0xffe, 4, RD, 0n]], 0xcafe_f08dn]);
  });

  rule('ioreq-unaligned-device', 'an unaligned access to Device memory faults in stage 1 and never reaches Xen', () => {
    const { requests, outcome, bench } = execute('current', { code: [LDR_W], x: { 1: B + 1 } });
    // Arm ARM: EC 0x25, IL, ISV 0, DFSC 0x21 (alignment).
    expect([requests, outcome.aborts, outcome.esr, bench.reports('guest-abort')]).toEqual([[], 1, 0x9600_0021n, 0]);
  });

  onEach('ioreq-xen-handlers-first', 'a server cannot take Xen’s distributor or RAM', (baseline) => {
    const gicd = execute(baseline, { code: [LDR_W], x: { 1: 0x0300_1008 } }, { ranges: [[0x0300_1000, 0x0300_1fff]] });
    expect([gicd.requests, gicd.outcome.x(0)]).toEqual([[], 0x43bn]); // GICD_IIDR as Xen has it
    const ram = execute(
      baseline,
      { code: [LDR_W], x: { 1: DATA } },
      { ranges: [[DATA, DATA + 0xfff]], prepare: (g) => g.write(DATA, words([0x1234_5678])) },
    );
    expect([ram.requests, ram.outcome.x(0)]).toEqual([[], 0x1234_5678n]);
  });

  rule('ioreq-first-emulated-page', 'beyond RAM a server may claim any address, also above 4 GiB', () => {
    const far = 0x3_0000_0000;
    const { requests } = execute('current', { code: [LDR_W], x: { 1: far } }, { ranges: [[far, far + 0xfff]] });
    expect(requests).toEqual([[far - B, 4, RD, 0n]]);
  });
});

describe('unclaimed', () => {
  onEach(
    'ioreq-unclaimed',
    'an address that nobody has: abort with ISS 0, from EL1 through the SPx vector',
    (baseline) => {
      const { outcome, guest } = execute(baseline, { code: [0xb940_0020], x: { 1: B + 0x1000 } });
      expect([outcome.aborts, outcome.esr, outcome.far, outcome.elr]).toEqual([
        1,
        ABORT,
        BigInt(B + 0x1000),
        guest.pc(0),
      ]);
      // Whatever was masked at the access is what SPSR_EL1 shows.
      expect(outcome.spsr & 0x3dfn).toBe(baseline === 'current' ? 0x3c5n & 0x3dfn : 0x1c5n);
    },
  );

  onEach(
    'ioreq-unmapped-filler',
    'with trap_unmapped_accesses off, loads read ones and stores are dropped (since Jun 2025)',
    (baseline) => {
      // ldrh w0,[x1]; str w0,[x1]
      const { outcome, requests } = execute(
        baseline,
        { code: [0x7940_0020, 0xb900_0020], x: { 1: B + 0x1000 } },
        { trapUnmapped: false },
      );
      expect(requests).toEqual([]);
      if (baseline === 'current') expect([outcome.aborts, outcome.x(0)]).toEqual([0, 0xffffn]);
      else expect([outcome.aborts, outcome.x(0), outcome.esr]).toEqual([2, OLD, ABORT]);
    },
  );

  onEach('ioreq-abort-el0', 'from EL0 the class is 0x24 and the vector 0x400', (baseline) => {
    const user = 0xc004_0100; // an alias of RAM that EL0 may use
    const { outcome } = execute(
      baseline,
      // msr spsr_el1, x2 (EL0t); msr elr_el1, x3; eret
      { code: [0xd518_4002, 0xd518_4023, 0xd69f_03e0], x: { 1: B + 0x1000, 2: 0, 3: user }, mmu: true },
      {
        prepare: (g) => {
          g.setTable(0, 0x741n);
          g.setTable(3, 0x4000_0741n);
          g.write(DATA + 0x100, words([0xb940_0020])); // ldr w0,[x1]
          // Vector 0x400: mrs x4, esr_el1; mrs x5, far_el1; mrs x6, elr_el1; mrs x7, spsr_el1; back to the program's end.
          g.write(RAM + 0xc00, words([0xd538_5204, 0xd538_6005, 0xd538_4026, 0xd538_4007, 0xd65f_03c0]));
        },
      },
    );
    expect([outcome.x(4), outcome.x(5), outcome.x(6), outcome.x(7)]).toEqual([
      0x9200_0000n,
      BigInt(B + 0x1000),
      BigInt(user),
      0n,
    ]);
  });

  onEach('ioreq-fetch', 'an instruction fetch from an emulated address is an instruction abort', (baseline) => {
    const resume = 0x4002_0000 + 4; // past the BR
    const { outcome, requests } = execute(baseline, { code: [0xd61f_0020], resume });
    // EC 0x21, IL, ISS 0; FAR is the fetched address, ELR too.
    expect([requests, outcome.aborts, outcome.esr, outcome.far, outcome.elr]).toEqual([
      [],
      1,
      0x8600_0000n,
      BigInt(B),
      BigInt(B),
    ]);
  });

  onEach('ioreq-s1ptw', 'a translation table in an emulated region: abort, and no request', (baseline) => {
    const va = 0x8000_0000;
    const { outcome, requests } = execute(
      baseline,
      { code: [0xb940_0020], x: { 1: va }, mmu: true },
      { prepare: (g) => g.setTable(2, BigInt(B) | 3n) },
    );
    expect([requests, outcome.aborts, outcome.esr, outcome.far]).toEqual([[], 1, ABORT, BigInt(va)]);
  });
});
