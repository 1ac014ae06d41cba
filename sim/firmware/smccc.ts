/** Arm architecture calls of the SMC Calling Convention (Arm DEN 0028), as TF-A answers them. */

export const SMCCC_VERSION = 0x8000_0000;
export const SMCCC_ARCH_FEATURES = 0x8000_0001;
export const SMCCC_ARCH_WORKAROUND_1 = 0x8000_8000;
export const SMCCC_ARCH_WORKAROUND_2 = 0x8000_7fff;
export const SMCCC_ARCH_WORKAROUND_3 = 0x8000_3fff;
export const SMCCC_NOT_SUPPORTED = -1;

export interface SmcccConfig {
  readonly smcccVersion: '1.1' | '1.2' | '1.5';
  readonly workaround1: 'offered' | 'absent';
  readonly workaround2: 'offered' | 'absent';
  readonly workaround3: 'offered' | 'absent';
}

/** `workaround`: done, registers are preserved. */
export type SmcccAction = { readonly kind: 'value'; readonly value: number } | { readonly kind: 'workaround' };

const VERSIONS = { '1.1': 0x1_0001, '1.2': 0x1_0002, '1.5': 0x1_0005 } as const;
/** ARCH_FEATURES of a workaround: call it, or call it in vain because this core is not affected. */
const WORKAROUND_NEEDED = 0;
const WORKAROUND_NOT_NEEDED = 1;
const PART_CORTEX_A57 = 0xd07;

/**
 * Answers function `fid`; undefined if the firmware does not know it. `midr` is the calling core's: of the cores
 * modelled only the A57 is affected (Arm, "Cache speculation side-channels" white paper, table of affected cores).
 */
export function smcccCall(config: SmcccConfig, midr: number, fid: number, x1: number): SmcccAction | undefined {
  switch (fid) {
    case SMCCC_VERSION:
      return { kind: 'value', value: VERSIONS[config.smcccVersion] };
    case SMCCC_ARCH_FEATURES:
      return { kind: 'value', value: features(config, midr, x1) };
    default:
      return isOffered(config, fid) ? { kind: 'workaround' } : undefined;
  }
}

function isOffered(config: SmcccConfig, fid: number): boolean {
  switch (fid) {
    case SMCCC_ARCH_WORKAROUND_1:
      return config.workaround1 === 'offered';
    case SMCCC_ARCH_WORKAROUND_2:
      return config.workaround2 === 'offered';
    case SMCCC_ARCH_WORKAROUND_3:
      return config.workaround3 === 'offered';
    default:
      return false;
  }
}

function features(config: SmcccConfig, midr: number, fid: number): number {
  if (fid === SMCCC_VERSION || fid === SMCCC_ARCH_FEATURES) return 0;
  if (!isOffered(config, fid)) return SMCCC_NOT_SUPPORTED;
  return ((midr >>> 4) & 0xfff) === PART_CORTEX_A57 ? WORKAROUND_NEEDED : WORKAROUND_NOT_NEEDED;
}
