import { parseEncoding } from './pattern.js';
import type { ParsedSimdEncoding, SimdEncoding, SimdGroup } from './pattern.js';
import { scalarFloat } from './scalar-float.js';
import { scalar } from './scalar.js';
import { vector } from './vector.js';

const GROUP_ORDER: readonly SimdGroup[] = ['flags', 'fp', 'fpDiv', 'simd'];
const all: readonly SimdEncoding[] = [...scalarFloat, ...vector, ...scalar];

/**
 * Every FP and AdvSIMD data-processing instruction of Armv8.0-A with the cryptographic extension. The index of an
 * entry is its sub-operation number in the kernel.
 */
export const simdTable: readonly SimdEncoding[] = GROUP_ORDER.flatMap((group) => all.filter((e) => e.group === group));

/** `simdTable` with patterns expanded, same order. */
export const simdEncodings: readonly ParsedSimdEncoding[] = simdTable.map(parseEncoding);
