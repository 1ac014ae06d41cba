import { FormatError } from './format-error.js';

/** The arm64 Linux Image header (Linux Documentation/arch/arm64/booting.rst, "Call the kernel image"). */
export interface ArmImage {
  /** Load offset from a 2 MiB-aligned base. */
  textOffset: number;
  /** Bytes that must be free from the load address on; the file's length for kernels before 3.17, which say 0. */
  imageSize: number;
  bigEndian: boolean;
  /** Kernel page size in bytes, 0 when unspecified. */
  pageSize: number;
  /** True if the 2 MiB base may be anywhere in RAM. */
  anywhere: boolean;
}

const MAGIC = 0x644d5241; // 'ARM\x64'
const HEADER = 64;

export function isArmImage(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER && word(bytes, 0x38) === MAGIC;
}

/** Reads the header. Throws FormatError, saying what the file is instead where that can be seen. */
export function readArmImage(bytes: Uint8Array): ArmImage {
  if (!isArmImage(bytes)) throw new FormatError('Image', `no arm64 header at 0x38: ${guess(bytes)}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const textOffset = view.getBigUint64(0x08, true);
  const imageSize = view.getBigUint64(0x10, true);
  const flags = view.getUint32(0x18, true);
  if (textOffset >= 1n << 32n) throw new FormatError('Image', `text_offset 0x${textOffset.toString(16)} is absurd`);
  if (imageSize >= 1n << 36n) throw new FormatError('Image', `image_size 0x${imageSize.toString(16)} is absurd`);
  if ((flags & 1) !== 0) throw new FormatError('Image', 'the kernel is big endian, which is not modelled');
  return {
    // Before 3.17 both fields are of unspecified endianness and the offset is 0x80000.
    textOffset: imageSize === 0n ? 0x80000 : Number(textOffset),
    imageSize: imageSize === 0n ? bytes.length : Math.max(Number(imageSize), bytes.length),
    bigEndian: false,
    pageSize: [0, 4096, 16384, 65536][(flags >> 1) & 3] ?? 0,
    anywhere: (flags & 8) !== 0,
  };
}

/** What a file is that is no arm64 kernel, as its first bytes say it; undefined: nothing that is known. */
export function otherKernelFormat(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'this is gzip data, unpack it first (gunzip)';
  if (bytes[0] === 0xfd && bytes[1] === 0x37) return 'this is xz data, unpack it first (unxz)';
  if (bytes[0] === 0x42 && bytes[1] === 0x5a && bytes[2] === 0x68)
    return 'this is bzip2 data, unpack it first (bunzip2)';
  if (bytes.length < HEADER) return undefined;
  if (word(bytes, 0) === 0xfd2fb528) return 'this is zstd data, unpack it first (unzstd)';
  if (word(bytes, 0) === 0x184c2102) return 'this is lz4 data, unpack it first (unlz4)';
  if (word(bytes, 0x24) === 0x016f2818) return 'this is a 32-bit Arm zImage';
  if (word(bytes, 0x202) === 0x53726448) return 'this is an x86 bzImage';
  if (word(bytes, 0) === 0x56190527) return 'this is a U-Boot uImage';
  if (bytes[0] === 0x4d && bytes[1] === 0x5a && word(bytes, 4) === 0x676d697a) {
    return 'this is a compressed EFI kernel (vmlinuz.efi), use the plain Image';
  }
  return undefined;
}

function guess(bytes: Uint8Array): string {
  const other = otherKernelFormat(bytes);
  if (other !== undefined) return other;
  return bytes.length < HEADER ? `the file has ${bytes.length} bytes` : 'not an arm64 kernel Image';
}

function word(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}
