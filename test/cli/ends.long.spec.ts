import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder, PROGRAM } from './cli.js';
import { END, FLAT_UART, image, say, SYSTEM_RESET, XEN_UART } from './programs.js';

const folder = new Folder();
const PANIC = 'Kernel panic - not syncing: out of ideas\n';
const PROGRAMS = {
  off: { end: END.psci },
  reset: { end: END.psci, call: SYSTEM_RESET },
  spin: { end: END.spin },
  sleep: { end: END.sleep },
  nowhere: { end: END.nowhere },
  hole: { end: END.hole },
  panic: { end: END.spin, text: PANIC },
  panicReset: { end: END.psci, call: SYSTEM_RESET, text: PANIC },
} as const;

beforeAll(() => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const options = { text: `${name}\n`, ...program };
    folder.write(`flat-${name}`, say({ ...options, uart: FLAT_UART }));
    folder.write(`xen-${name}`, image(say({ ...options, uart: XEN_UART })));
    for (const guest of ['a', 'b']) {
      folder.write(
        `${guest}-${name}.cfg`,
        `name = "${guest}"\nkernel = "xen-${name}"\nmemory = 16\nvuart = "sbsa_uart"\nextra = "console=ttyAMA0"\n`,
      );
    }
  }
});
afterAll(() => folder.remove());

interface Case {
  readonly args: string[];
  readonly outcome: string;
  readonly code: number;
  /** The one line that says so, whatever the log level. */
  readonly line?: RegExp | string;
}

const LOOP =
  /^(a: d1v0|cpu0): instruction abort at 0x200 again and again \(ESR_EL1 0x86\d{6}, FAR_EL1 0x200, VBAR_EL1 0x0\)$/;

test.each<Case>([
  { args: ['@a-off.cfg'], outcome: 'poweroff', code: 0 },
  { args: ['--bare', '@flat-off'], outcome: 'poweroff', code: 0 },
  { args: ['--bare', '@flat-reset'], outcome: 'reboot', code: 0 },
  { args: ['@a-reset.cfg', 'on_reboot=destroy'], outcome: 'reboot', code: 0 },
  { args: ['@a-reset.cfg', 'on_reboot=preserve'], outcome: 'reboot', code: 0 },
  { args: ['@a-nowhere.cfg'], outcome: 'crash', code: 1, line: LOOP },
  { args: ['--bare', '@flat-nowhere'], outcome: 'crash', code: 1, line: LOOP },
  { args: ['@a-hole.cfg'], outcome: 'crash', code: 1, line: LOOP },
  { args: ['--bare', '@flat-hole'], outcome: 'crash', code: 1, line: LOOP },
  { args: ['@a-panic.cfg'], outcome: 'panic', code: 1, line: `a: ${PANIC.trim()}` },
  { args: ['--bare', '@flat-panic'], outcome: 'panic', code: 1, line: PANIC.trim() },
  { args: ['@a-panicReset.cfg'], outcome: 'panic', code: 1, line: `a: ${PANIC.trim()}` },
  { args: ['--bare', '@flat-panicReset'], outcome: 'panic', code: 1, line: PANIC.trim() },
  { args: ['@a-sleep.cfg'], outcome: 'timeout', code: 1, line: 'every core waits and nothing will wake one' },
  { args: ['--bare', '@flat-sleep'], outcome: 'timeout', code: 1, line: 'every core waits and nothing will wake one' },
  {
    args: ['@a-sleep.cfg', '--sim-timeout', '30 s'],
    outcome: 'timeout',
    code: 1,
    line: 'simulated time limit of 30.000 s reached',
  },
  {
    args: ['--bare', '@flat-spin', '--sim-timeout', '20 ms'],
    outcome: 'timeout',
    code: 1,
    line: 'simulated time limit of 0.020 s reached',
  },
  { args: ['@a-spin.cfg', '--expect', '^spi'], outcome: 'expect', code: 0 },
  {
    args: ['@a-off.cfg', '--expect', 'login:'],
    outcome: 'poweroff',
    code: 1,
    line: 'a; no line matched --expect login:',
  },
  // The UART has gone: what the program takes for it is a hole in the address map.
  {
    args: ['--bare', '@flat-off', '--set', 'board.serial.uart0.base=0x0a000000'],
    outcome: 'crash',
    code: 1,
    line: LOOP,
  },
])('$args: $outcome, exit $code', async ({ args, outcome, code, line }) => {
  const result = await folder.run('run', ...args, '--quiet', '--report', '@report.json');
  const report = folder.report();
  expect([result.code, report.outcome, report.exitCode]).toEqual([code, outcome, code]);
  if (line === undefined) {
    expect(result.err).toEqual([]);
  } else {
    expect(result.err).toHaveLength(1);
    expect(result.err[0]?.replace(`rcar-sim: ${outcome}: `, '')).toMatch(line);
  }
});

test('a guest that resets is restarted, until simulated time is over', async () => {
  const { out, code } = await folder.run('run', '@a-reset.cfg', '--sim-timeout', '10 s', '--report', '@report.json');
  expect(code).toBe(1);
  expect(folder.report().outcome).toBe('timeout');
  expect(out.split('\n').length).toBeGreaterThan(3);
  expect(out.replaceAll('reset\n', '')).toBe('');
});

test('two guests: one that ends badly does not end the other, and the worst end is the run’s', async () => {
  const result = await folder.run('run', '@a-panic.cfg', '@b-off.cfg', '--report', '@report.json');
  expect([result.code, folder.report().outcome]).toEqual([1, 'panic']);
  expect(folder.report().detail).toBe(`a: ${PANIC.trim()}; b poweroff`);
  expect(result.out.split('\n').sort()).toEqual(['', `[a] ${PANIC.trim()}`, '[b] off']);
  const loop = await folder.run('run', '@a-nowhere.cfg', '@b-panic.cfg', '--report', '@report.json');
  expect([loop.code, folder.report().outcome]).toEqual([1, 'panic']);
  expect(loop.err.filter((text) => text.includes('the others go on'))).toHaveLength(1);
});

test.each([['SIGINT'], ['SIGTERM'], ['SIGHUP']] as const)(
  '%s ends the run with its report, exit 130',
  async (signal) => {
    const running = folder.start(['run', '@a-spin.cfg', '--report', '@report.json', '--trace', '@trace']);
    await running.until(/spin/);
    running.child.kill(signal);
    const { code, err } = await running.done;
    expect(code).toBe(130);
    expect(folder.report()).toMatchObject({ outcome: 'interrupted', detail: signal, exitCode: 130 });
    expect(err[0]).toMatch(/^rcar-sim: interrupted: SIG/);
    const shown = await folder.run('trace', 'show', '@trace', '--kind', 'Outcome');
    expect(JSON.parse(shown.out)).toMatchObject({ kind: 'Outcome', outcome: 'interrupted' });
  },
);

test('SIGQUIT shows where the vCPUs stand and the run goes on; the end shows it again, and the report has it', async () => {
  const running = folder.start(['run', '@a-spin.cfg', '--report', '@report.json']);
  await running.until(/spin/);
  running.child.kill('SIGQUIT');
  await new Promise((resolve) => setTimeout(resolve, 500));
  running.child.kill('SIGTERM');
  const { code, err } = await running.done;
  expect(code).toBe(130);
  expect(err.filter((line) => line.startsWith('d1v0 of a: running, since '))).toHaveLength(2);
  expect(folder.report().vcpus).toMatchObject([{ guest: 'a', vcpu: 'd1v0', state: 'running', loops: true }]);
});

test('a run that was cut off says why it hung', async () => {
  const { err } = await folder.run('run', '@a-sleep.cfg', '--report', '@report.json');
  expect(err.join('\n')).toMatch(/\nd1v0 of a: blocked, in WFI, since [\s\S]*nothing is on its way/);
  expect(folder.report().vcpus).toMatchObject([{ state: 'blocked', waits: 'interrupt', interrupts: [] }]);
});

test.each([
  ['--trace', 'trace'],
  ['--report', 'report'],
  ['--junit', 'junit'],
  ['--record', 'record'],
])('%s on a full disk: one line, and a run that wanted it has failed', async (option) => {
  const { code, out, err } = await folder.run('run', '@a-off.cfg', option, '/dev/full', '--quiet');
  expect([code, out]).toEqual([1, 'off\n']);
  expect(err[0]).toBe('rcar-sim: cannot write /dev/full: no space left');
  expect(err.length).toBeLessThanOrEqual(2);
});

test('a full standard output: one line, exit 1', async () => {
  const running = folder.start(
    ['run', '--bare', '@flat-off', '--quiet'],
    ['sh', '-c', 'exec "$0" "$@" > /dev/full', process.execPath, PROGRAM],
  );
  const { code, err } = await running.done;
  expect([code, err[0]]).toEqual([1, 'rcar-sim: cannot write standard output: no space left']);
});
