/** A vCPU that waits for its emulator: what wakes it, what does not, and what becomes of domain and server meanwhile (xen-ioreq.md 1.4, 1.5, 5.5 to 5.7). */
import { describe, expect } from 'vitest';
import { bareBench, type BareBench, type BareGuest, type Emulator, type OnRequest } from '../../support/bare-guest.js';
import { onEach, setting, type TestedBaseline } from '../../support/ioreq-test.js';
import { pauseByController, unpauseByController } from '../../../xen/common/domctl.js';
import { domainResume } from '../../../xen/common/lifecycle.js';

const B = 0x0200_0000;
const LDR = 0xb940_0020; // ldr w0,[x1]
const NOP = 0xd503_201f;
const IRQS_ON = 0xd503_42ff; // msr daifclr,#2
const BLOCKED_IN_XEN = 4;
const ABORT = 0x9600_0000n;
const ONES = 0xffff_ffffn;
const DEAD = 2;
/** ELR_EL2 in a saved context: after 31 X registers, FPCR/FPSR and 32 vectors. */
const SAVED_PC = 31 * 8 + 8 + 32 * 16;

interface Waiting {
  readonly bench: BareBench;
  readonly guest: BareGuest;
  readonly emulator: Emulator;
  /** Whether the guest's program has come to its end. */
  done(): boolean;
  /** True if it is not over within 10 ms. */
  stuck(): boolean;
}

/** A guest whose first access the emulator holds back, and who waits. */
function waiting(
  baseline: TestedBaseline = 'current',
  options: { code?: readonly number[]; vcpus?: number; onRequest?: OnRequest } = {},
): Waiting {
  const bench = bareBench([setting(baseline)]);
  const guest = bench.guest('bare', { maxVcpus: options.vcpus ?? 1 });
  const emulator = bench.emulate(guest, [[B, B + 0x1ff]], options.onRequest ?? (() => 'hold'));
  guest.load(0, { code: options.code ?? [LDR, NOP], x: { 0: 7, 1: B } });
  guest.start();
  expect(bench.run(() => emulator.requests.length === 1)).toBe(true);
  const done = (): boolean => guest.outcome().done;
  return { bench, guest, emulator, done, stuck: () => !bench.run(done, 10_000_000) };
}

describe('what wakes it', () => {
  onEach('ioreq-pc-stays', 'the PC stays at the access until the completion', (baseline) => {
    const w = waiting(baseline);
    expect(w.stuck()).toBe(true);
    const { regs } = w.guest.d.vcpus[0]!.arch;
    expect(new DataView(regs!.buffer, regs!.byteOffset).getBigUint64(SAVED_PC, true)).toBe(w.guest.pc(0));
    w.emulator.release(0, { data: 5n });
    expect(w.bench.run(w.done)).toBe(true);
    expect(w.guest.outcome().x(0)).toBe(5n);
  });

  onEach(
    'ioreq-irq-waits',
    'a virtual interrupt waits too, and is taken at the instruction after the access (derived)',
    (baseline) => {
      const w = waiting(baseline, { code: [IRQS_ON, LDR, NOP, NOP] });
      const [v] = w.guest.d.vcpus;
      w.bench.xen.injectVirq(w.guest.d, null, 40, true);
      expect([w.stuck(), v!.pauseFlags & BLOCKED_IN_XEN, w.guest.outcome().interrupts]).toEqual([
        true,
        BLOCKED_IN_XEN,
        0,
      ]);
      w.emulator.release(0);
      expect(w.bench.run(w.done)).toBe(true);
      expect([w.guest.outcome().interrupts, w.guest.outcome().iar, w.guest.outcome().irqElr]).toEqual([
        1,
        40n,
        w.guest.pc(2),
      ]);
    },
  );

  onEach('ioreq-timer-waits', 'its timer goes off without waking it', (baseline) => {
    // mov x4,#83; msr cntv_tval_el0,x4; mov x4,#1; msr cntv_ctl_el0,x4; daifclr; ldr; nop
    const w = waiting(baseline, {
      code: [0xd280_0a64, 0xd51b_e304, 0xd280_0024, 0xd51b_e324, IRQS_ON, LDR, NOP, NOP],
    });
    expect([w.stuck(), w.guest.d.vcpus[0]!.pauseFlags & BLOCKED_IN_XEN]).toEqual([true, BLOCKED_IN_XEN]);
    w.emulator.release(0);
    expect(w.bench.run(w.done)).toBe(true);
    expect([w.guest.outcome().iar, w.guest.outcome().irqElr]).toEqual([27n, w.guest.pc(6)]);
  });

  onEach(
    'ioreq-pause',
    'pause and unpause do not wake it; an answer that comes while it is paused is consumed afterwards',
    (baseline) => {
      const w = waiting(baseline);
      pauseByController(w.bench.xen, w.guest.d);
      unpauseByController(w.bench.xen, w.guest.d);
      expect(w.stuck()).toBe(true);
      pauseByController(w.bench.xen, w.guest.d);
      w.emulator.release(0, { data: 9n });
      expect([w.stuck(), w.guest.d.vcpus[0]!.pauseFlags & BLOCKED_IN_XEN]).toEqual([true, 0]);
      unpauseByController(w.bench.xen, w.guest.d);
      expect(w.bench.run(w.done)).toBe(true);
      expect(w.guest.outcome().x(0)).toBe(9n);
    },
  );

  onEach('ioreq-spurious-notify', 'a notification without an answer blocks it again', (baseline) => {
    const w = waiting(baseline);
    w.emulator.release(0, { state: 2, via: [] });
    expect(w.stuck()).toBe(true);
    w.emulator.release(0, { data: 1n, via: [] });
    expect(w.bench.run(w.done)).toBe(true);
    expect(w.guest.outcome().x(0)).toBe(1n);
  });

  onEach('ioreq-skip-inprocess', 'an emulator may skip INPROCESS', (baseline) => {
    const w = waiting(baseline);
    w.emulator.release(0, { data: 3n, via: [] });
    expect(w.bench.run(w.done)).toBe(true);
    expect(w.guest.outcome().x(0)).toBe(3n);
  });

  onEach('ioreq-no-notify', 'an answer without a notification leaves it asleep until one comes', (baseline) => {
    const w = waiting(baseline);
    w.emulator.release(0, { data: 4n, notify: false });
    expect(w.stuck()).toBe(true);
    w.emulator.release(0, { via: [] });
    expect(w.bench.run(w.done)).toBe(true);
    expect(w.guest.outcome().x(0)).toBe(4n);
  });

  onEach(
    'ioreq-answer-twice',
    'a second answer is nobody’s: the next request is refused, the guest gets an abort',
    (baseline) => {
      // ldr; a loop of 2^23 rounds: movz x4,#128,lsl #16; subs x4,x4,#1; b.ne .-4; ldr
      const w = waiting(baseline, { code: [LDR, 0xd2a0_1004, 0xf100_0484, 0x54ff_ffe1, LDR] });
      const state = (): number => w.bench.xen.memory.read8(slotOf(w.guest, 0) + 30);
      w.emulator.release(0, { data: 1n });
      expect(w.bench.run(() => state() === 0x20)).toBe(true);
      w.emulator.release(0, { data: 2n });
      expect(w.bench.run(w.done)).toBe(true);
      const o = w.guest.outcome();
      expect([o.x(0), o.aborts, o.esr, w.bench.reports('ioreq-bad-state'), w.emulator.requests.length]).toEqual([
        1n,
        1,
        ABORT,
        1,
        1,
      ]);
    },
  );
});

/** SoC address of a vCPU's slot of the server with the lowest id. */
function slotOf(guest: BareGuest, vcpu: number): number {
  return guest.d.ioreq.servers.find((s) => s !== undefined)!.slot(vcpu)!;
}

describe('wrong answers', () => {
  onEach('ioreq-state-none', 'state NONE instead of RESP_READY reads as ones of the access size', (baseline) => {
    const w = waiting(baseline);
    w.emulator.release(0, { state: 0, data: 0x55n });
    expect(w.bench.run(w.done)).toBe(true);
    expect([w.guest.outcome().x(0), w.guest.d.isShutDown]).toEqual([
      baseline === 'current' ? ONES : 0xffff_ffff_ffff_ffffn,
      true,
    ]);
    expect(w.guest.d.shutdown?.code).toBe(0); // its own power-off
  });

  onEach(
    'ioreq-state-illegal',
    'any state above RESP_READY, or a step back, crashes the guest, not the emulator',
    (baseline) => {
      for (const state of [4, 7, 15]) {
        const w = waiting(baseline);
        w.emulator.release(0, { state });
        w.bench.run(() => w.guest.d.isShutDown);
        expect([state, w.guest.d.isShutDown, w.guest.d.shutdown?.code, w.done()]).toEqual([state, true, 3, false]);
        expect(w.bench.reports('domain-crash')).toBe(1);
        expect(w.bench.backend().modelled.domain.isShutDown).toBe(false);
      }
      const w = waiting(baseline);
      w.emulator.release(0, { state: 2, via: [] });
      w.bench.run(() => false, 2_000_000);
      w.emulator.release(0, { state: 1, via: [] });
      w.bench.run(() => w.guest.d.isShutDown);
      expect(w.guest.d.shutdown?.code).toBe(3);
    },
  );

  onEach('ioreq-port-changed', 'a vp_eport that the emulator has changed: the next request is refused', (baseline) => {
    const w = waiting(baseline, { code: [LDR, LDR] });
    w.bench.xen.memory.write32(slotOf(w.guest, 0) + 24, 999);
    w.emulator.release(0, { data: 2n });
    expect(w.bench.run(w.done)).toBe(true);
    const o = w.guest.outcome();
    expect([o.x(0), o.aborts, o.esr, o.elr, w.bench.reports('ioreq-bad-port')]).toEqual([
      2n,
      1,
      ABORT,
      w.guest.pc(1),
      1,
    ]);
  });

  onEach('ioreq-fields-ignored', 'address, size and direction in the answer are not read back', (baseline) => {
    const w = waiting(baseline, { code: [0x3940_0020] }); // ldrb w0,[x1]
    const slot = slotOf(w.guest, 0);
    w.bench.xen.memory.write64(slot, 0xffff_0000n);
    w.bench.xen.memory.write32(slot + 20, 8);
    w.bench.xen.memory.write8(slot + 31, 8);
    w.emulator.release(0, { data: 0x1234n });
    expect(w.bench.run(w.done)).toBe(true);
    expect(w.guest.outcome().x(0)).toBe(baseline === 'current' ? 0x34n : 0x1234n); // the answer is masked since Oct 2023
  });
});

describe('the domain goes while it waits', () => {
  onEach(
    'ioreq-shutdown-deferred',
    'a shutdown is complete only when the request is; a dead backend keeps the domain in it',
    (baseline) => {
      const w = waiting(baseline);
      w.bench.xen.shutdownDomain(w.guest.d, 0);
      expect([w.stuck(), w.guest.d.isShuttingDown, w.guest.d.isShutDown]).toEqual([true, true, false]);
      w.emulator.release(0, { data: 6n });
      expect(w.bench.run(() => w.guest.d.isShutDown)).toBe(true);
      expect(w.done()).toBe(false); // paused before its next instruction
    },
  );

  onEach('ioreq-shutdown-by-other', 'SYSTEM_OFF by another vCPU waits for it as well', (baseline) => {
    const w = waiting(baseline, { vcpus: 2 });
    w.guest.load(1, { code: [NOP], end: 'systemOff' });
    w.bench.run(() => w.guest.d.isShuttingDown);
    expect([w.stuck(), w.guest.d.isShutDown, w.guest.d.vcpus[1]!.pausedForShutdown]).toEqual([true, false, true]);
    w.emulator.release(0);
    expect(w.bench.run(() => w.guest.d.isShutDown)).toBe(true);
  });

  onEach('ioreq-shutdown-crash', 'a crash does not wait', (baseline) => {
    const w = waiting(baseline);
    w.bench.xen.shutdownDomain(w.guest.d, 3);
    expect([w.guest.d.isShutDown, w.done()]).toEqual([true, false]);
  });

  onEach(
    'ioreq-suspended',
    'an access after the shutdown began is not sent; the instruction runs again after a resume',
    (baseline) => {
      const bench = bareBench([setting(baseline)]);
      const guest = bench.guest();
      const emulator = bench.emulate(guest, [[B, B + 0x1ff]], () => ({ data: 8n }));
      // 40 times: ldr w0,[x1]; sixteen nops; subs x4,x4,#1; b.ne to the ldr
      const nops = Array.from({ length: 16 }, () => NOP);
      guest.load(0, { code: [LDR, ...nops, 0xf100_0484, 0x54ff_fdc1], x: { 1: B, 4: 40 } });
      guest.start();
      const [v] = guest.d.vcpus;
      const { machine, xen } = bench;
      while (!(emulator.requests.length === 5 && v!.arch.inGuest)) machine.run(1, machine.time + 100n);
      // The interrupt that is to stop the vCPU takes longer than the way to its next access.
      xen.shutdownDomain(guest.d, 2);
      expect(bench.run(() => v!.io.suspended)).toBe(true);
      expect([guest.d.isShutDown, emulator.requests.length, v!.io.req.state]).toEqual([true, 5, 0]);
      bench.run(() => false, 1_000_000);
      expect(emulator.requests.length).toBe(5);
      domainResume(xen, guest.d);
      expect(bench.run(() => guest.outcome().done)).toBe(true);
      expect([emulator.requests.length, guest.outcome().x(0), guest.outcome().aborts]).toEqual([40, 8n, 0]);
    },
  );

  onEach(
    'ioreq-destroy-domain',
    'a destroy does not wait: servers and channels go, the emulator’s ports become unbound',
    (baseline) => {
      const w = waiting(baseline);
      const { xen } = w.bench;
      const back = w.bench.backend().modelled.domain;
      const port = w.emulator.ports[0]!;
      xen.destroyDomain(w.guest.d);
      expect([w.guest.d.ioreq.servers.every((s) => s === undefined), back.evtchn.at(port)?.state]).toEqual([
        true,
        'unbound',
      ]);
      // The emulator's answer comes too late and is dropped; its mapping keeps the guest as a zombie.
      w.emulator.release(0);
      w.bench.run(() => false, 2_000_000);
      expect([xen.domains.get(w.guest.d.id)?.isDying, w.guest.d.totPages]).toEqual([DEAD, 1]);
    },
  );

  onEach('ioreq-reboot', 'a reboot with a request in flight ends the domain once it is answered', (baseline) => {
    const w = waiting(baseline);
    w.bench.xen.shutdownDomain(w.guest.d, 1);
    w.emulator.release(0);
    expect(w.bench.run(() => w.guest.d.isShutDown)).toBe(true);
    expect(w.guest.d.shutdown).toEqual({ code: 1 });
  });
});

describe('the server goes while it waits', () => {
  onEach('ioreq-destroy-server', 'destroying the server wakes nobody (derived)', (baseline) => {
    const w = waiting(baseline);
    const { xen } = w.bench;
    const back = w.bench.backend().modelled.domain;
    expect(xen.ioreq.destroy(back, w.guest.d, w.emulator.id)).toBe(0);
    expect(w.stuck()).toBe(true);
    // Its last page lives on in the emulator's mapping; the port's other end is unbound and sends nothing.
    expect(back.evtchn.at(w.emulator.ports[0]!)?.state).toBe('unbound');
    w.emulator.release(0);
    expect(w.stuck()).toBe(true);
  });

  onEach(
    'ioreq-disable-in-flight',
    'a disabled server still completes what is in flight; new accesses abort',
    (baseline) => {
      const w = waiting(baseline, { code: [LDR, NOP, LDR] });
      const back = w.bench.backend().modelled.domain;
      expect(w.bench.xen.ioreq.setState(back, w.guest.d, w.emulator.id, false)).toBe(0);
      expect(w.stuck()).toBe(true);
      w.emulator.release(0, { data: 2n });
      expect(w.bench.run(w.done)).toBe(true);
      expect([w.guest.outcome().x(0), w.guest.outcome().esr, w.guest.outcome().elr]).toEqual([
        2n,
        ABORT,
        w.guest.pc(2),
      ]);
    },
  );

  onEach('ioreq-unmap-in-flight', 'the same for a range that is taken away', (baseline) => {
    const w = waiting(baseline, { code: [LDR, NOP, LDR] });
    const back = w.bench.backend().modelled.domain;
    expect(w.bench.xen.ioreq.unmapRange(back, w.guest.d, w.emulator.id, 1, BigInt(B), BigInt(B + 0x1ff))).toBe(0);
    w.emulator.release(0, { data: 2n });
    expect(w.bench.run(w.done)).toBe(true);
    expect([w.guest.outcome().x(0), w.guest.outcome().esr]).toEqual([2n, ABORT]);
  });

  onEach('ioreq-new-server-in-flight', 'a new server of somebody else leaves the waiting vCPU alone', (baseline) => {
    const w = waiting(baseline);
    const other = w.bench.backend('DomD');
    const second = w.bench.emulate(w.guest, [[B, B + 0x1ff]], () => ({ data: 77n }), other);
    expect([second.results, w.done()]).toEqual([[1, 0, 0, 0, 0], false]);
    w.emulator.release(0, { data: 1n });
    expect(w.bench.run(w.done)).toBe(true);
    expect([w.guest.outcome().x(0), second.requests]).toEqual([1n, []]);
  });
});

onEach(
  'ioreq-bind-rescues',
  'a request that was sent before the emulator bound its port is rescued by the bind’s event',
  (baseline) => {
    const bench = bareBench([setting(baseline)]);
    const guest = bench.guest();
    const side = bench.backend();
    const emulator = bench.emulate(guest, [], () => ({ data: 5n }), side);
    const server = guest.d.ioreq.servers[0]!;
    // Unbound again, as if the emulator had not come that far.
    expect(side.modelled.domain.evtchn.at(emulator.ports[0]!)?.state).toBe('interdomain');
    bench.xen.evtchn.close(side.modelled.domain, emulator.ports[0]!);
    bench.xen.ioreq.mapRange(side.modelled.domain, guest.d, 0, 1, BigInt(B), BigInt(B + 0x1ff));
    guest.load(0, { code: [LDR], x: { 1: B } });
    guest.start();
    expect(bench.run(() => guest.outcome().done, 10_000_000)).toBe(false);
    expect(bench.xen.memory.read8(server.slot(0)! + 30)).toBe(0x21);
    emulator.ports = [];
    emulator.setup('bind');
    expect(bench.run(() => guest.outcome().done)).toBe(true);
    expect(guest.outcome().x(0)).toBe(5n);
  },
);
