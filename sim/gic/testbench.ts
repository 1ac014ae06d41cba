/** A GIC-400 with recorded outputs and guest errors, for the specs of this folder. */
import type { MmioDevice } from '../machine/device.js';
import type { GicConfig } from './config.js';
import { Gic400 } from './gic400.js';

export const FLAT: GicConfig = {
  cpuCount: 2,
  spiCount: 256,
  ppis: [16, 17, 18, 19, 20, 21, 22, 23, 24],
  lrCount: 4,
  securityExtensions: false,
  alias64k: false,
};

/** As on the R-Car H3 after its firmware. */
export const H3: GicConfig = {
  cpuCount: 8,
  spiCount: 480,
  lrCount: 4,
  securityExtensions: true,
  alias64k: true,
  group0: [8, 9, 10, 11, 12, 13, 14, 15, 29, 70],
};

export interface GicBench {
  readonly gic: Gic400;
  readonly errors: string[];
  readonly log: string[];
  r(device: MmioDevice, offset: number, cpu?: number, width?: 1 | 2 | 4): number;
  w(device: MmioDevice, offset: number, value: number, cpu?: number, width?: 1 | 2 | 4): void;
  /** Opens distributor and CPU interface as a kernel does: everything enabled, priority mask 0xf0. */
  open(...cpus: number[]): void;
}

export function gicBench(config: GicConfig): GicBench {
  const errors: string[] = [];
  const log: string[] = [];
  const note = (signal: string) => (cpu: number, level: boolean) => void log.push(`${signal}${cpu}=${level ? 1 : 0}`);
  const gic = new Gic400(config, {
    setIrq: note('irq'),
    setFiq: note('fiq'),
    setVirq: note('virq'),
    setVfiq: note('vfiq'),
    errors: { report: (kind, device) => void errors.push(`${kind} ${device}`) },
  });
  return {
    gic,
    errors,
    log,
    r: (device, offset, cpu = 0, width = 4) => device.read(offset, width, cpu),
    w: (device, offset, value, cpu = 0, width = 4) => device.write(offset, width, value, 0, cpu),
    open(...cpus) {
      gic.dist.write(0, 4, 1, 0, 0);
      for (const cpu of cpus) {
        gic.cpuif.write(4, 4, 0xf0, 0, cpu);
        gic.cpuif.write(0, 4, 1, 0, cpu);
      }
    },
  };
}
