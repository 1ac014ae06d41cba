import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Machine } from '../index.js';
import { main } from './main.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rcar-sim-cli-'));
  writeFileSync(join(folder, 'Image'), 'kernel');
  writeFileSync(join(folder, 'disk.raw'), new Uint8Array(512));
  writeFileSync(
    join(folder, 'guest.cfg'),
    `name = "g"
kernel = "Image"
extra = "console=hvc0"
memory = 128
vcpus = 2
disk = [ 'format=raw,vdev=xvda,access=rw,specification=virtio,backend=DomD,grant_usage=0,target=disk.raw' ]
`,
  );
  writeFileSync(join(folder, 'typo.cfg'), 'name = "g"\nkernel = "Image"\nvcpu = 2\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
  try {
    const code = await main(args.map((arg) => arg.replace('@', `${folder}/`)));
    return { code, out: out.replaceAll(folder, '@'), err: err.replaceAll(folder, '@') };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

test.each<[string[], string]>([
  [['run', '--bare', '@nothing'], '@/nothing: no such file or directory'],
  [['run', '--bare', '@Image', '--el', '3'], "--el 3: software starts at EL1 or EL2, EL3 is the firmware's"],
  [['run', '--bare', '@Image', '--report', '@no/r.json'], 'cannot write @/no/r.json: no such file or directory'],
  [['run', '--bare', '@Image', '--report', '@'], 'cannot write @/: is a directory'],
  [
    ['run', '--bare', '@Image', '--memory', '1 parsec'],
    "--memory 1 parsec: bad unit 'parsec' in '1 parsec', a size is in B, KiB, MiB, GiB",
  ],
  [
    ['run', '--bare', '@Image', '--set', 'board.gic.lrCnt=2'],
    "--set board.gic.lrCnt: unknown key, did you mean 'board.gic.lrCount'?",
  ],
  [['run', '--bare', '@Image', '--dtb', '@Image'], '@/Image: fdt: 6 bytes are too few for a header'],
  [['run', '--bare', '@Image', '--sim-timeout', 'soon'], "--sim-timeout soon: 'soon' is not a duration, e.g. '200 ns'"],
  [['run', '@none.cfg'], '@/none.cfg: cannot be read (ENOENT)'],
  [['run', '@guest.cfg', '--kernel', '@none'], '@/guest.cfg: --kernel @/none: no such file'],
  [['run', '@guest.cfg', '--disk', 'xvdb=@disk.raw'], '--disk xvdb: no guest has a disk of that name'],
  [['run', '@typo.cfg', '--strict'], "@/typo.cfg:3: unknown key 'vcpu'; did you mean 'vcpus'?"],
  [['trace', 'show', '@guest.cfg'], '@/guest.cfg is not a trace file'],
  [['bord', 'show'], 'Did you mean board?; see rcar-sim --help'],
  [[], 'a command is needed; see rcar-sim --help'],
])('%j ends with 2 and one line, before anything runs', async (args, line) => {
  expect(await cli(...args)).toEqual({ code: 2, out: '', err: `rcar-sim: ${line}\n` });
});

test('--dry-run says what was understood and leaves no file', async () => {
  const { code, out } = await cli('run', '@guest.cfg', 'memory=256', '--dry-run', '--report', '@report.json');
  expect(code).toBe(0);
  expect(out).toBe(`g: 2 vCPUs, 256 MiB
  kernel     @/Image
  cmdline    console=hvc0
  consoles   hvc0
  disk       xvda read-write from DomD, foreign mappings: @/disk.raw
  on end     poweroff: destroy, reboot: restart, crash: destroy
`);
  expect(existsSync(join(folder, 'report.json'))).toBe(false);
});

test('board keys lists what --set takes, with its source', async () => {
  const { code, out } = await cli('board', 'keys', 'xen.hypercall');
  expect(code).toBe(0);
  expect(out).toContain('xen.hypercall  81');
  expect(out).toContain('derived: ISCA16');
});

test('our own error: exit 70, with the seed and the tail of the trace, names resolved', async () => {
  // mov x0, #0x0a000000; ldr w0, [x0]: a hole in the address map, so that the trace has something to say
  writeFileSync(join(folder, 'hole'), Uint8Array.of(0x00, 0x40, 0xa1, 0xd2, 0x00, 0x00, 0x40, 0xb9, 0, 0, 0, 0x14));
  const original = Machine.prototype.run;
  const spy = vi.spyOn(Machine.prototype, 'run').mockImplementation(function (this: Machine) {
    original.call(this, 1);
    throw new TypeError('boom');
  });
  try {
    const { code, err } = await cli('run', '--bare', '@hole', '--seed', '7', '--quiet', '--trace', '@trace');
    expect(code).toBe(70);
    const lines = err.split('\n');
    expect(lines[0]).toBe('rcar-sim: internal error, please report it: TypeError: boom');
    expect(err).toMatch(/^seed 7, \d+ instructions, tick \d+; the trace ends:$/m);
    expect(err).toContain('"kind":"GuestError","error":"unmapped-read","device":"bus","count":1}');
    expect(existsSync(join(folder, 'trace'))).toBe(true);
  } finally {
    spy.mockRestore();
  }
});
