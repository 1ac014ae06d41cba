// Who may access a system register: configurable traps and enables, made after the register's level check.
// Each check returns ACCESS_*; the order of the tests is that of the registers' access pseudocode (DDI 0487 D13).
import { CORE_SPSEL } from '../../wasm/layout';
import { HCR_TACR, HCR_TGE, HCR_TID1, HCR_TID2, HCR_TID3, HCR_TIDCP, HCR_TRVM, HCR_TVM, S, sr } from './state';
import {
  SR_CNTHCTL_EL2,
  SR_CNTKCTL_EL1,
  SR_CPTR_EL2,
  SR_HCR_EL2,
  SR_MDCR_EL2,
  SR_MDSCR_EL1,
  SR_PMUSERENR_EL0,
  SR_SCTLR_EL1,
} from './gen/sysregs';
import { trapFp } from './exception';

export const ACCESS_OK: u32 = 0;
export const ACCESS_UNDEFINED: u32 = 1;
export const ACCESS_TRAP_EL1: u32 = 2; // EL2 if HCR_EL2.TGE
export const ACCESS_TRAP_EL2: u32 = 3;
export const ACCESS_TAKEN: u32 = 4; // the check has taken the exception

export const SCTLR_UMA: u64 = 1 << 9;
export const SCTLR_DZE: u64 = 1 << 14;
export const SCTLR_UCT: u64 = 1 << 15;
export const SCTLR_UCI: u64 = 1 << 26;

const MDCR_TPMCR: u64 = 1 << 5;
const MDCR_TPM: u64 = 1 << 6;
const MDCR_TDE: u64 = 1 << 8;
const MDCR_TDA: u64 = 1 << 9;
const MDCR_TDOSA: u64 = 1 << 10;
const MDCR_TDRA: u64 = 1 << 11;
const CPTR_TCPAC: u64 = 0x80000000;
const MDSCR_TDCC: u64 = 1 << 12;
const PMUSERENR_EN: u64 = 1;
const PMUSERENR_SW: u64 = 2;
const PMUSERENR_CR: u64 = 4;
const PMUSERENR_ER: u64 = 8;

// CNTKCTL_EL1 and CNTHCTL_EL2
const EL0PCTEN: u64 = 1;
const EL0VCTEN: u64 = 2;
const EL0VTEN: u64 = 0x100;
const EL0PTEN: u64 = 0x200;
const EL1PCTEN: u64 = 1;
const EL1PCEN: u64 = 2;

function hcrTrap(bits: u64): u32 {
  return (sr(SR_HCR_EL2) & bits) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

export function checkTvm(level: u32, w: u32): u32 {
  return level == 1 ? hcrTrap(w ? HCR_TVM : HCR_TRVM) : ACCESS_OK;
}

export function checkTid1(level: u32, _w: u32): u32 {
  return level == 1 ? hcrTrap(HCR_TID1) : ACCESS_OK;
}

export function checkTid2(level: u32, _w: u32): u32 {
  return level == 1 ? hcrTrap(HCR_TID2) : ACCESS_OK;
}

export function checkTid3(level: u32, _w: u32): u32 {
  return level == 1 ? hcrTrap(HCR_TID3) : ACCESS_OK;
}

export function checkCtr(level: u32, _w: u32): u32 {
  if (level == 0 && (sr(SR_SCTLR_EL1) & SCTLR_UCT) == 0) return ACCESS_TRAP_EL1;
  return level < 2 ? hcrTrap(HCR_TID2) : ACCESS_OK;
}

export function checkTacr(level: u32, _w: u32): u32 {
  return level == 1 ? hcrTrap(HCR_TACR) : ACCESS_OK;
}

export function checkTidcp(level: u32, _w: u32): u32 {
  return level == 1 ? hcrTrap(HCR_TIDCP) : ACCESS_OK;
}

export function checkTcpac(level: u32, _w: u32): u32 {
  return level == 1 && (sr(SR_CPTR_EL2) & CPTR_TCPAC) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

export function checkFp(_level: u32, _w: u32): u32 {
  return trapFp() ? ACCESS_TAKEN : ACCESS_OK;
}

export function checkDaif(level: u32, _w: u32): u32 {
  return level == 0 && (sr(SR_SCTLR_EL1) & SCTLR_UMA) == 0 ? ACCESS_TRAP_EL1 : ACCESS_OK;
}

/** SP_EL0 is UNDEFINED while it is the selected stack pointer. */
export function checkSpEl0(_level: u32, _w: u32): u32 {
  return load<u32>(S(), <usize>CORE_SPSEL) == 0 ? ACCESS_UNDEFINED : ACCESS_OK;
}

/** MDCR_EL2.TDE and HCR_EL2.TGE act as if the three debug trap bits were set. */
function debugTrap(level: u32, bit: u64): u32 {
  if (level == 2) return ACCESS_OK;
  if ((sr(SR_MDCR_EL2) & (bit | MDCR_TDE)) != 0) return ACCESS_TRAP_EL2;
  return hcrTrap(HCR_TGE);
}

export function checkTda(level: u32, _w: u32): u32 {
  return debugTrap(level, MDCR_TDA);
}

export function checkTdosa(level: u32, _w: u32): u32 {
  return debugTrap(level, MDCR_TDOSA);
}

export function checkTdra(level: u32, _w: u32): u32 {
  return debugTrap(level, MDCR_TDRA);
}

export function checkTdcc(level: u32, _w: u32): u32 {
  if (level == 0 && (sr(SR_MDSCR_EL1) & MDSCR_TDCC) != 0) return ACCESS_TRAP_EL1;
  return debugTrap(level, MDCR_TDA);
}

function el0Timer(level: u32, enable: u64): bool {
  return level == 0 && (sr(SR_CNTKCTL_EL1) & enable) == 0;
}

function el1Timer(level: u32, enable: u64): u32 {
  return level < 2 && (sr(SR_CNTHCTL_EL2) & enable) == 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

export function checkCntFrq(level: u32, _w: u32): u32 {
  return el0Timer(level, EL0PCTEN | EL0VCTEN) ? ACCESS_TRAP_EL1 : ACCESS_OK;
}

export function checkCntPct(level: u32, _w: u32): u32 {
  return el0Timer(level, EL0PCTEN) ? ACCESS_TRAP_EL1 : el1Timer(level, EL1PCTEN);
}

export function checkCntVct(level: u32, _w: u32): u32 {
  return el0Timer(level, EL0VCTEN) ? ACCESS_TRAP_EL1 : ACCESS_OK;
}

export function checkCntP(level: u32, _w: u32): u32 {
  return el0Timer(level, EL0PTEN) ? ACCESS_TRAP_EL1 : el1Timer(level, EL1PCEN);
}

export function checkCntV(level: u32, _w: u32): u32 {
  return el0Timer(level, EL0VTEN) ? ACCESS_TRAP_EL1 : ACCESS_OK;
}

function pmu(level: u32, enable: u64, trap: u64): u32 {
  if (level == 0 && (sr(SR_PMUSERENR_EL0) & enable) == 0) return ACCESS_TRAP_EL1;
  return level < 2 && (sr(SR_MDCR_EL2) & trap) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

export function checkPmu(level: u32, _w: u32): u32 {
  return pmu(level, PMUSERENR_EN, MDCR_TPM);
}

/** Registers without EL0 access. */
export function checkPmuEl1(level: u32, _w: u32): u32 {
  return pmu(level, ~0, MDCR_TPM);
}

/** PMUSERENR_EL0 itself is readable at EL0. */
export function checkPmuUser(level: u32, _w: u32): u32 {
  return level < 2 && (sr(SR_MDCR_EL2) & MDCR_TPM) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

export function checkPmcr(level: u32, _w: u32): u32 {
  return pmu(level, PMUSERENR_EN, MDCR_TPM | MDCR_TPMCR);
}

export function checkPmuCycle(level: u32, w: u32): u32 {
  return pmu(level, w ? PMUSERENR_EN : PMUSERENR_EN | PMUSERENR_CR, MDCR_TPM);
}

export function checkPmuEvent(level: u32, w: u32): u32 {
  return pmu(level, w ? PMUSERENR_EN : PMUSERENR_EN | PMUSERENR_ER, MDCR_TPM);
}

export function checkPmuSelect(level: u32, _w: u32): u32 {
  return pmu(level, PMUSERENR_EN | PMUSERENR_ER, MDCR_TPM);
}

export function checkPmuSwInc(level: u32, _w: u32): u32 {
  return pmu(level, PMUSERENR_EN | PMUSERENR_SW, MDCR_TPM);
}
