// Saves snapshots of the bare-metal virtio run, or restores them in this process and runs each to its end.
//   node test/xen/snapshot-process.mjs save FOLDER WORDS VCPUS COUNT [SETTING]
//   node test/xen/snapshot-process.mjs restore FOLDER WORDS VCPUS COUNT [SETTING]
// Prints one line of JSON. Works on what the build has put into dist/.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bareGuest, configure, createXenSimulation, MemoryDisk, rcarH3 } from '../../dist/index.js';
import { loadSnapshot, saveSnapshot } from '../../dist/sim/machine/snapshot.js';

const [what, folder, words, vcpus, count, ...settings] = process.argv.slice(2);

function make() {
  return createXenSimulation({
    configuration: configure(rcarH3(), settings),
    guests: [bareGuest(`console=ttyAMA0 ${words}`, Number(vcpus))],
    disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20).fill(0x5a))]]),
  });
}

/** Slices until the end. */
function slices(simulation) {
  for (let n = 0; ; n++) if (simulation.machine.run(1) !== 'more') return n;
}

const end = ({ machine }) => ({ hash: machine.hash(), outcome: machine.outcome?.name, time: String(machine.time) });

/** What the backend process is in the middle of. */
function backendWork(simulation) {
  const [state] = [...simulation.backends.values()].map((backend) => JSON.stringify(backend.save()));
  const found = /"phase":"(map|io|disk|complete|unmap|irq)/.exec(state);
  return found === null ? undefined : found[1];
}

function save() {
  const whole = make();
  const total = slices(whole);
  // A linear congruential generator (Numerical Recipes): the same points on every run.
  let state = 12345;
  const points = new Set();
  while (points.size < Number(count)) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    points.add(Math.floor((state / 2 ** 32) * total));
  }
  const simulation = make();
  const saved = [];
  const wanted = new Set(['request in flight', 'map', 'disk']);
  for (let n = 0; n < total; n++) {
    const work = backendWork(simulation);
    const inFlight = simulation.machine.ledger.inFlight > 0;
    const special = (inFlight && wanted.delete('request in flight')) || (work !== undefined && wanted.delete(work));
    if (special || points.has(n)) {
      const file = `${String(n).padStart(6, '0')}.snapshot`;
      writeFileSync(join(folder, file), saveSnapshot(simulation.machine, { words }));
      saved.push({ file, inFlight, work });
    }
    simulation.machine.run(1);
  }
  simulation.machine.run(1);
  return { total, saved, whole: end(whole), cut: end(simulation) };
}

function restore() {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.snapshot'))
    .sort()
    .map((file) => {
      const simulation = make();
      loadSnapshot(simulation.machine, readFileSync(join(folder, file)));
      slices(simulation);
      return { file, ...end(simulation) };
    });
}

process.stdout.write(`${JSON.stringify(what === 'save' ? save() : restore())}\n`);
