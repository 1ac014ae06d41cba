// What the CPU kernel calls of the MMU.
export { contextChanged, contextSwitched } from './context';
export { fetchPage, MEM_UNPRIV } from './resolve';
export {
  MEM_ALIGNED,
  MEM_ELEMENT_1,
  MEM_ELEMENT_16,
  MEM_ELEMENT_2,
  MEM_ELEMENT_4,
  MEM_ELEMENT_8,
  MEM_ELEMENT_SHIFT,
  loadExclusive,
  loadSlow,
  storeExclusive,
  storeSlow,
  zvaSlow,
} from './access';
export { openMonitor } from './monitor';
