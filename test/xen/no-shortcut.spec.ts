/**
 * The path of a request is what it claims to be: the bytes in the shared page are the only way from backend to guest, and
 * without server or backend there is no answer.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { simulationFacts } from '../../simulation.js';
import { pauseByController, unpauseByController } from '../../xen/common/domctl.js';
import type { Domain } from '../../xen/common/domain.js';
import { bareRun, type BareRun } from './run-bare.js';

const folder = mkdtempSync(join(tmpdir(), 'no-shortcut-'));
afterAll(() => rmSync(folder, { recursive: true }));

// struct ioreq: data @8, vp_eport @24, state in bits 3:0 of byte 30 (xen-ioreq.md 1.1).
const [DATA, VP_EPORT, STATE] = [8, 24, 30];
const BLOCKED_IN_XEN = 4;
const CAPACITY = 0x100;

function guestOf(sim: BareRun): Domain {
  return [...sim.xen.domains.values()].find((d) => d.name === 'bare')!;
}

/** Until the backend has done all its set-up: the range is the last of it. The guest has not come to its device yet. */
function toServing(sim: BareRun): void {
  const { requests } = sim;
  expect(requests.runUntil(() => guestOf(sim).ioreq.servers[0]?.ranges[1]?.ranges.length === 1)).toBe(true);
  expect(sim.machine.ledger.totals()).toEqual([]);
}

/** Until the answer to the guest's first read of this register lies in its slot; the slot's address. */
function toResponse(sim: BareRun, offset: number): number {
  const { requests } = sim;
  const request = requests.runToRequest(
    ({ slot }) => slot.direction === 'read' && Number(slot.addr) % 0x200 === offset,
  )!;
  expect(requests.runUntil(() => requests.readSlot(request.slotAddress).state === 'response')).toBe(true);
  return request.slotAddress;
}

test('every abort in the device window is a request or has a name', async () => {
  for (const [words, vcpus, injected] of [
    ['reads=6 writes=3 depth=3', 2, 0],
    ['reads=1 writes=0 end=hole', 1, 1],
    ['disk=none end=hole', 1, 1],
  ] as const) {
    const sim = bareRun({ words, vcpus });
    sim.requests.run();
    const { ioreq } = await simulationFacts(sim);
    const named = Object.values(ioreq.exceptions).reduce((sum, n) => sum + n, 0);
    expect([words, ioreq.stage2Aborts]).toEqual([words, ioreq.count + named]);
    expect([words, ioreq.exceptions]).toEqual([
      words,
      expect.objectContaining({ injected, inFlight: 0, abandoned: 0 }),
    ]);
    expect([words, ioreq.count > 0]).toEqual([words, !words.includes('none')]);
    expect(ioreq.kinds.reduce((sum, kind) => sum + kind.count, 0)).toBe(ioreq.count);
  }
});

test('the guest reads what is in the slot when Xen takes the answer', () => {
  const plain = bareRun();
  plain.requests.run();
  expect(plain.console()).toContain(': 2048 sectors');
  const sim = bareRun();
  const slot = toResponse(sim, CAPACITY);
  const { memory } = sim.machine;
  expect(memory.read64(slot + DATA)).toBe(2048n);
  memory.write8(slot + DATA, memory.read8(slot + DATA) ^ 0x21);
  expect(sim.requests.run()?.name).toBe('poweroff');
  expect(sim.console()).toContain(': 2081 sectors');
});

test('bytes above the access size do not reach the guest, nor do other fields of the slot', () => {
  const sim = bareRun();
  const slot = toResponse(sim, CAPACITY);
  sim.machine.memory.write32(slot + DATA + 4, 0xffff_ffff);
  sim.machine.memory.write64(slot, 0xdead_beefn);
  sim.machine.memory.write32(slot + 20, 1);
  expect(sim.requests.run()?.name).toBe('poweroff');
  expect(sim.console()).toContain(': 2048 sectors');
});

test('with the server disabled the probe takes an abort', () => {
  const sim = bareRun();
  toServing(sim);
  const guest = guestOf(sim);
  const emulator = sim.xen.domain(guest.ioreq.servers[0]!.emulator)!;
  expect(sim.xen.ioreq.setState(emulator, guest, 0, false)).toBe(0);
  sim.requests.run();
  // EC 0x25, IL, ISS 0: what Xen injects (observed: golden-libxl.md 7).
  expect(sim.console()).toMatch(/FAIL data abort: vector 4 ESR_EL1=0x96000000 FAR_EL1=0x0000000002000000/);
  expect([sim.xen.windowAborts.injected, sim.machine.ledger.totals()]).toEqual([1, []]);
});

test('without its range the server does not answer either', () => {
  const sim = bareRun();
  toServing(sim);
  const guest = guestOf(sim);
  const emulator = sim.xen.domain(guest.ioreq.servers[0]!.emulator)!;
  expect(sim.xen.ioreq.unmapRange(emulator, guest, 0, 1, 0x200_0000n, 0x200_0003n)).toBe(0);
  sim.requests.run();
  expect(sim.console()).toMatch(/FAIL data abort: vector 4 ESR_EL1=0x96000000 FAR_EL1=0x0000000002000000/);
});

// An Image: vCPU 0 starts vCPU 1 (PSCI CPU_ON) and reads the register at 0x2000000, stores it at 0x40000098 and powers off;
// vCPU 1 counts at 0x40000090. Assembled with GNU as.
// prettier-ignore
const TWO_CPUS =
  '1000001400000000000000000000000000100000000000000a00000000000000000000000000000000000000000000000000000000000000' +
  '41524d6400000000600080d20080b8f2210080d262010010030080d2020000d40440a0d2850040b986010010c50800b9000180d20080b0f2' +
  '020000d400000014c6000010070080d2e7040091c70000f9feffff171f2003d500000000000000000000000000000000';

function twoCpus(): BareRun {
  const kernel = join(folder, 'two-cpus.img');
  writeFileSync(kernel, Buffer.from(TWO_CPUS, 'hex'));
  return bareRun({ kernel, vcpus: 2, words: '' });
}

// The toolstack starts the guest when the backend says InitWait; the range comes last (xen-ioreq.md 8.5).
test('a guest that is faster than its backend takes an abort', () => {
  const sim = twoCpus();
  sim.requests.run();
  expect(sim.machine.errors.list()[0]).toMatchObject({
    kind: 'guest-abort',
    first: 'HSR=0x93850006 pc=0x4000005c gva=0x2000000 gpa=0x2000000',
  });
  expect(sim.machine.outcome?.name).toBe('crash');
});

test('a backend that is never scheduled: the access waits, the other vCPU goes on; scheduled, it answers', () => {
  const sim = twoCpus();
  const { machine, xen } = sim;
  const guest = guestOf(sim);
  pauseByController(xen, guest);
  toServing(sim);
  const backend = sim.backends.get('bare:xvda')!;
  backend.enabled = false;
  unpauseByController(xen, guest);
  const ram = xen.gfnToPa(guest, 0x40000)!;
  const ms = (n: number): void => void machine.run(1e9, machine.time + BigInt(n) * 5_990_400n);
  const page = guest.ioreq.servers[0]!.ioreqPage!;
  const counts: bigint[] = [];
  for (let i = 0; i < 4; i++) {
    ms(5);
    counts.push(machine.memory.read64(ram + 0x90));
    expect([guest.vcpus[0]!.pauseFlags, guest.vcpus[1]!.pauseFlags, machine.memory.read8(page + STATE)]).toEqual([
      BLOCKED_IN_XEN,
      0,
      0x21,
    ]);
  }
  for (let i = 1; i < 4; i++) expect(counts[i]).toBeGreaterThan(counts[i - 1]! + 1000n);
  backend.enabled = true;
  xen.unblock(xen.domain(guest.ioreq.servers[0]!.emulator)!.vcpus[0]!);
  expect(sim.requests.run()?.name).toBe('poweroff');
  const [done] = machine.ledger.totals();
  expect([done?.register, done?.count, Number(done?.totalTicks) > 15 * 5_990_400]).toEqual(['0x000', 1, true]);
}, 60_000);

test('an illegal state in the slot crashes the guest, and only the guest', () => {
  for (const state of [4, 7, 15]) {
    const sim = bareRun();
    const slot = toResponse(sim, CAPACITY);
    sim.machine.memory.write8(slot + STATE, 0x20 | state);
    expect(sim.requests.run()).toMatchObject({ name: 'crash' });
    expect(sim.machine.errors.list().map(({ kind, first }) => `${kind} ${first}`)).toEqual([
      expect.stringMatching(/^domain-crash ioreq of d\d+v0: weird state \d+$/),
    ]);
    expect(sim.console()).not.toContain('sectors');
  }
});

test('NONE instead of an answer gives all ones', () => {
  const sim = bareRun();
  const slot = toResponse(sim, CAPACITY);
  sim.machine.memory.write8(slot + STATE, 0x20);
  sim.requests.run();
  // Low word all ones, high word 0: 2^32 - 1 sectors.
  expect(sim.console()).toContain(': 4294967295 sectors');
});

test('another port in the slot: this request ends well, the next is refused', () => {
  const sim = bareRun();
  const slot = toResponse(sim, CAPACITY);
  sim.machine.memory.write32(slot + VP_EPORT, 77);
  sim.requests.run();
  expect(sim.console()).toMatch(/FAIL data abort: vector 4 ESR_EL1=0x96000000 FAR_EL1=0x0000000002000104/);
  expect(sim.machine.errors.list().map(({ kind, count }) => [kind, count])).toEqual([
    ['ioreq-bad-port', 1],
    ['guest-abort', 1],
  ]);
});

test('interrupts in the guest are the edges that the backend gave', () => {
  const sim = bareRun({ words: 'reads=5 writes=3' });
  const edges: number[] = [];
  const { injectVirq } = sim.xen;
  expect(typeof injectVirq).toBe('function');
  const dmOp = sim.xen.hypercalls[41]!;
  sim.xen.hypercalls[41] = (x) => {
    const list = sim.xen.gfnToPa(x.vcpu.domain, Number(x.arg(2) >> 12n))! + Number(x.arg(2) & 0xfffn);
    const at = sim.machine.memory.read64(list);
    const op = sim.xen.gfnToPa(x.vcpu.domain, Number(at >> 12n))! + Number(at & 0xfffn);
    if (sim.machine.memory.read32(op) === 19) edges.push(sim.machine.memory.read32(op + 8));
    return dmOp(x);
  };
  sim.requests.run();
  const seen = [...sim.console().matchAll(/, (\d+) interrupts/g)].reduce((sum, match) => sum + Number(match[1]), 0);
  // The guest counts them for reads, writes and reading back; the id and the flush are the other two.
  expect([new Set(edges), edges.length, seen]).toEqual([new Set([33]), 13, 11]);
  const acks = sim.machine.ledger.totals().find((g) => g.register === '0x064');
  expect(acks?.count).toBe(13);
});
