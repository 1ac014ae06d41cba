import { OPS } from '../cpu/isa/ops.js';
import { integerEmitters } from './integer.js';
import { memoryEmitter } from './memory.js';
import { systemEmitters } from './system.js';
import type { RegionEmitter } from './region.js';
import { formOf, KINDS, type Uop } from './uop.js';

/** Emits what one micro-op does; the region's counts are the caller's. */
export type Emit = (region: RegionEmitter, uop: Uop) => void;

const BY_NAME: Readonly<Record<string, Emit>> = { ...integerEmitters, ...systemEmitters };
/** By operation number; loads and stores go by their form. */
const BY_OP: readonly (Emit | undefined)[] = OPS.map(({ name }) => BY_NAME[name]);

/** What to emit for a micro-op that is no branch, or undefined: the interpreter does it. */
export function emitterOf(uop: Uop): Emit | undefined {
  const kind = KINDS[uop.op];
  if (kind?.memory !== true) return BY_OP[uop.op];
  const form = formOf(uop);
  return form && memoryEmitter(form);
}

/** True if a region may contain the micro-op. */
export function translatable(uop: Uop): boolean {
  const flow = KINDS[uop.op]?.flow;
  if (flow === undefined || flow === 'none') return false;
  if (flow !== 'next') return true;
  const { name = '' } = OPS[uop.op] ?? {};
  // ADCS and SBCS
  if (name.startsWith('ADC') && (uop.low & 2) !== 0) return false;
  // a write of DAIF is a check point behind itself, which must not be another page
  if (name === 'MSR_DAIF' && uop.at % 4096 === 4092) return false;
  return emitterOf(uop) !== undefined;
}

/** True if a region may begin with the micro-op: no exit of it may lead back to it for the interpreter to decode. */
export function mayBegin(uop: Uop): boolean {
  const kind = KINDS[uop.op];
  return kind !== undefined && (kind.flow !== 'next' || kind.memory || kind.name in integerEmitters);
}
