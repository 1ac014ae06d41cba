/**
 * Pieces of AssemblyScript for the variant of run() that keeps time (sim/timing/kernel, docs/timing.md). Its locals:
 * `cy` (dispatch time), `done` (latest completion), `mask` (all ones on a core that issues in order), `pa` (slots of
 * the ALUs), `own` (the core's arrays). A cycle is 6 units.
 */
import type { Access } from './accesses.js';
import { RN, RM } from './text.js';

const READY = '<usize>TIMED_READY';
/** When the register whose slot address is in the micro-op at byte `at` is ready. */
export const ready = (at: number): string => `load<u64>(<usize>load<u16>(ip, ${at}), ${READY})`;
/** Makes the local `name` at least `value`. */
export const atLeast = (name: string, value: string, temporary: string): string =>
  `const ${temporary}: u64 = ${value}; ${name} = select<u64>(${temporary}, ${name}, ${temporary} > ${name});`;
const setReady = (at: number, value: string): string => `store<u64>(<usize>load<u16>(ip, ${at}), ${value}, ${READY});`;

/** Issue: the sources are there and the pipe has a slot, counted from dispatch; leaves the time in `ts`. */
function issue(sources: readonly string[], pipe: string): string {
  const waits = sources.map((source, i) => atLeast('ts', source, `w${i}`)).join(' ');
  return `let ts: u64 = cy; ${waits} ${pipe} ts = select<u64>(tq, ts, tq > ts); cy = later(cy, ts & mask);`;
}

const ALU_PIPE = 'const tq: u64 = later(pa, cy); pa = tq + 3;';
const pipe = (name: string, busy: string): string =>
  `const tq: u64 = later(load<u64>(<usize>${name}), cy); store<u64>(<usize>${name}, tq + ${busy});`;
const COMPLETE = 'done = later(done, tr);';

interface Class {
  /** Text of the latency in units. */
  readonly latency: string;
  /** Text that takes a slot of a pipe and leaves its time in `tq`. */
  readonly pipe: string;
  /** Text of how much later than the other sources the addend is wanted, in units. */
  readonly late?: string;
}

const CYCLE = '6';
const alu = (latency: string): Class => ({ latency, pipe: ALU_PIPE });
const multi = (latency: string, busy = CYCLE): Class => ({ latency, pipe: pipe('T_PIPE_MUL', busy) });
const divide = (a: string, b: string): Class => ({
  latency: `divideUnits(${a}, ${b})`,
  pipe: `const tq: u64 = later(load<u64>(<usize>T_PIPE_DIV), cy); divides = tq;`,
});

/** What an integer operation costs, by its name: the first pattern that matches. Other names take a cycle of an ALU. */
const CLASSES: readonly (readonly [RegExp, Class])[] = [
  [/_(SHIFT|EXT)(64|32)$/, multi('param(P_SHIFT)')],
  [/^(UBFM|SBFM)/, alu('param(P_BITFIELD)')],
  [/^BFM/, multi('param(P_INSERT)')],
  [/^EXTR64$/, multi('param(P_EXTRACT64)')],
  [/^EXTR32$/, alu('param(P_EXTRACT32)')],
  [/^(RBIT|REV)/, alu('param(P_REVERSE)')],
  [/^CRC32$/, multi('param(P_CRC)')],
  [
    /^(MADD|MSUB)64$/,
    multi('(load<u16>(ip, 8) == <u16>HOT_XZR ? param(P_MUL64) : param(P_MADD64))', 'param(P_MUL64_BUSY)'),
  ],
  [/^[SU]MULH$/, multi('param(P_MULHIGH)', 'param(P_MUL64_BUSY)')],
  [/^(MADD32|MSUB32|[SU]M(ADD|SUB)L)$/, { ...multi('param(P_MUL)'), late: 'param(P_MUL) - param(P_MUL_FORWARD)' }],
  [/^UDIV64$/, divide(RN, RM)],
  [/^UDIV32$/, divide(`<u64><u32>${RN}`, `<u64><u32>${RM}`)],
  [/^SDIV64$/, divide(`magnitude(${RN})`, `magnitude(${RM})`)],
  [/^SDIV32$/, divide(`magnitude(<u64><i64><i32>${RN})`, `magnitude(<u64><i64><i32>${RM})`)],
];
const PLAIN = alu(CYCLE);

const READS_FLAGS = /fk [!=<]=|conditionHolds|overflowSet/;
const SETS_FLAGS = /fk = \d/;
const RD_READ = 'load<u64>(<usize>load<u16>(ip, 2))';
const RA_READ = 'load<u64>(<usize>load<u16>(ip, 8))';
const RD_WRITTEN = 'store<u64>(<usize>load<u16>(ip, 2),';

/**
 * The time of an integer operation, to stand before its body: what it reads and writes follows from the body's text.
 * The flags' ready time is read where the body reads the lazy flags.
 */
export function integerTiming(name: string, body: string): string {
  const kind = CLASSES.find(([pattern]) => pattern.test(name))?.[1] ?? PLAIN;
  const sources: string[] = [];
  if (body.includes(RN)) sources.push(ready(4));
  if (body.includes(RM)) sources.push(ready(6));
  if (body.includes(RD_READ)) sources.push(ready(2));
  if (READS_FLAGS.test(body)) sources.push('load<u64>(<usize>T_FLAGS)');
  let early = '';
  if (body.includes(RA_READ)) {
    if (kind.late === undefined) sources.push(ready(8));
    else early = `const ta: u64 = ${ready(8)}, tl: u64 = ${kind.late}; if (ta > ts + tl) ts = ta - tl;`;
  }
  const division = kind.latency.startsWith('divideUnits');
  return `{ ${division ? 'let divides: u64 = 0;' : ''} ${issue(sources, kind.pipe)} ${early}
        const tr: u64 = ts + ${kind.latency}; ${division ? 'store<u64>(<usize>T_PIPE_DIV, tr);' : ''}
        ${body.includes(RD_WRITTEN) ? setReady(2, 'tr') : ''} ${SETS_FLAGS.test(body) ? 'store<u64>(<usize>T_FLAGS, tr);' : ''}
        ${COMPLETE} }`;
}

/** Narrow loads take longer on an A53: those of less than a word and those that extend a sign. */
const NARROW = /_(H|B|SW|SH64|SB64|SH32|SB32)(_|$)/;

function loadLatency(access: Access): string {
  if (access.fp) return 'param(P_LOAD_VECTOR)';
  if (access.name.startsWith('LDX')) return 'param(P_LOAD) + param(P_EXCLUSIVE)';
  return NARROW.test(access.name) ? 'param(P_LOAD_NARROW)' : 'param(P_LOAD)';
}

function addressSources(access: Access): string[] {
  const sources: string[] = [];
  if (access.address.includes('load<u16>(ip, 4)')) sources.push(ready(4));
  if (access.address.includes(RM)) sources.push(ready(6));
  return sources;
}

const LINE = 'const line: u32 = load<u32>(sl, <usize>SLOT_LINE) | (<u32>(va >> 6) & 63);';
const SET = 'v128.load(own + (<usize>(line & <u32>param(P_L1D_MASK)) << 4), <usize>C_L1D)';
const IN_TLB = 'load<u32>(sl, <usize>SLOT_DATA) > load<u32>(<usize>T_DTLB_LIMIT)';
const HITS_READ = `${IN_TLB} && v128.any_true(i32x4.eq(v128.or(${SET}, i32x4.splat(1)), i32x4.splat(line << 1 | 1)))`;
const HITS_WRITE = `${IN_TLB} && v128.any_true(i32x4.eq(${SET}, i32x4.splat(line << 1 | 1)))`;

/**
 * The time of a load or store at `va` through the TLB slot at `sl`, to stand after its effect. `pair`: the second
 * register is a destination (load) or data (store).
 */
export function accessTiming(access: Access): string {
  const pair = /^(LD|ST)X?P/.test(access.name);
  const written = access.writeBack === undefined ? '' : setReady(4, 'ts + 6');
  if (access.name === 'STRUCTURE') {
    const registers = [0, 1, 2, 3].map(
      (n) => `store<u64>(<usize>HOT_V + (((<usize>load<u32>(ip, 8) + ${n}) & 31) << 4), tr, ${READY});`,
    );
    return `{ ${issue(addressSources(access), pipe('T_PIPE_LOAD', '12'))}
      if (load<u32>(ip, 8) & 0x400000) { const tr: u64 = loadMiss(sl, va, ts, param(P_LOAD_VECTOR)) + param(P_LOAD_SECOND);
        ${registers.join(' ')} ${COMPLETE} } else { const tr: u64 = ts; cy = storeMiss(sl, va, ts, cy); ${COMPLETE} } }`;
  }
  const isLoad = access.kind === 'load' || access.name.startsWith('LDX');
  if (isLoad) {
    return `{ ${issue(addressSources(access), pipe('T_PIPE_LOAD', '6'))} ${LINE}
      const lat: u64 = ${loadLatency(access)}; let tr: u64 = ts + lat;
      if (!(${HITS_READ})) tr = loadMiss(sl, va, ts, lat);
      ${pair ? `${setReady(2, 'tr')} tr += param(P_LOAD_SECOND); ${setReady(6, 'tr')}` : setReady(2, 'tr')}
      ${written} ${COMPLETE} }`;
  }
  const status = access.name.startsWith('STX')
    ? `store<u64>(<usize>load<u16>(ip, 8), ts + param(P_EXCLUSIVE), ${READY});`
    : '';
  return `{ ${issue(addressSources(access), pipe('T_PIPE_STORE', '6'))} ${LINE}
      if (!(${HITS_WRITE})) cy = storeMiss(sl, va, ts, cy);
      ${atLeast('ts', ready(2), 'td')} ${pair ? atLeast('ts', ready(6), 'te') : ''}
      const tr: u64 = ts; ${written} ${status} ${COMPLETE} }`;
}
