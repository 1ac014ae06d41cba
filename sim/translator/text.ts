import { W } from './code.js';
import type { Region } from './discover.js';
import { RegionEmitter } from './region.js';
import { KINDS } from './uop.js';

const NAMES = new Map(Object.entries(W).map(([name, opcode]) => [opcode as number, name]));
/** Opcodes with a LEB128 operand, and memory instructions with two. */
const ONE_OPERAND: ReadonlySet<number> = new Set([W.br, W.brIf, W.get, W.set, W.tee, W.i32Const, W.i64Const]);
const isMemory = (opcode: number): boolean => opcode >= W.i32Load && opcode <= W.i64Store32;
const OPENS: ReadonlySet<number> = new Set([W.block, W.loop, W.if]);

/** Reads LEB128. */
class Reader {
  at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get more(): boolean {
    return this.at < this.bytes.length;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  leb(signed: boolean): bigint {
    let value = 0n;
    let shift = 0n;
    let byte: number;
    do {
      byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      shift += 7n;
    } while ((byte & 128) !== 0);
    return signed ? BigInt.asIntN(Number(shift), value) : value;
  }
}

/** The WebAssembly of a function body that RegionEmitter has made, one instruction a line. */
export function wasmText(body: Uint8Array): string[] {
  const reader = new Reader(body);
  for (let groups = reader.leb(false); groups > 0n; groups--) {
    reader.leb(false);
    reader.byte();
  }
  const lines: string[] = [];
  let depth = 1;
  while (reader.more) {
    const opcode = reader.byte();
    let text = NAMES.get(opcode) ?? `0x${opcode.toString(16)}`;
    if (opcode === W.end) depth--;
    const indent = '  '.repeat(Math.max(depth - (opcode === W.else ? 1 : 0), 0));
    if (OPENS.has(opcode)) {
      reader.byte();
      depth++;
    } else if (ONE_OPERAND.has(opcode)) {
      text += ` ${reader.leb(opcode === W.i32Const || opcode === W.i64Const)}`;
    } else if (isMemory(opcode)) {
      reader.leb(false);
      text += ` +0x${reader.leb(false).toString(16)}`;
    } else if (opcode === W.brTable) {
      for (let count = reader.leb(false); count >= 0n; count--) text += ` ${reader.leb(false)}`;
    } else if (opcode === W.simd) {
      const operation = reader.leb(false);
      reader.leb(false);
      text += ` ${operation} +0x${reader.leb(false).toString(16)}`;
    }
    lines.push(indent + text);
  }
  return lines;
}

/** A region for people: its guest code, by distance from its first page, and its WebAssembly. */
export function regionText(number: number, region: Region): string {
  const hex = (value: number): string => (value < 0 ? '-' : '') + Math.abs(value).toString(16).padStart(4, '0');
  const guest = [...region.blocks.values()]
    .toSorted((a, b) => a.at - b.at)
    .flatMap(({ at, uops, next }) => [
      `  block ${hex(at)} -> ${next.map(hex).join(' ')}`,
      ...uops.map(
        (uop) => `    ${hex(uop.at)}: ${uop.word.toString(16).padStart(8, '0')} ${KINDS[uop.op]?.name ?? ''}`,
      ),
    ]);
  const body = new RegionEmitter(region).emit();
  return [`region ${number}, begun at ${hex(region.entry)}`, ...guest, '  WebAssembly:', ...wasmText(body)].join('\n');
}
