import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder, PROGRAM } from './cli.js';
import { END, FLAT_UART, image, say, XEN_UART } from './programs.js';

const folder = new Folder();
const HELLO = say({ uart: XEN_UART, text: 'hello\n', end: END.psci });
const cfg = (lines: string): string =>
  `name = "g"\nkernel = "Image"\nvuart = "sbsa_uart"\nextra = "console=ttyAMA0"\n${lines}\n`;
const disk = (target: string, more = ''): string =>
  `disk = [ 'format=raw,vdev=xvda,access=rw,specification=virtio,backend=DomD,grant_usage=0${more},target=${target}' ]`;

beforeAll(() => {
  folder.write('Image', image(HELLO));
  folder.write('flat', say({ uart: FLAT_UART, text: 'hello\n', end: END.psci }));
  folder.write('text', 'not a kernel');
  folder.write('gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, ...new Uint8Array(100)));
  folder.write('elf', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, ...new Uint8Array(11), 62, ...new Uint8Array(60)));
  folder.write('huge', image(HELLO, 300 * 2 ** 20));
  folder.write('empty', '');
  folder.write('disk.raw', new Uint8Array(4096));
  folder.write('guest.cfg', cfg(''));
  folder.write('disk.cfg', cfg(disk('disk.raw')));
  folder.write('other.cfg', cfg(disk('disk.raw')).replace('"g"', '"h"'));
  folder.write('missing.cfg', cfg(disk('none.raw')));
  folder.write('folder.cfg', cfg(disk('.')));
  folder.write('empty.cfg', cfg(disk('empty')));
  folder.write(
    'twice.cfg',
    cfg(
      `disk = [ 'format=raw,vdev=xvda,specification=virtio,target=disk.raw', 'format=raw,vdev=xvda,specification=virtio,target=disk.raw' ]`,
    ),
  );
  folder.write('grants.cfg', cfg(disk('disk.raw')).replace('grant_usage=0', 'grant_usage=2'));
  folder.write('qdisk.cfg', cfg(disk('disk.raw')).replace('grant_usage=0', 'backendtype=qdisk'));
  folder.write('typo.cfg', cfg('vcpu = 2'));
  folder.write('known.cfg', cfg('vif = [ "bridge=x" ]'));
  folder.write('number.cfg', cfg('memory = "lots"'));
  folder.write('syntax.cfg', 'name = "g\nkernel = "Image"\n');
  folder.write('board.json', '{ "name": "mine" }');
  folder.write('keys', '{"recording":1}\n{"time":"5","console":"uart9","bytes":"61"}\n');
});
afterAll(() => folder.remove());

test.each<[string, string[], string]>([
  ['no kernel', ['@guest.cfg', '--kernel', '@none'], '@/guest.cfg: --kernel @/none: no such file'],
  ['a text', ['@guest.cfg', '--kernel', '@text'], 'g: kernel @/text: neither an arm64 Image nor an ELF file'],
  ['gzip', ['@guest.cfg', '--kernel', '@gzip'], 'g: kernel @/gzip: this is gzip data, unpack it first (gunzip)'],
  ['gzip, bare', ['--bare', '@gzip'], '@/gzip: this is gzip data, unpack it first (gunzip)'],
  ['an x86 ELF', ['@guest.cfg', '--kernel', '@elf'], 'g: kernel @/elf: elf: machine 62 is not AArch64 (183)'],
  ['an x86 ELF, bare', ['--bare', '@elf'], '@/elf: elf: machine 62 is not AArch64 (183)'],
  ['empty, bare', ['--bare', '@empty'], '@/empty: the kernel file is empty'],
  ['too large', ['@guest.cfg', '--kernel', '@huge'], 'g: the kernel needs 300 MiB, the guest has 256 MiB'],
  [
    'too large, bare',
    ['--bare', '@huge'],
    '@/huge: the kernel Image (0x40200000..0x52dfffff) does not fit into RAM (0x40000000..0x4fffffff)',
  ],
  [
    'more memory than the board has',
    ['@guest.cfg', 'memory=9000'],
    'g: domain g: the board has no more memory (5928 MiB wanted)',
  ],
  ['a mistyped value', ['@number.cfg'], '@/number.cfg:5: memory must be a number'],
  ['an open string', ['@syntax.cfg'], '@/syntax.cfg:1: string is not closed with "'],
  ['the same vdev twice', ['@twice.cfg'], '@/twice.cfg:5: vdev xvda is given twice'],
  [
    'a missing disk',
    ['@missing.cfg'],
    '@/missing.cfg: disk xvda none.raw: no such file (--disk xvda=FILE takes another)',
  ],
  ['a folder as disk', ['@folder.cfg'], '@/folder.cfg: disk xvda .: is a directory'],
  ['an empty disk', ['@empty.cfg'], 'disk image @/empty: smaller than one sector of 512 bytes'],
  [
    'one image, two writers',
    ['@disk.cfg', '@other.cfg'],
    'g:xvda and h:xvda share @/disk.raw and one writes it (access=ro for both, or --snapshot-disk)',
  ],
  ['two guests of one name', ['@disk.cfg', '@disk.cfg'], "two guests are named 'g'"],
  ['an unknown key, strictly', ['@typo.cfg', '--strict'], "@/typo.cfg:5: unknown key 'vcpu'; did you mean 'vcpus'?"],
  ['a key without effect, strictly', ['@known.cfg', '--strict'], '@/known.cfg:5: not modelled, ignored: vif'],
  ['EL3', ['--bare', '@flat', '--el', '3'], "--el 3: software starts at EL1 or EL2, EL3 is the firmware's"],
  [
    'a UART in RAM',
    ['--bare', '@flat', '--set', 'board.serial.uart0.base=0x40000000'],
    '--set board.serial.uart0.base=0x40000000: serial[0].base: 0x40000000..0x40000fff overlaps memory[0] 0x40000000..0x4fffffff',
  ],
  [
    'an unwritable report',
    ['--bare', '@flat', '--report', '@no/r.json'],
    'cannot write @/no/r.json: no such file or directory',
  ],
  ['an unwritable trace', ['--bare', '@flat', '--trace', '@no/t'], 'cannot write @/no/t: no such file or directory'],
  [
    'one file for two outputs',
    ['--bare', '@flat', '--trace', '@x', '--report', '@x'],
    '@/x: two outputs go to the same file',
  ],
  ['a key of another board', ['--bare', '@flat', '--replay', '@keys'], "@/keys: this run has no console 'uart9'"],
  ['a policy', ['@disk.cfg', '--set', 'ioreq.policy=maybe'], '--set ioreq.policy=maybe: not one of dom0, deny, allow'],
  [
    'a baseline',
    ['@disk.cfg', '--set', 'xen.baseline=4.18'],
    "--set xen.baseline=4.18: not one of v1, 4.17, current, did you mean '4.17'?",
  ],
  ['a switch', ['@disk.cfg', '--set', 'xen.ioreqServer=maybe'], '--set xen.ioreqServer=maybe: not one of on, off'],
  ['grants', ['@grants.cfg'], "@/grants.cfg:5: grant_usage must be 0 or 1, not '2'"],
  [
    'a backend type',
    ['@qdisk.cfg'],
    '@/qdisk.cfg:5: no suitable backend for disk xvda: virtio needs format=raw, backendtype=standalone',
  ],
  [
    'a board that is none',
    ['--bare', '@flat', '--board', 'rcarh3'],
    "no board 'rcarh3': rcar-h3, flat, or a JSON file, did you mean 'rcar-h3'?",
  ],
])('%s: exit 2, one line, nothing runs', async (_what, args, line) => {
  const { code, out, err } = await folder.run('run', ...args);
  expect([code, out, err]).toEqual([2, '', [`rcar-sim: ${line}`]]);
});

/** A file that nobody may write, not even root. */
const READ_ONLY = '/sys/kernel/notes';

test.skipIf(!existsSync(READ_ONLY))('a read-only disk opened for writing: exit 2, one line', async () => {
  const { code, err } = await folder.run('run', '@disk.cfg', '--disk', `xvda=${READ_ONLY}`);
  expect([code, err]).toEqual([
    2,
    [`rcar-sim: disk image ${READ_ONLY}: not writable (use access=ro or --snapshot-disk)`],
  ]);
});

test('a board file with faults: one line for each, with its path', async () => {
  const { code, err } = await folder.run('board', 'check', '@board.json');
  expect(code).toBe(2);
  expect(err[0]).toMatch(/^rcar-sim: board mine: \d+ faults$/);
  expect(err).toContain('  clusters: is missing');
});

test('a board file as `board show --json` prints it is sound, and a changed one is another board', async () => {
  const { out } = await folder.run('board', 'show', '--json', '--board', 'flat');
  folder.write('good.json', out);
  const check = await folder.run('board', 'check', '@good.json');
  expect([check.code, check.out]).toEqual([
    0,
    expect.stringMatching(/^board flat: sound, timing table [0-9a-f]{16}\n$/),
  ]);
  folder.write('moved.json', out.replace(/"base": 150994944/, '"base": 167772160')); // the UART, 0x9000000 to 0xa000000
  folder.write('moved', say({ uart: 0x0a00_0000, text: 'hello\n', end: END.psci }));
  const moved = await folder.run('run', '--bare', '@moved', '--board', '@moved.json');
  expect([moved.code, moved.out]).toEqual([0, 'hello\n']);
});

test('keys that are unknown or without effect are warnings of one line, and the guest runs', async () => {
  const typo = await folder.run('run', '@typo.cfg');
  expect([typo.code, typo.out]).toEqual([0, 'hello\n']);
  expect(typo.err[0]).toBe("rcar-sim: warning: @/typo.cfg:5: unknown key 'vcpu'; did you mean 'vcpus'?");
  const known = await folder.run('run', '@known.cfg');
  expect([known.code, known.err[0]]).toEqual([0, 'rcar-sim: warning: @/known.cfg: not modelled, ignored: vif']);
});

test('grants that the guest never used are one warning, at the end', async () => {
  const granted = cfg(disk('disk.raw').replace('grant_usage=0', 'grant_usage=1'));
  folder.write('grants.cfg', granted);
  const { code, err } = await folder.run('run', '@grants.cfg');
  expect(code).toBe(0);
  const warnings = err.filter((line) => line.includes('warning'));
  expect(warnings).toEqual([
    'rcar-sim: warning: g: the guest never touched xvda: grants are on and its kernel may lack CONFIG_XEN_VIRTIO; try grant_usage=0',
  ]);
  expect((await folder.run('run', '@disk.cfg')).err.filter((line) => line.includes('warning'))).toEqual([]);
});

test('--help is there in under 300 ms', () => {
  // Processor time, best of five: other work on the host does not count.
  const script = `
    process.argv = [process.argv[0], 'rcar-sim', '--help'];
    await import(${JSON.stringify(pathToFileURL(PROGRAM).href)});
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    process.stderr.write(String(userCPUTime + systemCPUTime));`;
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5 && best >= 300; attempt++) {
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stdout).toContain('Commands:');
    best = Math.min(best, Number(stderr) / 1000);
  }
  expect(best).toBeLessThan(300);
});
