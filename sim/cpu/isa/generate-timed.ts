/**
 * Text of kernel/gen/timed-run.ts and kernel/gen/timed-access.ts: run() and access() once more, keeping the time of the
 * approximate core model. The effect of every operation is the text that generate-run.ts has.
 */
import { ACCESSES } from './accesses.js';
import type { Access } from './accesses.js';
import * as acts from './acts.js';
import { accessCase } from './generate-run.js';
import { OPS, opNumber, tagWanted, TLB_ENTRY } from './ops.js';
import type { Op } from './op.js';
import { SYSREG_LIST } from './sysregs.js';
import { PACKED, PC } from './text.js';
import { accessTiming, integerTiming, ready } from './timed-text.js';

/** A direct branch: `sub` = 1 taken, 2 its target is in another page, 4 unconditional; `resolved` = when it is known. */
const ACT_BRANCH = 15;

const LIMIT = '(load<u64>(core, CORE_EFF_LIMIT) * 6)';
const SYNC = `sync(${PC}, ic + <u64>(ip >>> 4), cy / 6, fa, fb, fk); store<u64>(<usize>T_CY, cy); store<u64>(<usize>T_DONE, done); store<u64>(<usize>T_PIPE_ALU, pa);`;
const RESYNC = 'ip = RESYNC_UOP; due = true; continue;';
const RELOAD =
  'cy = reloadTime(); done = load<u64>(<usize>T_DONE); pa = load<u64>(<usize>T_PIPE_ALU); ctx = <u64>load<u32>(core, CORE_CTX);';
const DONE = `${RELOAD} ip += 16; if (load<u32>(SLOW_KIND)) { ${SYNC} ${RESYNC} } continue;`;
const NEXT = 'ip += 16; continue;';
/** Passes the time to access() and takes it back. */
const SPILL = 'store<u64>(<usize>T_CY, cy); store<u64>(<usize>T_DONE, done);';
const UNSPILL = 'cy = load<u64>(<usize>T_CY); done = load<u64>(<usize>T_DONE);';

const hot = new Map<string, { access: Access; sp: boolean }>(
  ACCESSES.flatMap((access) => [
    ...(access.hot ? [[access.name, { access, sp: false }] as const] : []),
    ...(access.hotSp ? [[`${access.name}_SP`, { access, sp: true }] as const] : []),
  ]),
);

/** Text of the test of a conditional branch's body. */
function testOf(op: Op): string {
  const test = /^if \((.*)\) \{ const t = /s.exec(op.body)?.[1];
  if (test === undefined) throw new Error(`${op.name} is no conditional branch`);
  return test;
}

function branchBody(op: Op): string {
  const far = op.name.endsWith('_FAR') ? 2 : 0;
  if (/^(B|BL)(_FAR)?$/.test(op.name)) {
    const link = op.name.startsWith('BL')
      ? `store<u64>(HOT_X + 240, ${PC} + 4); store<u64>(HOT_X + 240, cy, <usize>TIMED_READY); called(<u32>${PC} + 4);`
      : '';
    return `${link} sub = ${5 | far}; act = ${ACT_BRANCH}; break;`;
  }
  const source = /^(CB|TB)/.test(op.name) ? ready(4) : 'load<u64>(<usize>T_FLAGS)';
  return `sub = <u32>(${testOf(op)}) | ${far}; resolved = ${source}; act = ${ACT_BRANCH}; break;`;
}

/** Indirect: the return stack for X30, else the table of targets. A wrong guess costs once the register is known. */
function indirectBody(op: Op): string {
  const guess = 'indirect(own, wpc + <u32>(ip >>> 4), <u32>dest)';
  const known = op.name === 'BR' ? `(load<u16>(ip, 4) == HOT_X + 240 ? returned(<u32>dest) : ${guess})` : guess;
  return `${op.body.replace('due = true; break;', '')}
        const known: bool = ${known}; ${op.name === 'BLR' ? `called(<u32>${PC} + 4); store<u64>(HOT_X + 240, cy, <usize>TIMED_READY);` : ''}
        cy = known ? cy + param(P_TAKEN) : later(cy, ${ready(4)}) + param(P_MISPREDICT); due = true; break;`;
}

function hotBody(op: Op, { access, sp }: { access: Access; sp: boolean }): string {
  const effect = op.body.slice(0, op.body.lastIndexOf('ip += 16; continue;'));
  const timing = accessTiming(access);
  const text = sp ? timing.replaceAll('<usize>load<u16>(ip, 4)', '<usize>HOT_SP') : timing;
  return `${effect} const sl: usize = e + <usize>TIMED_SLOTS; ${text} ${NEXT}`;
}

function timedBody(op: Op): string {
  const access = hot.get(op.name);
  if (access) return hotBody(op, access);
  if (op.name === 'BR' || op.name === 'BLR') return indirectBody(op);
  if (/^(B|BL|B[A-Z]{2}|CBN?Z(64|32)|TBN?Z)$|^(B|BL|BCOND|CB|TB)_FAR$/.test(op.name)) return branchBody(op);
  switch (op.name) {
    case 'DECODE':
    case 'RESYNC':
    case 'NOP':
    case 'SYSTEM':
    case 'MRS':
    case 'ZVA':
      return op.body + (op.leaves ? '' : ` ${NEXT}`);
    case 'PAGE_END': // the sentinel is no instruction and no line of code
      return 'cy -= slot; ip -= 16; dest = ppc + 4096; due = true; break;';
    case 'REGION': // there are none: see ApproximateTiming.start
      return `act = ${acts.ACT_DECODE}; break;`;
    case 'BARRIER':
      return `cy = barrier(load<u32>(ip, 8), cy, done); ${NEXT}`;
    case 'MRS_EL1H':
    case 'MRS_ANY':
      return `store<u64>(<usize>load<u16>(ip, 2), cy + param(P_MRS), <usize>TIMED_READY); ${op.body} ${op.leaves ? '' : NEXT}`;
    case 'MSR_DAIF':
      return op.body
        .replace('const daif', 'cy += param(P_MSR); const daif')
        .replace('cy >= load<u64>(core, CORE_EFF_LIMIT)', `cy >= ${LIMIT}`)
        .replace(/sync\(.*?\);/, SYNC);
    case 'SIMD':
    case 'SIMD_FLAGS':
      return `${op.body} { const tr: u64 = simdTime(<u32>load<u16>(ip, 6), load<u32>(ip, 8), cy); done = later(done, tr); cy = later(cy, simdIssued & mask); } ${NEXT}`;
    default:
  }
  if (op.name.startsWith('MEM')) {
    return op.body.replace(
      'if (access(sub, ip, tlb, ctx, ppc, false)) { ip += 16; continue; }',
      `${SPILL} if (access(sub, ip, tlb, ctx, ppc, false)) { ${UNSPILL} ${NEXT} }`,
    );
  }
  if (op.name.startsWith('SLOW')) return op.body;
  return `${integerTiming(op.name, op.body)} ${op.body} ${NEXT}`;
}

const FETCH_TO = (line: string): string =>
  `{ const to: u32 = ${line}; if (to != fetched) { if (!(${inL1i('to')})) cy = fetchMiss(to, cy); fetched = to; } }`;
function inL1i(line: string): string {
  return `v128.any_true(i32x4.eq(v128.load(own + (<usize>(${line} & <u32>param(P_L1I_MASK)) << 4), <usize>C_L1I), i32x4.splat(${line} << 1)))`;
}
/** The lines of code from the one fetched last to that of the micro-op at ip. */
const FETCH_BLOCK = `{ const last: u32 = lpc + <u32>(ip >>> 8); while (fetched != last) { fetched++; if (!(${inL1i('fetched')})) cy = fetchMiss(fetched, cy); } }`;
const RETIRE = `{ const granule: u32 = <u32>((ic + <u64>(ip >>> 4)) >> 4); if (granule != load<u32>(<usize>T_GRANULE)) cy = later(cy, retire(granule, done)); }`;
/** A page is entered at ip: its line numbers, its TLB entry, its first line. */
const ENTER = (entry: string): string => `{
        const sl: usize = ${entry} + <usize>TIMED_SLOTS; lpc = load<u32>(sl, <usize>SLOT_LINE) - <u32>(pbase >>> 8);
        wpc = (<u32>(ppc >> 2)) - <u32>(pbase >>> 4);
        if (load<u32>(sl, <usize>SLOT_CODE) <= load<u32>(<usize>T_ITLB_LIMIT)) { store<u64>(<usize>T_CY, cy); cy += tlbCode(sl, ppc); }
        ${FETCH_TO('lpc + <u32>(ip >>> 8)')} }`;

const TAIL = `
    if (act == ${ACT_BRANCH}) {
      act = ${acts.ACT_JUMP};
      const at: u32 = wpc + <u32>(ip >>> 4);
      if (!(sub & 4) && misdirected(own, at, sub & 1)) cy = later(cy, resolved) + param(P_MISPREDICT);
      if (!(sub & 1)) { ${NEXT} }
      cy += redirected(own, at);
      const t = load<i32>(ip, 8); due = t <= 0;
      if (sub & 2) dest = ${PC} + <u64><i64>t;
      else {
        ${FETCH_BLOCK}
        ${RETIRE}
        if (due && cy >= ${LIMIT}) { dest = ${PC} + <u64><i64>(t >> 2); ic += <u64>((ip + 16) >>> 4); sync(dest, ic, cy / 6, fa, fb, fk); store<u64>(<usize>T_CY, cy); store<u64>(<usize>T_DONE, done); store<u64>(<usize>T_PIPE_ALU, pa); ip = RESYNC_UOP; continue; }
        ic -= <u64><i64>((t - 16) >> 4); ip += t;
        ${FETCH_TO('lpc + <u32>(ip >>> 8)')}
        continue;
      }
    }
    if (act == ${acts.ACT_JUMP}) { // to dest in any page, check point if due
      ${FETCH_BLOCK}
      ${RETIRE}
      ic += <u64>((ip + 16) >>> 4);
      const e = tlb + (<usize>(dest >>> 7) & 0xffe0);
      if (load<u64>(e, TLB_TAG_X) == ((dest & ~(<u64>0xfff)) | ctx) && (<u32>dest & 3) == 0 && !(due && cy >= ${LIMIT})) {
        ppc = dest & ~(<u64>0xfff); pbase = load<u32>(e, TLB_UOPS); code = load<u32>(e, TLB_ADDEND);
        ip = pbase + ((<usize>dest & 0xffc) << 2); ic -= <u64>(ip >>> 4);
        ${ENTER('e')}
        continue;
      }
      sync(dest, ic, cy / 6, fa, fb, fk); store<u64>(<usize>T_CY, cy); store<u64>(<usize>T_DONE, done); store<u64>(<usize>T_PIPE_ALU, pa);
      ip = RESYNC_UOP; continue;
    }
    const acted = act; act = ${acts.ACT_JUMP};
    if (acted == ${acts.ACT_MEMORY}) {
      ${SYNC} store<u32>(SLOW_KIND, 0);
      if (!access(sub, ip, tlb, ctx, ppc, true)) { ${RESYNC} }
      ${DONE}
    }
    if (acted == ${acts.ACT_DECODE}) {
      cy -= slot;
      decode(load<u32>(<usize>(code + <u32>${PC})), ip, ${PC}); continue;
    }
    if (acted == ${acts.ACT_RESYNC}) {
      cy -= slot; // the micro-op of this is no instruction
      if (ip != RESYNC_UOP) { ${SYNC} ip = RESYNC_UOP; due = false; }
      if (load<i32>(EXIT_CODE) != EXIT_NONE) break;
      if (due && load<u64>(core, CORE_CYCLES) >= load<u64>(core, CORE_EFF_LIMIT)) {
        if (takeInterrupt()) continue;
        if (load<i32>(EXIT_CODE) != EXIT_NONE) break;
        if (load<u64>(core, CORE_CYCLES) >= load<u64>(core, CORE_LIMIT)) { store<i32>(EXIT_CODE, EXIT_LIMIT); break; }
        recomputeLimit();
      }
      due = true;
      const uops = enterPage(tlb);
      if (!uops) continue;
      dest = load<u64>(HOT_PC); ppc = dest & ~(<u64>0xfff); pbase = uops;
      const entry = tlb + (<usize>(dest >>> 7) & 0xffe0);
      code = load<u32>(entry, TLB_ADDEND);
      ip = pbase + ((<usize>dest & 0xffc) << 2);
      ic = load<u64>(core, CORE_INSNS) - <u64>(ip >>> 4);
      fa = <u64>(load<u32>(HOT_NZCV) >>> 28); fb = 0; fk = ${PACKED};
      spMask = stackAlignmentMask();
      ${RELOAD}
      ${ENTER('entry')}
      continue;
    }
    if (acted == ${acts.ACT_SYSTEM}) {
      const system = <u32>load<u8>(ip);
      cy = later(cy, done) + systemUnits(ip, ${indexOf('CNTPCT_EL0')}, ${indexOf('CNTVCT_EL0')});
      ${SYNC}
      if (system != ${opNumber('MRS')} && system != ${opNumber('MRS_EL1H')}) systemOp(<u32>load<u16>(ip, 6), ip);
      else if (mrs(<u32>load<u16>(ip, 6), <u32>load<u16>(ip, 2))) {
        ${RELOAD} store<u64>(<usize>load<u16>(ip, 2), cy, <usize>TIMED_READY); ${NEXT}
      }
      ${RESYNC}
    }
    ${SYNC}
    if (acted == ${acts.ACT_ZERO}) {
      store<u32>(SLOW_KIND, 0);
      const va: u64 = load<u64>(<usize>load<u16>(ip, 4)) & ~(<u64>63);
      const e = tlb + (<usize>(va >>> 7) & 0xffe0);
      const fast = load<u64>(e, TLB_TAG_W) == ((va & ~(<u64>0xfff)) | ctx);
      if (!zeroBlock(ip, tlb, ctx)) { ${RESYNC} }
      cy = reloadTime(); store<u64>(<usize>T_CY, storeMiss(fast ? e + <usize>TIMED_SLOTS : slotUsed, va, later(cy, ${ready(4)}), cy));
      store<u64>(core, load<u64>(<usize>T_CY) / 6, CORE_CYCLES);
      ${DONE}
    }
    if (acted == ${acts.ACT_FP_TRAP}) {
      if (trapFp()) { ${RESYNC} }
      store<u32>(FP_TRAPPED, 0); cy -= slot; continue;
    }
    spAlignment(); ${RESYNC}`;

function indexOf(name: string): number {
  const index = SYSREG_LIST.findIndex((entry) => entry.name === name);
  if (index < 0) throw new Error(`no system register ${name}`);
  return index;
}

function opCase(op: Op, index: number): string {
  return `case ${index}: { // ${op.name}\n        ${timedBody(op)}\n      }`;
}

/** Generates kernel/gen/timed-run.ts. */
export function generateTimedRun(): string {
  const taken = Object.entries(acts).find(
    ([name, value]) => name.startsWith('ACT_') && (value as number) === ACT_BRANCH,
  );
  if (taken) throw new Error(`${taken[0]} of run() has the number of ACT_BRANCH`);
  return `// Generated from sim/cpu/isa by sim/cpu/isa/generate-timed.ts.
import { CORE_CTX, CORE_CTX_UNPRIV, CORE_CYCLES, CORE_DAIF, CORE_EFF_LIMIT, CORE_EL, CORE_INSNS, CORE_LIMIT, CUR_STATE, EXIT_CODE, EXIT_LIMIT, EXIT_NONE, FP_TRAPPED, HOT_NZCV, HOT_PC, HOT_SP, HOT_X, HOT_XZR, RESYNC_UOP, SLOW_KIND, TLB_ADDEND, TLB_BASE, TLB_STRIDE, TLB_TAG_R, TLB_TAG_W, TLB_TAG_X, TLB_UOPS } from '../../../wasm/layout';
import { C_L1D, C_L1I, P_BITFIELD, P_CRC, P_EXCLUSIVE, P_EXTRACT32, P_EXTRACT64, P_INSERT, P_IN_ORDER, P_L1D_MASK, P_L1I_MASK, P_LOAD, P_LOAD_NARROW, P_LOAD_SECOND, P_LOAD_VECTOR, P_MADD64, P_MISPREDICT, P_MRS, P_MSR, P_MUL, P_MUL64, P_MUL64_BUSY, P_MULHIGH, P_MUL_FORWARD, P_REVERSE, P_SHIFT, P_SLOT, P_TAKEN, SLOT_CODE, SLOT_DATA, SLOT_LINE, T_CY, T_DONE, T_DTLB_LIMIT, T_FETCHED, T_FLAGS, T_GRANULE, T_ITLB_LIMIT, T_PIPE_ALU, T_PIPE_DIV, T_PIPE_LOAD, T_PIPE_MUL, T_PIPE_STORE, TIMED_READY, TIMED_SLOTS } from '../../../wasm/timing-layout';
import { access } from './timed-access';
import { decode } from './decode';
import { addFlags32, addFlags64, carryFlags32, carryFlags64, conditionHolds, overflowSet, packFlags } from '../flags';
import { countSign32, countSign64, crc32, extend, extract32, extract64, reverseBits64, shift32, shift64, signedDivide32, signedDivide64, signedMultiplyHigh, unsignedDivide32, unsignedDivide64, unsignedMultiplyHigh } from '../alu';
import { enterPage, enterRun, leaveRun, stackAlignmentMask, sync, zeroBlock } from '../run';
import { SYS_MSR, systemOp } from '../system-op';
import { spAlignment, takeInterrupt, trapFp } from '../exception';
import { recomputeLimit } from '../state';
import { mrs } from '../sysreg';
import { simdExec } from '../simd/exec';
import { divideUnits, magnitude, simdIssued, simdTime } from '../../../timing/kernel/arithmetic';
import { called, indirect, misdirected, redirected, returned } from '../../../timing/kernel/branch';
import { fetchMiss, loadMiss, storeMiss } from '../../../timing/kernel/memory';
import { enterTimed, later, leaveTimed, own as arrays, param, reloadTime, retire } from '../../../timing/kernel/state';
import { barrier, systemUnits } from '../../../timing/kernel/system';
import { slotUsed, tlbCode } from '../../../timing/kernel/tlb';

/** As run() of run.ts, with the time of the approximate core model. */
export function run(index: u32): i32 {
  enterRun(index);
  enterTimed();
  const core: usize = load<u32>(CUR_STATE);
  const tlb = <usize>TLB_BASE + <usize>index * <usize>TLB_STRIDE;
  const own: usize = arrays();
  const slot: u64 = param(P_SLOT);
  const mask: u64 = param(P_IN_ORDER) ? ~(<u64>0) : 0;
  let ip: usize = RESYNC_UOP, pbase: usize = 0, code: u32 = 0, ppc: u64 = 0;
  let ic: u64 = 0, cy: u64 = 0, ctx: u64 = 0, fa: u64 = 0, fb: u64 = 0, fk: i32 = ${PACKED};
  let dest: u64 = 0, due = true, act: i32 = ${acts.ACT_JUMP}, sub: u32 = 0, spMask: u32 = 0;
  let done: u64 = 0, pa: u64 = 0, resolved: u64 = 0, lpc: u32 = 0, wpc: u32 = 0;
  let fetched: u32 = load<u32>(<usize>T_FETCHED);
  while (true) {
    cy += slot;
    switch (<u32>load<u8>(ip)) {
      ${OPS.map(opCase).join('\n      ')}
      default: unreachable();
    }
${TAIL}
  }
  store<u32>(<usize>T_FETCHED, fetched);
  leaveTimed();
  return leaveRun();
}
`;
}

/** One case of the timed access(): its effect, then its time. */
function timedCase(access: Access, index: number): string {
  const text = accessCase(access, index);
  const timing = accessTiming(access);
  if (access.kind === 'custom') {
    const timed = `const sl: usize = slotUsed; ${timing} KEEP`;
    if (access.name === 'STRUCTURE') {
      const tag = '(load<u32>(ip, 8) & 0x400000 ? load<u64>(e, TLB_TAG_R) : load<u64>(e, TLB_TAG_W))';
      const fast = `const e = ${TLB_ENTRY}; const fast = ${tag} == ${tagWanted(1)};`;
      const found = timed.replace(
        'const sl: usize = slotUsed;',
        'const sl: usize = fast ? e + <usize>TIMED_SLOTS : slotUsed;',
      );
      return text.replace(/return (structureAccess\(.*?\));/s, `${fast} if (!$1) return false; ${found} return true;`);
    }
    return text.replace(/return true;(?![\s\S]*return true;)/, `${timed} return true;`);
  }
  const at = text.lastIndexOf('return true;');
  return `${text.slice(0, at)} const sl: usize = hit ? e + <usize>TIMED_SLOTS : slotUsed; ${timing} KEEP ${text.slice(at)}`;
}

/** Generates kernel/gen/timed-access.ts. */
export function generateTimedAccess(): string {
  const keep = 'keepTime(cy, done, slow);';
  return `// Generated from sim/cpu/isa by sim/cpu/isa/generate-timed.ts.
import { CORE_CTX_UNPRIV, CUR_STATE, HOT_V, SCRATCH_DATA, TLB_ADDEND, TLB_TAG_R, TLB_TAG_W } from '../../../wasm/layout';
import { C_L1D, P_EXCLUSIVE, P_IN_ORDER, P_L1D_MASK, P_LOAD, P_LOAD_NARROW, P_LOAD_SECOND, P_LOAD_VECTOR, SLOT_DATA, SLOT_LINE, T_CY, T_DONE, T_DTLB_LIMIT, T_PIPE_LOAD, T_PIPE_STORE, TIMED_READY, TIMED_SLOTS } from '../../../wasm/timing-layout';
import { loadExclusive, loadSlow, storeExclusive, storeSlow } from '../../../mmu/kernel/tlb';
import { structureAccess } from '../structure';
import { loadMiss, storeMiss } from '../../../timing/kernel/memory';
import { keepTime, later, own as arrays, param } from '../../../timing/kernel/state';
import { slotUsed } from '../../../timing/kernel/tlb';

/** As access() of access.ts. T_CY and T_DONE hold the time before and after. */
export function access(form: u32, ip: usize, tlb: usize, ctx: u64, ppc: u64, slow: bool): bool {
  const d = <usize>load<u16>(ip, 2); const m = <usize>load<u16>(ip, 6); const n = <usize>load<u16>(ip, 4);
  const own: usize = arrays();
  const mask: u64 = param(P_IN_ORDER) ? ~(<u64>0) : 0;
  let cy: u64 = load<u64>(<usize>T_CY), done: u64 = load<u64>(<usize>T_DONE);
  switch (form) {
    ${ACCESSES.map(timedCase).join('\n    ').replaceAll('KEEP', keep)}
    default: unreachable();
  }
  return false;
}
`;
}
