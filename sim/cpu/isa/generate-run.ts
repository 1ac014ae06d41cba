/** Text of kernel/gen/run.ts (the interpreter) and kernel/gen/access.ts (every load and store form). */
import { ACCESSES } from './accesses.js';
import type { Access } from './accesses.js';
import * as acts from './acts.js';
import { OPS, opNumber, tagWanted, TLB_ENTRY, writeBackText } from './ops.js';
import type { Op } from './op.js';
import { PACKED, PC } from './text.js';

const CORE = 'load<u32>(CUR_STATE)';

/** One case of access(): the TLB hit, or with `slow` the slow path. `d`, `m`, `n` are read first: see code.ts. */
export function accessCase(access: Access, index: number): string {
  const head = `case ${index}: { // ${access.name}\n      const va: u64 = ${access.address};`;
  if (access.kind === 'custom') return `${head} ${access.data('d', 'm')} }`;
  const load = access.kind === 'load';
  const context = access.unprivileged ? `<u64>load<u32>(${CORE}, CORE_CTX_UNPRIV)` : 'ctx';
  const aligned = access.aligned && access.size > 1 ? ` && (<u32>va & ${access.size - 1}) == 0` : '';
  // MEM_UNPRIV, MEM_ALIGNED, MEM_ELEMENT_*
  const element = access.element === undefined ? 0 : (Math.log2(access.element) + 1) << 4;
  const flags = (access.unprivileged ? 1 : 0) | (access.aligned ? 2 : 0) | element;
  const rest = `const e = ${TLB_ENTRY}; let h: usize;
      const hit = load<u64>(e, ${load ? 'TLB_TAG_R' : 'TLB_TAG_W'}) == ${tagWanted(access.size, context)}${aligned};`;
  const data = access.data('d', 'm');
  const writeBack = access.writeBack === undefined ? '' : `const base: u64 = ${access.writeBack};`;
  const done = `${writeBackText({ ...access, ...(access.writeBack && { writeBack: 'base' }) }, 'n')} return true;`;
  if (load) {
    return `${head} ${rest} ${writeBack}
      if (hit) h = <usize>(load<u32>(e, TLB_ADDEND) + <u32>va);
      else { if (!slow) return false; h = loadSlow(va, ${access.size}, <u32>load<u16>(ip, 12) << 14, ${flags}); if (!h) return false; }
      ${data} ${done} }`;
  }
  return `${head} ${rest} ${writeBack}
      if (hit) h = <usize>(load<u32>(e, TLB_ADDEND) + <u32>va);
      else { if (!slow) return false; h = SCRATCH_DATA; }
      ${data}
      if (!hit && !storeSlow(va, ${access.size}, <u32>load<u16>(ip, 12) << 14, ${flags})) return false;
      ${done} }`;
}

/** Generates kernel/gen/access.ts. */
export function generateAccess(): string {
  return `// Generated from sim/cpu/isa by sim/cpu/isa/generate-run.ts.
import { CORE_CTX_UNPRIV, CUR_STATE, SCRATCH_DATA, TLB_ADDEND, TLB_TAG_R, TLB_TAG_W } from '../../../wasm/layout';
import { loadExclusive, loadSlow, storeExclusive, storeSlow } from '../../../mmu/kernel/tlb';
import { structureAccess } from '../structure';

/**
 * Does the load or store of form \`form\` that the micro-op at \`ip\` describes. Without \`slow\` it returns false, with
 * nothing done, on a TLB miss; with it (state PC-exact) false means that an exception was taken.
 */
export function access(form: u32, ip: usize, tlb: usize, ctx: u64, ppc: u64, slow: bool): bool {
  const d = <usize>load<u16>(ip, 2); const m = <usize>load<u16>(ip, 6); const n = <usize>load<u16>(ip, 4);
  switch (form) {
    ${ACCESSES.map(accessCase).join('\n    ')}
    default: unreachable();
  }
  return false;
}
`;
}

/** One case of run(). */
function opCase(op: Op, index: number): string {
  return `case ${index}: { // ${op.name}\n        ${op.body}${op.leaves ? '' : ' ip += 16; continue;'}\n      }`;
}

const SYNC = `sync(${PC}, ic + <u64>(ip >>> 4), cy, fa, fb, fk);`;
const RESYNC = 'ip = RESYNC_UOP; due = true; continue;';
const RELOAD = 'cy = load<u64>(core, CORE_CYCLES); ctx = <u64>load<u32>(core, CORE_CTX);';
/** A slow access has been done: on to the next micro-op, through a resync if a device or code was touched. */
const DONE = `${RELOAD} ip += 16; if (load<u32>(SLOW_KIND)) { ${SYNC} ${RESYNC} } continue;`;

/** What follows the switch: one piece for each act. */
const TAIL = `
    if (act == ${acts.ACT_REGION}) { // the exits of a region: sim/translator/exits.ts
      act = ${acts.ACT_JUMP}; cy -= <u64>load<u8>(ip, 1);
      const region = regionAt(ip, tlb, ppc, ctx, pbase);
      if (!region) continue;
      const out = call_indirect<u64>(load<u32>(region), ppc, ctx, fa, fb, fk, regionBudget(core, cy), <u32>core, <u32>tlb, spMask);
      const counts = regionLeft(region, out);
      cy += counts & 0xffffffff;
      const total = ic + <u64>(ip >>> 4) + (counts >>> 32);
      fa = load<u64>(REGION_FLAG_A); fb = load<u64>(REGION_FLAG_B);
      fk = <i32>(out >>> 4) & 7; if (fk > ${PACKED}) fk = load<i32>(REGION_FLAG_KIND);
      const how = <i32>out & 15;
      dest = how == ${acts.OUT_INDIRECT} ? load<u64>(REGION_PC) : ppc + <u64>((<i64>out >> 37) << 2);
      if (how >= ${acts.OUT_JUMP}) {
        ic = total - <u64>((ip + 16) >>> 4); due = how != ${acts.OUT_JUMP};
      } else {
        if ((dest & ~(<u64>0xfff)) != ppc) {
          const e = tlb + (<usize>(dest >>> 7) & 0xffe0);
          ppc = dest & ~(<u64>0xfff); pbase = load<u32>(e, TLB_UOPS); code = load<u32>(e, TLB_ADDEND);
        }
        ip = pbase + ((<usize>dest & 0xffc) << 2); ic = total - <u64>(ip >>> 4);
        if (how == ${acts.OUT_GO_ON}) { if (--tick == 0) tick = sample(ip, ppc); continue; }
        if (how == ${acts.OUT_CHECK}) {
          if (cy >= load<u64>(core, CORE_EFF_LIMIT)) { ${SYNC} ${RESYNC} }
          continue;
        }
        cy += <u64>load<u8>(ip, 1); sub = <u32>load<u16>(ip, 14); act = how;
      }
    }
    if (act == ${acts.ACT_JUMP}) { // taken branch to dest, check point if due
      ic += <u64>((ip + 16) >>> 4);
      const e = tlb + (<usize>(dest >>> 7) & 0xffe0);
      if (load<u64>(e, TLB_TAG_X) == ((dest & ~(<u64>0xfff)) | ctx) && (<u32>dest & 3) == 0 &&
          !(due && cy >= load<u64>(core, CORE_EFF_LIMIT))) {
        ppc = dest & ~(<u64>0xfff); pbase = load<u32>(e, TLB_UOPS); code = load<u32>(e, TLB_ADDEND);
        const from = <u32>load<u8>(ip);
        ip = pbase + ((<usize>dest & 0xffc) << 2); ic -= <u64>(ip >>> 4);
        if (from >= ${opNumber('REGION')} && from != ${opNumber('BR')} && --tick == 0) tick = sample(ip, ppc);
        continue;
      }
      sync(dest, ic, cy, fa, fb, fk); ip = RESYNC_UOP; continue;
    }
    const acted = act; act = ${acts.ACT_JUMP};
    if (acted == ${acts.ACT_MEMORY}) {
      ${SYNC} store<u32>(SLOW_KIND, 0);
      if (!access(sub, ip, tlb, ctx, ppc, true)) { ${RESYNC} }
      ${DONE}
    }
    if (acted == ${acts.ACT_DECODE}) {
      cy -= <u64>load<u8>(ip, 1); // left by a decoded instruction that was overwritten
      decode(load<u32>(<usize>(code + <u32>${PC})), ip, ${PC}); continue;
    }
    if (acted == ${acts.ACT_RESYNC}) {
      // met inside a page whose code was overwritten: leave it, no check point
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
      code = load<u32>(tlb + (<usize>(dest >>> 7) & 0xffe0), TLB_ADDEND);
      ip = pbase + ((<usize>dest & 0xffc) << 2);
      ic = load<u64>(core, CORE_INSNS) - <u64>(ip >>> 4);
      fa = <u64>(load<u32>(HOT_NZCV) >>> 28); fb = 0; fk = ${PACKED};
      spMask = stackAlignmentMask();
      ${RELOAD} continue;
    }
    ${SYNC}
    if (acted == ${acts.ACT_SYSTEM}) {
      const system = <u32>load<u8>(ip);
      if (system != ${opNumber('MRS')} && system != ${opNumber('MRS_EL1H')}) systemOp(<u32>load<u16>(ip, 6), ip);
      else if (mrs(<u32>load<u16>(ip, 6), <u32>load<u16>(ip, 2))) { cy = load<u64>(core, CORE_CYCLES); ip += 16; continue; }
      ${RESYNC}
    }
    if (acted == ${acts.ACT_ZERO}) {
      store<u32>(SLOW_KIND, 0);
      if (!zeroBlock(ip, tlb, ctx)) { ${RESYNC} }
      ${DONE}
    }
    if (acted == ${acts.ACT_FP_TRAP}) {
      if (trapFp()) { ${RESYNC} }
      store<u32>(FP_TRAPPED, 0); cy -= <u64>load<u8>(ip, 1); continue;
    }
    spAlignment(); ${RESYNC}`;

/** Generates kernel/gen/run.ts. */
export function generateRun(): string {
  return `// Generated from sim/cpu/isa by sim/cpu/isa/generate-run.ts.
import { CORE_CTX, CORE_CTX_UNPRIV, CORE_CYCLES, CORE_DAIF, CORE_EFF_LIMIT, CORE_EL, CORE_INSNS, CORE_LIMIT, CUR_STATE, EXIT_CODE, EXIT_LIMIT, EXIT_NONE, FP_TRAPPED, HOT_NZCV, HOT_PC, HOT_SP, HOT_X, REGION_FLAG_A, REGION_FLAG_B, REGION_FLAG_KIND, REGION_PC, REGION_TICK, RESYNC_UOP, SLOW_KIND, TLB_ADDEND, TLB_BASE, TLB_STRIDE, TLB_TAG_R, TLB_TAG_W, TLB_TAG_X, TLB_UOPS } from '../../../wasm/layout';
import { access } from './access';
import { decode } from './decode';
import { addFlags32, addFlags64, carryFlags32, carryFlags64, conditionHolds, overflowSet, packFlags } from '../flags';
import { countSign32, countSign64, crc32, extend, extract32, extract64, reverseBits64, shift32, shift64, signedDivide32, signedDivide64, signedMultiplyHigh, unsignedDivide32, unsignedDivide64, unsignedMultiplyHigh } from '../alu';
import { enterPage, enterRun, leaveRun, stackAlignmentMask, sync, zeroBlock } from '../run';
import { SYS_MSR, systemOp } from '../system-op';
import { spAlignment, takeInterrupt, trapFp } from '../exception';
import { regionAt, regionBudget, regionLeft, sample, sampleStart } from '../region';
import { recomputeLimit } from '../state';
import { mrs } from '../sysreg';
import { simdExec } from '../simd/exec';

/** Runs core \`index\` until its cycle limit or another reason to stop; returns an EXIT_* code. */
export function run(index: u32): i32 {
  enterRun(index);
  const core: usize = load<u32>(CUR_STATE);
  const tlb = <usize>TLB_BASE + <usize>index * <usize>TLB_STRIDE;
  let ip: usize = RESYNC_UOP, pbase: usize = 0, code: u32 = 0, ppc: u64 = 0;
  let ic: u64 = 0, cy: u64 = 0, ctx: u64 = 0, fa: u64 = 0, fb: u64 = 0, fk: i32 = ${PACKED};
  let dest: u64 = 0, due = true, act: i32 = ${acts.ACT_JUMP}, sub: u32 = 0, spMask: u32 = 0, tick: i32 = sampleStart();
  while (true) {
    cy += <u64>load<u8>(ip, 1);
    switch (<u32>load<u8>(ip)) {
      ${OPS.map(opCase).join('\n      ')}
      default: unreachable();
    }
${TAIL}
  }
  store<i32>(REGION_TICK, tick);
  return leaveRun();
}
`;
}
