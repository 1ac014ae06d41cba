// Makes docs/request.svg, the README's picture: one request of the built-in guest, step by step, on the default board.
//   node tools/picture.mjs [--check]   --check: exit code 1 if the committed one is not what the simulator gives now
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  bareGuest,
  buildReport,
  configure,
  createXenSimulation,
  MemoryDisk,
  rcarH3,
  requestPicture,
  simulationFacts,
} from '../dist/index.js';

const path = fileURLToPath(new URL('../docs/request.svg', import.meta.url));
const simulation = createXenSimulation({
  configuration: configure(rcarH3(), []),
  guests: [bareGuest('reads=8 writes=0')],
  disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20))]]),
});
if (simulation.requests.run()?.name !== 'poweroff') throw new Error('the guest did not end');
const facts = await simulationFacts(simulation);
const run = { command: '', settings: [], exitCode: 0, seconds: 0, peakRssBytes: 0, node: '' };
const picture = await requestPicture(buildReport(facts, run));
if (!process.argv.includes('--check')) writeFileSync(path, picture);
else if (readFileSync(path, 'utf8') !== picture) {
  console.error('docs/request.svg is not what the simulator gives now: node tools/picture.mjs');
  process.exitCode = 1;
}
