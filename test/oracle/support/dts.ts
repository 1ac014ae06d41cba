/** Reads device tree source as `dtc -O dts` prints it, and flattened trees, into one comparable form. */
import { readFdt, type FdtNode } from '../../../formats/fdt.js';

/** A tree as lines: `path property hex`, nodes and properties in their order in the tree. */
export type TreeLines = readonly string[];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Bytes of a property's value in source form: cells, strings with C escapes, byte strings, and lists of these. */
function valueBytes(source: string): Uint8Array {
  const parts: Buffer[] = [];
  const token = /\s*(?:<([^>]*)>|"((?:[^"\\]|\\.)*)"|\[([0-9a-fA-F\s]*)\]|,)/gy;
  while (token.lastIndex < source.length) {
    const match = token.exec(source);
    if (match === null) throw new Error(`not a device tree value: ${source}`);
    const [, cells, text, bytes] = match;
    if (cells !== undefined) {
      for (const cell of cells.split(/\s+/).filter((word) => word !== '')) {
        const word = Buffer.alloc(4);
        word.writeUInt32BE(Number(cell));
        parts.push(word);
      }
    } else if (text !== undefined) {
      const plain = text.replace(/\\(0|n|t|"|\\)/g, (_, c: string) => ({ 0: '\0', n: '\n', t: '\t' })[c] ?? c);
      parts.push(Buffer.from(`${plain}\0`, 'latin1'));
    } else if (bytes !== undefined) parts.push(Buffer.from(bytes.replace(/\s+/g, ''), 'hex'));
  }
  return Buffer.concat(parts);
}

/** Lines of `dtc -I dtb -O dts` output: one statement a line. Throws Error for anything else. */
export function dtsLines(source: string): TreeLines {
  const lines: string[] = [];
  const path: string[] = [];
  for (const raw of source.split('\n')) {
    const line = raw.trim();
    if (line === '' || line === '/dts-v1/;') continue;
    const open = /^(\S+) \{$/.exec(line);
    const property = /^([^\s=]+)(?: = (.*))?;$/.exec(line);
    if (open !== null) {
      path.push(open[1] === '/' ? '' : open[1]!);
      lines.push(`${path.join('/')}/`);
    } else if (line === '};') path.pop();
    else if (property !== null) lines.push(`${path.join('/')}/ ${property[1]} ${hex(valueBytes(property[2] ?? ''))}`);
    else throw new Error(`not device tree source: ${line}`);
  }
  return lines;
}

/** The same lines of a flattened tree. */
export function dtbLines(bytes: Uint8Array): TreeLines {
  const lines: string[] = [];
  const walk = (node: FdtNode, path: string): void => {
    lines.push(`${path}/`);
    for (const { name, value } of node.properties) lines.push(`${path}/ ${name} ${hex(value)}`);
    for (const child of node.children) walk(child, `${path}/${child.name}`);
  };
  walk(readFdt(bytes).root, '');
  return lines;
}

/** Random bytes differ at each creation; their number does not. */
export function maskSeed(lines: TreeLines): TreeLines {
  return lines.map((line) =>
    line.replace(/( rng-seed )([0-9a-f]+)$/, (_, head: string, seed: string) => `${head}<${seed.length / 2} bytes>`),
  );
}
