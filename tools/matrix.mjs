// npm run test:matrix [-- WORD...]: every Debian kernel with 1, 2 and 4 vCPUs on each console, from start to power-off.
// With words only those that have them all (trixie 2 hvc0). Prints a table, writes it to docs/matrix.md, and ends with
// `N passed, N failed, N skipped`.
import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { FLAVOURS, SUITES, prepare, root, runDebian } from './debian-run.mjs';

const only = process.argv.slice(2);
/** Heading and width; figures are right-aligned. */
const COLUMNS = [
  ['Kernel', -26],
  ['vCPUs', 5],
  ['Console', -7],
  ['Result', -6],
  ['Guest s', 7],
  ['M instr.', 8],
  ['Host s', 6],
  ['MIPS', 4],
  ['MiB', 4],
  ['IOREQs', 6],
];

const guests = SUITES.flatMap((suite) =>
  FLAVOURS.flatMap((flavour) =>
    [1, 2, 4].flatMap((vcpus) => ['ttyAMA0', 'hvc0'].map((console) => ({ suite, flavour, vcpus, console }))),
  ),
).filter((guest) => only.every((word) => Object.values(guest).map(String).includes(word)));

const cell = (value, [, width]) => (width < 0 ? String(value).padEnd(-width) : String(value).padStart(width));
const line = (row) => `| ${row.map((value, i) => cell(value, COLUMNS[i])).join(' | ')} |`;
const HEAD = line(COLUMNS.map(([name]) => name));
const RULE = `|${COLUMNS.map(([, width]) => (width < 0 ? '---' : '--:')).join('|')}|`;

function rowOf(guest, { failures, report, console }) {
  const kernel = /Linux (\S+),/.exec(console)?.[1] ?? `${guest.suite} ${guest.flavour}`;
  const result = failures.length === 0 ? 'ok' : `FAILED: ${failures.join(', ')}`;
  const figures =
    report === undefined
      ? ['-', '-', '-', '-', '-', '-']
      : [
          report.sim.seconds.toFixed(2),
          (report.sim.instructions / 1e6).toFixed(0),
          report.host.seconds.toFixed(1),
          report.host.mips.toFixed(0),
          (report.host.peakRssBytes / 2 ** 20).toFixed(0),
          report.ioreq.count,
        ];
  return [kernel, guest.vcpus, guest.console, result, ...figures];
}

const rows = [];
let failed = 0;
let skipped = 0;
console.log(HEAD);
for (const guest of guests) {
  try {
    prepare(guest);
  } catch (error) {
    console.log(`skipped: ${Object.values(guest).join(' ')}: ${error.message}`);
    skipped++;
    continue;
  }
  const result = runDebian(guest);
  const row = rowOf(guest, result);
  rows.push(row);
  console.log(line(row));
  if (result.failures.length > 0) {
    failed++;
    const tail = result.console.trimEnd().split('\n').slice(-12);
    const head = result.stderr.trimEnd().split('\n').slice(0, 6);
    console.log([...tail, ...head].map((text) => `    ${text}`).join('\n'));
  }
}

if (only.length === 0 && rows.length === guests.length) {
  writeFileSync(
    join(root, 'docs/matrix.md'),
    `# Boot matrix

Unmodified Debian arm64 kernels as Xen guests, 256 MiB, disk on virtio-mmio through IOREQ: boot, O_DIRECT read and write with
checksums compared on both sides, power-off. Written by \`npm run test:matrix\`; Node ${process.versions.node}, ${process.platform} ${release().split('-')[0]}.

${[HEAD, RULE, ...rows.map(line)].join('\n')}

Guest s: simulated seconds from start to power-off. MiB: peak resident memory of the whole process.
`,
  );
}
console.log(`${rows.length - failed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || (process.env.CI === 'true' && skipped > 0) ? 1 : 0;
