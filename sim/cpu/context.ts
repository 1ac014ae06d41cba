import { CORE_BASE, CORE_HOT, CORE_STRIDE, CORE_SYSREG, HOT_BASE, HOT_FPCR, HOT_V, HOT_X } from '../wasm/layout.js';
import type { Kernel } from '../wasm/module.js';
import type { Core } from './core.js';
import { SYSREG_SLOT, type SlotName } from './isa/sysregs.js';

/** What a hypervisor switches with a vCPU, timers apart (xen: ctxt_switch_from/to, xen/arch/arm/domain.c). */
export const CONTEXT_REGISTERS: readonly SlotName[] = [
  'ELR_EL2',
  'SPSR_EL2',
  'SP_EL0',
  'SP_EL1',
  'ELR_EL1',
  'SPSR_EL1',
  'SCTLR_EL1',
  'CPACR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'TCR_EL1',
  'MAIR_EL1',
  'ESR_EL1',
  'FAR_EL1',
  'PAR_EL1',
  'VBAR_EL1',
  'CONTEXTIDR_EL1',
  'CSSELR_EL1',
  'TPIDR_EL0',
  'TPIDRRO_EL0',
  'TPIDR_EL1',
  'CNTKCTL_EL1',
];

const X_BYTES = 31 * 8;
const FP_BYTES = 8;
const V_BYTES = 32 * 16;
/** Size of a context block: X0..X30, FPCR and FPSR, V0..V31, then CONTEXT_REGISTERS. */
export const CONTEXT_BYTES = X_BYTES + FP_BYTES + V_BYTES + 8 * CONTEXT_REGISTERS.length;

const SLOTS = CONTEXT_REGISTERS.map((name) => SYSREG_SLOT[name] as number);
const hotOffset = (address: number): number => CORE_HOT + address - HOT_BASE;

/** The EL0/EL1 context of a core that is stopped at EL2 with SP_EL2 selected. PC and PSTATE are ELR_EL2, SPSR_EL2. */
export function saveContext(kernel: Kernel, core: Core): Uint8Array {
  const block = CORE_BASE + core.index * CORE_STRIDE;
  const out = new Uint8Array(CONTEXT_BYTES);
  const { u8 } = kernel;
  const copy = (from: number, to: number, bytes: number): void => out.set(u8.subarray(from, from + bytes), to);
  copy(block + hotOffset(HOT_X), 0, X_BYTES);
  copy(block + hotOffset(HOT_FPCR), X_BYTES, FP_BYTES);
  copy(block + hotOffset(HOT_V), X_BYTES + FP_BYTES, V_BYTES);
  SLOTS.forEach((slot, i) => copy(block + CORE_SYSREG + 8 * slot, X_BYTES + FP_BYTES + V_BYTES + 8 * i, 8));
  return out;
}

/** Puts a context back; the exclusive monitor is closed. Throws RangeError for a block of another size. */
export function loadContext(kernel: Kernel, core: Core, saved: Uint8Array): void {
  if (saved.length !== CONTEXT_BYTES)
    throw new RangeError(`context of ${saved.length} bytes, expected ${CONTEXT_BYTES}`);
  const block = CORE_BASE + core.index * CORE_STRIDE;
  const { u8 } = kernel;
  const copy = (from: number, to: number, bytes: number): void => u8.set(saved.subarray(from, from + bytes), to);
  copy(0, block + hotOffset(HOT_X), X_BYTES);
  copy(X_BYTES, block + hotOffset(HOT_FPCR), FP_BYTES);
  copy(X_BYTES + FP_BYTES, block + hotOffset(HOT_V), V_BYTES);
  SLOTS.forEach((slot, i) => copy(X_BYTES + FP_BYTES + V_BYTES + 8 * i, block + CORE_SYSREG + 8 * slot, 8));
  kernel.hostClearExclusive(core.index);
}

/** One of CONTEXT_REGISTERS in a saved context. */
export function contextRegister(saved: Uint8Array, name: SlotName): bigint {
  const at = X_BYTES + FP_BYTES + V_BYTES + 8 * CONTEXT_REGISTERS.indexOf(name);
  return new DataView(saved.buffer, saved.byteOffset, saved.byteLength).getBigUint64(at, true);
}

/** The context that a reset leaves: zero registers, SCTLR_EL1 and SPSR_EL2 as after reset into EL1h. */
export function resetContext(): Uint8Array {
  const out = new Uint8Array(CONTEXT_BYTES);
  const view = new DataView(out.buffer);
  const at = (name: SlotName): number => X_BYTES + FP_BYTES + V_BYTES + 8 * CONTEXT_REGISTERS.indexOf(name);
  view.setBigUint64(at('SCTLR_EL1'), 0x00c5_0838n, true);
  view.setBigUint64(at('SPSR_EL2'), 0x3c5n, true);
  return out;
}
