/**
 * Stage-2 descriptors as Xen writes them (xen: xen/arch/arm/include/asm/lpae.h `lpae_p2m_t`, xen/arch/arm/mmu/p2m.c
 * `mfn_to_p2m_entry`; Arm ARM DDI 0487 D8.3). Attribute bits are 32-bit words: low (bits 31:0) and high (63:32).
 */
export const P2M_INVALID = 0;
export const P2M_RAM_RW = 1;
export const P2M_RAM_RO = 2;
export const P2M_MMIO_DIRECT_DEV = 3;
export const P2M_MMIO_DIRECT_NC = 4;
export const P2M_MMIO_DIRECT_C = 5;
export const P2M_MAP_FOREIGN_RW = 6;
export const P2M_MAP_FOREIGN_RO = 7;
export const P2M_GRANT_MAP_RW = 8;
export const P2M_GRANT_MAP_RO = 9;
export const P2M_IOMMU_MAP_RW = 10;
export const P2M_IOMMU_MAP_RO = 11;
export type P2mType = number;

export const isRam = (t: P2mType): boolean => t === P2M_RAM_RW || t === P2M_RAM_RO;
export const isForeign = (t: P2mType): boolean => t === P2M_MAP_FOREIGN_RW || t === P2M_MAP_FOREIGN_RO;
export const isGrant = (t: P2mType): boolean => t === P2M_GRANT_MAP_RW || t === P2M_GRANT_MAP_RO;
export const isAnyRam = (t: P2mType): boolean => isRam(t) || isForeign(t) || isGrant(t);
export const isReadOnly = (t: P2mType): boolean =>
  t === P2M_RAM_RO || t === P2M_MAP_FOREIGN_RO || t === P2M_GRANT_MAP_RO || t === P2M_IOMMU_MAP_RO;

const VALID = 0x1n;
const TABLE = 0x2n;
const MATTR_DEV = 0x1n << 2n; // Device-nGnRE
const MATTR_NC = 0x5n << 2n; // Normal, non-cacheable
const MATTR_MEM = 0xfn << 2n; // Normal, write-back
const READ = 1n << 6n;
const WRITE = 1n << 7n;
const SH_OUTER = 2n << 8n;
const SH_INNER = 3n << 8n;
const ACCESS_FLAG = 1n << 10n;
const BASE_MASK = 0x0000_ffff_ffff_f000n;
const EXECUTE_NEVER = 1n << 54n;
const TYPE_SHIFT = 55n;

export const entryValid = (e: bigint): boolean => (e & VALID) !== 0n;
/** Bits 58:55, ignored by hardware: the p2m type. 0 means the entry is empty, whatever the valid bit says. */
export const entryType = (e: bigint): P2mType => Number((e >> TYPE_SHIFT) & 0xfn);
export const entryPa = (e: bigint): number => Number(e & BASE_MASK);
export const entryIsTable = (e: bigint, level: number): boolean => level < 3 && (e & TABLE) !== 0n;
export const clearValid = (e: bigint): bigint => e & ~VALID;
export const setValid = (e: bigint): bigint => e | VALID;

/** A page (level 3) or block (levels 1, 2) descriptor for type `t`. */
export function leafEntry(pa: number, t: P2mType, level: number): bigint {
  let e = VALID | READ | ACCESS_FLAG | (BigInt(t) << TYPE_SHIFT) | BigInt(pa);
  if (level === 3) e |= TABLE;
  if (t === P2M_MMIO_DIRECT_DEV) e |= MATTR_DEV | SH_OUTER;
  else if (t === P2M_MMIO_DIRECT_NC) e |= MATTR_NC | SH_OUTER;
  else if (t === P2M_MMIO_DIRECT_C) e |= MATTR_MEM | SH_OUTER;
  else e |= MATTR_MEM | SH_INNER;
  if (!isReadOnly(t)) e |= WRITE;
  if (!isRam(t)) e |= EXECUTE_NEVER;
  return e;
}

/** A table descriptor; upstream gives it the type ram_rw so that it counts as present while its valid bit is clear. */
export function tableEntry(pa: number): bigint {
  return leafEntry(pa, P2M_RAM_RW, 3);
}

/** The part `index` of a superpage entry, as a descriptor of the next level (xen: p2m_split_superpage). */
export function splitEntry(e: bigint, index: number, level: number): bigint {
  const size = 2 ** (12 + 9 * (3 - (level + 1)));
  const part = e + BigInt(index * size);
  return level + 1 === 3 ? part | TABLE : part & ~TABLE;
}
