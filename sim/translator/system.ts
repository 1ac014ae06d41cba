import { OUT_CHECK, OUT_GO_ON } from '../cpu/isa/acts.js';
import { SYSREG_SLOT } from '../cpu/isa/sysregs.js';
import { CORE_DAIF, CORE_EL, CORE_LINES, CORE_SYSREG } from '../wasm/layout.js';
import { W } from './code.js';
import type { Emit } from './emit.js';
import { LOCAL_CORE } from './locals.js';

const HCR = CORE_SYSREG + 8 * (SYSREG_SLOT.HCR_EL2 as number);
/** HCR_EL2.VF, VI, VSE: interrupts that need no line. */
const HCR_VIRTUAL = 0x1c0;
/** SYS_MSR of sim/cpu/kernel/system-op.ts, and the field of DAIFSet (Arm ARM C5.2.2). */
const SYS_MSR = 15;
const FIELD_DAIFSET = 0x1e;
const DAIF_MASK = 0x3c0;

/** The few system instructions that the interpreter does without leaving its switch. */
export const systemEmitters: Readonly<Record<string, Emit>> = {
  NOP: () => {},
  BARRIER: () => {},
  MRS_ANY: (region, uop) => {
    region.code.get(LOCAL_CORE).memory(W.i64Load, uop.low & 0xffff);
    region.put(uop.rd);
  },
  MRS_EL1H: (region, uop) => {
    // the word pair EL, SPSel
    const { code } = region;
    region.exitIf(OUT_GO_ON, uop, () => code.get(LOCAL_CORE).memory(W.i64Load, CORE_EL).i64Words(1, 1).op(W.i64Ne));
    code.get(LOCAL_CORE).memory(W.i64Load, uop.low & 0xffff);
    region.put(uop.rd);
  },
  // while no interrupt is signalled, masks change nothing but themselves
  MSR_DAIF: (region, uop) => {
    const { code } = region;
    region.exitIf(OUT_GO_ON, uop, () => {
      code.get(LOCAL_CORE).memory(W.i32Load, CORE_EL).op(W.i32Eqz);
      code.get(LOCAL_CORE).memory(W.i32Load, CORE_LINES);
      code.get(LOCAL_CORE).memory(W.i32Load, HCR).i32(HCR_VIRTUAL).op(W.i32And, W.i32Or, W.i32Or);
    });
    code.get(LOCAL_CORE);
    if ((uop.rm & 0xffff) === SYS_MSR) {
      region.word(uop.rn);
      code.i32(DAIF_MASK).op(W.i32And);
    } else {
      code.get(LOCAL_CORE).memory(W.i32Load, CORE_DAIF);
      if ((uop.low & 0xff) === FIELD_DAIFSET) code.i32(uop.high).op(W.i32Or);
      else code.i32(~uop.high).op(W.i32And);
    }
    code.memory(W.i32Store, CORE_DAIF);
    region.checkAfter(uop, OUT_CHECK);
  },
};
