// npm run leaks [-- --count N] [--debian] [--end reboot|destroy|kill]: lives of the built-in guest (with --debian: of
// Debian 6.1) that end by reboot, by destroy, and by destroy after SIGKILL for the backend; what each leaves behind, as a
// table. Ends with `N passed, N failed`; exit status 1 when something stays, or the host's memory grows by more than 5 %
// between lives 5 and N.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** RSS after the last life, against that after the fifth. */
const RSS_LIMIT = 0.05;
const COLUMNS = [
  ['life', 5],
  ['domid', 6],
  ['domains', 8],
  ['servers', 8],
  ['ports', 6],
  ['freePages', 10],
  ['tables', 7],
  ['grants', 7],
  ['foreign', 8],
  ['nodes', 6],
  ['watches', 8],
  ['connections', 12],
  ['timers', 7],
  ['requests', 9],
  ['handles', 8],
  ['rss MiB', 8],
];
const ENDS = ['reboot', 'destroy', 'kill'];
const line = (cells) => cells.map((cell, i) => String(cell).padStart(COLUMNS[i][1])).join(' ');

function usage(text) {
  console.error(`leaks: ${text}`);
  process.exit(2);
}

let options;
try {
  const known = {
    count: { type: 'string', default: '50' },
    debian: { type: 'boolean', default: false },
    end: { type: 'string' },
  };
  options = parseArgs({ options: known }).values;
} catch (error) {
  usage(error.message);
}
const count = Number(options.count);
if (!Number.isSafeInteger(count) || count < 6) usage(`--count: '${options.count}' is not a number from 6`);

if (options.end !== undefined && !ENDS.includes(options.end))
  usage(`--end: '${options.end}' is none of ${ENDS.join(', ')}`);

// Each kind has a process of its own, so that one's memory says nothing about another's. It is compared after
// collections, so that it does not depend on when the host makes one, and with a young generation of fixed size: V8
// enlarges it while a program warms up.
if (globalThis.gc === undefined) {
  const self = fileURLToPath(import.meta.url);
  const flags = ['--expose-gc', '--min-semi-space-size=4', '--max-semi-space-size=4'];
  const given = ['--count', options.count, ...(options.debian ? ['--debian'] : [])];
  const kinds = options.end === undefined ? ENDS : [options.end];
  const good = kinds.map((end) => {
    const { status } = spawnSync(process.execPath, [...flags, self, ...given, '--end', end], { stdio: 'inherit' });
    if (status === 2) process.exit(2);
    return status === 0;
  });
  const failed = good.filter((ok) => !ok).length;
  console.log(`\n${good.length - failed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}

const { bareGuest, readGuestConfig } = await import('../dist/index.js');
const { leaks, lives, openHandles } = await import('../dist/bench/leaks/lives.js');
const { end } = options;
const folder = mkdtempSync(join(tmpdir(), 'rcar-sim-leaks-'));

/** The guest, on a fresh image. */
function guestFor() {
  const target = join(folder, `${end}.raw`);
  writeFileSync(target, Buffer.alloc(16 << 20));
  if (options.debian) {
    const file = join(ROOT, '.cache/guests/debian-bookworm-arm64/guest.cfg');
    if (!existsSync(file)) usage('no Debian kernel here: run npm run guest first');
    const { config } = readGuestConfig(file, [], true);
    const cmdline = end === 'reboot' ? `${config.cmdline} rcar.end=reboot` : config.cmdline;
    return { ...config, cmdline, disks: config.disks.map((disk) => ({ ...disk, target })) };
  }
  const words = end === 'reboot' ? `reads=4 reboots=${count + 10}` : 'reads=200 depth=4 size=8192';
  const guest = bareGuest(`console=ttyAMA0 ${words}`);
  return { ...guest, disks: guest.disks.map((disk) => ({ ...disk, target })) };
}

let failed = false;
const result = (ok, text) => {
  failed ||= !ok;
  console.log(`${ok ? 'ok' : 'LEAK'}: ${text}`);
};

try {
  const guest = guestFor();
  console.log(`\n${guest.name}: ${end} x ${count}\n${line(COLUMNS.map(([name]) => name))}`);
  // Now that the first line is out: the host opens its end of a pipe then.
  const handles = openHandles();
  const busyAfter = options.debian ? 500 : 1;
  // Warm-up: what the host compiles and caches at first is no leak.
  if (!options.debian) lives({ guest, count: 5, end, busyAfter });
  let life = 0;
  const { rows, failure } = lives({
    guest,
    count,
    end,
    busyAfter,
    onRow: (row) => {
      life++;
      if (life > 5 && life % 10 !== 0 && life !== count) return;
      const cells = COLUMNS.slice(1, -1).map(([name]) => row[name]);
      console.log(line([life, ...cells, (row.rss / 2 ** 20).toFixed(1)]));
    },
  });
  if (failure !== undefined) result(false, failure);
  else {
    const found = leaks(rows);
    for (const text of found) console.log(`  ${text}`);
    result(found.length === 0, `${end}: ${found.length === 0 ? 'nothing' : 'something'} of ${count} lives is left`);
    const growth = rows.at(-1).rss / rows[4].rss - 1;
    result(growth < RSS_LIMIT, `${end}: resident memory ${(growth * 100).toFixed(1)} % after ${count} lives against 5`);
    result(openHandles() === handles, `${end}: ${handles} host files open before, ${openHandles()} after`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
