// The exports of core.wasm.
import { LAYOUT_VERSION } from '../../wasm/layout';

export { run } from './gen/run';
// not for the host: what is exported is not inlined into run(), whose machine code is better without these
export { enterPage, enterRun, leaveRun } from './run';
export {
  hostClearExclusive,
  hostEret,
  hostPending,
  hostPmu,
  hostSetLimit,
  hostSetLines,
  hostStateChanged,
  resetCore,
} from './host';
export {
  breakMonitors,
  flushCodeHost,
  hostOfExport,
  hostWalk,
  invalidateCodeHost,
  tlbFlushAll,
  tlbFlushVmid,
} from '../../mmu/kernel/host';

/** The layout this module was compiled with: the host refuses another. */
export function layoutVersion(): i32 {
  return LAYOUT_VERSION;
}

export { regionAdd, regionDrop, regionEnable } from './region';
