/** Device interrupts as the guest sees them: edges, latching, list registers (xen-ioreq.md 6). The guest polls GICV with interrupts masked. */
import { expect } from 'vitest';
import { DATA, bareBench, type BareBench, type BareGuest, type Run } from '../../support/bare-guest.js';
import { onEach, setting, type TestedBaseline } from '../../support/ioreq-test.js';

const B = 0x0200_0000;
const GICD = 0x0300_1000;
const GICC = 0x0300_2000;
const UNMASK = 0xd503_42ff; // msr daifclr,#2
const NOP = 0xd503_201f;
const KICK = 0xb900_0020; // str w0,[x1]: the emulator acts before it answers
const READ_IAR = 0xb940_0ca4; // ldr w4,[x5,#0xc]
const EOI = 0xb900_10a4; // str w4,[x5,#0x10]
const KEEP = 0xb800_4544; // str w4,[x10],#4
const SPURIOUS = 1023;

interface Bed {
  readonly bench: BareBench;
  readonly guest: BareGuest;
  /** What the guest kept, as INTIDs. */
  kept(count: number): number[];
}

/** Runs instructions; each KICK calls the next of `actions` on the emulator's side. */
function play(
  baseline: TestedBaseline,
  run: Run,
  actions: readonly ((guest: BareGuest, bench: BareBench) => void)[],
  prepare: (guest: BareGuest) => void = () => {},
): Bed {
  const bench = bareBench([setting(baseline)]);
  const guest = bench.guest('bare', { maxVcpus: 2 });
  let next = 0;
  bench.emulate(guest, [[B, B + 0x1ff]], () => {
    actions[next++]?.(guest, bench);
    return {};
  });
  prepare(guest);
  guest.load(0, { ...run, x: { 1: B, 5: GICC, 6: GICD, 10: DATA, ...run.x } });
  guest.start();
  expect(bench.run(() => guest.outcome().done)).toBe(true);
  const word = (i: number): number => Number((guest.read64(DATA + 8 * (i >> 1)) >> (i & 1 ? 32n : 0n)) & 0x3ffn);
  return { bench, guest, kept: (count) => Array.from({ length: count }, (_, i) => word(i)) };
}

const raise =
  (...irqs: readonly number[]) =>
  (guest: BareGuest, bench: BareBench): void => {
    for (const irq of irqs) bench.xen.injectVirq(guest.d, null, irq, true);
  };

onEach('irq-pending-merge', 'edges of an interrupt that is pending merge into one', (baseline) => {
  const { guest } = play(baseline, { code: [KICK, UNMASK, NOP, NOP] }, [raise(40, 40, 40)]);
  expect([guest.outcome().interrupts, guest.outcome().iar]).toEqual([1, 40n]);
});

onEach(
  'irq-active-again',
  'however many edges while it is active: exactly one more delivery after the end',
  (baseline) => {
    const { kept } = play(
      baseline,
      { code: [KICK, READ_IAR, KEEP, KICK, EOI, KICK, READ_IAR, KEEP, EOI, KICK, READ_IAR, KEEP] },
      [raise(40), raise(40, 40, 40)],
    );
    expect(kept(3)).toEqual([40, 40, SPURIOUS]);
  },
);

onEach('irq-level-zero', 'level 0 takes nothing back', (baseline) => {
  const { guest } = play(baseline, { code: [KICK, UNMASK, NOP] }, [
    (g, bench) => {
      bench.xen.injectVirq(g.d, null, 40, true);
      bench.xen.injectVirq(g.d, null, 40, false);
    },
  ]);
  expect(guest.outcome().interrupts).toBe(1);
});

onEach('irq-disabled-latched', 'an edge while it is disabled is delivered when it is enabled', (baseline) => {
  // str w7,[x6,#0x184] (ICENABLER1, bit 8: 40); kick; look; str w7,[x6,#0x104]; look
  const { kept } = play(
    baseline,
    { code: [0xb901_84c7, KICK, READ_IAR, KEEP, 0xb901_04c7, READ_IAR, KEEP], x: { 7: 1 << 8 } },
    [raise(40, 40)],
  );
  expect(kept(2)).toEqual([SPURIOUS, 40]);
});

onEach('irq-offline-lost', 'an edge for a vCPU that is off is lost, not kept for its start', (baseline) => {
  // ITARGETSR of 40: vCPU 1 (strb w7,[x6,#0x828]); kick; back to vCPU 0; kick; look
  const { kept, guest } = play(
    baseline,
    { code: [0x3920_a0c7, KICK, 0x3920_a0c8, READ_IAR, KEEP], x: { 7: 2, 8: 1 } },
    [raise(40)],
  );
  expect([kept(1), guest.d.vcpus[1]!.arch.vgic.isInflight(40)]).toEqual([[SPURIOUS], false]);
});

onEach(
  'irq-overflow',
  'more pending interrupts than list registers: all come, by priority, refilled on the underflow interrupt',
  (baseline) => {
    const irqs = [33, 34, 35, 36, 37, 38, 39, 40];
    const look = [READ_IAR, KEEP, EOI];
    const { kept, guest, bench } = play(
      baseline,
      { code: [KICK, ...irqs.flatMap(() => look), READ_IAR, KEEP] },
      [raise(...irqs)],
      // The later the number, the more urgent.
      (g) => irqs.forEach((irq, i) => (g.d.vgic.rank.priority[irq - 32] = 0xa0 - 8 * i)),
    );
    expect(kept(9)).toEqual([40, 39, 38, 37, 36, 35, 34, 33, SPURIOUS]);
    expect([bench.xen.gic.lrCount, guest.d.vcpus[0]!.arch.vgic.inflight.length]).toEqual([4, 0]);
  },
);

onEach(
  'irq-overflow-evict',
  'a more urgent interrupt takes the list register of a less urgent one that is only pending',
  (baseline) => {
    const look = [READ_IAR, KEEP, EOI];
    const { kept } = play(
      baseline,
      { code: [KICK, KICK, ...Array.from({ length: 5 }, () => look).flat()] },
      [raise(33, 34, 35, 36), raise(50)],
      (g) => {
        for (const irq of [33, 34, 35, 36]) g.d.vgic.rank.priority[irq - 32] = 0xa0;
        g.d.vgic.rank.priority[50 - 32] = 0x20;
      },
    );
    const [first, ...rest] = kept(5);
    // Among equals the order is the interrupt controller's.
    expect([first, [...rest].sort((a, b) => a - b)]).toEqual([50, [33, 34, 35, 36]]);
  },
);

onEach(
  'irq-gicv-direct',
  'acknowledge and end cost no trap: GICC is the real GICV, mapped at its first use',
  (baseline) => {
    const traps = (pairs: number): number => {
      const { bench } = play(baseline, { code: Array.from({ length: pairs }, () => READ_IAR) }, []);
      return bench.xen.pcpus.slice(0, 3).reduce((sum, p) => sum + p.counts.traps, 0);
    };
    expect(traps(100)).toBe(traps(1));
    const { guest } = play(baseline, { code: [NOP] }, []);
    expect(guest.d.p2m.lookup(GICC / 4096)?.type).toBe(3); // mmio_direct_dev
  },
);

onEach('irq-end-seen-lazily', 'Xen sees the end of an interrupt at the next trap, not before', (baseline) => {
  const inflight: boolean[] = [];
  const note = (g: BareGuest): void => void inflight.push(g.d.vcpus[0]!.arch.vgic.isInflight(40));
  const { kept } = play(baseline, { code: [KICK, READ_IAR, KEEP, KICK, EOI, KICK] }, [raise(40), note, note]);
  expect([kept(1), inflight]).toEqual([[40], [true, false]]);
});
