/**
 * The life of an unmodified Debian guest with one vCPU and a virtio disk, against what the real stack did with the same
 * configuration: every call of its backend, in order (test/oracle/golden/g1.backend-trace.txt).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskImage } from '../../guests/debian/disk.js';
import { EVTCHNOP, HYPERVISOR, XENMEM } from '../../xen/public/xen.js';
import { goldenBackendTrace, ioreqText, type GoldenIoreq } from '../oracle/support/backend-trace.js';
import { goldenConfig } from '../oracle/support/golden.js';
import { debianGuest } from '../support/debian.js';
import { Observer, type Seen, type SeenHypercall } from '../support/observer.js';
import { runToEnd, Scratch, simulate } from '../support/xen-run.js';

const DISK_BYTES = 8 << 20;
const READY = 1;
const MIB = 1 << 20;
const LIVES = [1, 2] as const;
const ACCESS_STATUS = 'R Status';
/** The probe of both drivers with the first read, from the first access to the first read of status by the script. */
const PROBE_IOREQS = 1 + 7 + 1 + 31 + 3 + 1;

const scratch = new Scratch();
afterAll(() => scratch.remove());

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const before = diskImage(DISK_BYTES);
let after: Uint8Array;
let console = '';
let outcome: unknown;
let seen: readonly Seen[];
let xenstoreLog: readonly string[];

/** Requests of one life with the data that went to or came from the backend. */
function ioreqs(domid: number, among: readonly Seen[] = seen): GoldenIoreq[] {
  const list: GoldenIoreq[] = [];
  for (const s of among) {
    if (s.kind !== 'ioreq' || s.domid !== domid) continue;
    const { read, type, addr, size, count } = s;
    // The record has the low word; INVALIDATE's data is all ones.
    const data = type === 8 && s.data === 0xffff_ffff ? (1n << 64n) - 1n : BigInt(s.data);
    if (s.state === READY) list.push({ read, type, addr, size, count, data });
    else if (read) list[list.length - 1] = { ...list.at(-1)!, data };
  }
  return list;
}

/** What the backend asked of Xen for one guest, in the words of the golden trace. */
function backendCall(s: SeenHypercall): string | undefined {
  const { words, number, cmd } = s;
  if (number === HYPERVISOR.dm_op) return `dm_op ${cmd} ${Buffer.from(words.buffer, 8, 24).toString('hex')}`;
  if (number === HYPERVISOR.event_channel_op && cmd === EVTCHNOP.bind_interdomain)
    return `bind_interdomain remote_port=${words.getUint32(4, true)}`;
  if (number === HYPERVISOR.event_channel_op && cmd === EVTCHNOP.close) return 'close';
  if (number === HYPERVISOR.memory_op && cmd === XENMEM.acquire_resource) {
    const [type, id, num, idx] = [
      words.getUint16(2, true),
      words.getUint32(4, true),
      words.getUint32(8, true),
      words.getUint32(16, true),
    ];
    return `acquire_resource type=${type} id=${id} idx=${idx} num=${num}`;
  }
  return undefined;
}

/** The part of the record that belongs to one life: from the backend's first call for it to the next life's. */
function life(domid: number): Seen[] {
  const starts = seen.flatMap((s, i) =>
    s.kind === 'hypercall' && s.domid === 0 && s.number === HYPERVISOR.dm_op && s.cmd === 20 ? [i] : [],
  );
  return seen.slice(starts[domid - 1], starts[domid]);
}

/** A life cut at the script's reads of status, without the probe. */
function operations(domid: number): Seen[][] {
  const parts: Seen[][] = [[]];
  let left = PROBE_IOREQS + 1;
  for (const s of life(domid)) {
    const mark = s.kind === 'ioreq' && s.domid === domid && s.state === READY;
    if (mark && left > 0) left--;
    else if (mark && left === 0 && ioreqText({ ...s, data: 0n }).startsWith(ACCESS_STATUS)) parts.push([]);
    else if (left === 0) parts.at(-1)!.push(s);
  }
  return parts;
}

const pagesMapped = (part: readonly Seen[]): number =>
  part.filter(
    (s) =>
      s.kind === 'hypercall' &&
      s.domid === 0 &&
      s.number === HYPERVISOR.memory_op &&
      s.cmd === XENMEM.add_to_physmap_batch,
  ).length;

beforeAll(async () => {
  const golden = goldenConfig('g1');
  const debian = await debianGuest('trixie', 'arm64', fileURLToPath(new URL('life', import.meta.url)));
  const target = scratch.file('disk.raw', before);
  const sim = simulate(
    {
      ...golden,
      kernel: debian.kernel,
      ramdisk: scratch.file('initrd', debian.initramfs),
      cmdline: 'console=hvc0 nokaslr cryptomgr.notests',
      disks: golden.disks.map((disk) => ({ ...disk, target })),
    },
    [],
    { onConsole: (_name, byte) => void (console += String.fromCharCode(byte)) },
  );
  const observer = new Observer(sim);
  runToEnd(sim, 30);
  outcome = sim.machine.outcome;
  seen = observer.seen();
  xenstoreLog = sim.xenstored.log;
  sim.close();
  after = readFileSync(target);
});

const golden = goldenBackendTrace();
const goldenIoreqs = golden.flatMap((call) => (call.kind === 'ioreq' ? [call.ioreq] : []));

describe('requests', () => {
  test.each(LIVES)(
    'life %i: INVALIDATE, 7 of virtio_mmio, 31 of set-up, the first read: the real ones, with their data',
    (domid) => {
      const count = PROBE_IOREQS + 1;
      expect(ioreqs(domid).slice(0, count).map(ioreqText)).toEqual(goldenIoreqs.slice(0, count).map(ioreqText));
    },
  );

  test.each(LIVES)('life %i: one INVALIDATE', (domid) => {
    expect(ioreqs(domid).filter(({ type }) => type === 8)).toHaveLength(1);
    expect(goldenIoreqs.filter(({ type }) => type === 8)).toHaveLength(1);
  });

  test('each disk request is notify, interrupt status, acknowledge; so many per operation', () => {
    // Name, requests as the real guest made them, mappings of the real backend for a small one: the table, and each
    // descriptor's pages. dd's buffer may lie across two pages, where the real one's did not.
    const expected: readonly (readonly [string, number, number?])[] = [
      ['read the mark', 1, 4],
      ['read 4 KiB', 1, 4],
      ['read 16 x 64 KiB', 16],
      ['read 1 MiB', 1],
      ['write 4 KiB', 1, 4],
      ['write 16 x 64 KiB', 16],
      ['write 4 KiB and flush', 2, 7],
      ['read 16 x 64 KiB back', 16],
      ['get id', 1, 4],
      ['write the mark', 1, 4],
    ];
    const parts = operations(1);
    // Unloading reads status twice, so its requests are three more parts.
    expect(parts).toHaveLength(expected.length + 3);
    expected.forEach(([name, requests, pages], i) => {
      const list = ioreqs(1, parts[i]).map(ioreqText);
      const small = [
        'W QueueNotify 0x0 type=1 size=4 count=1',
        'R InterruptStatus 0x1 type=1 size=4 count=1',
        'W InterruptACK 0x1 type=1 size=4 count=1',
      ];
      expect(list, name).toEqual(Array.from({ length: requests }, () => small).flat());
      if (pages !== undefined) expect([pages, pages + 1], `${name}: pages`).toContain(pagesMapped(parts[i]!));
    });
  });

  test('unloading the drivers: the real 7', () => {
    expect(ioreqs(1).slice(-7).map(ioreqText)).toEqual(goldenIoreqs.slice(-7).map(ioreqText));
  });
});

describe('backend', () => {
  test.each(LIVES)('life %i: attach and detach are the real calls in their order', (domid) => {
    const real = golden.flatMap((call) =>
      call.kind === 'call' && !call.text.startsWith('dm_op 19 ') ? [call.text] : [],
    );
    const ours = life(domid).flatMap((s) => (s.kind === 'hypercall' && s.domid === 0 ? (backendCall(s) ?? []) : []));
    const calls = ours.filter((text) => !text.startsWith('dm_op 19 '));
    // An unmapped page is a memory_op like any other; the real trace names the one that it knew.
    expect(calls).toEqual(real.filter((text) => text !== 'unmap ioreq page'));
  });

  test('every interrupt is set_irq_level 33 to 1, as recorded; none to 0', () => {
    const real = new Set(
      golden.flatMap((call) => (call.kind === 'call' && call.text.startsWith('dm_op 19 ') ? [call.text] : [])),
    );
    const ours = new Set(
      seen
        .flatMap((s) => (s.kind === 'hypercall' ? (backendCall(s) ?? []) : []))
        .filter((text) => text.startsWith('dm_op 19 ')),
    );
    expect([...ours]).toEqual([...real]);
  });

  test('every page that was mapped was unmapped', () => {
    const unmaps = seen.filter(
      (s) =>
        s.kind === 'hypercall' &&
        s.domid === 0 &&
        s.number === HYPERVISOR.memory_op &&
        s.cmd === XENMEM.remove_from_physmap,
    );
    // one ioreq page for each life came by acquire_resource
    expect(unmaps.length).toBe(pagesMapped(seen) + LIVES.length);
  });
});

describe('guest', () => {
  const says = (name: string): string[] =>
    [...console.matchAll(new RegExp(`^life: ${name} (.*?)\\r?$`, 'gm'))].map((m) => m[1]!);

  test('interrupts in /proc/interrupts are those that were injected, and those that the backend raised', () => {
    const counted = says('interrupts').map((line) =>
      Number(/^\s*\d+:\s+(\d+)\s+GIC-0\s+33 Edge\s+virtio0$/.exec(line)?.[1]),
    );
    for (const domid of LIVES) {
      const injected = seen.filter((s) => s.kind === 'inject' && s.domid === domid && s.intid === 33);
      const raised = life(domid).filter((s) => s.kind === 'hypercall' && s.number === HYPERVISOR.dm_op && s.cmd === 19);
      expect(injected.length).toBe(counted[domid - 1]);
      expect(raised.length).toBe(counted[domid - 1]);
    }
  });

  test("O_DIRECT reads are the host's bytes", () => {
    expect(says('read1M sha256')).toEqual([sha256(before.subarray(0, MIB))]);
    expect(says('read1Mbs1M sha256')).toEqual([sha256(before.subarray(MIB, 2 * MIB))]);
    expect(says('back sha256')).toEqual([sha256(before.subarray(0, MIB))]);
  });

  test('writes are on the host after power-off, and nothing else changed', () => {
    const expected = before.slice();
    expected.set(before.subarray(0, 4096), 512 * 4096);
    expected.set(before.subarray(0, MIB), 64 * 65536);
    expected.set(before.subarray(0, 4096), 513 * 4096);
    expected.fill(0, 2000 * 4096, 2001 * 4096);
    expected.set(Buffer.from('SECOND\n'), 2000 * 4096);
    expect(sha256(after)).toBe(sha256(expected));
  });

  test('reboot makes a new domain with the disk as it was left; power-off ends the run', () => {
    expect(says('linux')).toHaveLength(2);
    expect(says('kept sha256')).toEqual([sha256(before.subarray(0, MIB))]);
    expect(outcome).toMatchObject({ name: 'poweroff' });
  });

  test('the guest looks at its disk in xenstore as often as the real one', () => {
    const real = ['DIRECTORY device/virtio_disk', 'READ device/virtio_disk/51712/state'];
    for (const domid of LIVES) {
      const ours = xenstoreLog.filter((line) => line.startsWith(`d${domid} `) && line.includes('virtio_disk'));
      expect(ours).toEqual([...real, ...real].map((text) => `d${domid} ${text} ok`));
    }
  });
});
