import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder, PROGRAM, type Running } from './cli.js';
import { echo, END, FLAT_UART, image, say, XEN_UART } from './programs.js';

const folder = new Folder();

beforeAll(() => {
  folder.write('flat', echo(FLAT_UART));
  folder.write('xen', image(echo(XEN_UART)));
  folder.write('sleep', say({ uart: FLAT_UART, text: '$ ', end: END.sleep }));
  folder.write(
    'guest.cfg',
    'name = "g"\nkernel = "xen"\nmemory = 16\nvuart = "sbsa_uart"\nextra = "console=ttyAMA0"\n',
  );
});
afterAll(() => folder.remove());

const GUESTS: [string, string[]][] = [
  ['bare', ['--bare', '@flat']],
  ['Xen guest', ['@guest.cfg']],
];

/** The command line on a terminal of its own (util-linux: script). */
function onTerminal(args: string[]): Running {
  const words = [process.execPath, PROGRAM, ...args].map((word) => `'${word.replace(/^@/, `${folder.path}/`)}'`);
  return folder.start(['-qefc', words.join(' '), '/dev/null'], ['script']);
}
const terminal = test.skipIf(!existsSync('/usr/bin/script') || process.platform !== 'linux');

test.each(GUESTS)(
  '%s: --input waits for prompts, and is the same twice, recorded and replayed',
  async (_name, guest) => {
    const typed = ['--input', 'ab\\n$ \\c', '--input', 'b?\\n\\c'];
    const run = async (name: string, ...options: string[]): Promise<string> => {
      const { code, out } = await folder.run(
        'run',
        ...guest,
        '--report',
        `@${name}`,
        '--sim-timeout',
        '5 ms',
        ...options,
      );
      expect([code, out]).toEqual([1, '$ ab\n$ b?\n']);
      return folder.report(name).trace.hash;
    };
    const hash = await run('a', ...typed);
    expect(await run('b', ...typed)).toBe(hash);
    expect(await run('c', ...typed, '--record', '@keys')).toBe(hash);
    expect(await run('d', '--replay', '@keys')).toBe(hash);
    expect(readFileSync(folder.file('keys'), 'utf8').trim().split('\n')).toHaveLength(3);
  },
);

test('REGEX=>TEXT waits for its pattern; texts that found no prompt are named', async () => {
  const args = ['run', '--bare', '@flat', '--input', 'x=>q\\c', '--sim-timeout', '1 ms'];
  const waits = await folder.run(...args);
  expect([waits.code, waits.out]).toEqual([1, '$ ']);
  expect(waits.err).toContain('rcar-sim: warning: 1 of the --input texts found no prompt and were not typed');
  const matches = await folder.run('run', '--bare', '@flat', '--input', '^.=>q\\c');
  expect([matches.code, matches.out]).toEqual([0, '$ q']);
});

terminal.each(GUESTS)(
  '%s: on a terminal every key goes to the guest, and the recording replays',
  async (_name, guest) => {
    const running = onTerminal(['run', ...guest, '--record', '@typed', '--report', '@live', '--log-level', 'warn']);
    await running.until(/\$ /);
    running.child.stdin?.write('a\x03');
    await running.until(/a\x03/);
    running.child.stdin?.write('b\x1aq');
    const { code, out } = await running.done;
    expect([code, out]).toEqual([0, '$ a\x03b\x1aq\r\n']);
    const replay = await folder.run('run', ...guest, '--replay', '@typed', '--report', '@again');
    expect([replay.code, replay.out]).toEqual([0, '$ a\x03b\x1aq']);
    expect(folder.report('again').trace.hash).toBe(folder.report('live').trace.hash);
  },
);

terminal('Ctrl-] leaves, and an idle guest costs no time', async () => {
  const running = onTerminal(['run', '--bare', '@sleep', '--report', '@left', '--log-level', 'warn']);
  await running.until(/\$ /);
  await new Promise((resolve) => setTimeout(resolve, 500));
  running.child.stdin?.write('ab\x1dc');
  const { code } = await running.done;
  expect(code).toBe(130);
  const report = folder.report('left');
  expect([report.outcome, report.detail]).toEqual(['interrupted', 'Ctrl-]']);
  expect(report.sim.seconds).toBeLessThan(1);
});
