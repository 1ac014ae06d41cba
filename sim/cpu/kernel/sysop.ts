// SYS instructions: TLB and cache maintenance, address translation (Arm ARM DDI 0487 C5.3 to C5.5).
// Caches hold nothing of their own here: cache operations only make their checks and translations.
import {
  AT_S12E0R,
  AT_S12E0W,
  AT_S12E1R,
  AT_S12E1W,
  AT_S1E0R,
  AT_S1E0W,
  AT_S1E1R,
  AT_S1E1W,
  AT_S1E2R,
  AT_S1E2W,
  TLBI_ALLE1,
  TLBI_ALLE2,
  TLBI_ASIDE1,
  TLBI_IPAS2E1,
  TLBI_VAAE1,
  TLBI_VAE1,
  TLBI_VAE2,
  TLBI_VMALLE1,
  TLBI_VMALLS12E1,
  addressTranslate,
  cacheMaintenance,
  tlbi,
} from '../../mmu/kernel/maintenance';
import { HCR_TIDCP, HCR_TPC, HCR_TPU, HCR_TSW, HCR_TTLB, el, sr } from './state';
import { SR_HCR_EL2, SR_SCTLR_EL1 } from './gen/sysregs';
import { refuse } from './sysreg';
import { ACCESS_OK, ACCESS_TRAP_EL1, ACCESS_TRAP_EL2, ACCESS_UNDEFINED, SCTLR_UCI } from './sysreg-traps';

// op1:CRn:CRm:op2 of an encoding, as packed by sysregIndex
const OPERATION: u32 = 0x3fff;

/** ACCESS_* of an EL1 operation that the HCR_EL2 bits `trap` send to EL2. */
function el1Operation(level: u32, trap: u64): u32 {
  if (level == 0) return ACCESS_UNDEFINED;
  return level == 1 && (sr(SR_HCR_EL2) & trap) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

/** ACCESS_* of a cache operation that SCTLR_EL1.UCI opens to EL0. */
function userOperation(level: u32, trap: u64): u32 {
  if (level == 0 && (sr(SR_SCTLR_EL1) & SCTLR_UCI) == 0) return ACCESS_TRAP_EL1;
  return level < 2 && (sr(SR_HCR_EL2) & trap) != 0 ? ACCESS_TRAP_EL2 : ACCESS_OK;
}

function byAddress(access: u32, va: u64, write: bool): bool {
  return access == ACCESS_OK ? cacheMaintenance(va, write) : refuse(access);
}

function nothing(access: u32): bool {
  return access == ACCESS_OK ? true : refuse(access);
}

/** TLBI of EL1; `op2` selects. */
function tlbiEl1(op2: u32, value: u64, shareable: bool): bool {
  let kind: i32 = -1;
  switch (op2) {
    case 0:
      kind = TLBI_VMALLE1;
      break;
    case 1:
    case 5: // VALE1
      kind = TLBI_VAE1;
      break;
    case 2:
      kind = TLBI_ASIDE1;
      break;
    case 3:
    case 7: // VAALE1
      kind = TLBI_VAAE1;
      break;
    default:
      return refuse(ACCESS_UNDEFINED);
  }
  const access = el1Operation(el(), HCR_TTLB);
  if (access != ACCESS_OK) return refuse(access);
  tlbi(<u32>kind, value, <u32>shareable);
  return true;
}

function tlbiEl2(op2: u32, value: u64, shareable: bool): bool {
  let kind: i32 = -1;
  switch (op2) {
    case 0:
      kind = TLBI_ALLE2;
      break;
    case 1:
    case 5: // VALE2
      kind = TLBI_VAE2;
      break;
    case 4:
      kind = TLBI_ALLE1;
      break;
    case 6:
      kind = TLBI_VMALLS12E1;
      break;
    default:
      return refuse(ACCESS_UNDEFINED);
  }
  if (el() < 2) return refuse(ACCESS_UNDEFINED);
  tlbi(<u32>kind, value, <u32>shareable);
  return true;
}

function tlbiStage2(op2: u32, value: u64, shareable: bool): bool {
  if ((op2 != 1 && op2 != 5) || el() < 2) return refuse(ACCESS_UNDEFINED);
  tlbi(TLBI_IPAS2E1, value, <u32>shareable);
  return true;
}

/** AT; `op` = op2, plus 8 for those of op1 = 4. */
function translateAddress(op: u32, va: u64): bool {
  const least: u32 = op < 8 ? 1 : 2;
  if (el() < least) return refuse(ACCESS_UNDEFINED);
  switch (op) {
    case 0:
      return addressTranslate(AT_S1E1R, va);
    case 1:
      return addressTranslate(AT_S1E1W, va);
    case 2:
      return addressTranslate(AT_S1E0R, va);
    case 3:
      return addressTranslate(AT_S1E0W, va);
    case 8:
      return addressTranslate(AT_S1E2R, va);
    case 9:
      return addressTranslate(AT_S1E2W, va);
    case 12:
      return addressTranslate(AT_S12E1R, va);
    case 13:
      return addressTranslate(AT_S12E1W, va);
    case 14:
      return addressTranslate(AT_S12E0R, va);
    case 15:
      return addressTranslate(AT_S12E0W, va);
    default:
      return refuse(ACCESS_UNDEFINED);
  }
}

/** Cache operations of EL1 and the address translations (CRn = 7, op1 = 0). */
function systemSeven(crm: u32, op2: u32, value: u64): bool {
  const level = el();
  switch ((crm << 3) | op2) {
    case 0x08: // IC IALLUIS
    case 0x28: // IC IALLU
      return nothing(el1Operation(level, HCR_TPU));
    case 0x31: // DC IVAC
      return byAddress(el1Operation(level, HCR_TPC), value, true);
    case 0x32: // DC ISW
    case 0x52: // DC CSW
    case 0x72: // DC CISW
      return nothing(el1Operation(level, HCR_TSW));
    default:
      if (crm == 8 && op2 < 4) return translateAddress(op2, value);
      return refuse(ACCESS_UNDEFINED);
  }
}

/** Cache operations that EL0 may have (CRn = 7, op1 = 3); DC ZVA is an operation of its own. */
function userSeven(crm: u32, op2: u32, value: u64): bool {
  const level = el();
  switch ((crm << 3) | op2) {
    case 0x29: // IC IVAU
    case 0x59: // DC CVAU
      return byAddress(userOperation(level, HCR_TPU), value, false);
    case 0x51: // DC CVAC
    case 0x71: // DC CIVAC
      return byAddress(userOperation(level, HCR_TPC), value, false);
    default:
      return refuse(ACCESS_UNDEFINED);
  }
}

/**
 * SYS with encoding `enc` (packed as for sysregIndex, op0 = 1). True: done, the caller advances the PC; false: an
 * exception was taken.
 */
export function sysOp(enc: u32, value: u64): bool {
  const op1 = (enc & OPERATION) >> 11;
  const crn = (enc >> 7) & 15;
  const crm = (enc >> 3) & 15;
  const op2 = enc & 7;
  if (crn == 7) {
    if (op1 == 0) return systemSeven(crm, op2, value);
    if (op1 == 3) return userSeven(crm, op2, value);
    if (op1 == 4 && crm == 8 && op2 != 2 && op2 != 3) return translateAddress(8 + op2, value);
  } else if (crn == 8) {
    if (op1 == 0 && (crm == 3 || crm == 7)) return tlbiEl1(op2, value, crm == 3);
    if (op1 == 4 && (crm == 3 || crm == 7)) return tlbiEl2(op2, value, crm == 3);
    if (op1 == 4 && (crm == 0 || crm == 4)) return tlbiStage2(op2, value, crm == 0);
  } else if ((crn == 11 || crn == 15) && el() == 1 && (sr(SR_HCR_EL2) & HCR_TIDCP) != 0) {
    return refuse(ACCESS_TRAP_EL2);
  }
  return refuse(ACCESS_UNDEFINED);
}
