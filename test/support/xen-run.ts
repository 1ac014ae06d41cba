/** Runs guests on the simulated board from a scratch folder; for tests that look into the simulation afterwards. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configure, rcarH3 } from '../../boards/index.js';
import { createXenSimulation, type XenSimulation, type XenSimulationOptions } from '../../xen-simulation.js';
import type { GuestConfig } from '../../xen/tools/light/guest_config.js';
import type { GuestFiles } from '../../xen/tools/light/toolstack.js';

export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'rcar-sim-test-'));

  file(name: string, bytes: Uint8Array | string): string {
    const path = join(this.folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The board of the Salvator-XS with settings of `--set`. */
export function simulate(
  guest: GuestConfig,
  settings: readonly string[],
  options: Partial<XenSimulationOptions> = {},
): XenSimulation {
  return createXenSimulation({ configuration: configure(rcarH3(), settings), guests: [guest], ...options });
}

/** The same guest with its files, and disks of a MiB, in the scratch folder. */
export function withFiles(guest: GuestConfig, files: GuestFiles, scratch: Scratch): GuestConfig {
  return {
    ...guest,
    kernel: scratch.file('Image', files.kernel),
    ramdisk: files.ramdisk === undefined ? undefined : scratch.file('initrd', files.ramdisk),
    disks: guest.disks.map((disk) => ({ ...disk, target: scratch.file(`${disk.vdev}.raw`, new Uint8Array(1 << 20)) })),
  };
}

/** Runs until the outcome is known. Throws if it is not after so many simulated seconds, or if the run only waits for input. */
export function runToEnd(sim: XenSimulation, seconds: number): void {
  const deadline = BigInt(seconds) * BigInt(sim.machine.board.tickHz);
  for (;;) {
    const status = sim.machine.run();
    if (status === 'done') return;
    if (status === 'waiting' || sim.machine.time > deadline) throw new Error(`the run has not ended (${status})`);
  }
}
