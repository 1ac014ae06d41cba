import { FormatError } from './format-error.js';

/** Flattened device tree, version 17 (Devicetree Specification v0.4, chapter 5). */

export interface FdtProperty {
  name: string;
  value: Uint8Array;
}

export interface FdtNode {
  /** Unit name; the root's is empty. */
  name: string;
  properties: FdtProperty[];
  children: FdtNode[];
}

export interface FdtReservation {
  address: bigint;
  size: bigint;
}

export interface Fdt {
  root: FdtNode;
  reservations: FdtReservation[];
  bootCpu: number;
}

const MAGIC = 0xd00dfeed;
const HEADER_SIZE = 40;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROP = 3;
const NOP = 4;
const END = 9;
const MAX_DEPTH = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export type FdtValue = Uint8Array | string | readonly string[] | number;

/** Makes a node; a number becomes one cell, a string or list of strings NUL-terminated text. */
export function fdtNode(name: string, properties: Record<string, FdtValue> = {}, children: FdtNode[] = []): FdtNode {
  return {
    name,
    properties: Object.entries(properties).map(([key, value]) => ({ name: key, value: encodeValue(value) })),
    children,
  };
}

function encodeValue(value: FdtValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'number') return cells(value);
  return strings(...(typeof value === 'string' ? [value] : value));
}

/** A property with no value, e.g. dma-coherent. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** 32-bit big-endian cells. */
export function cells(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setUint32(index * 4, value >>> 0));
  return bytes;
}

/** 64-bit values as two cells each, high first: addresses and sizes under #address-cells = #size-cells = 2. */
export function cells64(...values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => view.setBigUint64(index * 8, BigInt(value)));
  return bytes;
}

/** NUL-terminated strings, one after the other. */
export function strings(...values: readonly string[]): Uint8Array {
  return encoder.encode(values.map((value) => `${value}\0`).join(''));
}

/** Joins encoded parts, e.g. cells(1) with cells64(base). */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The value of a property, or undefined. */
export function fdtProperty(node: FdtNode, name: string): Uint8Array | undefined {
  return node.properties.find((property) => property.name === name)?.value;
}

/** Sets or replaces a property. */
export function setFdtProperty(node: FdtNode, name: string, value: FdtValue): void {
  const existing = node.properties.find((property) => property.name === name);
  if (existing) existing.value = encodeValue(value);
  else node.properties.push({ name, value: encodeValue(value) });
}

/** The node at an absolute path such as `/cpus/cpu@0`, or undefined. A part without `@` matches any unit address. */
export function findFdtNode(fdt: Fdt | FdtNode, path: string): FdtNode | undefined {
  let node: FdtNode | undefined = 'root' in fdt ? fdt.root : fdt;
  for (const part of path.split('/').filter((text) => text !== '')) {
    node = node?.children.find(
      (child) => child.name === part || (!part.includes('@') && child.name.split('@')[0] === part),
    );
  }
  return node;
}

/** Property as 32-bit cells; trailing bytes that are no whole cell are left out. */
export function readCells(value: Uint8Array): number[] {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return Array.from({ length: value.length >> 2 }, (_, index) => view.getUint32(index * 4));
}

/** Property as NUL-terminated strings. */
export function readStrings(value: Uint8Array): string[] {
  if (value.length === 0) return [];
  const text = decoder.decode(value);
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

/**
 * Serialises a tree. `padTo` makes the blob at least that long (totalsize too), as boot loaders do to leave room.
 * Throws FormatError for a name that has no place in a blob.
 */
export function writeFdt(fdt: Fdt, padTo = 0): Uint8Array {
  const stringOffsets = new Map<string, number>();
  const stringParts: Uint8Array[] = [];
  let stringSize = 0;
  const structure: Uint8Array[] = [];
  let structureSize = 0;

  const put = (bytes: Uint8Array): void => {
    structure.push(bytes);
    structureSize += bytes.length;
    const padding = -structureSize & 3;
    if (padding > 0) {
      structure.push(new Uint8Array(padding));
      structureSize += padding;
    }
  };
  const nameOffset = (name: string): number => {
    let offset = stringOffsets.get(name);
    if (offset === undefined) {
      offset = stringSize;
      const bytes = strings(name);
      stringOffsets.set(name, offset);
      stringParts.push(bytes);
      stringSize += bytes.length;
    }
    return offset;
  };
  const visit = (node: FdtNode, depth: number): void => {
    if (depth > MAX_DEPTH) throw new FormatError('fdt', `nodes are nested deeper than ${MAX_DEPTH}`);
    if (depth > 0 && (node.name === '' || /[/\0]/.test(node.name))) {
      throw new FormatError('fdt', `'${node.name}' is no node name`);
    }
    put(cells(BEGIN_NODE));
    put(strings(node.name));
    for (const property of node.properties) {
      if (property.name === '' || property.name.includes('\0')) {
        throw new FormatError('fdt', `'${property.name}' is no property name`);
      }
      put(cells(PROP, property.value.length, nameOffset(property.name)));
      put(property.value);
    }
    for (const child of node.children) visit(child, depth + 1);
    put(cells(END_NODE));
  };
  visit(fdt.root, 0);
  put(cells(END));

  const reservations = cells64(...fdt.reservations.flatMap((entry) => [entry.address, entry.size]), 0n, 0n);
  const structureOffset = HEADER_SIZE + reservations.length;
  const stringsOffset = structureOffset + structureSize;
  const total = Math.max(stringsOffset + stringSize, padTo);
  const blob = new Uint8Array(total);
  blob.set(
    cells(MAGIC, total, structureOffset, stringsOffset, HEADER_SIZE, 17, 16, fdt.bootCpu, stringSize, structureSize),
  );
  blob.set(reservations, HEADER_SIZE);
  blob.set(concat(...structure), structureOffset);
  blob.set(concat(...stringParts), stringsOffset);
  return blob;
}

/** Parses a blob. Throws FormatError; nothing in a hostile blob makes it loop or read outside. */
export function readFdt(bytes: Uint8Array): Fdt {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_SIZE) throw new FormatError('fdt', `${bytes.length} bytes are too few for a header`);
  const magic = view.getUint32(0);
  if (magic !== MAGIC) throw new FormatError('fdt', `magic is 0x${magic.toString(16)}, not 0xd00dfeed`);
  const total = view.getUint32(4);
  if (total > bytes.length) throw new FormatError('fdt', `totalsize ${total} exceeds the ${bytes.length} bytes there`);
  const lastCompatible = view.getUint32(24);
  if (lastCompatible > 17) throw new FormatError('fdt', `version ${view.getUint32(20)} is too new`);
  const structureOffset = view.getUint32(8);
  const stringsOffset = view.getUint32(12);
  const reservationOffset = view.getUint32(16);
  const structureEnd = structureOffset + view.getUint32(36);
  const stringsEnd = stringsOffset + view.getUint32(32);
  if (structureEnd > total || stringsEnd > total || (structureOffset & 3) !== 0) {
    throw new FormatError('fdt', 'a block lies outside the blob');
  }

  const text = (from: number, end: number, what: string): string => {
    const stop = bytes.indexOf(0, from);
    if (from >= end || stop < 0 || stop >= end) throw new FormatError('fdt', `${what} at ${from} has no end`);
    try {
      return decoder.decode(bytes.subarray(from, stop));
    } catch {
      throw new FormatError('fdt', `${what} at ${from} is not UTF-8`);
    }
  };
  const word = (at: number): number => {
    if (at + 4 > structureEnd) throw new FormatError('fdt', 'the structure block has no end token');
    return view.getUint32(at);
  };

  const reservations: FdtReservation[] = [];
  for (let at = reservationOffset; ; at += 16) {
    if (at + 16 > total) throw new FormatError('fdt', 'the reservation block has no end');
    const address = view.getBigUint64(at);
    const size = view.getBigUint64(at + 8);
    if (address === 0n && size === 0n) break;
    reservations.push({ address, size });
  }

  const stack: FdtNode[] = [];
  let root: FdtNode | undefined;
  let at = structureOffset;
  for (;;) {
    const token = word(at);
    at += 4;
    if (token === NOP) continue;
    if (token === END) break;
    const parent = stack.at(-1);
    if (token === BEGIN_NODE) {
      const name = text(at, structureEnd, 'a node name');
      at = (bytes.indexOf(0, at) + 4) & ~3;
      const node: FdtNode = { name, properties: [], children: [] };
      if (parent) parent.children.push(node);
      else if (root) throw new FormatError('fdt', 'there are two roots');
      else root = node;
      stack.push(node);
      if (stack.length > MAX_DEPTH + 1) throw new FormatError('fdt', `nodes are nested deeper than ${MAX_DEPTH}`);
    } else if (token === END_NODE) {
      if (stack.pop() === undefined) throw new FormatError('fdt', `a node ends at ${at} that never began`);
    } else if (token === PROP) {
      const length = word(at);
      const name = text(stringsOffset + word(at + 4), stringsEnd, 'a property name');
      at += 8;
      if (at + length > structureEnd) throw new FormatError('fdt', `property '${name}' lies outside its block`);
      if (!parent) throw new FormatError('fdt', `property '${name}' is in no node`);
      parent.properties.push({ name, value: new Uint8Array(bytes.subarray(at, at + length)) });
      at = (at + length + 3) & ~3;
    } else {
      throw new FormatError('fdt', `unknown token 0x${token.toString(16)} at ${at - 4}`);
    }
  }
  if (stack.length > 0) throw new FormatError('fdt', `node '${stack.at(-1)?.name ?? ''}' has no end`);
  if (!root) throw new FormatError('fdt', 'there is no root node');
  return { root, reservations, bootCpu: view.getUint32(28) };
}
