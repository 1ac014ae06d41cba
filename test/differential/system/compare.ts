/** What differs between the records that the two sides have of a step. */
import { RECORD_FIELDS } from './layout.js';
import type { Context, Step } from './layout.js';
import { normalised } from './tolerances.js';

const ESR_EL2 = 1;
const FAR_EL2 = 4;
const ELR_EL2 = 2;
const ESR_EL1 = 6;
const ELR_EL1 = 7;
const FAR_EL1 = 9;
const AT = 14;

const FAULT = 1n;
const ALIGNMENT = 0x21n;
const EXTERNAL = 0x10n;
/** ISS of a data abort: CM and WnR, ISV and what it covers left out. */
const MAINTENANCE = 0x140n;
const PERMISSION = 0x0cn;
const ABORTS: ReadonlySet<bigint> = new Set([0x24n, 0x25n]);

interface Abort {
  readonly iss: bigint;
  readonly far: bigint;
}

/** The data abort that ended the step, to EL2 or, found by the vector's HVC, to EL1. */
function abortOf(record: BigUint64Array): Abort | undefined {
  const word = (index: number): bigint => record[index] as bigint;
  if (ABORTS.has(word(ESR_EL2) >> 26n)) return { iss: word(ESR_EL2) & 0x1ff_ffffn, far: word(FAR_EL2) };
  if (ABORTS.has(word(ESR_EL1) >> 26n)) return { iss: word(ESR_EL1) & 0x1ff_ffffn, far: word(FAR_EL1) };
  return undefined;
}

const hex = (value: bigint | undefined): string => (value ?? 0n).toString(16);

/** Cache maintenance by address translates it; QEMU does not, so what AT found there says what has to happen. */
function maintenanceDifference(step: Step, ours: BigUint64Array, theirs: BigUint64Array): string | undefined {
  const par = theirs[AT] as bigint;
  if ((par & FAULT) === 0n) return undefined;
  const abort = abortOf(ours);
  const status = (par >> 1n) & 63n;
  const wanted = MAINTENANCE | status;
  // S1PTW and the level of such a fault: tolerances.ts
  const mask = (par & 0x100n) !== 0n ? 0x17cn : 0x17fn;
  if (abort && (abort.iss & mask) === (wanted & mask) && abort.far === step.access?.va) return undefined;
  return `cache maintenance: AT says fault ${hex(status)}; ours ${abort ? `ISS ${hex(abort.iss)}, FAR ${hex(abort.far)}` : 'no abort'}`;
}

/** Device memory refuses misaligned accesses, after translation faults and before permission faults; QEMU 7.2 does not. */
function alignmentTolerated(step: Step, ours: BigUint64Array, theirs: BigUint64Array): boolean {
  const { access } = step;
  const abort = abortOf(ours);
  if (!access?.misaligned || !abort || (abort.iss & 63n) !== ALIGNMENT) return false;
  const crossing = (access.va & 0xfffn) + BigInt(access.bytes) > 0x1000n;
  const par = theirs[AT] as bigint;
  if ((par & FAULT) !== 0n) return (par & 0x200n) !== 0n || ((par >> 1n) & 0x3cn) === PERMISSION;
  return crossing || par >> 56n < 0x10n;
}

/** True if Device memory had to refuse the access and ours did not. */
function alignmentMissed(step: Step, ours: BigUint64Array, theirs: BigUint64Array): boolean {
  const par = theirs[AT] as bigint;
  if (!step.access?.misaligned || (par & FAULT) !== 0n || par >> 56n >= 0x10n) return false;
  const abort = abortOf(ours);
  return abort === undefined || (abort.iss & 63n) !== ALIGNMENT;
}

/** A misaligned PC where nothing may be executed: the PC alignment fault has the higher priority (D1.13.2). */
function pcAlignmentTolerated(ours: BigUint64Array, theirs: BigUint64Array): boolean {
  const classOf = (record: BigUint64Array, esr: number): bigint => (record[esr] as bigint) >> 26n;
  const alignment = [ESR_EL1, ESR_EL2].find((esr) => classOf(ours, esr) === 0x22n);
  if (alignment === undefined || ((ours[alignment === ESR_EL1 ? ELR_EL1 : ELR_EL2] as bigint) & 3n) === 0n)
    return false;
  return [ESR_EL1, ESR_EL2].some((esr) => [0x20n, 0x21n].includes(classOf(theirs, esr)));
}

/** A page-crossing access: ours translates the second page before it finds that nothing answers in the first. */
function orderTolerated(step: Step, ours: BigUint64Array, theirs: BigUint64Array): boolean {
  const [a, b] = [abortOf(ours), abortOf(theirs)];
  if (!step.access || !a || !b || (b.iss & 63n) !== EXTERNAL) return false;
  const second = (step.access.va | 0xfffn) + 1n;
  return a.far === second && b.far < second;
}

/** One line per register that differs; none if the two agree as far as the Arm ARM says. */
export function differences(step: Step, context: Context, ours: BigUint64Array, theirs: BigUint64Array): string[] {
  const out: string[] = [];
  if (step.access?.maintenance) {
    const difference = maintenanceDifference(step, ours, theirs);
    if (difference !== undefined) return [difference];
    if (((theirs[AT] as bigint) & FAULT) !== 0n) return [];
  }
  if (alignmentTolerated(step, ours, theirs) || pcAlignmentTolerated(ours, theirs)) return [];
  if (orderTolerated(step, ours, theirs)) return [];
  if (alignmentMissed(step, ours, theirs)) out.push('no alignment fault of Device memory');
  const [a, b] = [normalised(ours, step, context), normalised(theirs, step, context)];
  for (const [index, name] of RECORD_FIELDS) {
    if (a[index] === b[index] || step.ignore?.includes(name)) continue;
    out.push(`${name}: ours ${hex(a[index])}, QEMU ${hex(b[index])}`);
  }
  return out;
}
