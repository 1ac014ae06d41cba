import { expect, test } from 'vitest';
import { bareGuest, configure, createXenSimulation, MemoryDisk, rcarH3, type XenSimulation } from '../../index.js';
import { traceTail } from '../../simulation.js';
import { loadSnapshot, readSnapshotHeader, saveSnapshot } from '../../sim/machine/snapshot.js';

function bare(words = 'reads=8 writes=4 depth=2', vcpus = 2): XenSimulation {
  return createXenSimulation({
    configuration: configure(rcarH3(), []),
    guests: [bareGuest(words, vcpus)],
    disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20))]]),
  });
}
function diff(a: any, b: any, path: string, out: string[]): void {
  if (out.length > 12) return;
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) { out.push(`${path}: ${JSON.stringify(a)?.slice(0, 80)} | ${JSON.stringify(b)?.slice(0, 80)}`); return; }
  for (const k of new Set([...Object.keys(a), ...Object.keys(b)])) diff(a[k], b[k], `${path}.${k}`, out);
}
test('x', () => {
  const first = bare();
  for (let i = 0; i < 6; i++) {
    first.requests.runToRequest();
    const bytes = saveSnapshot(first.machine);
    const second = bare();
    loadSnapshot(second.machine, bytes);
    const out: string[] = [];
    diff(JSON.parse(JSON.stringify(first.machine.save())), JSON.parse(JSON.stringify(second.machine.save())), '', out);
    console.log(i, out.join('\n'));
    const again = saveSnapshot(second.machine);
    console.log(bytes.length, again.length);
    { const A = readSnapshotHeader(bytes), B = readSnapshotHeader(again);
      console.log('pages', A.pages.length, B.pages.length, A.pages.every((x, k) => x === B.pages[k]));
      const d: string[] = []; const end = bytes.length - A.pages.length * 4096 - 8 * 4096; const endB = again.length - B.pages.length * 4096 - 8*4096;
      for (let k = 0; k < 8 * 4096 && d.length < 40; k++) if (bytes[end + k] !== again[endB + k]) d.push(`core${k >> 12}+${(k & 4095).toString(16)}`);
      const e0 = bytes.length - A.pages.length * 4096; let n = 0;
      for (let k = 0; k < A.pages.length * 4096 && n < 20; k++) if (bytes[e0 + k] !== again[e0 + k]) { n++; d.push(`page ${A.pages[k >> 12]!.toString(16)}+${(k & 4095).toString(16)}`); }
      console.log(d.join(' ')); }
    for (let s = 0; s < 20000; s++) {
      const r = [first.machine.run(1), second.machine.run(1)];
      const [ha, hb] = [first.machine.trace.hash([]), second.machine.trace.hash([])];
      if (ha !== hb || r[0] !== r[1]) {
        const o: string[] = [];
        diff(JSON.parse(JSON.stringify(first.machine.save())), JSON.parse(JSON.stringify(second.machine.save())), '', o);
        console.log('diverge', s, r); for (const m of [first, second]) for (const d of m.xen.domains.values()) console.log(d.id, JSON.stringify(d.ioreq.save()), d.vcpus.map((v) => [v.pauseFlags, v.pauseCount, d.pauseCount, v.io.completion, v.io.req.state]), d.ioreq.servers[0]?.ioreqPage && JSON.stringify(m.requests.readSlot(d.ioreq.servers[0].ioreqPage), (_k, v) => typeof v === 'bigint' ? String(v) : v)); console.log(traceTail(first, 24).join('\n')); console.log('-----'); console.log(traceTail(second, 12).join('\n'));
        return;
      }
    }
  }
});
