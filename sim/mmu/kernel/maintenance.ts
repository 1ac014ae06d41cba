// TLB maintenance, address translation instructions, cache maintenance by address.
//
// The TLB holds only whole translations (VA to PA), beside it are whole stage-2 ones (IPA to PA), no table entries; so an
// invalidation by level or by IPA is the one of the VA or of the VMID. Removing more than asked is always allowed (Arm ARM D5.10.2).
import { CORE_EL, CUR_CORE, MAX_CORES } from '../../wasm/layout';
import { SR_HCR_EL2, SR_PAR_EL1, SR_TCR_EL1, SR_VTTBR_EL2 } from '../../cpu/kernel/gen/sysregs';
import { S, setSrAt, srAt } from '../../cpu/kernel/state';
import { watching, watchpointTaken } from '../../cpu/kernel/debug';
import { lineDiscarded } from '../../timing/kernel/cache';
import { TIMED } from '../../timing/kernel/timed';
import { tlbsFlushed, tlbsForget } from '../../timing/kernel/tlb';
import { dropAsid, dropEl1, dropEl2, dropVmid } from './context';
import { FSC_EXTERNAL_WALK, FSC_NONE } from './descriptor';
import { invalidateVa } from './entry';
import { CTX_CORES } from './private';
import { HCR_FB } from './regime';
import { resolveMaintenance, walkAbort } from './resolve';
import { ACCESS_READ, ACCESS_WRITE } from './stage2walk';
import { WALK_STAGE1, faultS1ptw, faultStage2, outAttr, outPa, outShare, translate } from './walk';

// Kinds of tlbi(); the last-level forms do the same as those of all levels.
export const TLBI_VMALLE1: u32 = 0;
export const TLBI_VAE1: u32 = 1;
export const TLBI_ASIDE1: u32 = 2;
export const TLBI_VAAE1: u32 = 3;
export const TLBI_VMALLS12E1: u32 = 4;
export const TLBI_ALLE1: u32 = 5;
export const TLBI_IPAS2E1: u32 = 6;
export const TLBI_VAE2: u32 = 7;
export const TLBI_ALLE2: u32 = 8;
export const TLBI_VALE1: u32 = TLBI_VAE1;
export const TLBI_VAALE1: u32 = TLBI_VAAE1;
export const TLBI_VALE2: u32 = TLBI_VAE2;
export const TLBI_IPAS2LE1: u32 = TLBI_IPAS2E1;

// Kinds of addressTranslate(): bit 0 = write, then the level and stages.
export const AT_S1E1R: u32 = 0;
export const AT_S1E1W: u32 = 1;
export const AT_S1E0R: u32 = 2;
export const AT_S1E0W: u32 = 3;
export const AT_S12E1R: u32 = 4;
export const AT_S12E1W: u32 = 5;
export const AT_S12E0R: u32 = 6;
export const AT_S12E0W: u32 = 7;
export const AT_S1E2R: u32 = 8;
export const AT_S1E2W: u32 = 9;

/**
 * TLBI by the running core. `value` is Xt: VA[55:12] in 43:0, ASID in 63:48. `broadcast`: the IS forms. Forms by ASID or
 * VMID act on every core (a context id is known to all), forms by VA on this core unless broadcast.
 */
export function tlbi(kind: u32, value: u64, broadcast: u32): void {
  const s = S();
  if (kind == TLBI_VAE1 || kind == TLBI_VAAE1 || kind == TLBI_VAE2) {
    const va = (value & 0xfff_ffff_ffff) << 12;
    // HCR_EL2.FB: EL1's local forms act as broadcast.
    if (broadcast != 0 || (load<u32>(s, <usize>CORE_EL) == 1 && (srAt(s, SR_HCR_EL2) & HCR_FB) != 0)) {
      const cores = load<u32>(CTX_CORES);
      for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
        if (((cores >> core) & 1) == 0) continue;
        invalidateVa(core, va);
        if (TIMED) tlbsForget(core, va);
      }
    } else {
      invalidateVa(load<u32>(<usize>CUR_CORE), va);
      if (TIMED) tlbsForget(load<u32>(<usize>CUR_CORE), va);
    }
    return;
  }
  if (TIMED) tlbsFlushed(load<u32>(<usize>CUR_CORE), broadcast != 0);
  const vmid = (srAt(s, SR_VTTBR_EL2) >> 48) & 0xff;
  if (kind == TLBI_ASIDE1) {
    const wide = ((srAt(s, SR_TCR_EL1) >> 36) & 1) != 0;
    dropAsid((value >> 48) & (wide ? 0xffff : 0xff), vmid);
  } else if (kind == TLBI_ALLE1) dropEl1();
  else if (kind == TLBI_ALLE2) dropEl2();
  else dropVmid(vmid, kind != TLBI_VMALLE1);
}

/**
 * AT: translates and writes PAR_EL1. False: an exception was taken instead, for an external abort on the walk, or for a
 * stage-2 fault on a table address of an instruction executed at EL1 (Arm ARM D5.2.11).
 */
export function addressTranslate(kind: u32, va: u64): bool {
  const s = S();
  const el: u32 = kind >= AT_S1E2R ? 2 : (kind & 2) != 0 ? 0 : 1;
  const access = (kind & 1) != 0 ? ACCESS_WRITE : ACCESS_READ;
  const fsc = translate(s, el, va, access, kind < AT_S12E1R ? WALK_STAGE1 : 0);
  if (fsc == FSC_NONE) {
    const page = outPa & 0x0000_ffff_ffff_f000;
    // Bit 11 is RES1; NS (9) is UNKNOWN for a non-secure regime and set, as qemu has it.
    setSrAt(s, SR_PAR_EL1, page | ((<u64>outAttr) << 56) | ((<u64>outShare) << 7) | 0xa00);
    return true;
  }
  const external = (fsc & ~3) == FSC_EXTERNAL_WALK;
  if (external || (faultS1ptw && load<u32>(s, <usize>CORE_EL) == 1)) {
    walkAbort(va, true, fsc, 0, true);
    return false;
  }
  let par: u64 = 0x801 | ((<u64>fsc) << 1);
  if (faultS1ptw) par |= 0x100;
  if (faultStage2) par |= 0x200;
  setSrAt(s, SR_PAR_EL1, par);
  return true;
}

/**
 * The check that DC CVAC/CVAU/CIVAC, IC IVAU (`write` false) and DC IVAC (true) make of their address; the operation
 * itself has nothing to do, but DC IVAC meets watchpoints as a store does (D2.10.5). False: an exception was taken.
 */
export function cacheMaintenance(va: u64, write: bool): bool {
  if (!resolveMaintenance(va, write)) return false;
  return !(write && watching() && watchpointTaken(va & ~(<u64>63), 64, true, false, true));
}
