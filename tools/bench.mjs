// npm run bench: see bench/host/main.ts.
import { fileURLToPath } from 'node:url';
import { FLAVOURS, SUITES, prepare } from './debian-run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2);
const { main } = await import('../dist/bench/host/main.js');
try {
  if (words.includes('boot')) prepare({ suite: SUITES[0], flavour: FLAVOURS[0] });
  if (words.includes('--vs-qemu')) for (const suite of SUITES) prepare({ suite, flavour: FLAVOURS[0] });
  process.exitCode = await main(words, root);
} catch (error) {
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
}
