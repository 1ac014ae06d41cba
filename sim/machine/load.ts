import { isElf, readElf } from '../../formats/elf.js';
import { isArmImage, otherKernelFormat, readArmImage } from '../../formats/image.js';
import type { MemoryBank } from './physical-memory.js';

/** Something to copy into RAM before the first instruction. */
export interface LoadSegment {
  readonly what: string;
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes it occupies, zero beyond its data. */
  readonly size: number;
}

/** Where everything goes. */
export interface LoadPlan {
  readonly kind: 'image' | 'elf' | 'flat';
  readonly entry: number;
  readonly segments: readonly LoadSegment[];
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  /** Where the device tree goes. */
  readonly dtb: number;
}

/** The files do not fit the machine: one line that says which and why. */
export class LoadError extends Error {
  override readonly name = 'LoadError';
}

const MIB = 1 << 20;
const ALIGN = 2 * MIB;
/** A raw binary goes here above the base of RAM, as QEMU's virt and kvm-unit-tests have it. */
const FLAT_OFFSET = 0x80000;
/** Below this text_offset an Image goes one step up, because QEMU keeps the first page for itself. */
const SMALL_OFFSET = 4096;
const INITRD_DISTANCE = 128 * MIB;

/**
 * Places a kernel (arm64 Image, ELF64 or flat binary), an initial RAM disk and a device tree of `dtbSize` bytes in a
 * bank of RAM, at the addresses that QEMU's virt machine uses. Throws LoadError if they do not fit, FormatError for
 * a malformed ELF file or Image.
 */
export function planLoad(
  ram: MemoryBank,
  kernel: Uint8Array,
  initrd: Uint8Array | undefined,
  dtbSize: number,
): LoadPlan {
  const { kind, entry, segments } = placeKernel(ram, kernel);
  const end = ram.base + ram.size;
  let top = ram.base;
  for (const segment of segments) {
    if (segment.address < ram.base || segment.address + segment.size > end) {
      throw new LoadError(`${segment.what} (${span(segment)}) does not fit into RAM (${span2(ram)})`);
    }
    top = Math.max(top, segment.address + segment.size);
  }
  if (entry < ram.base || entry >= end) throw new LoadError(`the entry point 0x${entry.toString(16)} is outside RAM`);

  const all = [...segments];
  let range: { start: number; end: number } | undefined;
  let dtbFrom = Math.max(ram.base + Math.min(ram.size / 2, INITRD_DISTANCE), top);
  if (initrd !== undefined) {
    const start = alignUp(dtbFrom, 4096);
    range = { start, end: start + initrd.length };
    if (range.end > end) {
      throw new LoadError(
        `the initrd (${initrd.length} bytes at 0x${start.toString(16)}) does not fit into RAM (${span2(ram)})`,
      );
    }
    all.push({ what: 'the initrd', address: start, bytes: initrd, size: initrd.length });
    dtbFrom = range.end;
  }
  const dtb = alignUp(dtbFrom, ALIGN);
  if (dtb + dtbSize > end)
    throw new LoadError(`no room for the device tree above 0x${dtbFrom.toString(16)} in RAM (${span2(ram)})`);
  return { kind, entry, segments: all, initrd: range, dtb };
}

function placeKernel(ram: MemoryBank, file: Uint8Array): Pick<LoadPlan, 'kind' | 'entry' | 'segments'> {
  if (file.length === 0) throw new LoadError('the kernel file is empty');
  if (isElf(file)) {
    const elf = readElf(file);
    const segments = elf.segments
      .filter((segment) => segment.memorySize > 0n)
      .map((segment) => ({
        what: 'an ELF segment',
        address: Number(segment.physical),
        bytes: segment.data,
        size: Number(segment.memorySize),
      }));
    if (segments.length === 0) throw new LoadError('the ELF file has nothing to load');
    const home = elf.segments.find((s) => elf.entry >= s.virtual && elf.entry < s.virtual + s.memorySize);
    const entry = home === undefined ? elf.entry : elf.entry - home.virtual + home.physical;
    return { kind: 'elf', entry: Number(entry), segments };
  }
  if (isArmImage(file)) {
    const image = readArmImage(file);
    const base = image.textOffset < SMALL_OFFSET ? ram.base + ALIGN : ram.base;
    const address = alignUp(base, ALIGN) + image.textOffset;
    return {
      kind: 'image',
      entry: address,
      segments: [{ what: 'the kernel Image', address, bytes: file, size: image.imageSize }],
    };
  }
  const other = otherKernelFormat(file);
  if (other !== undefined) throw new LoadError(other);
  checkFlat(file);
  const address = ram.base + FLAT_OFFSET;
  return {
    kind: 'flat',
    entry: address,
    segments: [{ what: 'the flat binary', address, bytes: file, size: file.length }],
  };
}

const DTB_MAGIC = 0xd00dfeed;
const TEXT_BYTES = 64;

/** Files that are certainly no program: a flat binary has no header that could say what it is. */
function checkFlat(file: Uint8Array): void {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  if (file.length < 4) throw new LoadError(`${file.length} bytes hold no instruction`);
  if (view.getUint32(0) === DTB_MAGIC)
    throw new LoadError('this is a device tree blob (--dtb takes it), not a program');
  const head = file.subarray(0, TEXT_BYTES);
  if (head.every((byte) => (byte >= 32 && byte < 127) || (byte >= 9 && byte <= 13))) {
    throw new LoadError('this is text, not a program: an arm64 Image, an ELF file or a flat binary');
  }
  const first = view.getUint32(0, true);
  // Bits 28:25 of zero: reserved, all of it UNDEFINED in Armv8.0 (DDI 0487 C4.1, top level of the encoding).
  if (((first >>> 25) & 15) === 0) {
    throw new LoadError(`no arm64 program: a flat binary begins with an instruction, and 0x${hex8(first)} is none`);
  }
}

function hex8(word: number): string {
  return word.toString(16).padStart(8, '0');
}

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

function span(segment: LoadSegment): string {
  return `0x${segment.address.toString(16)}..0x${(segment.address + segment.size - 1).toString(16)}`;
}

function span2(bank: MemoryBank): string {
  return `0x${bank.base.toString(16)}..0x${(bank.base + bank.size - 1).toString(16)}`;
}
