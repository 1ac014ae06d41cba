import { test } from 'vitest';
import { configure } from '../boards/keys.js';
import { rcarH3 } from '../boards/index.js';
import { createXenSimulation } from '../xen-simulation.js';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { buildInitramfs } from '../guests/debian/initramfs.js';
import { collectModules } from '../guests/debian/modules.js';
import { diskImage } from '../guests/debian/disk.js';
test('boot', async () => {
  const base = '/work/main/.cache/guests/debian-bookworm-cloud-arm64/unpacked';
  if (!existsSync('/tmp/x2/initrd.cpio')) {
    const mods = await collectModules(base + '/lib/modules/6.1.0-56-cloud-arm64', ['virtio_mmio', 'virtio_blk']);
    writeFileSync('/tmp/x2/initrd.cpio', buildInitramfs({ busybox: readFileSync(base + '/bin/busybox'), modules: mods, scripts: '/work/main/guests/debian', add: [], init: undefined }));
    writeFileSync('/tmp/x2/img/disk.img', diskImage());
  }
  const out = '/tmp/x2/console.txt';
  writeFileSync(out, '');
  writeFileSync('/tmp/x2/errors.txt', '');
  let buf = '';
  const sim = createXenSimulation({
    configuration: configure(rcarH3(), []),
    guests: [{
      name: 'g', uuid: undefined, kernel: '/work/main/.cache/guests/debian-bookworm-cloud-arm64/unpacked/boot/vmlinuz-6.1.0-56-cloud-arm64',
      ramdisk: '/tmp/x2/initrd.cpio', cmdline: process.env.X2_CMD ?? 'console=hvc0 earlycon=pl011,0x22000000 panic=-1 rcar.run=demo', memoryMiB: 256, maxMemMiB: undefined, vcpus: Number(process.env.X2_VCPUS ?? 1), maxVcpus: undefined, vuart: true,
      disks: [{ vdev: 'xvda', target: '/tmp/x2/img/disk.img', readOnly: false, backend: 'DomD', grantUsage: false, removable: false, discard: undefined }],
      virtio: [], nrSpis: undefined, onPoweroff: 'destroy', onReboot: 'destroy', onCrash: 'destroy', cpuWeight: undefined, cpus: undefined }],
    snapshotDisk: true,
    onConsole: (_c, b) => { buf += String.fromCharCode(b); if (b === 10) { appendFileSync(out, buf); buf = ''; } },
    onGuestError: (k, d, t, c) => { if (c <= 5) appendFileSync('/tmp/x2/errors.txt', `${k} ${d} ${t}\n`); },
    warn: (l) => appendFileSync('/tmp/x2/errors.txt', `warn ${l}\n`),
  });
  const t0 = process.hrtime.bigint();
  const limit = Number(process.env.X2_SECS ?? 60);
  for (;;) {
    const st = sim.machine.run(5_000_000);
    const el = Number(process.hrtime.bigint() - t0) / 1e9;
    if (st !== 'more' || el > limit) { appendFileSync('/tmp/x2/errors.txt', `status ${st} ${JSON.stringify(sim.machine.outcome ?? null)} host ${el.toFixed(1)} s sim ${Number(sim.machine.time) / sim.machine.board.tickHz} insns ${sim.machine.instructions}\n`);
      appendFileSync('/tmp/x2/errors.txt', `hash ${sim.machine.hash()} ledger inflight ${sim.machine.ledger.inFlight} abandoned ${sim.machine.ledger.abandoned} skew ${sim.machine.ledger.skew.count} ${sim.machine.ledger.skew.max}\n`);
      for (const t of sim.machine.ledger.totals()) { appendFileSync('/tmp/x2/errors.txt', `${t.kind} ${t.register} n=${t.count} avg ${Number(t.totalTicks) / t.count / 5990.4} us max ${Number(t.max) / 5990.4}\n`); if (t.register === '0x060') for (const s of t.steps) appendFileSync('/tmp/x2/errors.txt', `   ${s.phase}/${s.name} cpu${s.cpu} n=${s.count} avg ${(Number(s.ticks) / s.count / 5990.4).toFixed(3)} max ${(Number(s.max) / 5990.4).toFixed(3)} ${s.costs.join(',')}\n`); }
      for (const p of sim.xen.pcpus) appendFileSync('/tmp/x2/errors.txt', `pcpu${p.id} cur ${p.current.name} ${JSON.stringify(p.counts)} pc ${p.core.sys('ELR_EL2').toString(16)}\n`);
      for (const d of sim.xen.domains.values()) for (const v of d.vcpus) appendFileSync('/tmp/x2/errors.txt', `${d.name} ${v.name} flags ${v.pauseFlags} pause ${v.pauseCount} d ${d.pauseCount} rs ${v.runstate.state}\n`);
      break; }
  }
  appendFileSync(out, buf);
}, 400_000);
