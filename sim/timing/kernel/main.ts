// The exports of core-approximate.wasm: those of core.wasm, with the run loop that keeps time.
import { LAYOUT_VERSION } from '../../wasm/layout';

export { run } from '../../cpu/kernel/gen/timed-run';
export { enterPage, enterRun, leaveRun } from '../../cpu/kernel/run';
export {
  hostClearExclusive,
  hostEret,
  hostPending,
  hostPmu,
  hostSetLimit,
  hostSetLines,
  hostStateChanged,
  resetCore,
} from '../../cpu/kernel/host';
export {
  breakMonitors,
  flushCodeHost,
  hostOfExport,
  hostWalk,
  invalidateCodeHost,
  tlbFlushAll,
  tlbFlushVmid,
} from '../../mmu/kernel/host';

export { regionAdd, regionDrop, regionEnable } from '../../cpu/kernel/region';

/** The layout this module was compiled with: the host refuses another. */
export function layoutVersion(): i32 {
  return LAYOUT_VERSION;
}
