// The second stage of the running system: stage2walk.ts behind a cache of whole IPA translations, as the A57 and A53
// have one. Most stage-2 walks are those of stage-1 tables, which stay in few pages. Faults are not kept.
import { CORE_BASE, CORE_STRIDE } from '../../wasm/layout';
import { SR_VTCR_EL2, SR_VTTBR_EL2 } from '../../cpu/kernel/gen/sysregs';
import { srAt } from '../../cpu/kernel/state';
import { TIMED } from '../../timing/kernel/timed';
import { ipaWalked, pauseCharging, resumeCharging } from '../../timing/kernel/tlb';
import { FSC_NONE } from './descriptor';
import { CTX_STAGE2, PRIV_IPA, privateOf } from './private';
import { paMaxOf } from './regime';
import { s2Leaf, s2Level, s2Size, setStage2Result, stage2Walk } from './stage2walk';

const ENTRIES: usize = 256;
const VALID: u64 = 1;

// Entry, 32 bytes.
const IPA_PAGE: usize = 0; // u64, with VALID
const IPA_VTTBR: usize = 8; // u64
const IPA_LEAF: usize = 16; // u64
const IPA_GENERATION: usize = 24; // u32
const IPA_LEVEL: usize = 28; // u16
const IPA_SIZE: usize = 30; // u16

/** As stage2Walk, with the registers of the core at `s`. */
export function translateIpa(s: usize, ipa: u64): i32 {
  if (TIMED) {
    // what the core keeps is the model's to say, not this cache's
    if (ipaWalked(s, ipa)) return stage2Walk(srAt(s, SR_VTCR_EL2), srAt(s, SR_VTTBR_EL2), ipa, paMaxOf(s));
    const charging = pauseCharging();
    const fsc = keptOrWalked(s, ipa);
    resumeCharging(charging);
    return fsc;
  }
  return keptOrWalked(s, ipa);
}

function keptOrWalked(s: usize, ipa: u64): i32 {
  const core = <u32>((s - <usize>CORE_BASE) / <usize>CORE_STRIDE);
  const slot = privateOf(core) + PRIV_IPA + ((<usize>(ipa >> 12)) & (ENTRIES - 1)) * 32;
  const vttbr = srAt(s, SR_VTTBR_EL2);
  const page = (ipa & ~(<u64>0xfff)) | VALID;
  const generation = load<u32>(CTX_STAGE2);
  if (
    load<u64>(slot, IPA_PAGE) == page &&
    load<u64>(slot, IPA_VTTBR) == vttbr &&
    load<u32>(slot, IPA_GENERATION) == generation
  ) {
    setStage2Result(ipa, load<u64>(slot, IPA_LEAF), load<u16>(slot, IPA_LEVEL), load<u16>(slot, IPA_SIZE));
    return FSC_NONE;
  }
  const fsc = stage2Walk(srAt(s, SR_VTCR_EL2), vttbr, ipa, paMaxOf(s));
  if (fsc == FSC_NONE) {
    store<u64>(slot, page, IPA_PAGE);
    store<u64>(slot, vttbr, IPA_VTTBR);
    store<u64>(slot, s2Leaf, IPA_LEAF);
    store<u32>(slot, generation, IPA_GENERATION);
    store<u16>(slot, <u16>s2Level, IPA_LEVEL);
    store<u16>(slot, <u16>s2Size, IPA_SIZE);
  }
  return fsc;
}

/** Forgets all of it on every core: a TLB invalidation that includes stage 2. */
export function dropStage2(): void {
  store<u32>(CTX_STAGE2, load<u32>(CTX_STAGE2) + 1);
}
