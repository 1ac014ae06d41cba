/** The built-in bare-metal guest in this process, with its console kept. */
import { bareGuest, configure, createXenSimulation, MemoryDisk, rcarH3, type XenSimulation } from '../../index.js';
import type { GuestConfig } from '../../index.js';

export const DISK_BYTES = 1 << 20;

export interface BareRun extends XenSimulation {
  /** What the guest has written so far. */
  console(): string;
}

export interface BareRunOptions {
  readonly words?: string;
  readonly vcpus?: number;
  readonly settings?: readonly string[];
  /** Another kernel in its place. */
  readonly kernel?: string;
}

/** A disk with known content: byte n is n * 7 + n / 512, modulo 256. */
export function diskContent(): Uint8Array {
  return Uint8Array.from({ length: DISK_BYTES }, (_, n) => (n * 7 + (n >> 9)) & 0xff);
}

export function bareRun({
  words = 'reads=4 writes=2',
  vcpus = 1,
  settings = [],
  kernel,
}: BareRunOptions = {}): BareRun {
  let text = '';
  const guest: GuestConfig = bareGuest(`console=ttyAMA0 ${words}`, vcpus);
  const simulation = createXenSimulation({
    configuration: configure(rcarH3(), settings),
    guests: [kernel === undefined ? guest : { ...guest, kernel }],
    disks: new Map([['bare:xvda', new MemoryDisk(diskContent())]]),
    onConsole: (_name, byte) => {
      text += String.fromCharCode(byte);
    },
  });
  return Object.assign(simulation, { console: () => text });
}
