// What the CPU kernel calls of the MMU.
export { contextChanged, contextSwitched } from './context';
export { fetchPage, MEM_UNPRIV } from './resolve';
export {
  MEM_ALIGNED, MEM_ELEMENT_1, MEM_ELEMENT_16, MEM_ELEMENT_2, MEM_ELEMENT_4, MEM_ELEMENT_8, MEM_ELEMENT_SHIFT,
  loadExclusive, loadSlow, storeExclusive, storeSlow, zvaSlow,
} from './access';
export {
  AT_S12E0R, AT_S12E0W, AT_S12E1R, AT_S12E1W, AT_S1E0R, AT_S1E0W, AT_S1E1R, AT_S1E1W, AT_S1E2R, AT_S1E2W,
  TLBI_ALLE1, TLBI_ALLE2, TLBI_ASIDE1, TLBI_IPAS2E1, TLBI_VAAE1, TLBI_VAE1, TLBI_VAE2, TLBI_VMALLE1,
  TLBI_VMALLS12E1, addressTranslate, cacheMaintenance, tlbi,
} from './maintenance';
export { openMonitor } from './monitor';
