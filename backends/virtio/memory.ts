/**
 * Guest memory as a device sees it: addresses are guest-physical, and whoever lends the memory decides what is
 * mapped. undefined / false: not mapped, which a device treats as the driver's mistake.
 */
export interface GuestMemory {
  read(gpa: bigint, length: number): Uint8Array | undefined;
  write(gpa: bigint, bytes: Uint8Array): boolean;
}

/** Little-endian helpers over GuestMemory. */
export function read16(memory: GuestMemory, gpa: bigint): number | undefined {
  const b = memory.read(gpa, 2);
  return b === undefined ? undefined : b[0]! | (b[1]! << 8);
}

export function write16(memory: GuestMemory, gpa: bigint, value: number): boolean {
  return memory.write(gpa, Uint8Array.of(value & 0xff, (value >>> 8) & 0xff));
}
