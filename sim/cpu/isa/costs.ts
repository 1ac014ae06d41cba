/**
 * Cost classes. The timing table gives each class a number of cycles; the machine writes them, one byte per class,
 * at COST_TABLE, and the decoder copies the byte of an instruction's class into its micro-op (at least 1).
 */
export const COST_CLASSES = [
  'alu',
  'shift',
  'mul',
  'mul64',
  'div',
  'branch',
  'branchIndirect',
  'load',
  'loadPair',
  'store',
  'storePair',
  'exclusive',
  'fp',
  'fpDiv',
  'simd',
  'system',
  'barrier',
  'hint',
] as const;

/** Name of a cost class. */
export type CostClass = (typeof COST_CLASSES)[number];

/** Index of a class in COST_TABLE. */
export function costIndex(name: CostClass): number {
  return COST_CLASSES.indexOf(name);
}
