import { CORE_SYSREG } from '../../wasm/layout.js';
import {
  EXTRA_SLOTS,
  SYSREG_LIST,
  SYSREG_SLOT,
  packEncoding,
  type Encoding,
  type SlotName,
  type Sysreg,
} from './sysregs.js';

const MAX_SLOTS = 256;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Rows that stand for a range of encodings, after the named ones. */
const ID_RESERVED = SYSREG_LIST.length;
const IMPLEMENTATION_DEFINED = ID_RESERVED + 1;

/**
 * The text of sim/cpu/kernel/gen/sysregs.ts: slot numbers, encoding to index, and the access, read, write and reset
 * switches. Throws if the table contradicts itself (duplicate encoding, too many slots).
 */
export function generateSysregs(): string {
  check();
  const hooks = new Set<string>();
  for (const { reg } of SYSREG_LIST) {
    for (const hook of [reg.onRead, reg.onWrite, reg.after]) if (hook) hooks.add(hook.replace(/\(.*/, ''));
  }
  const byFile = new Map<string, string[]>();
  for (const hook of [...hooks].sort()) byFile.set(fileOf(hook), [...(byFile.get(fileOf(hook)) ?? []), hook]);
  const checks = [...new Set(SYSREG_LIST.map(({ reg }) => reg.check))].filter((c) => c !== undefined).sort();
  const imports = [
    "import { CUR_STATE } from '../../../wasm/layout';",
    `import { ${checks.map((c) => `check${c}`).join(', ')} } from '../sysreg-traps';`,
    ...[...byFile].map(([file, names]) => `import { ${names.join(', ')} } from '${file}';`),
  ];
  return [
    '// Generated from sim/cpu/isa/sysregs.ts.',
    ...imports,
    '',
    ...slotConstants(),
    '',
    ...indexFunction(),
    '',
    ...accessFunction(),
    '',
    ...readFunction(),
    '',
    ...writeFunction(),
    '',
    ...resetFunction(),
    '',
  ].join('\n');
}

/** The kernel file, seen from gen/, that has the function `hook`. */
function fileOf(hook: string): string {
  if (hook === 'contextChanged') return '../../../mmu/kernel/context';
  if (hook === 'recomputeFpTrapped') return '../state';
  if (hook === 'debugChanged') return '../debug';
  return /^(read|write)(Pm|Mdcr)/.test(hook) ? '../pmu' : '../sysreg';
}

/** The call of a hook: `name` or `name(argument)`, with the value to write after the argument. */
function callText(hook: string, value?: string): string {
  const [name, argument] = hook.replace(')', '').split('(');
  return `${name}(${[argument, value].filter((part) => part !== undefined).join(', ')})`;
}

function check(): void {
  const seen = new Map<number, string>();
  for (const { name, reg } of SYSREG_LIST) {
    const packed = packEncoding(reg.enc);
    const other = seen.get(packed);
    if (other !== undefined) throw new Error(`${name} and ${other} have the same encoding`);
    seen.set(packed, name);
  }
  const count = Object.keys(SYSREG_SLOT).length;
  if (count > MAX_SLOTS) throw new Error(`${count} system register slots, at most ${MAX_SLOTS} fit the core block`);
}

const hex = (v: number | bigint): string => `0x${v.toString(16)}`;
const offsetOf = (name: SlotName): string => hex(CORE_SYSREG + 8 * (SYSREG_SLOT[name] as number));

function slotConstants(): string[] {
  const names: SlotName[] = [...SYSREG_LIST.map(({ name }) => name), ...EXTRA_SLOTS];
  const lines = names
    .filter((name) => SYSREG_SLOT[name] !== undefined)
    .map((name) => `export const SR_${name}: i32 = ${SYSREG_SLOT[name]};`);
  return [...lines, `export const SR_COUNT: i32 = ${lines.length};`];
}

/** Two levels of switch: op0:op1:CRn, then CRm:op2. */
function indexFunction(): string[] {
  const groups = new Map<number, [number, number][]>();
  SYSREG_LIST.forEach(({ reg }, index) => {
    const packed = packEncoding(reg.enc);
    const group = groups.get(packed >> 7) ?? [];
    group.push([packed & 0x7f, index]);
    groups.set(packed >> 7, group);
  });
  const lines = ['/** Index of the register with encoding `enc`, its slot if it has one; -1: unallocated. */'];
  lines.push('export function sysregIndex(enc: u32): i32 {', '  const low = enc & 0x7f;', '  switch (enc >> 7) {');
  for (const [key, group] of [...groups].sort((a, b) => a[0] - b[0])) {
    lines.push(`    case ${hex(key)}:`, '      switch (low) {');
    for (const [low, index] of group.sort((a, b) => a[0] - b[0])) lines.push(`        case ${low}: return ${index};`);
    lines.push('        default: break;', '      }', '      break;');
  }
  const idSpace = packEncoding([3, 0, 0, 0, 0] as Encoding) >> 7;
  lines.push(
    '    default: break;',
    '  }',
    `  if (enc >> 7 == ${hex(idSpace)} && low >= 8 && low < 64) return ${ID_RESERVED};`,
    '  const crn = (enc >> 7) & 15;',
    `  if (enc >> 14 == 3 && (crn == 11 || crn == 15)) return ${IMPLEMENTATION_DEFINED};`,
    '  return -1;',
    '}',
  );
  return lines;
}

interface AccessClass {
  readonly read: number;
  readonly write: number;
  readonly check: string | undefined;
}

function accessFunction(): string[] {
  const classes = new Map<string, { key: AccessClass; rows: number[] }>();
  const add = (index: number, key: AccessClass): void => {
    const text = `${key.read} ${key.write} ${key.check ?? ''}`;
    const found = classes.get(text) ?? { key, rows: [] };
    found.rows.push(index);
    classes.set(text, found);
  };
  SYSREG_LIST.forEach(({ reg }, index) => add(index, { read: reg.read, write: reg.write, check: reg.check }));
  add(ID_RESERVED, { read: 1, write: 3, check: 'Tid3' });
  const lines = [
    '/** ACCESS_* of sysreg-traps.ts for a read (w = 0) or write (w = 1) at exception level `level`. */',
    'export function sysregAccess(index: u32, level: u32, w: u32): u32 {',
    '  switch (index) {',
  ];
  for (const { key, rows } of classes.values()) {
    lines.push(rows.map((row) => `    case ${row}:`).join('\n'));
    // written so that AssemblyScript does not read `level < (` as type arguments
    const tooLow = key.read === key.write ? `level < ${key.read}` : `<u32>(w ? ${key.write} : ${key.read}) > level`;
    if (tooLow !== 'level < 0') lines.push(`      if (${tooLow}) return 1;`);
    lines.push(`      return ${key.check === undefined ? '0' : `check${key.check}(level, w)`};`);
  }
  lines.push(`    case ${IMPLEMENTATION_DEFINED}: {`);
  lines.push('      const trap = level == 0 ? 0 : checkTidcp(level, w);', '      return trap ? trap : 1;', '    }');
  lines.push('    default: return 1;', '  }', '}');
  return lines;
}

function readFunction(): string[] {
  const lines = ['export function sysregRead(index: u32): u64 {', '  const s: usize = load<u32>(<usize>CUR_STATE);'];
  lines.push('  switch (index) {');
  SYSREG_LIST.forEach(({ name, reg }, index) => {
    let value = hex(reg.res1);
    if (reg.onRead !== undefined) value = callText(reg.onRead);
    else if (reg.stored) value = `load<u64>(s, ${offsetOf(name)})`;
    lines.push(`    case ${index}: return ${value}; // ${name}`);
  });
  lines.push('    default: return 0;', '  }', '}');
  return lines;
}

function writeStatements(name: SlotName, reg: Sysreg): string {
  if (reg.onWrite !== undefined) return `${callText(reg.onWrite, 'v')};`;
  const out: string[] = [];
  if (reg.stored) {
    let value = reg.mask === U64_MAX ? 'v' : `v & ${hex(reg.mask)}`;
    if (reg.res1 !== 0n) value = `(${value}) | ${hex(reg.res1)}`;
    out.push(`store<u64>(s, ${value}, ${offsetOf(name)});`);
  }
  if (reg.after !== undefined) out.push(`${reg.after}();`);
  return out.join(' ');
}

function writeFunction(): string[] {
  const lines = ['export function sysregWrite(index: u32, v: u64): void {'];
  lines.push('  const s: usize = load<u32>(<usize>CUR_STATE);', '  switch (index) {');
  SYSREG_LIST.forEach(({ name, reg }, index) => {
    const body = reg.write === 3 ? '' : writeStatements(name, reg);
    if (body !== '') lines.push(`    case ${index}: ${body} return; // ${name}`);
  });
  lines.push('    default: return;', '  }', '}');
  return lines;
}

function resetFunction(): string[] {
  const lines = [
    "/** Reset values into the core block at `s`; the board's slots are kept. */",
    'export function resetSysregs(s: usize): void {',
  ];
  for (const { name, reg } of SYSREG_LIST) {
    if (reg.stored && !reg.board) lines.push(`  store<u64>(s, ${hex(reg.reset)}, ${offsetOf(name)});`);
  }
  lines.push('}');
  return lines;
}
