/**
 * Flat test images as users of architecture test suites have them: loaded raw, entered at their first byte with x0 =
 * device tree and the MMU off, output on a PL011, the result in a closing line, the end by PSCI.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { flatBoard } from '../../boards/index.js';
import { findFdtNode, setFdtProperty, writeFdt } from '../../formats/index.js';
import { flatDeviceTree } from '../../sim/machine/flat-tree.js';
import { hvc, Program, smc, WFE } from '../support/a64.js';
import { Folder } from './cli.js';
import { END, FLAT_UART, say } from './programs.js';

const folder = new Folder();
const BASE = 0x4008_0000;
const CPU_ON = 0xc400_0003;
const SYSTEM_OFF = 0x8400_0008;

const line = (status: number): string => `PASS: one\n\nEXIT: STATUS=${status}\n`;

/**
 * A test of the entry contract: each check that fails sets a bit of x20, the code that it ends with. Output goes to
 * `uart`; a second core, if the test is to have one, must say that it came.
 */
function contract(uart: number, el: 1 | 2, cores: number): Uint8Array {
  const p = new Program(BASE);
  let bit = 0;
  /** Fails if x1 and x2 differ. */
  const same = (): void => {
    const label = `check${bit}`;
    p.cmp(1, 2)
      .bcond('eq', label)
      .add(20, 20, 1 << bit++)
      .label(label);
  };
  p.label('entry').copy(19, 0).mov(20, 0);
  p.adr(1, 'entry').mov(2, BASE);
  same();
  p.ldrw(1, 19).mov(2, 0xedfe_0dd0); // the tree's magic, big-endian
  same();
  p.mrs(1, 'CurrentEL').mov(2, el << 2);
  same();
  p.mrs(1, el === 2 ? 'SCTLR_EL2' : 'SCTLR_EL1')
    .mov(2, 5)
    .and(1, 1, 2)
    .mov(2, 0); // M, C
  same();
  p.mrs(1, 'DAIF').mov(2, 0x3c0);
  same();
  if (cores > 1) {
    p.mov(0, CPU_ON)
      .mov(1, 1)
      .adr(2, 'second')
      .mov(3, 0x77)
      .put(el === 2 ? smc(0) : hvc(0))
      .copy(1, 0)
      .mov(2, 0);
    same();
    p.mov(3, 0x4200_0000).mov(2, 0x77).label('wait').ldr(1, 3).cbz(1, 'wait');
    same();
  }
  p.mov(1, uart).mov(4, 1).addr(20, 4, 20, 1); // (code << 1) | 1, below 200
  for (const char of '\nEXIT: STATUS=') p.mov(3, char.charCodeAt(0)).strw(3, 1);
  p.mov(5, 100).label('digits').mov(6, 0x30);
  p.label('count').cmp(20, 5).bcond('lo', 'put').put(0xcb05_0294).add(6, 6, 1).b('count'); // sub x20, x20, x5
  p.label('put').strw(6, 1).mov(7, 10).put(0x9ac7_08a5).cbnz(5, 'digits'); // udiv x5, x5, x7
  p.mov(3, 10)
    .strw(3, 1)
    .mov(0, SYSTEM_OFF)
    .put(el === 2 ? smc(0) : hvc(0));
  p.label('second').mov(3, 0x4200_0000).str(0, 3).label('park').put(WFE).b('park');
  return p.bytes();
}

beforeAll(() => {
  for (const status of [1, 3, 155]) {
    folder.write(`status${status}`, say({ uart: FLAT_UART, text: line(status), end: END.psci }));
  }
  folder.write('silent', say({ uart: FLAT_UART, text: 'no status\n', end: END.psci }));
  folder.write('crash', say({ uart: FLAT_UART, text: line(1), end: END.nowhere }));
});
afterAll(() => folder.remove());

const FAILED = 'rcar-sim: poweroff: PSCI SYSTEM_OFF by cpu0; EXIT: STATUS=3, code 1';

test.each<[string, string[], number, number | undefined]>([
  ['success', ['@status1'], 0, 0],
  ['failure', ['@status3'], 1, 1],
  ['skipped', ['@status155'], 1, 77],
  ['no line', ['@silent'], 0, undefined],
  ['success, but then a crash', ['@crash'], 1, 0],
  ['--expect decides if it is given', ['@status3', '--expect', '^PASS: one$'], 0, undefined],
])('%s', async (_name, [image = '', ...more], code, testCode) => {
  const result = await folder.run('run', '--bare', image, ...more, '--quiet', '--report', '@r.json');
  const report = folder.report('r.json');
  expect([result.code, report.exitCode, report.testCode]).toEqual([code, code, testCode]);
  expect(result.err).toHaveLength(code);
  if (testCode === 1) expect(result.err).toEqual([FAILED]);
});

describe('the entry contract, checked by the image itself', () => {
  test.each<[string, 1 | 2, number, number, string[]]>([
    ['EL2, two cores', 2, 2, FLAT_UART, ['--el', '2', '--smp', '2']],
    ['another UART address', 1, 1, 0x0a00_0000, ['--set', 'board.serial.uart0.base=0x0a000000']],
    ['EL1 in 64 MiB', 1, 1, FLAT_UART, ['--memory', '64 MiB']],
  ])('%s', async (name, el, cores, uart, args) => {
    const image = `contract ${name}`;
    folder.write(image, contract(uart, el, cores));
    const { code, out } = await folder.run('run', '--bare', `@${image}`, ...args, '--quiet');
    expect([code, out]).toEqual([0, '\nEXIT: STATUS=001\n']);
  });

  test('and it can fail: an image for EL1 at EL2', async () => {
    folder.write('el1', contract(FLAT_UART, 1, 1));
    const { code, err } = await folder.run('run', '--bare', '@el1', '--el', '2', '--quiet', '--report', '@r.json');
    expect([code, folder.report('r.json').outcome, err.length]).toEqual([1, 'crash', 1]);
  });
});

describe('device tree', () => {
  /** The built-in guest reads memory, CPUs, interrupt controller and UART from the tree, and says so. */
  const GUEST = new URL('../../guests/bare/virtio.img', import.meta.url).pathname;

  test('a given one is what the program sees, not the board', async () => {
    const tree = flatDeviceTree(flatBoard({ cores: 3 }));
    setFdtProperty(
      findFdtNode(tree, '/memory')!,
      'reg',
      Uint8Array.of(0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0),
    );
    folder.write('tree.dtb', writeFdt(tree));
    const { out } = await folder.run('run', '--bare', GUEST, '--dtb', '@tree.dtb', '--quiet');
    expect(out).toMatch(/^bare: 3 CPUs, 64 MiB at 0x40000000,/);
  });

  test('--append is written into a given one, which has no chosen node', async () => {
    const tree = flatDeviceTree(flatBoard());
    tree.root.children = tree.root.children.filter((node) => node.name !== 'chosen');
    folder.write('plain.dtb', writeFdt(tree));
    const args = ['run', '--bare', GUEST, '--dtb', '@plain.dtb', '--quiet', '--append'];
    expect((await folder.run(...args, 'nonsense=1')).out).toContain('bare: ignored: nonsense=1');
  });
});

test('a file that is no program: exit 2, one line', async () => {
  folder.write('bad', 'int main() { return 0; }\n');
  const { code, out, err } = await folder.run('run', '--bare', '@bad');
  const message = 'this is text, not a program: an arm64 Image, an ELF file or a flat binary';
  expect([code, out, err]).toEqual([2, '', [`rcar-sim: @/bad: ${message}`]]);
});
