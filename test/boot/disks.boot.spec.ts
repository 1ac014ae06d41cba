/** Four virtio-blk disks used at once by four vCPUs, with one backend process for all and one each; two guests at once. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configure, rcarH3 } from '../../boards/index.js';
import { MemoryDisk } from '../../backends/virtio/memory-disk.js';
import { createXenSimulation } from '../../xen-simulation.js';
import type { GuestConfig } from '../../xen/tools/light/guest_config.js';
import { goldenConfig } from '../oracle/support/golden.js';
import { debianGuest } from '../support/debian.js';
import { Scratch } from '../support/xen-run.js';

const DISK_BYTES = 8 << 20;
const MIB = 1 << 20;
const VDEVS = ['xvda', 'xvdb', 'xvdc', 'xvdd'];
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Content of its own for each disk. */
function content(seed: number): Uint8Array {
  return Uint8Array.from({ length: DISK_BYTES }, (_, i) => (i * 31 + (i >> 8) * 7 + seed * 101) & 0xff);
}

interface Outcome {
  /** Console lines by guest. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  readonly disks: ReadonlyMap<string, MemoryDisk>;
  readonly servers: number;
  readonly errors: readonly string[];
}

async function run(
  names: readonly string[],
  vcpus: number,
  settings: readonly string[],
  vdevs: readonly string[] = VDEVS,
): Promise<Outcome> {
  const scratch = new Scratch();
  try {
    const debian = await debianGuest('bookworm', 'arm64', fileURLToPath(new URL('disks', import.meta.url)));
    const ramdisk = scratch.file('initrd', debian.initramfs);
    const golden = goldenConfig('g1');
    const guests: GuestConfig[] = names.map((name) => ({
      ...golden,
      name,
      uuid: undefined,
      kernel: debian.kernel,
      ramdisk,
      cmdline: 'console=ttyAMA0',
      memoryMiB: 256,
      vcpus,
      maxVcpus: undefined,
      vuart: true,
      disks: vdevs.map((vdev) => ({
        ...golden.disks[0]!,
        vdev,
        target: `/${name}-${vdev}.raw`,
        readOnly: false,
        grantUsage: false,
      })),
    }));
    const ids = guests.flatMap(({ name }) => vdevs.map((vdev) => `${name}:${vdev}`));
    const disks = new Map(ids.map((id, i) => [id, new MemoryDisk(content(i))]));
    const text = new Map(names.map((name) => [name, '']));
    const sim = createXenSimulation({
      configuration: configure(rcarH3(), settings),
      guests,
      disks,
      onConsole: (name, byte) => void text.set(name, text.get(name)! + String.fromCharCode(byte)),
    });
    const deadline = 120n * BigInt(sim.machine.board.tickHz);
    let servers = 0;
    while (sim.machine.run() === 'more' && sim.machine.time < deadline) {
      const domid = sim.toolstack.domids()[0]!;
      const used = sim.xen.domain(domid)?.ioreq.servers.filter((s) => s !== undefined).length ?? 0;
      servers = Math.max(servers, used);
    }
    expect(sim.machine.outcome?.name).toBe('poweroff');
    const lines = new Map([...text].map(([name, all]) => [name, all.split(/\r?\n/)]));
    return { lines, disks, servers, errors: sim.machine.errors.list().map(({ kind }) => kind) };
  } finally {
    scratch.remove();
  }
}

/** Every disk was read right, written, and read back as written; the image of just that disk holds it. */
function check({ lines, disks }: Outcome, names: readonly string[], vdevs: readonly string[] = VDEVS): void {
  const seeds = [...disks.keys()];
  for (const name of names) {
    const sums = lines
      .get(name)!
      .flatMap((line) => [...line.matchAll(/(vd[a-d]) read (\w{64}) wrote (\w{64}) back (\w{64}) (\d+)/g)]);
    expect(sums.map(([, disk]) => disk).sort()).toEqual(vdevs.map((_, i) => `vd${'abcd'[i]}`));
    // Linux names them in the order in which it probes them, which need not be that of their windows.
    const ids = vdevs.map((vdev) => `${name}:${vdev}`);
    const found = sums.map(([, , read, wrote, back, bytes]) => {
      expect(back).toBe(wrote);
      expect(Number(bytes)).toBeGreaterThan(0);
      const id = ids.find((one) => sha256(content(seeds.indexOf(one)).subarray(0, MIB)) === read);
      const image = disks.get(id!)?.content.subarray(4 * MIB, 4 * MIB + Number(bytes));
      expect([id, image && sha256(image)]).toEqual([id, back]);
      return id;
    });
    expect(found.sort()).toEqual(ids);
  }
}

test.each([
  ['each', 4],
  ['one', 1],
] as const)('4 disks, 4 vCPUs, processes: %s', async (processes, servers) => {
  const outcome = await run(['guest'], 4, [`backend.processes=${processes}`]);
  check(outcome, ['guest']);
  expect(outcome.servers).toBe(servers);
  expect(outcome.lines.get('guest')!.some((line) => line.includes('disks: cpus 4'))).toBe(true);
  expect(outcome.errors.filter((kind) => kind !== 'unhandled-smccc' && kind !== 'vgicd-unhandled')).toEqual([]);
});

test('two guests with four disks each at once', async () => {
  const names = ['one', 'two'];
  check(await run(names, 2, []), names);
});

test.each([['modern'], ['legacy']] as const)(
  '%s transport, with discard: features that Linux takes, and what it discards',
  async (mmio) => {
    const one = ['xvda'];
    const outcome = await run(['guest'], 1, [`backend.mmio=${mmio}`, 'backend.discard=on'], one);
    check(outcome, ['guest'], one);
    const [taken] = outcome.lines
      .get('guest')!
      .flatMap((line) => [...line.matchAll(/vda features ([01]{64}) discard (\d+) did (\d+)/g)]);
    // Bit 0 comes first (linux: drivers/virtio/virtio.c): FLUSH, DISCARD, WRITE_ZEROES, INDIRECT_DESC, EVENT_IDX, VERSION_1.
    expect([9, 13, 14, 28, 29, 32].map((bit) => taken![1]![bit])).toEqual([...'11111', mmio === 'modern' ? '1' : '0']);
    // 65536 sectors at a time; a MiB of them.
    expect([Number(taken![2]), Number(taken![3])]).toEqual([65_536 * 512, 2048]);
  },
);
