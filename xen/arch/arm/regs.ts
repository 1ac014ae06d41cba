/** The registers of the guest that has just trapped: general ones in the core, PC and PSTATE in ELR_EL2 and SPSR_EL2. */
import type { XenCore } from './hardware.js';

const MODE_MASK = 0x1fn;
const MODE_EL0T = 0x0n;
const MODE_AARCH32 = 0x10n;
/** EL1h with D, A, I, F masked. */
const PSTATE_EL1H_MASKED = 0x3c5n;
const VECTOR_CURRENT_SPX = 0x200n;
const VECTOR_LOWER_64 = 0x400n;
const VECTOR_LOWER_32 = 0x600n;

export const guestPc = (core: XenCore): bigint => core.sys('ELR_EL2');
export const setGuestPc = (core: XenCore, pc: bigint): void => core.setSys('ELR_EL2', BigInt.asUintN(64, pc));
export const guestPstate = (core: XenCore): bigint => core.sys('SPSR_EL2');

/** get_user_reg: register 31 is the zero register. */
export const userReg = (core: XenCore, n: number): bigint => (n === 31 ? 0n : core.x(n));
export function setUserReg(core: XenCore, n: number, value: bigint): void {
  if (n !== 31) core.setX(n, BigInt.asUintN(64, value));
}

export const isUser = (core: XenCore): boolean => (guestPstate(core) & 0xfn) === MODE_EL0T;

/** advance_pc: past the trapped instruction; IL (bit 25 of the syndrome) says if it has 4 bytes. */
export function advancePc(core: XenCore, esr: number): void {
  setGuestPc(core, guestPc(core) + ((esr >>> 25) & 1 ? 4n : 2n));
}

/** Takes an exception to EL1 on the guest's behalf (Arm ARM D1.10; xen: xen/arch/arm/arm64/traps.c exception_handler64). */
function enterEl1(core: XenCore, esr: bigint): void {
  const pstate = guestPstate(core);
  const mode = pstate & MODE_MASK;
  const vector =
    mode & MODE_AARCH32 ? VECTOR_LOWER_32 : (mode & 0xfn) === MODE_EL0T ? VECTOR_LOWER_64 : VECTOR_CURRENT_SPX;
  core.setSys('SPSR_EL1', pstate);
  core.setSys('ELR_EL1', guestPc(core));
  core.setSys('ESR_EL1', esr);
  core.setSys('SPSR_EL2', PSTATE_EL1H_MASKED);
  setGuestPc(core, core.sys('VBAR_EL1') + vector);
}

const IL = 1n << 25n;

/** inject_undef64_exception: EC 0, IL 1, ISS 0. */
export function injectUndef(core: XenCore): void {
  enterEl1(core, IL);
}

/** inject_abt64_exception: ISS is 0, whatever the stage-2 syndrome said. */
export function injectAbort(core: XenCore, instruction: boolean, va: bigint): void {
  const same = !isUser(core) && (guestPstate(core) & MODE_AARCH32) === 0n;
  const ec = (instruction ? 0x20n : 0x24n) + (same ? 1n : 0n);
  core.setSys('FAR_EL1', va);
  enterEl1(core, (ec << 26n) | IL);
}
