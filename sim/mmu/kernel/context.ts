// TLB contexts: a 12-bit id for every meaning that a virtual address can have (regime, EL0 or EL1, VMID, ASID, and the
// control bits that change a translation). Dropping an id makes all its TLB entries dead at once; an id is never used
// again until all of them have been handed out, when everything is flushed.
import { CORE_CTX, CORE_CTX_UNPRIV, CORE_DEBUG, CORE_EL, CUR_CORE, MAX_CORES } from '../../wasm/layout';
import {
  SR_HCR_EL2,
  SR_SCTLR_EL1,
  SR_SCTLR_EL2,
  SR_TCR_EL1,
  SR_TCR_EL2,
  SR_TTBR0_EL1,
  SR_TTBR1_EL1,
  SR_VTTBR_EL2,
} from '../../cpu/kernel/gen/sysregs';
import { S, blockOf, srAt } from '../../cpu/kernel/state';
import { flushCore } from './entry';
import { dropStage2 } from './ipa';
import {
  CTX_CORES,
  CTX_HEADS,
  CTX_KEYS,
  CTX_LINKS,
  CTX_NEXT,
  PRIV_EL0,
  PRIV_EL1,
  PRIV_EL2,
  PRIV_REGIME,
  PRIV_TCR,
  privateOf,
} from './private';
import { HCR_TRANSLATION } from './regime';

// The regime word: ASID 15:0, VMID 23:16, then these; HCR_EL2's translation bits (0, 2, 12, 27) from bit 32 up.
const WORD_EL0: u64 = 1 << 24;
const WORD_EL2: u64 = 1 << 25;
const WORD_SCTLR: u64 = 26; // M, A, WXN
const WORD_DEBUG: u64 = 29; // DEBUG_EXEC, DEBUG_WATCH
const WORD_DEAD: u64 = 0xffff_ffff_ffff_ffff;
const ID_END: u32 = 4096;
/** Ids that one round over all cores may need. */
const ID_RESERVE: u32 = 32;

function sctlrBits(s: usize, sctlr: u64): u64 {
  const debug = <u64>load<u32>(s, <usize>CORE_DEBUG);
  return (((sctlr & 3) | (((sctlr >> 19) & 1) << 2)) << WORD_SCTLR) | (debug << WORD_DEBUG);
}

/** Regime word of EL1 for the registers of the core at `s`. */
function regimeEl1(s: usize): u64 {
  const tcr = srAt(s, SR_TCR_EL1);
  // TCR_EL1.A1 says whose ASID counts, TCR_EL1.AS whether it has 16 bits.
  let asid = srAt(s, ((tcr >> 22) & 1) != 0 ? SR_TTBR1_EL1 : SR_TTBR0_EL1) >> 48;
  if (((tcr >> 36) & 1) == 0) asid &= 0xff;
  const vmid = (srAt(s, SR_VTTBR_EL2) >> 48) & 0xff;
  return asid | (vmid << 16) | sctlrBits(s, srAt(s, SR_SCTLR_EL1)) | ((srAt(s, SR_HCR_EL2) & HCR_TRANSLATION) << 32);
}

function headOf(word: u64): usize {
  const hash = ((<u32>word) ^ (((<u32>(word >> 16)) & 0xff) * 37)) & 1023;
  return CTX_HEADS + ((<usize>hash) << 1);
}

/** The id of (word, tcr), handed out if it is new. */
function contextId(word: u64, tcr: u64): u32 {
  const head = headOf(word);
  let id = <u32>load<u16>(head);
  while (id != 0) {
    const key = CTX_KEYS + ((<usize>id) << 4);
    if (load<u64>(key) == word && load<u64>(key, 8) == tcr) return id;
    id = <u32>load<u16>(CTX_LINKS + ((<usize>id) << 1));
  }
  id = load<u32>(CTX_NEXT) + 1;
  store<u32>(CTX_NEXT, id);
  const key = CTX_KEYS + ((<usize>id) << 4);
  store<u64>(key, word);
  store<u64>(key, tcr, 8);
  store<u16>(CTX_LINKS + ((<usize>id) << 1), load<u16>(head));
  store<u16>(head, <u16>id);
  return id;
}

/** Recomputes the ids of one core; the translation registers may have changed. */
function refresh(core: u32, s: usize): void {
  const own = privateOf(core);
  const word = regimeEl1(s);
  const tcr = srAt(s, SR_TCR_EL1);
  if (load<u32>(own, PRIV_EL1) == 0 || load<u64>(own, PRIV_REGIME) != word || load<u64>(own, PRIV_TCR) != tcr) {
    store<u64>(own, word, PRIV_REGIME);
    store<u64>(own, tcr, PRIV_TCR);
    store<u32>(own, contextId(word, tcr), PRIV_EL1);
    store<u32>(own, contextId(word | WORD_EL0, tcr), PRIV_EL0);
  }
  store<u32>(own, 0, PRIV_EL2);
  select(own, s);
}

/** Puts the ids of the present EL into the CORE block. */
function select(own: usize, s: usize): void {
  const el = load<u32>(s, <usize>CORE_EL);
  let id = load<u32>(own + (el == 0 ? PRIV_EL0 : PRIV_EL1));
  let unprivileged = load<u32>(own, PRIV_EL0);
  if (el == 2) {
    id = load<u32>(own, PRIV_EL2);
    if (id == 0) {
      id = contextId(WORD_EL2 | sctlrBits(s, srAt(s, SR_SCTLR_EL2)), srAt(s, SR_TCR_EL2));
      store<u32>(own, id, PRIV_EL2);
    }
    // LDTR and STTR are ordinary accesses at EL2.
    unprivileged = id;
  }
  store<u32>(s, id, <usize>CORE_CTX);
  store<u32>(s, unprivileged, <usize>CORE_CTX_UNPRIV);
}

/** Makes every id dead and every TLB empty; the cores get new ids. */
export function flushAll(): void {
  dropStage2();
  const cores = load<u32>(CTX_CORES);
  memory.fill(CTX_HEADS, 0, 2048);
  store<u32>(CTX_NEXT, 0);
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (((cores >> core) & 1) == 0) continue;
    flushCore(core);
    store<u32>(privateOf(core), 0, PRIV_EL1);
    refresh(core, blockOf(core));
  }
}

/**
 * Due after any change of SCTLR, TCR, TTBRn, HCR, VTTBR of the running core, at its reset, and when run() starts (the
 * host may have changed them).
 */
export function contextChanged(): void {
  const core = load<u32>(<usize>CUR_CORE);
  store<u32>(CTX_CORES, load<u32>(CTX_CORES) | ((<u32>1) << core));
  if (load<u32>(CTX_NEXT) >= ID_END - ID_RESERVE) flushAll();
  else refresh(core, S());
}

/** The cheaper form when only the exception level changed. */
export function contextSwitched(): void {
  const own = privateOf(load<u32>(<usize>CUR_CORE));
  if (load<u32>(CTX_NEXT) >= ID_END - ID_RESERVE || load<u32>(own, PRIV_EL1) == 0) contextChanged();
  else select(own, S());
}

/** Gives every core new ids where its own have been dropped. */
function refreshAll(): void {
  const cores = load<u32>(CTX_CORES);
  if (load<u32>(CTX_NEXT) >= ID_END - ID_RESERVE) {
    flushAll();
    return;
  }
  for (let core: u32 = 0; core < <u32>MAX_CORES; core++) {
    if (((cores >> core) & 1) == 0) continue;
    store<u32>(privateOf(core), 0, PRIV_EL1);
    refresh(core, blockOf(core));
  }
}

/** Drops the EL1&0 ids of one ASID of a VMID (TLBI ASIDE1). Global entries go too, which is allowed. */
export function dropAsid(asid: u64, vmid: u64): void {
  const word = (asid & 0xffff) | ((vmid & 0xff) << 16);
  let at = headOf(word);
  let id = <u32>load<u16>(at);
  while (id != 0) {
    const key = CTX_KEYS + ((<usize>id) << 4);
    const link = CTX_LINKS + ((<usize>id) << 1);
    if ((load<u64>(key) & (0xff_ffff | WORD_EL2)) == word) {
      store<u64>(key, WORD_DEAD);
      store<u16>(at, load<u16>(link));
    } else {
      at = link;
    }
    id = <u32>load<u16>(link);
  }
  refreshAll();
}

/** Drops every id whose regime word has `bits` under `mask`. */
function dropWhere(mask: u64, bits: u64): void {
  for (let hash: usize = 0; hash < 1024; hash++) {
    let at = CTX_HEADS + (hash << 1);
    let id = <u32>load<u16>(at);
    while (id != 0) {
      const key = CTX_KEYS + ((<usize>id) << 4);
      const link = CTX_LINKS + ((<usize>id) << 1);
      if ((load<u64>(key) & mask) == bits) {
        store<u64>(key, WORD_DEAD);
        store<u16>(at, load<u16>(link));
      } else {
        at = link;
      }
      id = <u32>load<u16>(link);
    }
  }
  refreshAll();
}

/** Drops the EL1&0 ids of one VMID; `stage2`: not TLBI VMALLE1, which is of stage 1 only. */
export function dropVmid(vmid: u64, stage2: bool): void {
  if (stage2) dropStage2();
  dropWhere(0xff_0000 | WORD_EL2, (vmid & 0xff) << 16);
}

/** Drops all EL1&0 ids (TLBI ALLE1). */
export function dropEl1(): void {
  dropStage2();
  dropWhere(WORD_EL2, 0);
}

/** Drops the EL2 ids (TLBI ALLE2). */
export function dropEl2(): void {
  dropWhere(WORD_EL2, WORD_EL2);
}
