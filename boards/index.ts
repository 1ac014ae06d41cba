export { createBoard, boardData, BoardError, type Board, type BoardCore } from './board.js';
export { boardRegions } from './board-faults.js';
export type {
  BlockData,
  BoardData,
  BoardInput,
  CacheData,
  ClusterData,
  FirmwareData,
  GicData,
  IdRegister,
  MemoryBank,
  ScheduleData,
  SerialData,
  TimerData,
} from './schema.js';
export { rcarH3 } from './rcar-h3.js';
export { flatBoard, type FlatOptions } from './flat.js';
export { TIMING, TIMING_KEYS, type TimingKey, type TimingTable } from './timing.js';
export type { Confidence, TimingEntry, TimingUnit } from './timing-schema.js';
export { DEFAULT_DESIGN, DESIGN_KEYS, type Design, type DesignKey } from './design.js';
export {
  applySettings,
  configure,
  parseSetting,
  SettingError,
  settingKeys,
  timingTableHash,
  type Configuration,
  type SettingKey,
} from './keys.js';
export { didYouMean, suggest } from './suggest.js';
export { formatQuantity, parseQuantity, type Dimension } from './units.js';
