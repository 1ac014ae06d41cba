/**
 * What happens to translated code when code, mappings or contexts change under it. Expected values are counted by hand:
 * each program says in x0 what has been executed. Every program must end in the same state in both engines.
 */
import { expect, test } from 'vitest';
import { createFlatMachine } from '../../sim/machine/flat.js';
import type { Machine } from '../../sim/machine/machine.js';
import { hvc, ISB, DSB, daifclr, mov, Program, SELF, WFI } from '../support/a64.js';

/** Where the flat board starts a flat binary, and what the tests put elsewhere. */
const BASE = 0x4008_0000;
const LEVEL1 = 0x4010_0000;
const LEVEL2 = 0x4010_1000;
const LEVEL3 = 0x4010_2000;
const LEVEL3_OTHER = 0x4010_3000;
const LEVEL2_OTHER = 0x4010_4000;
const LEVEL1_OTHER = 0x4010_5000;
const VECTORS = 0x4011_0000;
const FIRST = 0x4020_0000;
const SECOND = 0x4020_1000;
/** Virtual page that the tests map: level-1 entry 2. */
const VA = 0x8000_0000;

const RET = 0xd65f_03c0;
const TLBI_VMALLE1 = 0xd508_871f;
/** TLBI ASIDE1, x1. */
const TLBI_ASIDE1 = 0xd508_8741;
/** IC IALLU. */
const IC_IALLU = 0xd508_751f;
const ADD_X0_1 = 0x9100_0400;
const ADD_X0_2 = 0x9100_0800;
const BLR_X20 = 0xd63f_0280;
/** Valid, AF, inner shareable, attribute 0. */
const PAGE = 0x703n;
const BLOCK = 0x701n;
const TABLE = 3n;
/** Enough for its code to be translated. */
const MANY = 40_000;

/** MMU on as bench/host/programs.ts has it: 39 bits, 4K pages, identity for the GiB of RAM; stack and vectors. */
function begin(): Program {
  const p = new Program(BASE);
  p.mov(0, LEVEL1).msr('TTBR0_EL1', 0).mov(0, 0xff).msr('MAIR_EL1', 0);
  p.mov(0, 0x2_0080_3519).msr('TCR_EL1', 0).mov(0, VECTORS).msr('VBAR_EL1', 0);
  p.put(ISB).mov(0, 0x30d0_1805).msr('SCTLR_EL1', 0).put(ISB);
  return p.mov(0, 0).mov(9, FIRST).mov(20, VA);
}

/** Calls the label, or x20, `count` times; clobbers x19. */
let loops = 0;
function calls(p: Program, count: number, label?: string): void {
  const head = `loop${loops++}`;
  p.mov(19, count).label(head);
  if (label === undefined) p.put(BLR_X20);
  else p.bl(label);
  p.subs(19, 19, 1).bcond('ne', head);
}

interface Setup {
  readonly cores?: number;
  readonly cycles?: number;
  readonly prepare?: (machine: Machine) => void;
}

/** Runs the program in both engines, which must agree; returns the translated one. */
function run(p: Program, { cores = 1, cycles = 3_000_000, prepare }: Setup = {}): Machine {
  const words = p.words();
  const kernel = new Uint8Array(Uint32Array.from(words).buffer);
  const [a, b] = (['interpreter', 'translator'] as const).map((engine) => {
    const { machine } = createFlatMachine({ kernel, ramBytes: 16 << 20, smp: cores, engine });
    const { memory } = machine;
    for (const root of [LEVEL1, LEVEL1_OTHER]) memory.write64(root + 8, 0x4000_0000n | BLOCK);
    memory.write64(LEVEL1 + 16, BigInt(LEVEL2) | TABLE);
    memory.write64(LEVEL2, BigInt(LEVEL3) | TABLE);
    memory.write64(LEVEL3, BigInt(FIRST) | PAGE);
    memory.write64(LEVEL1_OTHER + 16, BigInt(LEVEL2_OTHER) | TABLE);
    memory.write64(LEVEL2_OTHER, BigInt(LEVEL3_OTHER) | TABLE);
    memory.write64(LEVEL3_OTHER, BigInt(SECOND) | PAGE);
    for (const [page, add] of [
      [FIRST, ADD_X0_1],
      [SECOND, ADD_X0_2],
    ] as const) {
      memory.write32(page, add);
      memory.write32(page + 4, RET);
    }
    for (let vector = 0; vector < 16; vector++) memory.write32(VECTORS + vector * 0x80, SELF);
    prepare?.(machine);
    for (let left = cycles; left > 0; left -= 250_000) machine.run(250_000);
    return machine;
  }) as [Machine, Machine];
  expect(b.hash()).toBe(a.hash());
  expect(b.instructions).toBe(a.instructions);
  return b;
}

const x0 = (machine: Machine): bigint => machine.cores[0]!.x(0);
const stoppedAt = (machine: Machine): number => Number(machine.cores[0]!.pc);

test('code that the core itself replaces', () => {
  const p = begin();
  calls(p, MANY, 'function');
  p.adr(1, 'function').mov(2, ADD_X0_2).strw(2, 1).put(DSB, IC_IALLU, DSB, ISB);
  calls(p, MANY, 'function');
  p.label('end').b('end').org(0x1000).label('function').put(ADD_X0_1, RET);
  const machine = run(p);
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt(3 * MANY), p.at('end')]);
  expect(machine.translator!.counts.dropped).toBeGreaterThan(0);
  expect(machine.translator!.counts.executed).toBeGreaterThan(2 * MANY);
});

test('an instruction that the loop itself stores into, beside others', () => {
  // the stored word changes between two encodings: add #1 when the counter is even, add #2 when it is odd
  const p = begin();
  p.adr(1, 'patched')
    .mov(2, ADD_X0_1)
    .mov(3, ADD_X0_2 - ADD_X0_1)
    .mov(4, 1)
    .mov(19, MANY)
    .label('loop');
  p.and(5, 19, 4).put(0x9b03_08a6).strw(6, 1); // madd x6, x5, x3, x2
  p.put(IC_IALLU, ISB).label('patched').put(ADD_X0_1).subs(19, 19, 1).bcond('ne', 'loop');
  p.label('end').b('end');
  const machine = run(p, { cycles: 6_000_000 });
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt(MANY / 2 + MANY), p.at('end')]);
});

test('code that another core replaces', () => {
  const p = begin();
  // CPU_ON of core 1 at `other`: PSCI by HVC, as the flat board's firmware has it
  p.mov(0, 0xc400_0003).mov(1, 1).adr(2, 'other').mov(3, 0).put(hvc(0)).mov(0, 0).mov(1, 0);
  p.label('loop').add(5, 5, 1).bl('function').cbz(1, 'loop').label('end').b('end');
  p.label('other').adr(1, 'function').put(mov(2, 0xd280_00e1)).mov(3, 300_000); // mov x1, #7
  p.label('wait').subs(3, 3, 1).bcond('ne', 'wait').strw(2, 1).label('done').put(WFI).b('done');
  p.org(0x1000).label('function').put(0xd280_0001, RET); // mov x1, #0
  const machine = run(p, { cores: 2, cycles: 12_000_000 });
  expect([machine.cores[0]!.x(1), stoppedAt(machine)]).toEqual([7n, p.at('end')]);
  expect(machine.cores[0]!.x(5)).toBeGreaterThan(10_000n);
  expect(machine.translator!.counts.dropped).toBeGreaterThan(0);
});

test('code that the host replaces', () => {
  const p = begin();
  p.label('loop').bl('function').b('loop').org(0x1000).label('function').put(ADD_X0_1, RET);
  const words = p.words();
  const { machine } = createFlatMachine({
    kernel: new Uint8Array(Uint32Array.from(words).buffer),
    ramBytes: 16 << 20,
    engine: 'translator',
  });
  machine.memory.write64(LEVEL1 + 8, 0x4000_0000n | BLOCK);
  machine.run(1_000_000);
  expect(machine.translator!.counts.regions).toBeGreaterThan(0);
  machine.memory.write32(p.at('function'), 0xd280_0000); // mov x0, #0
  machine.run(100_000);
  expect(x0(machine)).toBe(0n);
});

test('a page that is mapped elsewhere under translated code', () => {
  const p = begin();
  calls(p, MANY);
  p.mov(1, LEVEL3)
    .mov(2, BigInt(SECOND) | PAGE)
    .str(2, 1)
    .put(DSB, TLBI_VMALLE1, DSB, ISB);
  calls(p, MANY);
  p.label('end').b('end');
  const machine = run(p);
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt(3 * MANY), p.at('end')]);
});

/** A call with a fixed target in another page, which is where a region meets another mapping. */
function direct(p: Program, count: number): void {
  const head = `loop${loops++}`;
  p.mov(19, count)
    .mov(21, VA + 0x10)
    .label(head)
    .put(0xd63f_02a0); // blr x21
  p.subs(19, 19, 1).bcond('ne', head);
}

test('a region over two pages of which one is mapped elsewhere', () => {
  // VA+0x10: a loop of 8 calls to VA+0x1000, where the page changes
  const inner = new Program(VA + 0x10);
  inner.put(0xaa1e_03f6).mov(7, 8).label('loop'); // mov x22, x30
  inner
    .put(0x9400_0000 | ((0x1000 - (inner.here - VA)) / 4))
    .subs(7, 7, 1)
    .bcond('ne', 'loop');
  inner.put(0xd65f_02c0); // ret x22
  const prepare = ({ memory }: Machine): void => {
    inner.words().forEach((word, i) => memory.write32(FIRST + 0x10 + 4 * i, word));
    memory.write64(LEVEL3 + 8, BigInt(SECOND) | PAGE);
    memory.write32(SECOND + 0x1000, ADD_X0_1);
    memory.write32(SECOND + 0x1004, RET);
  };
  const p = begin();
  direct(p, MANY);
  p.mov(1, LEVEL3 + 8)
    .mov(2, BigInt(SECOND + 0x1000) | PAGE)
    .str(2, 1)
    .put(DSB, TLBI_VMALLE1, DSB, ISB);
  direct(p, MANY);
  p.label('end').b('end');
  const machine = run(p, { prepare, cycles: 6_000_000 });
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt(8 * MANY * 3), p.at('end')]);
  expect(machine.translator!.counts.executed).toBeGreaterThan(8 * MANY);
});

test('an ASID that is used for another address space', () => {
  const p = begin();
  const space = (root: number, asid: number): void => {
    p.mov(1, BigInt(root) | (BigInt(asid) << 48n))
      .msr('TTBR0_EL1', 1)
      .put(ISB);
    calls(p, MANY);
  };
  space(LEVEL1, 1);
  space(LEVEL1_OTHER, 2);
  space(LEVEL1, 1);
  // ASID 1 now means the other tables
  p.mov(1, 1n << 48n).put(DSB, TLBI_ASIDE1, DSB, ISB);
  space(LEVEL1_OTHER, 1);
  p.label('end').b('end');
  // global pages would be shared by the ASIDs
  const prepare = ({ memory }: Machine): void => {
    memory.write64(LEVEL3, BigInt(FIRST) | PAGE | 0x800n);
    memory.write64(LEVEL3_OTHER, BigInt(SECOND) | PAGE | 0x800n);
  };
  const machine = run(p, { prepare, cycles: 4_000_000 });
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt((1 + 2 + 1 + 2) * MANY), p.at('end')]);
});

test('a breakpoint in translated code', () => {
  const p = begin();
  calls(p, MANY, 'function');
  // unlock, breakpoint 0 at the function: all lanes, EL1, on; debug exceptions from EL1 (DDI 0487 D2.8)
  p.mov(1, 0).msr('OSLAR_EL1', 1).adr(1, 'function').msr('DBGBVR0_EL1', 1).mov(1, 0x1e7).msr('DBGBCR0_EL1', 1);
  p.mov(1, 0xa000).msr('MDSCR_EL1', 1).put(daifclr(8), ISB);
  calls(p, MANY, 'function');
  p.label('end').b('end').org(0x1000).label('function').put(ADD_X0_1, RET);
  const machine = run(p);
  const core = machine.cores[0]!;
  expect([x0(machine), stoppedAt(machine)]).toEqual([BigInt(MANY), VECTORS + 0x200]);
  // a breakpoint exception from the same level: EC 0x31, IL, DFSC 0x22
  expect([Number(core.sysreg('ELR_EL1')), core.sysreg('ESR_EL1')]).toEqual([p.at('function'), 0xc600_0022n]);
});

test('a fault in the middle of a region', () => {
  // adds up an array of ones until the page after it, which is not mapped
  const p = begin();
  p.mov(1, VA + 0x1000)
    .label('loop')
    .add(5, 5, 1)
    .label('load')
    .ldr(2, 1)
    .addr(0, 0, 2)
    .add(1, 1, 8)
    .b('loop');
  const pages = 64;
  const prepare = ({ memory }: Machine): void => {
    for (let page = 1; page <= pages; page++) {
      memory.write64(LEVEL3 + 8 * page, BigInt(0x4040_0000 + page * 0x1000) | PAGE);
      for (let at = 0; at < 0x1000; at += 8) memory.write64(0x4040_0000 + page * 0x1000 + at, 1n);
    }
  };
  const machine = run(p, { prepare });
  const core = machine.cores[0]!;
  const loads = pages * 512;
  expect([x0(machine), core.x(5), core.x(1)]).toEqual([
    BigInt(loads),
    BigInt(loads + 1),
    BigInt(VA + 0x1000 + 8 * loads),
  ]);
  expect([core.sysreg('ELR_EL1'), core.sysreg('FAR_EL1')]).toEqual([BigInt(p.at('load')), core.x(1)]);
  // data abort from the same level, translation fault of level 3
  expect(core.sysreg('ESR_EL1')).toBe(0x9600_0007n);
  expect(machine.translator!.counts.executed).toBeGreaterThan(loads);
});

test('code that runs once is not translated', () => {
  const p = begin();
  for (let i = 0; i < 100_000; i++) p.put(ADD_X0_1);
  p.label('end').b('end');
  const machine = run(p, { cycles: 500_000 });
  expect(x0(machine)).toBe(100_000n);
  expect(machine.translator!.counts).toMatchObject({ failed: 0, executed: expect.any(Number) as number });
  expect(machine.translator!.counts.instructions).toBeLessThan(10);
});
