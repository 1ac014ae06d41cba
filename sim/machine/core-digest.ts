import { TraceHash } from '../trace/hash.js';
import {
  CORE_BASE,
  CORE_CYCLES,
  CORE_DAIF,
  CORE_EL,
  CORE_EVENT,
  CORE_EXCEPTIONS,
  CORE_HOT,
  CORE_INSNS,
  CORE_LINES,
  CORE_PSTATE_IL,
  CORE_SPSEL,
  CORE_STRIDE,
  CORE_SYSREG,
  HOT_BASE,
  HOT_FPCR,
  HOT_FPSR,
  HOT_NZCV,
  HOT_PC,
  HOT_SP,
  HOT_V,
  HOT_X,
} from '../wasm/layout.js';

/** Words of the core block that are architectural, or counts that no cache of ours can change: [offset, words]. */
const PARTS: readonly (readonly [number, number])[] = [
  [CORE_HOT + HOT_X - HOT_BASE, 62],
  [CORE_HOT + HOT_SP - HOT_BASE, 2],
  [CORE_HOT + HOT_PC - HOT_BASE, 2],
  [CORE_HOT + HOT_NZCV - HOT_BASE, 1],
  [CORE_HOT + HOT_FPCR - HOT_BASE, 1],
  [CORE_HOT + HOT_FPSR - HOT_BASE, 1],
  [CORE_HOT + HOT_V - HOT_BASE, 128],
  [CORE_CYCLES, 2],
  [CORE_INSNS, 2],
  [CORE_EL, 1],
  [CORE_SPSEL, 1],
  [CORE_DAIF, 1],
  [CORE_PSTATE_IL, 1],
  [CORE_LINES, 1],
  [CORE_EVENT, 1],
  [CORE_EXCEPTIONS, 1],
  [CORE_SYSREG, 512],
];

/** A digest of a core's registers and counts, 16 hexadecimal digits. The core must not be in run(). */
export function coreDigest(memory: WebAssembly.Memory, core: number): string {
  const words = new Uint32Array(memory.buffer, CORE_BASE + core * CORE_STRIDE, CORE_STRIDE / 4);
  const hash = new TraceHash();
  for (const [offset, count] of PARTS) hash.words(words, offset / 4, offset / 4 + count);
  return hash.hex();
}
