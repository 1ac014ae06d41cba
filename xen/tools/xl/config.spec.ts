import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readGuestConfig } from './config.js';
import { CfgError } from './syntax.js';

const folder = mkdtempSync(join(tmpdir(), 'cfg-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'g.cfg');

const BASE = 'name = "g"\nkernel = "/Image"\n';
function read(text: string, overrides: readonly string[] = [], strict = false) {
  writeFileSync(file, text);
  return readGuestConfig(file, overrides, strict);
}
function fault(text: string, overrides: readonly string[] = [], strict = false): string {
  try {
    read(text, overrides, strict);
    return 'ok';
  } catch (error) {
    if (error instanceof CfgError) return error.message.replace(folder, '@');
    throw error;
  }
}

test('a whole configuration', () => {
  const { config, warnings } = read(`name = "domu"
    uuid = "01234567-89AB-cdef-0123-456789abcdef"
    kernel = "/boot/Image"
    ramdisk = "/boot/initrd"
    root = "/dev/vda"
    extra = "console=hvc0 quiet"
    memory = 512
    maxmem = 1024
    vcpus = 2
    maxvcpus = 4
    cpus = "0,2-3,2"
    cpu_weight = 512
    vuart = "sbsa_uart"
    on_poweroff = "preserve"
    on_reboot = "destroy"
    on_crash = "restart"
    nr_spis = 64
    disk = [ 'phy:/d0, xvda, backend=DomD, specification=virtio', '/d1,raw,xvdb,ro,specification=virtio,grant_usage=0' ]
    virtio = [ 'backend=DomD, type=virtio,device22, transport=mmio, grant_usage=1' ]`);
  expect(warnings).toEqual([]);
  expect(config).toEqual({
    name: 'domu',
    uuid: '01234567-89ab-cdef-0123-456789abcdef',
    kernel: '/boot/Image',
    ramdisk: '/boot/initrd',
    cmdline: 'root=/dev/vda console=hvc0 quiet',
    memoryMiB: 512,
    maxMemMiB: 1024,
    vcpus: 2,
    maxVcpus: 4,
    vuart: true,
    disks: [
      {
        vdev: 'xvda',
        target: '/d0',
        readOnly: false,
        backend: 'DomD',
        grantUsage: undefined,
        removable: false,
        discard: undefined,
      },
      {
        vdev: 'xvdb',
        target: '/d1',
        readOnly: true,
        backend: undefined,
        grantUsage: false,
        removable: false,
        discard: undefined,
      },
    ],
    virtio: [{ type: 'virtio,device22', backend: 'DomD', grantUsage: true }],
    nrSpis: 64,
    onPoweroff: 'preserve',
    onReboot: 'destroy',
    onCrash: 'restart',
    cpuWeight: 512,
    cpus: [0, 2, 3],
  });
});

test('defaults as xl has them', () => {
  const { config } = read(BASE);
  expect(config).toMatchObject({
    memoryMiB: 256,
    vcpus: 1,
    cmdline: '',
    vuart: false,
    disks: [],
    virtio: [],
    onPoweroff: 'destroy',
    onReboot: 'restart',
    onCrash: 'destroy',
    ramdisk: undefined,
    uuid: undefined,
    cpus: undefined,
  });
  expect(read(BASE + 'cmdline = "a"\nextra = "b"\nroot = "c"').config.cmdline).toBe('a');
});

test('a later setting wins; += appends to strings and lists', () => {
  const { config } = read(
    `${BASE}memory = 1\nmemory = 2\nextra = "a"\nextra += " b"\ndisk = [ '/x,raw,xvda,w,specification=virtio' ]\ndisk += [ '/y,raw,xvdb,w,specification=virtio' ]`,
  );
  expect([config.memoryMiB, config.cmdline, config.disks.map((d) => d.target)]).toEqual([2, 'a b', ['/x', '/y']]);
});

test('KEY=VALUE words: numbers, quoted or not, lists, +=', () => {
  const { config } = read(`${BASE}extra = "a"`, [
    'memory=64',
    'vcpus="2"',
    'name=other',
    'extra+= b c',
    "disk=['/x,raw,xvda,w,specification=virtio']",
    'vuart=sbsa_uart',
    'kernel=/a b.img',
  ]);
  expect(config).toMatchObject({
    memoryMiB: 64,
    vcpus: 2,
    name: 'other',
    cmdline: 'a b c',
    vuart: true,
    kernel: '/a b.img',
  });
  expect(config.disks.map((d) => d.target)).toEqual(['/x']);
}, 20_000);

test('bad words on the command line are said to be there', () => {
  expect([
    fault(BASE, ['memory']),
    fault(BASE, ['=3']),
    fault(BASE, ['9a=3']),
    fault(BASE, ['memory=lots']),
    fault(BASE, ['vcpus=9']),
    fault(BASE, ["disk=['x'"]),
    fault(BASE, ['disk=/x']),
    fault(BASE, ['on_crash=explode']),
    fault(BASE, ['memry=3'], true),
  ]).toEqual([
    "command line: 'memory' is not KEY=VALUE",
    "command line: '=3' is not KEY=VALUE",
    "command line: '9a=3' is not KEY=VALUE",
    'command line: memory must be a number',
    'command line: vcpus = 9 is out of range 1..8',
    "command line: disk: ',' or ']' expected, found 'end of line'",
    'command line: disk must be a list',
    'command line: on_crash = "explode" is not one of destroy, restart, rename-restart, preserve, coredump-destroy, coredump-restart, soft-reset',
    "command line: unknown key 'memry'; did you mean 'memory'?",
  ]);
  expect(read(BASE, ['memry=3']).warnings).toEqual(["command line: unknown key 'memry'; did you mean 'memory'?"]);
});

test('unknown keys: warned of with file and line, an error when strict', () => {
  const text = `${BASE}\nvcpu = 2\nzzzzzzzz = 1\n`;
  expect(read(text).warnings.map((w) => w.replace(folder, '@'))).toEqual([
    "@/g.cfg:4: unknown key 'vcpu'; did you mean 'vcpus'?",
    "@/g.cfg:5: unknown key 'zzzzzzzz'",
  ]);
  expect(fault(text, [], true)).toBe("@/g.cfg:4: unknown key 'vcpu'; did you mean 'vcpus'?");
});

test('keys that xl knows and we do not model: one line naming them all, an error when strict', () => {
  const text = `${BASE}vif = []\npci = []\n`;
  expect(read(text).warnings.map((w) => w.replace(folder, '@'))).toEqual(['@/g.cfg: not modelled, ignored: vif, pci']);
  expect(fault(text, [], true)).toBe('@/g.cfg:3: not modelled, ignored: vif, pci');
});

test('each bad setting: one line with its place', () => {
  const line = (setting: string): string => fault(`${BASE}${setting}`);
  const disk = (vdev: string): string => `'/x,raw,${vdev},w,specification=virtio'`;
  expect([
    fault('kernel = "x"'),
    fault('name = "x"'),
    line('memory = "lots"'),
    line('memory = 0'),
    line('memory = []'),
    line('vcpus = 0'),
    line('vcpus = 9'),
    line('vcpus = 4\nmaxvcpus = 2'),
    line('maxmem = 8'),
    line('ramdisk = 7'),
    line('vuart = "pl011"'),
    line('uuid = "1234"'),
    line('disk = "x"'),
    line('disk = [ 1 ]'),
    line(`disk = [ ${disk('xvda')}, ${disk('xvda')} ]`),
    line(`disk = [ ${disk('xvda')}, ${disk('d0')} ]`),
    line(`disk = [ ${disk('xvda')} ]\ndisk += [ ${disk('xvda')} ]`),
    line(`disk = [ ${disk('xyz')} ]`),
    line('virtio = [ "type=net" ]'),
    line('virtio = [ "type=virtio,device1a, transport=pci" ]'),
    line('virtio = [ "typ=virtio,device1a" ]'),
    line('virtio = [ "type=virtio,device1a, grant_usage=yes" ]'),
    line('irqs = [ 12, 33 ]'),
    line('nr_spis = 961'),
    line('cpus = "3-1"'),
    line('cpus = "a"'),
    line('cpus = "200"'),
    line('cpus = 2'),
    line('cpu_weight = 0'),
    line('on_reboot = "again"'),
  ]).toEqual([
    '@/g.cfg: no name given (name = "NAME")',
    '@/g.cfg: no kernel given (kernel = "FILE")',
    '@/g.cfg:3: memory must be a number',
    '@/g.cfg:3: memory = 0 is out of range 1..1051648',
    '@/g.cfg:3: memory must be a number',
    '@/g.cfg:3: vcpus = 0 is out of range 1..8',
    '@/g.cfg:3: vcpus = 9 is out of range 1..8',
    '@/g.cfg:4: maxvcpus = 2 is out of range 4..8',
    '@/g.cfg:3: maxmem = 8 is out of range 256..2097152',
    '@/g.cfg:3: ramdisk must be a quoted string',
    '@/g.cfg:3: vuart = "pl011": only "sbsa_uart" exists',
    '@/g.cfg:3: uuid = "1234" is not a UUID',
    '@/g.cfg:3: disk must be a list',
    '@/g.cfg:3: disk must be a list of strings',
    '@/g.cfg:3: vdev xvda is given twice',
    '@/g.cfg:3: vdev d0 is given twice',
    '@/g.cfg:4: vdev xvda is given twice',
    "@/g.cfg:3: 'xyz' is not a virtual disk name (e.g. xvda)",
    '@/g.cfg:3: type \'net\' is not "virtio,deviceNN"',
    '@/g.cfg:3: transport must be mmio',
    "@/g.cfg:3: unknown parameter 'typ' in virtio 'typ=virtio,device1a'; did you mean 'type'?",
    "@/g.cfg:3: grant_usage must be 0 or 1, not 'yes'",
    '@/g.cfg:3: Physical IRQ 33 conflicting with Virtio MMIO IRQ range',
    '@/g.cfg:3: nr_spis = 961 is out of range 0..960',
    '@/g.cfg:3: cpus = "3-1": \'3-1\' is not a range',
    '@/g.cfg:3: cpus = "a": \'a\' is not N or N-M',
    '@/g.cfg:3: cpus = "200": \'200\' is not a range',
    '@/g.cfg:3: cpus must be a quoted string',
    '@/g.cfg:3: cpu_weight = 0 is out of range 1..65535',
    '@/g.cfg:3: on_reboot = "again" is not one of destroy, restart, rename-restart, preserve, coredump-destroy, coredump-restart, soft-reset',
  ]);
});

test('a file that cannot be read, syntax faults', () => {
  expect(() => readGuestConfig(join(folder, 'none.cfg'), [], false)).toThrow(
    `${folder}/none.cfg: cannot be read (ENOENT)`,
  );
  expect(() => readGuestConfig(folder, [], false)).toThrow(`${folder}: cannot be read (EISDIR)`);
  expect(fault('name = "x\n')).toBe('@/g.cfg:1: string is not closed with "');
});
