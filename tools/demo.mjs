// npm run demo: the built-in bare-metal guest, then, where apt is there, an unmodified Debian kernel. Both boot as guests of
// the Xen model and use their disk through IOREQ. Exit codes as the command line's.
//   node tools/demo.mjs [--bare]      --bare: only the first
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
/** A disk of our own with known content: the demo never writes to one that somebody uses. */
const DISK = '.cache/demo/disk.raw';
const MIB = 1 << 20;
/** What a Debian guest that works says, in this order. */
const MILESTONES = [
  /Xen \d+\.\d+ support found/,
  /virtio_blk virtio\d+: \[vda\]/,
  /read 1 MiB sha256/,
  /read back sha256/,
  /reboot: Power down/,
];

const say = (line = '') => void process.stderr.write(`${line}\n`);
const bold = (text) => (process.stderr.isTTY && !process.env.NO_COLOR ? `\x1b[1m${text}\x1b[22m` : text);

function fail(line, code = 1) {
  say(`demo: ${line}`);
  process.exit(code);
}

/** A word as a shell needs it. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
const commandLine = (words) => ['npx', 'rcar-sim', ...words].map(quoted).join(' ');

/** Runs a guest, its console and our table passed on as they come. Returns what the console said. */
async function rcarSim(...words) {
  say(bold(`$ ${commandLine(words)}`));
  const child = spawn(process.execPath, ['cli/rcar-sim.mjs', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (bytes) => {
    process.stdout.write(bytes);
    text += bytes.toString('latin1');
  });
  // The terminal's Ctrl-C reaches the child too; it ends in order and tells by its code.
  process.on('SIGINT', () => {});
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
  process.removeAllListeners('SIGINT');
  if (code !== 0) fail(`the run ended with exit code ${code}`, code);
  return text;
}

function sha256(path, from, length) {
  const bytes = Buffer.alloc(length);
  const fd = openSync(path, 'r');
  readSync(fd, bytes, 0, length, from);
  closeSync(fd);
  return createHash('sha256').update(bytes).digest('hex');
}

async function bare() {
  const { bareDisk, BARE_READ_CRC } = await import(new URL('../dist/guests/bare/disk.js', import.meta.url).href);
  say(`${bold('1. A bare-metal guest')} (26 kB, guests/bare) reads and writes its virtio disk through IOREQ`);
  bareDisk(root);
  const text = await rcarSim('run', 'guests/bare/guest.cfg');
  const crc = BARE_READ_CRC.toString(16).padStart(8, '0');
  if (!text.includes(`crc=${crc}`)) fail(`the guest did not read crc ${crc}, that of its disk's content`);
  say(`\nThe CRC that the guest computed, ${crc}, is that of the image's content on the host.`);
}

/** Makes the Debian guest; its configuration, or undefined with one line that says why there is none. */
async function debianGuest() {
  const skip = (why) => {
    say(`No Debian guest: ${why}. One with a kernel and initramfs of your own needs only a guest.cfg: docs/cli.md`);
    return undefined;
  };
  const missing = ['apt-get', 'dpkg-deb'].filter((tool) => !existsSync(`/usr/bin/${tool}`));
  say(`${bold('2. An unmodified Debian 6.1 arm64 kernel')} (fetched once, with this machine's apt) does the same`);
  if (missing.length > 0) return skip(`this machine has no ${missing.join(' and no ')}`);
  const child = spawn(process.execPath, ['tools/guest.mjs', '--suite', 'bookworm', '--flavour', 'arm64'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let path = '';
  child.stdout.on('data', (bytes) => (path += bytes));
  // Its lines tell how it gets on; the last one may be the reason why it gave up.
  let last = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (last !== '') say(last);
    last = line;
  });
  const [code, signal] = await once(child, 'close');
  if (signal !== null) process.exit(130);
  if (code !== 0) return skip(`it cannot be fetched now (${last.replace(/^guest: /, '')})`);
  if (last !== '') say(last);
  return relative(root, path.trim());
}

async function debian(cfg) {
  const { diskImage } = await import(new URL('../dist/guests/debian/disk.js', import.meta.url).href);
  mkdirSync('.cache/demo', { recursive: true });
  writeFileSync(DISK, diskImage());
  const text = await rcarSim('run', cfg, 'extra="console=ttyAMA0 rcar.run=demo"', '--disk', `xvda=${DISK}`);
  for (const milestone of MILESTONES) if (!milestone.test(text)) fail(`the guest's log has no ${milestone}`);
  const [, read] = /read 1 MiB sha256 ([0-9a-f]{64})/.exec(text) ?? [];
  const [, written] = /read back sha256 ([0-9a-f]{64})/.exec(text) ?? [];
  if (read !== sha256(DISK, 0, MIB)) fail('what the guest read is not what the disk image holds');
  if (written !== sha256(DISK, 4 * MIB, MIB)) fail('what the guest wrote is not in the disk image');
  say(`\nBoth sums are also those of ${DISK} on the host: what the guest read, and, 4 MiB further on, what it wrote.`);
}

await bare();
if (process.argv.includes('--bare')) process.exit(0);
say();
const cfg = await debianGuest();
if (cfg !== undefined) await debian(cfg);
say('\nNext:');
const next = (words, what) => say(`  ${commandLine(words)}\n      ${what}`);
if (cfg !== undefined) next(['run', cfg], 'a shell in the guest; poweroff -f ends it, Ctrl-] leaves');
next(['run', 'guests/bare/guest.cfg', '--set', 'xen.placement=same'], 'another design: guest and backend on one core');
next(['board', 'keys'], 'everything that --set can change');
