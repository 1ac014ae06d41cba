#!/usr/bin/env node
// Starts the built command line; the build is dist/, made by `npm run build`.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('rcar-sim: not built yet, run `npm run build` first\n');
  process.exit(2);
}
const { main: start } = await import(main.href);
process.exitCode = await start(process.argv.slice(2));
