/** Several servers, backends, vCPUs and guests at once; INVALIDATE; first touches; the distributor's differences (xen-ioreq.md 3.6, 4, 5.2, 6.3). */
import { describe, expect } from 'vitest';
import { DATA, RAM, bareBench, u64s, words, type BareBench, type BareGuest } from '../../support/bare-guest.js';
import { onEach, rule, setting } from '../../support/ioreq-test.js';
import { setVcpuContext } from '../../../xen/common/domctl.js';
import { P2M_RAM_RW } from '../../../xen/arch/arm/p2m.js';

const B = 0x0200_0000;
const WINDOW = [[B, B + 0x1ff]] as const;
const LDR = 0xb940_0020; // ldr w0,[x1]
const NOP = 0xd503_201f;
const HVC = 0xd401_d422; // hvc #0xea1
const ABORT = 0x9600_0000n;

const finish = (bench: BareBench, guest: BareGuest, vcpu = 0): boolean => bench.run(() => guest.outcome(vcpu).done);

describe('selection', () => {
  onEach('ioreq-select-highest', 'several servers claim an address: the highest id has it', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const servers = [1, 2, 3].map((n) => bench.emulate(guest, WINDOW, () => ({ data: BigInt(n) })));
    expect(servers.map((s) => s.id)).toEqual([0, 1, 2]);
    guest.load(0, { code: [LDR], x: { 1: B } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().x(0), servers.map((s) => s.requests.length)]).toEqual([3n, [0, 0, 1]]);
  });

  onEach('ioreq-select-reused', 'a new server with a freed low id loses against an older one (derived)', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const back = bench.backend().modelled.domain;
    const [, second] = [1, 2].map((n) => bench.emulate(guest, WINDOW, () => ({ data: BigInt(n) })));
    expect(bench.xen.ioreq.destroy(back, guest.d, 0)).toBe(0);
    const third = bench.emulate(guest, WINDOW, () => ({ data: 3n }));
    expect(third.id).toBe(0);
    guest.load(0, { code: [LDR], x: { 1: B } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().x(0), second!.requests.length, third.requests.length]).toEqual([2n, 1, 0]);
  });

  onEach('ioreq-select-disabled', 'a disabled server is skipped, and the next lower one has the access', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const back = bench.backend().modelled.domain;
    const [first, second] = [1, 2].map((n) => bench.emulate(guest, WINDOW, () => ({ data: BigInt(n) })));
    bench.xen.ioreq.setState(back, guest.d, 1, false);
    guest.load(0, { code: [LDR], x: { 1: B } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().x(0), first!.requests.length, second!.requests.length]).toEqual([1n, 1, 0]);
  });

  onEach(
    'ioreq-crash-restart',
    'a second server of a restarted backend takes the range over from the dead one (derived)',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      bench.emulate(guest, WINDOW, () => 'hold'); // never answers, never goes
      const fresh = bench.emulate(guest, WINDOW, () => ({ data: 4n }));
      guest.load(0, { code: [LDR], x: { 1: B } });
      guest.start();
      expect(finish(bench, guest)).toBe(true);
      expect([fresh.id, guest.outcome().x(0)]).toEqual([1, 4n]);
    },
  );
});

describe('at once', () => {
  onEach(
    'ioreq-two-vcpus',
    'two vCPUs have requests in flight, each in the slot of its vcpu_id, answered in any order',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest('bare', { maxVcpus: 3 });
      const emulator = bench.emulate(guest, WINDOW, () => 'hold');
      expect(emulator.ports.length).toBe(3); // vCPU 1 stays offline and has a channel all the same
      guest.load(0, { code: [LDR], x: { 1: B } });
      guest.load(2, { code: [LDR], x: { 1: B + 4 } });
      guest.start();
      expect(bench.run(() => emulator.requests.length === 2)).toBe(true);
      const page = guest.d.ioreq.servers[0]!.ioreqPage!;
      expect([0, 1, 2].map((v) => bench.xen.memory.read8(page + 32 * v + 30))).toEqual([0x21, 0, 0x21]);
      emulator.release(2, { data: 22n });
      expect(finish(bench, guest, 2)).toBe(true);
      expect(guest.outcome(0).done).toBe(false);
      emulator.release(0, { data: 11n });
      expect(finish(bench, guest, 0)).toBe(true);
      expect([guest.outcome(0).x(0), guest.outcome(2).x(0)]).toEqual([11n, 22n]);
    },
  );

  onEach('ioreq-two-backends', 'backends of two domains serve one guest', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const first = bench.emulate(guest, WINDOW, () => ({ data: 1n }), bench.backend('DomA'));
    const second = bench.emulate(guest, [[B + 0x200, B + 0x3ff]], () => ({ data: 2n }), bench.backend('DomB'));
    guest.load(0, { code: [LDR, 0xb942_0022], x: { 1: B } }); // ldr w2,[x1,#0x200]
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().x(0), guest.outcome().x(2), first.requests.length, second.requests.length]).toEqual([
      1n,
      2n,
      1,
      1,
    ]);
    expect(guest.d.ioreq.servers.slice(0, 2).map((s) => s?.emulator)).toEqual([
      bench.backend('DomA').modelled.domain.id,
      bench.backend('DomB').modelled.domain.id,
    ]);
  });

  onEach('ioreq-two-guests', 'one backend domain serves two guests at once', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guests = ['one', 'two'].map((name) => bench.guest(name));
    const emulators = guests.map((g, i) => bench.emulate(g, WINDOW, () => ({ data: BigInt(10 + i) })));
    for (const g of guests) g.load(0, { code: [LDR], x: { 1: B } });
    for (const g of guests) g.start();
    for (const g of guests) expect(finish(bench, g)).toBe(true);
    expect([guests.map((g) => g.outcome().x(0)), emulators.map((e) => e.id)]).toEqual([
      [10n, 11n],
      [0, 0],
    ]);
  });

  onEach(
    'ioreq-dead-backend-elsewhere',
    'a backend that never answers holds up its own guest’s vCPU and nobody else',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const [stuck, well] = ['stuck', 'well'].map((name) => bench.guest(name, { maxVcpus: 2 }));
      bench.emulate(stuck!, WINDOW, () => 'hold');
      bench.emulate(well!, WINDOW, () => ({ data: 5n }));
      stuck!.load(0, { code: [LDR], x: { 1: B } });
      stuck!.load(1, { code: [NOP] });
      well!.load(0, { code: [LDR], x: { 1: B } });
      stuck!.start();
      well!.start();
      expect([finish(bench, well!), finish(bench, stuck!, 1), stuck!.outcome(0).done]).toEqual([true, true, false]);
    },
  );
});

describe('invalidate', () => {
  // memory_op(7, add_to_physmap) and memory_op(1, decrease_reservation) with the structure at DATA.
  const call = (cmd: number): { code: number[]; x: Record<number, number> } => ({
    code: [HVC, NOP],
    x: { 16: 12, 0: cmd, 1: DATA },
  });
  const sharedInfo = (gfn: number): Uint8Array => u64s([0x7ff0n, 0n, BigInt(gfn)]); // domid SELF, space 0, idx 0, gpfn
  const RAM_GFN = RAM / 4096 + 0x60;

  onEach(
    'ioreq-invalidate-shared-info',
    'placing shared_info over RAM: one INVALIDATE where a RAM leaf counts, none in v1',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const emulator = bench.emulate(guest, WINDOW, () => ({}));
      guest.write(DATA, sharedInfo(RAM_GFN));
      guest.load(0, call(7));
      guest.start();
      expect(finish(bench, guest)).toBe(true);
      expect(guest.outcome().x(0)).toBe(0n);
      // type 8, write, addr 0, data ~0, count 0, size 4: as golden-libxl.md 5 saw it
      expect(emulator.requests.map((r) => [r.type, r.read, r.addr, r.data, r.size])).toEqual(
        baseline === 'v1' ? [] : [[8, false, 0, 0xffff_ffff_ffff_ffffn, 4]],
      );
    },
  );

  onEach(
    'ioreq-invalidate-balloon',
    'decrease_reservation: one INVALIDATE per hypercall; v1 sends it even for what is no RAM',
    (baseline) => {
      const count = (gfn: number): number => {
        const bench = bareBench([setting(baseline)]);
        const guest = bench.guest();
        const emulator = bench.emulate(guest, WINDOW, () => ({}));
        // extent_start, nr_extents, order | mem_flags, domid SELF; the list of one gfn behind it
        guest.write(DATA, u64s([BigInt(DATA + 0x40), 1n, 0n, 0x7ff0n]));
        guest.write(DATA + 0x40, u64s([BigInt(gfn)]));
        guest.load(0, call(1));
        guest.start();
        expect(finish(bench, guest)).toBe(true);
        return emulator.requests.filter((r) => r.type === 8).length;
      };
      expect(count(RAM_GFN)).toBe(1);
      expect(count(0x70000)).toBe(baseline === 'v1' ? 1 : 0);
    },
  );

  onEach('ioreq-invalidate-no-ram', 'a grant frame on an empty gfn sends none', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const emulator = bench.emulate(guest, WINDOW, () => ({}));
    guest.write(DATA, u64s([0x7ff0n | (1n << 32n), 0n, 0x38000n])); // space 1
    guest.load(0, call(7));
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().x(0), emulator.requests]).toEqual([0n, []]);
  });

  onEach(
    'ioreq-invalidate-unanswered',
    'an emulator that does not answer it hangs the guest in the exit of the hypercall',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const emulator = bench.emulate(guest, WINDOW, () => 'hold');
      // decrease_reservation of a page of RAM
      guest.write(DATA, u64s([BigInt(DATA + 0x40), 1n, 0n, 0x7ff0n]));
      guest.write(DATA + 0x40, u64s([BigInt(RAM_GFN)]));
      guest.load(0, call(1));
      guest.start();
      expect(bench.run(() => guest.outcome().done, 10_000_000)).toBe(false);
      emulator.release(0);
      expect(finish(bench, guest)).toBe(true);
    },
  );

  onEach(
    'ioreq-invalidate-all-servers',
    'it goes to all enabled servers at once; before Feb 2021 the vCPU waited for one at a time',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const [low, high] = [1, 2].map(() => bench.emulate(guest, WINDOW, () => 'hold'));
      guest.write(DATA, u64s([BigInt(DATA + 0x40), 1n, 0n, 0x7ff0n]));
      guest.write(DATA + 0x40, u64s([BigInt(RAM_GFN)]));
      guest.load(0, call(1));
      guest.start();
      expect(bench.run(() => low!.requests.length + high!.requests.length === 2)).toBe(true);
      high!.release(0);
      expect(bench.run(() => guest.outcome().done, 10_000_000)).toBe(baseline === 'v1');
      if (baseline === 'v1') return;
      low!.release(0);
      expect(finish(bench, guest)).toBe(true);
    },
  );

  onEach(
    'ioreq-invalidate-remote',
    'a change by another domain flags every vCPU once the guest has been created; none in v1',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest('bare', { maxVcpus: 2 });
      bench.emulate(guest, WINDOW, () => ({}));
      guest.d.p2m.unmap(RAM_GFN, 1);
      expect(guest.d.vcpus.map((v) => v.mapcacheInvalidate)).toEqual([false, false]);
      guest.start();
      guest.d.p2m.unmap(RAM_GFN + 1, 1);
      const flagged = baseline !== 'v1';
      expect(guest.d.vcpus.map((v) => v.mapcacheInvalidate)).toEqual([flagged, flagged]);
    },
  );
});

describe('set-up in the wrong order', () => {
  onEach(
    'ioreq-without-page',
    'a server that is enabled before its page exists: named, and the access aborts',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const back = bench.backend().modelled.domain;
      const { ioreq } = bench.xen;
      expect(ioreq.create(back, guest.d, 0)).toBe(0);
      expect(ioreq.setState(back, guest.d, 0, true)).toBe(0);
      expect(ioreq.mapRange(back, guest.d, 0, 1, BigInt(B), BigInt(B + 0x1ff))).toBe(0);
      guest.load(0, { code: [LDR, LDR], x: { 1: B } });
      guest.start();
      expect(finish(bench, guest)).toBe(true);
      expect([
        guest.outcome().aborts,
        guest.outcome().esr & 0xff00_0000n,
        bench.reports('ioreq-server-without-page'),
      ]).toEqual([2, ABORT & 0xff00_0000n, 2]);
    },
  );

  onEach(
    'ioreq-late-page',
    'a page that came after the enable has no ports: refused until disable and enable (derived)',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const back = bench.backend().modelled.domain;
      const { ioreq } = bench.xen;
      ioreq.create(back, guest.d, 0);
      ioreq.setState(back, guest.d, 0, true);
      ioreq.mapRange(back, guest.d, 0, 1, BigInt(B), BigInt(B + 0x1ff));
      expect(ioreq.getFrame(back, guest.d, 0, 1)).toBeGreaterThan(0);
      guest.load(0, { code: [LDR, LDR], x: { 1: B } });
      guest.start();
      expect(finish(bench, guest)).toBe(true);
      expect([guest.outcome().aborts, bench.reports('ioreq-bad-port')]).toEqual([2, 2]);
    },
  );
});

describe('first touch', () => {
  onEach(
    'ioreq-lazy-fault',
    'the first access in a fresh 1 GiB slot faults twice when the P2M is asked first, once in v1 (derived)',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      bench.emulate(guest, WINDOW, () => ({ data: 1n }));
      // Something else is mapped in that slot, so its table exists; its valid bit is cleared when the creation ends.
      guest.d.p2m.map(0x39000, bench.xen.heap.allocPages(0, guest.d.id)!, 1, P2M_RAM_RW);
      // No GIC set-up first: ldr w0,[x1]; str x0,[x2]; movz w0,#0x8400,lsl #16; movk w0,#8; hvc #0
      guest.write(DATA, words([0xd2a0_4001, LDR, 0xd2a8_0082, 0xf904_0040, 0x52b0_8000, 0x7280_0100, 0xd400_0002]));
      setVcpuContext(
        bench.xen,
        guest.d.vcpus[0]!,
        { pc: BigInt(DATA), x0: 0n, pstate: 0x3c5n, sctlr: 0x00c5_0078n, ttbr0: 0n, ttbr1: 0n, tcr: 0n },
        true,
      );
      guest.start();
      expect(bench.run(() => guest.d.isShutDown)).toBe(true);
      expect([guest.read64(DATA + 0x800), bench.xen.windowAborts.resolved]).toEqual([1n, baseline === 'v1' ? 0 : 1]);
    },
  );
});

describe('distributor', () => {
  // str w0,[x1] with x1 = GICD + register
  const write = (
    baseline: 'v1' | '4.17' | 'current',
    register: number,
    value: number,
  ): readonly [aborts: number, esr: bigint] => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    guest.load(0, { code: [0xb900_0020], x: { 0: value, 1: 0x0300_1000 + register } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    return [guest.outcome().aborts, guest.outcome().esr];
  };

  onEach('ioreq-icpendr', 'a write to ICPENDR: abort before Oct 2021, ignored since', (baseline) => {
    expect(write(baseline, 0x284, 2)).toEqual(baseline === 'v1' ? [1, ABORT] : [0, 0n]);
  });

  onEach('ioreq-ispendr', 'a write to ISPENDR: abort in v1, an injection since', (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    guest.load(0, { code: [0xd503_42ff, 0xb900_0020, NOP, NOP], x: { 0: 2, 1: 0x0300_1204 } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    const o = guest.outcome();
    expect([o.aborts, o.interrupts, o.iar]).toEqual(baseline === 'v1' ? [1, 0, 0n] : [0, 1, 33n]);
  });
});

describe('off', () => {
  onEach('ioreq-option-off', 'without CONFIG_IOREQ_SERVER an access to an unclaimed address aborts', (baseline) => {
    const bench = bareBench(['xen.ioreqServer=off', setting(baseline)]);
    const guest = bench.guest();
    guest.load(0, { code: [LDR], x: { 1: B } });
    guest.start();
    expect(finish(bench, guest)).toBe(true);
    expect([guest.outcome().aborts, guest.outcome().esr]).toEqual([1, ABORT]);
  });

  rule('ioreq-option-cost', 'a guest without servers takes the same time with the option on and off', () => {
    const ticks = (settings: readonly string[]): bigint => {
      const bench = bareBench(settings);
      const guest = bench.guest();
      guest.load(0, { code: [LDR, NOP, HVC], x: { 1: B, 16: 99 } });
      guest.start();
      expect(bench.run(() => guest.d.isShutDown)).toBe(true);
      return BigInt(bench.machine.cores[0]!.cycles);
    };
    expect(ticks(['xen.ioreqServer=off'])).toBe(ticks([]));
  });
});
