/** The numbered table of operations. */
import { ACCESSES } from './accesses.js';
import type { Access } from './accesses.js';
import { ACT_FP_TRAP, ACT_MEMORY, ACT_SP_FAULT } from './acts.js';
import { leavingOp } from './op.js';
import type { Op } from './op.js';
import { BRANCH_OPS } from './ops-branch.js';
import { INTEGER_OPS } from './ops-integer.js';
import { MACHINERY_OPS, SYSTEM_OPS } from './ops-system.js';

/** Text of the address of the TLB entry of `va`. */
export const TLB_ENTRY = 'tlb + (<usize>(va >>> 7) & 0xffe0)';

/** Text of the tag that an access of `size` bytes at `va` must find; a page crossing never matches. */
export function tagWanted(size: number, context = 'ctx'): string {
  return `(((va + ${size - 1}) & ~(<u64>0xfff)) | ${context})`;
}

/** Text of the write-back, given where the base slot's address is. */
export function writeBackText(access: Access, n: string): string {
  return access.writeBack === undefined ? '' : `store<u64>(${n}, ${access.writeBack});`;
}

/** The case of run() for a hot access: TLB hit inline, else out to the memory tail. */
function hotOp(access: Access, index: number, sp: boolean): Op {
  const spCheck = sp ? `if (load<u32>(HOT_SP) & spMask) { act = ${ACT_SP_FAULT}; break; }` : '';
  const fpCheck = access.fp ? `if (load<u32>(FP_TRAPPED)) { act = ${ACT_FP_TRAP}; break; }` : '';
  const context = access.unprivileged ? '<u64>load<u32>(core, CORE_CTX_UNPRIV)' : 'ctx';
  const tag = access.kind === 'load' ? 'TLB_TAG_R' : 'TLB_TAG_W';
  const body = `${fpCheck}${spCheck}const va: u64 = ${access.address}; const e = ${TLB_ENTRY};
    if (load<u64>(e, ${tag}) != ${tagWanted(access.size, context)}) { sub = ${index}; act = ${ACT_MEMORY}; break; }
    const h = <usize>(load<u32>(e, TLB_ADDEND) + <u32>va);
    ${access.data('<usize>load<u16>(ip, 2)', '<usize>load<u16>(ip, 6)')}
    ${writeBackText(access, '<usize>load<u16>(ip, 4)')} ip += 16; continue;`;
  const name = `${access.name}${sp ? '_SP' : ''}`;
  return leavingOp(name, access.cost, sp ? body.replaceAll('<usize>load<u16>(ip, 4)', '<usize>HOT_SP') : body);
}

const hotOps = ACCESSES.flatMap((access, index) => [
  ...(access.hot ? [hotOp(access, index, false)] : []),
  ...(access.hotSp ? [hotOp(access, index, true)] : []),
]);

/** All operations; the index is the number in the micro-op. */
export const OPS: readonly Op[] = [...MACHINERY_OPS, ...SYSTEM_OPS, ...BRANCH_OPS, ...INTEGER_OPS, ...hotOps];

/** Number of the operation called `name`. */
export function opNumber(name: string): number {
  const index = OPS.findIndex((o) => o.name === name);
  if (index < 0) throw new Error(`no operation ${name}`);
  return index;
}
