// The performance monitors, PMUv3 with six event counters (Arm ARM DDI 0487 D5). Cycles and instructions are not
// counted one by one: a counter is brought up to date when it is looked at and when the set of counting counters
// changes (register write, exception, exception return). Rare events are added when they happen.
import { timerWritten } from './env';
import {
  CORE_CYCLES,
  CORE_EL,
  CORE_INSNS,
  CORE_PMU_ACTIVE,
  CORE_PMU_CYCLES,
  CORE_PMU_DEADLINE,
  CORE_PMU_INSNS,
  CORE_PMU_LINE,
  CORE_PMU_ON,
  CORE_PMU_PRESCALE,
  CORE_REARM,
  CUR_CORE,
} from '../../wasm/layout';
import { S, el, setSr, setSrAt, sr, srAt } from './state';
import {
  SR_MDCR_EL2,
  SR_PMCCFILTR_EL0,
  SR_PMCCNTR_EL0,
  SR_PMCNTENSET_EL0,
  SR_PMCR_EL0,
  SR_PMEVCNTR0_EL0,
  SR_PMEVTYPER0_EL0,
  SR_PMINTENSET_EL1,
  SR_PMOVSCLR_EL0,
  SR_PMSELR_EL0,
} from './gen/sysregs';

// Event numbers (D5.10.6): those that PMCEID0_EL0 in sim/cpu/isa/sysregs.ts names
const EVENT_SW_INCR: u32 = 0x00;
const EVENT_INST_RETIRED: u32 = 0x08;
export const EVENT_EXC_TAKEN: u32 = 0x09;
export const EVENT_EXC_RETURN: u32 = 0x0a;
export const EVENT_CID_WRITE: u32 = 0x0b;
const EVENT_CPU_CYCLES: u32 = 0x11;
export const EVENT_TTBR_WRITE: u32 = 0x1c;
const EVENT_CHAIN: u32 = 0x1e;

const COUNTERS: u32 = 6;
const CYCLE: u32 = 0x80000000;
const ALL: u32 = 0x8000003f;
const NEVER: u64 = 0xffffffffffffffff;

const PMCR_E: u64 = 1 << 0;
const PMCR_P: u64 = 1 << 1;
const PMCR_C: u64 = 1 << 2;
const PMCR_D: u64 = 1 << 3;
const PMCR_LC: u64 = 1 << 6;
/** E, D, X, DP, LC; P and C read as zero. */
const PMCR_STORED: u64 = 0x79;
const PMCR_N_SHIFT: u64 = 11;
const MDCR_HPME: u64 = 1 << 7;
const TYPER_MASK: u64 = 0xfc0003ff;
const FILTER_MASK: u64 = 0xfc000000;
const SELECT_CYCLE: u32 = 31;

/** Event counters that are not reserved for EL2: MDCR_EL2.HPMN. */
function lowCounters(s: usize): u32 {
  const hpmn = (<u32>srAt(s, SR_MDCR_EL2)) & 31;
  return hpmn < COUNTERS ? hpmn : COUNTERS;
}

function lowMask(s: usize): u32 {
  return ((<u32>1) << lowCounters(s)) - 1;
}

/** Counters that the present EL may see. */
function visible(): u32 {
  return el() == 2 ? ALL : CYCLE | lowMask(S());
}

function eventOf(s: usize, n: u32): u32 {
  return (<u32>srAt(s, SR_PMEVTYPER0_EL0 + <i32>n)) & 0x3ff;
}

/** Counters that PMCR_EL0.E and MDCR_EL2.HPME let count. */
function governed(s: usize): u32 {
  const low = lowMask(s);
  let mask: u32 = 0;
  if ((srAt(s, SR_PMCR_EL0) & PMCR_E) != 0) mask |= CYCLE | low;
  if ((srAt(s, SR_MDCR_EL2) & MDCR_HPME) != 0) mask |= ALL & ~CYCLE & ~low;
  return mask;
}

/** True if a filter (PMEVTYPER, PMCCFILTR) lets events of Non-secure `level` pass: P, U, NSK, NSU, NSH. */
function passes(filter: u64, level: u32): bool {
  const f = <u32>(filter >> 26);
  if (level == 2) return ((f >> 1) & 1) != 0;
  if (level == 1) return ((f >> 5) & 1) == ((f >> 3) & 1);
  return ((f >> 4) & 1) == ((f >> 2) & 1);
}

function countingAt(s: usize, level: u32): u32 {
  const on = load<u32>(s, <usize>CORE_PMU_ON);
  let active: u32 = 0;
  if ((on & CYCLE) != 0 && passes(srAt(s, SR_PMCCFILTR_EL0), level)) active = CYCLE;
  for (let n: u32 = 0; n < COUNTERS; n++) {
    if ((on >> n) & 1 && passes(srAt(s, SR_PMEVTYPER0_EL0 + <i32>n), level)) active |= (<u32>1) << n;
  }
  return active;
}

function overflowed(s: usize, bit: u32): void {
  setSrAt(s, SR_PMOVSCLR_EL0, srAt(s, SR_PMOVSCLR_EL0) | (<u64>bit));
}

/** Adds to event counter `n`, with overflow and the carry to a chained counter. */
function add(s: usize, n: u32, amount: u64): void {
  while (true) {
    const value = srAt(s, SR_PMEVCNTR0_EL0 + <i32>n) + amount;
    setSrAt(s, SR_PMEVCNTR0_EL0 + <i32>n, value & 0xffffffff);
    amount = value >> 32;
    if (amount == 0) return;
    overflowed(s, (<u32>1) << n);
    n++;
    if ((n & 1) == 0 || n >= COUNTERS || eventOf(s, n) != EVENT_CHAIN) return;
    if (((load<u32>(s, <usize>CORE_PMU_ACTIVE) >> n) & 1) == 0) return;
  }
}

/** PMCCNTR_EL0 counts every cycle, or with PMCR_EL0.D every 64th; LC says at which width it overflows. */
function addCycles(s: usize, cycles: u64): void {
  const pmcr = srAt(s, SR_PMCR_EL0);
  let amount = cycles;
  if ((pmcr & (PMCR_D | PMCR_LC)) == PMCR_D) {
    const sum = cycles + <u64>load<u32>(s, <usize>CORE_PMU_PRESCALE);
    store<u32>(s, (<u32>sum) & 63, <usize>CORE_PMU_PRESCALE);
    amount = sum >> 6;
  }
  const old = srAt(s, SR_PMCCNTR_EL0);
  const value = old + amount;
  setSrAt(s, SR_PMCCNTR_EL0, value);
  const wraps = (pmcr & PMCR_LC) != 0 ? value < old : value >> 32 != old >> 32;
  if (wraps) overflowed(s, CYCLE);
}

/** From here on the counters count. */
function mark(s: usize): void {
  store<u64>(s, load<u64>(s, <usize>CORE_CYCLES), <usize>CORE_PMU_CYCLES);
  store<u64>(s, load<u64>(s, <usize>CORE_INSNS), <usize>CORE_PMU_INSNS);
}

function accrue(s: usize): void {
  const active = load<u32>(s, <usize>CORE_PMU_ACTIVE);
  if (active == 0) return;
  const cycles = load<u64>(s, <usize>CORE_CYCLES) - load<u64>(s, <usize>CORE_PMU_CYCLES);
  const insns = load<u64>(s, <usize>CORE_INSNS) - load<u64>(s, <usize>CORE_PMU_INSNS);
  mark(s);
  if (active & CYCLE) addCycles(s, cycles);
  for (let n: u32 = 0; n < COUNTERS; n++) {
    if (((active >> n) & 1) == 0) continue;
    const event = eventOf(s, n);
    if (event == EVENT_CPU_CYCLES) add(s, n, cycles);
    else if (event == EVENT_INST_RETIRED) add(s, n, insns);
  }
}

/** PMUIRQ (AArch64.CheckForPMUOverflow). */
function line(s: usize): u32 {
  const asserted = (<u32>srAt(s, SR_PMOVSCLR_EL0)) & (<u32>srAt(s, SR_PMINTENSET_EL1)) & governed(s);
  return <u32>(asserted != 0);
}

/**
 * The cycle count before which no counter overflows with an interrupt. An instruction costs at least a cycle, so for
 * instructions this is a lower bound; other events are seen when they happen.
 */
function deadline(s: usize): u64 {
  const waiting =
    load<u32>(s, <usize>CORE_PMU_ACTIVE) & (<u32>srAt(s, SR_PMINTENSET_EL1)) & ~(<u32>srAt(s, SR_PMOVSCLR_EL0));
  const chained = load<u32>(s, <usize>CORE_PMU_ACTIVE);
  let least: u64 = NEVER;
  if (waiting & CYCLE) {
    const pmcr = srAt(s, SR_PMCR_EL0);
    const value = srAt(s, SR_PMCCNTR_EL0);
    let left: u64 = (pmcr & PMCR_LC) != 0 ? 0 - value : 0x100000000 - (value & 0xffffffff);
    if ((pmcr & (PMCR_D | PMCR_LC)) == PMCR_D) left = (left << 6) - <u64>load<u32>(s, <usize>CORE_PMU_PRESCALE);
    least = left;
  }
  for (let n: u32 = 0; n < COUNTERS; n++) {
    const bit = (<u32>1) << n;
    // the upper half of a chained pair overflows with its lower half
    const upper = (n & 1) == 0 && (waiting & (bit << 1)) != 0 && eventOf(s, n + 1) == EVENT_CHAIN;
    if ((chained & bit) == 0 || ((waiting & bit) == 0 && !upper)) continue;
    const event = eventOf(s, n);
    if (event != EVENT_CPU_CYCLES && event != EVENT_INST_RETIRED) continue;
    const left: u64 = 0x100000000 - srAt(s, SR_PMEVCNTR0_EL0 + <i32>n);
    if (left < least) least = left;
  }
  if (least == NEVER) return NEVER;
  const at = load<u64>(s, <usize>CORE_CYCLES) + least;
  return at < least ? NEVER : at;
}

/** Tells the host, if the line has changed or a deadline is nearer than the one it knows. */
function publish(s: usize): void {
  const level = line(s);
  const next = deadline(s);
  if (level == load<u32>(s, <usize>CORE_PMU_LINE) && next >= load<u64>(s, <usize>CORE_PMU_DEADLINE)) return;
  timerWritten(load<u32>(<usize>CUR_CORE));
}

/** To be called before a counter or the overflow status is read or changed. */
export function pmuSync(): void {
  const s = S();
  if (load<u32>(s, <usize>CORE_PMU_ACTIVE) == 0) return;
  accrue(s);
  publish(s);
}

/** To be called after a change of any register of this unit, or of MDCR_EL2. */
function changed(): void {
  const s = S();
  store<u32>(s, governed(s) & (<u32>srAt(s, SR_PMCNTENSET_EL0)), <usize>CORE_PMU_ON);
  store<u32>(s, countingAt(s, load<u32>(s, <usize>CORE_EL)), <usize>CORE_PMU_ACTIVE);
  mark(s);
  publish(s);
}

/** The exception level has changed; only if CORE_PMU_ON. */
export function pmuSwitched(): void {
  const s = S();
  accrue(s);
  store<u32>(s, countingAt(s, load<u32>(s, <usize>CORE_EL)), <usize>CORE_PMU_ACTIVE);
  mark(s);
  publish(s);
}

/** An event EVENT_* happened at the present EL; only if CORE_PMU_ON. */
export function pmuEvent(event: u32): void {
  const s = S();
  const active = load<u32>(s, <usize>CORE_PMU_ACTIVE);
  for (let n: u32 = 0; n < COUNTERS; n++) if ((active >> n) & 1 && eventOf(s, n) == event) add(s, n, 1);
  publish(s);
}

/** run() ends because the core waits or leaves for the host: time there is not counted (D5.10.6, CPU_CYCLES). */
export function pmuLeave(): void {
  const s = S();
  accrue(s);
  store<u32>(s, 1, <usize>CORE_REARM);
}

/** run() begins after such an end, or after a reset. */
export function pmuEnter(): void {
  const s = S();
  store<u32>(s, 0, <usize>CORE_REARM);
  mark(s);
  timerWritten(load<u32>(<usize>CUR_CORE));
}

/** For the host: counters up to date, CORE_PMU_LINE and CORE_PMU_DEADLINE as they are now. */
export function pmuDerive(): void {
  const s = S();
  if (load<u32>(s, <usize>CORE_REARM) == 0) accrue(s);
  store<u32>(s, line(s), <usize>CORE_PMU_LINE);
  store<u64>(s, deadline(s), <usize>CORE_PMU_DEADLINE);
}

/** Reset of the core at `s`, whose registers have their reset values. */
export function pmuReset(s: usize): void {
  store<u32>(s, 0, <usize>CORE_PMU_ON);
  store<u32>(s, 0, <usize>CORE_PMU_ACTIVE);
  store<u32>(s, 0, <usize>CORE_PMU_PRESCALE);
  store<u64>(s, NEVER, <usize>CORE_PMU_DEADLINE);
  store<u32>(s, 1, <usize>CORE_REARM);
}

// ---- registers ----

/** PMCR_EL0.N is MDCR_EL2.HPMN below EL2. */
export function readPmcr(): u64 {
  const value = sr(SR_PMCR_EL0);
  if (el() == 2) return value;
  return (value & ~((<u64>31) << PMCR_N_SHIFT)) | ((<u64>lowCounters(S())) << PMCR_N_SHIFT);
}

/** P clears the event counters that this EL may use, C the cycle counter. */
export function writePmcr(v: u64): void {
  pmuSync();
  setSr(SR_PMCR_EL0, (sr(SR_PMCR_EL0) & 0xffffff80) | (v & PMCR_STORED));
  if ((v & PMCR_P) != 0) {
    const count = el() == 2 ? COUNTERS : lowCounters(S());
    for (let n: u32 = 0; n < count; n++) setSr(SR_PMEVCNTR0_EL0 + <i32>n, 0);
  }
  if ((v & PMCR_C) != 0) {
    setSr(SR_PMCCNTR_EL0, 0);
    store<u32>(S(), 0, <usize>CORE_PMU_PRESCALE);
  }
  changed();
}

function change(i: i32, set: u64, clear: u64): void {
  pmuSync();
  const seen = <u64>visible();
  setSr(i, (sr(i) | (set & seen)) & ~(clear & seen));
  changed();
}

export function readPmCnten(): u64 {
  return sr(SR_PMCNTENSET_EL0) & (<u64>visible());
}

export function writePmCntenSet(v: u64): void {
  change(SR_PMCNTENSET_EL0, v, 0);
}

export function writePmCntenClr(v: u64): void {
  change(SR_PMCNTENSET_EL0, 0, v);
}

export function readPmInten(): u64 {
  return sr(SR_PMINTENSET_EL1) & (<u64>visible());
}

export function writePmIntenSet(v: u64): void {
  change(SR_PMINTENSET_EL1, v, 0);
}

export function writePmIntenClr(v: u64): void {
  change(SR_PMINTENSET_EL1, 0, v);
}

export function readPmOvs(): u64 {
  pmuSync();
  return sr(SR_PMOVSCLR_EL0) & (<u64>visible());
}

export function writePmOvsClr(v: u64): void {
  change(SR_PMOVSCLR_EL0, 0, v);
}

export function writePmOvsSet(v: u64): void {
  change(SR_PMOVSCLR_EL0, v, 0);
}

/** Counts the software increment of each counter in `v` that has that event. */
export function writePmSwInc(v: u64): void {
  const s = S();
  const active = load<u32>(s, <usize>CORE_PMU_ACTIVE) & (<u32>v) & visible();
  if (active == 0) return;
  accrue(s);
  for (let n: u32 = 0; n < COUNTERS; n++) if ((active >> n) & 1 && eventOf(s, n) == EVENT_SW_INCR) add(s, n, 1);
  publish(s);
}

export function readPmccntr(): u64 {
  pmuSync();
  return sr(SR_PMCCNTR_EL0);
}

export function writePmccntr(v: u64): void {
  pmuSync();
  setSr(SR_PMCCNTR_EL0, v);
  changed();
}

export function writePmccfiltr(v: u64): void {
  pmuSync();
  setSr(SR_PMCCFILTR_EL0, v & FILTER_MASK);
  changed();
}

/** A counter of EL2 reads as zero below it and ignores writes (CONSTRAINED UNPREDICTABLE, D13.4). */
export function readPmEvCntr(n: u32): u64 {
  if (((visible() >> n) & 1) == 0) return 0;
  pmuSync();
  return sr(SR_PMEVCNTR0_EL0 + <i32>n);
}

export function writePmEvCntr(n: u32, v: u64): void {
  if (((visible() >> n) & 1) == 0) return;
  pmuSync();
  setSr(SR_PMEVCNTR0_EL0 + <i32>n, v & 0xffffffff);
  changed();
}

export function readPmEvTyper(n: u32): u64 {
  return (visible() >> n) & 1 ? sr(SR_PMEVTYPER0_EL0 + <i32>n) : 0;
}

export function writePmEvTyper(n: u32, v: u64): void {
  if (((visible() >> n) & 1) == 0) return;
  pmuSync();
  setSr(SR_PMEVTYPER0_EL0 + <i32>n, v & TYPER_MASK);
  changed();
}

/** PMSELR_EL0.SEL selects an event counter, or with 31 the filter of the cycle counter. */
function selected(): u32 {
  return (<u32>sr(SR_PMSELR_EL0)) & 31;
}

export function readPmXevTyper(): u64 {
  const n = selected();
  if (n == SELECT_CYCLE) return sr(SR_PMCCFILTR_EL0);
  return n < COUNTERS ? readPmEvTyper(n) : 0;
}

export function writePmXevTyper(v: u64): void {
  const n = selected();
  if (n == SELECT_CYCLE) writePmccfiltr(v);
  else if (n < COUNTERS) writePmEvTyper(n, v);
}

export function readPmXevCntr(): u64 {
  const n = selected();
  return n < COUNTERS ? readPmEvCntr(n) : 0;
}

export function writePmXevCntr(v: u64): void {
  const n = selected();
  if (n < COUNTERS) writePmEvCntr(n, v);
}

/** MDCR_EL2 says which counters belong to EL2, and whether they count. */
export function writeMdcr(v: u64): void {
  pmuSync();
  setSr(SR_MDCR_EL2, v & 0xfff);
  changed();
}
