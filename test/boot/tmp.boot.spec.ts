import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { debianGuest } from '../support/debian.js';
import { Observer } from '../support/observer.js';
import { Scratch, simulate } from '../support/xen-run.js';
import { goldenConfig } from '../oracle/support/golden.js';
import { diskImage } from '../../guests/debian/disk.js';

test.each(['console=hvc0 nokaslr cryptomgr.notests', 'console=ttyAMA0 nokaslr cryptomgr.notests'])('x %s', async (cmdline) => {
  const scratch = new Scratch();
  const g = await debianGuest('trixie', 'arm64', fileURLToPath(new URL('life', import.meta.url)));
  const golden = goldenConfig('g1');
  const disk = scratch.file('disk.raw', diskImage(8 << 20));
  const config = { ...golden, kernel: g.kernel, ramdisk: scratch.file('initrd', g.initramfs), cmdline, vcpus: 2, vuart: cmdline.includes('ttyAMA'), disks: golden.disks.map(d => ({ ...d, target: disk })) };
  let out = '';
  const errs: string[] = [];
  const sim = simulate(config, [], { onConsole: (_, b) => { out += String.fromCharCode(b); }, onGuestError: (k, d, t, n) => { if (n < 3) errs.push(`${k} ${d} ${t}`); }, warn: (l) => errs.push('WARN ' + l), deadline: 300n * 5_990_400_000n });
  const ob = new Observer(sim);
  const t0 = Date.now();
  for (;;) { const s = sim.machine.run(); if (s !== 'more') { console.log(s); break; } }
  console.log((Date.now() - t0) / 1000, sim.machine.outcome, sim.machine.instructions / 1e6, sim.toolstack.domids());
  writeFileSync('/tmp/life2-out.txt', out);
  writeFileSync('/tmp/life2-' + cmdline.slice(8,12) + '.json', JSON.stringify(ob.seen(), (k, v) => typeof v === 'bigint' ? '0x' + v.toString(16) : v instanceof DataView ? Buffer.from(v.buffer).toString('hex') : v, 0).replaceAll('},{', '},\n{'));
  writeFileSync('/tmp/life2-log.txt', sim.xenstored.log.join('\n'));
  writeFileSync('/tmp/life2-err.txt', errs.join('\n'));
  sim.close();
  scratch.remove();
});
