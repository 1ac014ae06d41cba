/** Operations of the machinery, of the system and of FP/SIMD. The tails they break to are in generate-run.ts. */
import { leavingOp, op } from './op.js';
import type { Op } from './op.js';
import {
  ACT_DECODE,
  ACT_FP_TRAP,
  ACT_MEMORY,
  ACT_REGION,
  ACT_RESYNC,
  ACT_SP_FAULT,
  ACT_SYSTEM,
  ACT_ZERO,
} from './acts.js';
import { flags, PACKED, PC, RN, set } from './text.js';

const FP_CHECK = `if (load<u32>(FP_TRAPPED)) { act = ${ACT_FP_TRAP}; break; }`;
const SP_CHECK = `if (load<u32>(HOT_SP) & spMask) { act = ${ACT_SP_FAULT}; break; }`;
const TRY = `sub = <u32>load<u16>(ip, 14);
  if (access(sub, ip, tlb, ctx, ppc, false)) { ip += 16; continue; } act = ${ACT_MEMORY}; break;`;
const SLOW = `sub = <u32>load<u16>(ip, 14); act = ${ACT_MEMORY}; break;`;

/** First in the table: the first three numbers are known to sim/mmu/kernel/code.ts. */
export const MACHINERY_OPS: readonly Op[] = [
  leavingOp('DECODE', 'hint', `act = ${ACT_DECODE}; break;`),
  // the sentinel is no instruction: ic is corrected for the one the jump counts
  leavingOp('PAGE_END', 'hint', 'dest = ppc + 4096; ic -= 1; due = true; break;'),
  leavingOp('RESYNC', 'hint', `act = ${ACT_RESYNC}; break;`),
  // stands for the first micro-op of a translated region, whose cost and operands are kept
  leavingOp('REGION', 'hint', `act = ${ACT_REGION}; break;`),
];

/** The rest of the system. */
export const SYSTEM_OPS: readonly Op[] = [
  op('NOP', 'hint', ''),
  op('BARRIER', 'barrier', ''),
  // rm field = SYS_* kind, immediate = its operand: see sim/cpu/kernel/system.ts
  leavingOp('SYSTEM', 'system', `act = ${ACT_SYSTEM}; break;`),
  // rm field = register index, rd = slot that receives it; the tail tells these two from the others by their numbers
  leavingOp('MRS', 'system', `act = ${ACT_SYSTEM}; break;`),
  // registers that EL1 with SP_EL1 (word pair EL, SPSel = 1, 1) reads without side effect or trap; immediate = offset
  leavingOp(
    'MRS_EL1H',
    'system',
    `if (load<u64>(core, CORE_EL) == 0x100000001) { ${set('load<u64>(core + <usize>load<u16>(ip, 8))')} ip += 16; continue; }
    act = ${ACT_SYSTEM}; break;`,
  ),
  // registers that every EL reads so
  op('MRS_ANY', 'system', set('load<u64>(core + <usize>load<u16>(ip, 8))')),
  // MSR DAIF, DAIFSet, DAIFClr above EL0: laid out as SYSTEM, with the bits at byte 12. A check point.
  leavingOp(
    'MSR_DAIF',
    'system',
    `if (!load<u32>(core, CORE_EL)) { act = ${ACT_SYSTEM}; break; }
    const daif = load<u32>(core, CORE_DAIF); const bits = load<u32>(ip, 12); const field = load<u8>(ip, 8);
    store<u32>(core, load<u16>(ip, 6) == SYS_MSR ? <u32>${RN} & 0x3c0 : field == 0x1e ? daif | bits : daif & ~bits, CORE_DAIF);
    recomputeLimit(); ip += 16;
    if (cy >= load<u64>(core, CORE_EFF_LIMIT)) {
      sync(${PC}, ic + <u64>(ip >>> 4), cy, fa, fb, fk); ip = RESYNC_UOP; due = true;
    }
    continue;`,
  ),
  leavingOp('ZVA', 'store', `act = ${ACT_ZERO}; break;`),
  // rm field = sub-operation, immediate = the instruction
  op('SIMD', 'simd', `${FP_CHECK} simdExec(<i32>load<u16>(ip, 6), load<u32>(ip, 8));`),
  op(
    'SIMD_FLAGS',
    'fp',
    `${FP_CHECK} store<u32>(HOT_NZCV, packFlags(fa, fb, fk)); simdExec(<i32>load<u16>(ip, 6), load<u32>(ip, 8));
    ${flags(PACKED, '<u64>(load<u32>(HOT_NZCV) >>> 28)')}`,
  ),
  leavingOp('MEM', 'load', TRY),
  leavingOp('MEM_SP', 'load', SP_CHECK + TRY),
  leavingOp('MEM_FP', 'load', FP_CHECK + TRY),
  leavingOp('MEM_FP_SP', 'load', FP_CHECK + SP_CHECK + TRY),
  leavingOp('SLOW', 'exclusive', SLOW),
  leavingOp('SLOW_SP', 'exclusive', SP_CHECK + SLOW),
  leavingOp('SLOW_FP', 'simd', FP_CHECK + SLOW),
  leavingOp('SLOW_FP_SP', 'simd', FP_CHECK + SP_CHECK + SLOW),
];
