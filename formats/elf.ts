import { FormatError } from './format-error.js';

/** ELF64, little endian, AArch64 (System V ABI, and ELF for the Arm 64-bit Architecture). */

export interface ElfSegment {
  /** Physical load address (p_paddr). */
  physical: bigint;
  virtual: bigint;
  /** Bytes in the file; memory beyond them up to `memorySize` is zero. */
  data: Uint8Array;
  memorySize: bigint;
  /** PF_X 1, PF_W 2, PF_R 4. */
  flags: number;
}

export interface ElfSymbol {
  name: string;
  value: bigint;
  size: bigint;
  /** STT_*: 0 none, 1 object, 2 function, 3 section, 4 file. */
  type: number;
}

export interface Elf {
  entry: bigint;
  /** ET_EXEC 2, ET_DYN 3. */
  type: number;
  segments: ElfSegment[];
  symbols: ElfSymbol[];
}

const MACHINE_AARCH64 = 183;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const PROGRAM_HEADER = 56;
const SECTION_HEADER = 64;
const SYMBOL = 24;

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** Parses loadable segments and the symbol table (empty when stripped). Throws FormatError. */
export function readElf(bytes: Uint8Array): Elf {
  if (!isElf(bytes)) throw new FormatError('elf', 'the file does not begin with 7f 45 4c 46');
  if (bytes.length < 64) throw new FormatError('elf', `${bytes.length} bytes are too few for a header`);
  if (bytes[4] !== 2) throw new FormatError('elf', 'not a 64-bit file');
  if (bytes[5] !== 1) throw new FormatError('elf', 'not little endian');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(16, true);
  const machine = view.getUint16(18, true);
  if (machine !== MACHINE_AARCH64) throw new FormatError('elf', `machine ${machine} is not AArch64 (183)`);
  if (type !== 2 && type !== 3)
    throw new FormatError('elf', `type ${type} is neither an executable nor a shared object`);

  const at = (offset: bigint, size: number, what: string): number => {
    if (offset + BigInt(size) > BigInt(bytes.length)) throw new FormatError('elf', `${what} lies outside the file`);
    return Number(offset);
  };
  const programCount = view.getUint16(56, true);
  const programSize = view.getUint16(54, true);
  if (programCount > 0 && programSize !== PROGRAM_HEADER) {
    throw new FormatError('elf', `program headers of ${programSize} bytes, expected ${PROGRAM_HEADER}`);
  }
  const programs = at(view.getBigUint64(32, true), programCount * PROGRAM_HEADER, 'the program header table');
  const segments: ElfSegment[] = [];
  for (let i = 0; i < programCount; i++) {
    const header = programs + i * PROGRAM_HEADER;
    if (view.getUint32(header, true) !== PT_LOAD) continue;
    const fileSize = view.getBigUint64(header + 32, true);
    const memorySize = view.getBigUint64(header + 40, true);
    if (fileSize > BigInt(bytes.length)) throw new FormatError('elf', `segment ${i} lies outside the file`);
    if (memorySize < fileSize) throw new FormatError('elf', `segment ${i} is larger in the file than in memory`);
    const start = at(view.getBigUint64(header + 8, true), Number(fileSize), `segment ${i}`);
    segments.push({
      physical: view.getBigUint64(header + 24, true),
      virtual: view.getBigUint64(header + 16, true),
      data: bytes.subarray(start, start + Number(fileSize)),
      memorySize,
      flags: view.getUint32(header + 4, true),
    });
  }
  return { entry: view.getBigUint64(24, true), type, segments, symbols: readSymbols(bytes, view) };
}

/** Symbols are a convenience: a damaged table yields none, never an error. */
function readSymbols(bytes: Uint8Array, view: DataView): ElfSymbol[] {
  const size = BigInt(bytes.length);
  const table = view.getBigUint64(40, true);
  const count = view.getUint16(60, true);
  if (view.getUint16(58, true) !== SECTION_HEADER || table + BigInt(count * SECTION_HEADER) > size) return [];
  const section = (index: number): { type: number; offset: bigint; size: bigint; link: number } => {
    const header = Number(table) + index * SECTION_HEADER;
    return {
      type: view.getUint32(header + 4, true),
      offset: view.getBigUint64(header + 24, true),
      size: view.getBigUint64(header + 32, true),
      link: view.getUint32(header + 40, true),
    };
  };
  const symbols: ElfSymbol[] = [];
  for (let i = 0; i < count; i++) {
    const part = section(i);
    if (part.type !== SHT_SYMTAB || part.link >= count) continue;
    const names = section(part.link);
    if (part.offset + part.size > size || names.offset + names.size > size) continue;
    const nameBytes = bytes.subarray(Number(names.offset), Number(names.offset + names.size));
    for (let at = Number(part.offset); at + SYMBOL <= Number(part.offset + part.size); at += SYMBOL) {
      const name = cString(nameBytes, view.getUint32(at, true));
      if (name === '' || view.getUint16(at + 6, true) === 0) continue; // unnamed or undefined
      symbols.push({
        name,
        value: view.getBigUint64(at + 8, true),
        size: view.getBigUint64(at + 16, true),
        type: view.getUint8(at + 4) & 15,
      });
    }
  }
  return symbols;
}

function cString(bytes: Uint8Array, from: number): string {
  const end = bytes.indexOf(0, from);
  return end < 0 ? '' : new TextDecoder().decode(bytes.subarray(from, end));
}
