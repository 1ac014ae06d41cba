/** Steps of class "exceptions": what is trapped, where exceptions and interrupts go, what a return may do. */
import { spellEncoding, SYSREGS } from '../../../sim/cpu/isa/sysregs.js';
import type { Encoding, Sysreg } from '../../../sim/cpu/isa/sysregs.js';
import type { Random } from '../isa/random.js';
import {
  blr,
  br,
  brk,
  constant,
  DAIF,
  EL0T,
  EL1H,
  EL1T,
  EL2H,
  EL2T,
  ERET,
  hvc,
  ISB,
  mrs,
  msr,
  NOP,
  smc,
  svc,
  sys,
  WFE,
  WFI,
} from './a64.js';
import { HCR_HCD, makeContext, SCTLR_EL1_PLAIN, SCTLR_EL2_PLAIN } from './contexts.js';
import { IDENTITY, identityTables } from './identity.js';
import { NOT_IN_QEMU, OTHER_VALUES } from './tolerances.js';
import { CONTEXT_REGISTERS, DATA, DATA_BYTES, SLOT_BYTES, SLOTS } from './layout.js';
import type { Context, ContextRegister, Program, Step } from './layout.js';

const MODES = [EL0T, EL1T, EL1H, EL2T, EL2H] as const;
const NZCV_SHIFT = 28;
const SPSR_IL = 1 << 20;
const SPSR_SS = 1 << 21;
const FIQ = 0x1_0000;
const IRQ = 0x1_0001;

const bit = (n: number): bigint => 1n << BigInt(n);
// SWIO, PTW, FMO, IMO, AMO, VF, VI, VSE, FB, TWI, TWE, TID0..TID3, TSC, TIDCP, TACR, TSW, TPC, TPU, TTLB, TVM, TGE, TDZ, HCD, TRVM
const HCR_BITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, ...Array.from({ length: 18 }, (_, i) => 13 + i)];
const HCR_ROUTES = [3, 4, 5, 27];
// A, SA, SA0, UMA, DZE, UCT, nTWI, nTWE, UCI
const SCTLR_BITS = [1, 3, 4, 9, 14, 15, 16, 18, 26];

function some(random: Random, bits: readonly number[], most: number): bigint {
  let out = 0n;
  for (let n = random.below(most + 1); n > 0; n -= 1) out |= bit(random.pick(bits));
  return out;
}

/** Registers whose values would lead the probe astray are written with what they hold. */
const KEPT: ReadonlySet<string> = new Set<string>([
  ...CONTEXT_REGISTERS,
  'VBAR_EL2',
  'TPIDR_EL2',
  'SPSel',
  'OSLAR_EL1',
  'OSDLR_EL1',
  'DBGPRCR_EL1',
]);
const ALL_NAMES = Object.keys(SYSREGS) as (keyof typeof SYSREGS)[];
const NAMES = ALL_NAMES.filter((name) => !NOT_IN_QEMU.includes(name));
/** Registers of which QEMU keeps bits that are RES0, and which it writes whole: what is written has none of them. */
const DEFINED: Readonly<Record<string, bigint>> = { PMCR_EL0: 0x39n, VPIDR_EL2: 0xffff_ffffn };
const PMU_EVENT = /^PM(X?EVTYPER)/;

function writable(name: string, any: bigint): bigint {
  // no breakpoint or watchpoint may wait for the steps that follow
  if (/^DBG[BW]CR/.test(name)) return any & 0xffff_fffen;
  const { mask } = SYSREGS[name as keyof typeof SYSREGS] as Sysreg;
  return any & (DEFINED[name] ?? (PMU_EVENT.test(name) ? 0xf800_03ffn : mask));
}

interface Draft {
  readonly words: number[];
  readonly x?: readonly bigint[];
  readonly context?: Partial<Record<ContextRegister, bigint>>;
  readonly mode?: number;
  readonly sgi?: number;
  readonly spsr?: number;
  readonly ignore?: readonly string[];
  /** Offset from the slot at which it enters. */
  readonly entry?: bigint;
}

type Maker = (random: Random, registers: Context, slot: number) => Draft;

const number64 = (random: Random): bigint => (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
const value = (random: Random): bigint =>
  random.pick([0n, 1n, (1n << 64n) - 1n, number64(random), number64(random), BigInt(random.below(2 ** 32))]);

/** Without the traps that QEMU gets wrong for this register: docs/conformance.md names them. */
function withoutFaults(
  name: string,
  { HCR_EL2, MDCR_EL2, CNTHCTL_EL2, PMUSERENR_EL0 }: Context,
): Draft['context'] & {} {
  const [, , crn] = (SYSREGS[name as keyof typeof SYSREGS] as Sysreg).enc;
  if (crn === 11 || crn === 15) return { HCR_EL2: HCR_EL2 & ~bit(20) };
  if (name.startsWith('PM') && (PMUSERENR_EL0 & 0xen) !== 0n) return { MDCR_EL2: MDCR_EL2 & ~bit(6) };
  if (name === 'CNTPCT_EL0') return { CNTHCTL_EL2: (CNTHCTL_EL2 & 1n) * 3n };
  if (name === 'MDCCSR_EL0') return { MDCR_EL2: MDCR_EL2 & ~0x300n, MDSCR_EL1: 0n };
  return {};
}

function systemRegister(random: Random, registers: Context): Draft {
  const name = random.pick(NAMES);
  const { enc, read } = SYSREGS[name] as Sysreg;
  const ignore = OTHER_VALUES.test(name) ? ['x0', 'x2'] : [];
  const context = withoutFaults(name, registers);
  if (random.chance(50)) return { words: [mrs(0, enc)], ignore, context };
  const kept = registers[name as ContextRegister];
  if (KEPT.has(name)) {
    if (kept === undefined) return { words: [mrs(0, enc)], ignore, context };
    return { words: [...constant(1, kept), msr(enc, 1), ISB], ignore, context };
  }
  return {
    words: [msr(enc, 1), ISB, ...(read < 3 ? [mrs(2, enc)] : [])],
    x: [0n, writable(name, value(random))],
    ignore,
    context,
  };
}

const ALLOCATED = new Set(ALL_NAMES.map((name) => spellEncoding((SYSREGS[name] as Sysreg).enc)));

/** An encoding that is no register of the table. */
function unallocated(random: Random, registers: Context): Draft {
  for (;;) {
    const enc: Encoding = [random.between(2, 3), random.below(8), random.below(16), random.below(16), random.below(8)];
    if (ALLOCATED.has(spellEncoding(enc))) continue;
    // QEMU traps only the registers that it knows
    const implementation = enc[0] === 3 && (enc[2] === 11 || enc[2] === 15);
    const HCR_EL2 = registers.HCR_EL2 & (implementation ? ~bit(20) : -1n);
    return { words: [random.chance(70) ? mrs(0, enc) : msr(enc, 31)], context: { HCR_EL2 } };
  }
}

// op1, CRm, op2 of the cache, translation and TLB operations (C5.3 to C5.5)
const CACHE = [
  [0, 1, 0],
  [0, 5, 0],
  [0, 6, 1],
  [0, 6, 2],
  [0, 10, 2],
  [0, 14, 2],
  [3, 5, 1],
  [3, 10, 1],
  [3, 11, 1],
  [3, 14, 1],
  [3, 4, 1],
] as const;
const TRANSLATE = [
  [0, 8, 0],
  [0, 8, 1],
  [0, 8, 2],
  [0, 8, 3],
  [4, 8, 0],
  [4, 8, 1],
  [4, 8, 4],
  [4, 8, 5],
  [4, 8, 6],
  [4, 8, 7],
] as const;
const TLB = [3, 7].flatMap((crm) => [
  ...[0, 1, 2, 3, 5, 7].map((op2) => [0, crm, op2] as const),
  ...[0, 1, 4, 5, 6].map((op2) => [4, crm, op2] as const),
  ...[1, 5].map((op2) => [4, crm - 3, op2] as const),
]);

function systemOperation(random: Random, registers: Context): Draft {
  // DC ZVA needs Normal memory
  const kind = random.below(8);
  // QEMU minds PTW without a second stage, and does not mind TGE when it translates; with TGE no memory of EL0 is Normal
  const HCR_EL2 = registers.HCR_EL2 & ~bit(2) & (kind < 5 ? ~bit(27) : -1n);
  const context = { ...IDENTITY, HCR_EL2, SCTLR_EL1: registers.SCTLR_EL1 | 1n, SCTLR_EL2: SCTLR_EL2_PLAIN | 1n };
  const va = BigInt(DATA + 0x400 + random.below(DATA_BYTES / 0x1000) * 0x1000);
  if (kind < 3) {
    const [op1, crm, op2] = random.pick(CACHE);
    // the set and way, or an address whose block DC ZVA may clear
    return { words: [sys(op1, 7, crm, op2, 1)], x: [0n, va & ~0xfffn], context };
  }
  if (kind < 5) {
    const [op1, crm, op2] = random.pick(TRANSLATE);
    return { words: [sys(op1, 7, crm, op2, 1), ISB], x: [0n, va], context };
  }
  if (kind < 7) {
    const [op1, crm, op2] = random.pick(TLB);
    return { words: [sys(op1, 8, crm, op2, 1)], x: [0n, number64(random)] };
  }
  // any other SYS and SYSL
  const word = sys(random.below(8), random.below(16), random.below(16), random.below(8), 31);
  return { words: [random.chance(50) ? word : (word | 0x0020_0000) >>> 0] };
}

function call(random: Random): Draft {
  const imm = random.pick([0, 1, 0xffff, random.below(0x1_0000)]);
  const hlt = (0xd440_0000 | (imm << 5)) >>> 0;
  const dcps = (0xd4a0_0000 | (imm << 5) | random.between(1, 3)) >>> 0;
  const others = [hlt, dcps, (0xd400_0000 | (imm << 5)) >>> 0, imm, 0xd6bf_03e0];
  const word = random.pick([svc(imm), svc(imm), hvc(imm), hvc(imm), brk(imm), random.pick(others), smc(imm)]);
  // an SMC that the firmware takes is an unknown function
  return { words: [word], x: [0x8400_ffffn] };
}

/** A return with any SPSR to an address in the slot, at EL1 or EL2. */
function exceptionReturn(random: Random, _registers: Context, slot: number): Draft {
  const mode = random.pick([EL1H, EL1T, EL2H, EL2T, EL2H, EL0T]);
  const level2 = mode >> 2 === 2;
  let spsr = random.pick<number>([...MODES, 0x0d, 0x0c, 1, 2, 6, 0x0a, 0x07, 0x0b, random.below(32)]);
  // AArch32 User mode exists there
  if ((spsr & 31) === 16) spsr = 0;
  spsr |= random.below(16) << NZCV_SHIFT;
  if (random.chance(80)) spsr |= DAIF;
  if (random.chance(15)) spsr |= SPSR_IL;
  if (random.chance(10)) spsr |= SPSR_SS;
  let target = BigInt(SLOTS + slot * SLOT_BYTES + 12 * 4);
  if (random.chance(15)) target += BigInt(random.below(4));
  const elr: Encoding = level2 ? [3, 4, 4, 0, 1] : [3, 0, 4, 0, 1];
  const spsrRegister: Encoding = level2 ? [3, 4, 4, 0, 0] : [3, 0, 4, 0, 0];
  return {
    mode,
    words: [msr(elr, 1), msr(spsrRegister, 2), ERET],
    x: [0n, target, BigInt(spsr >>> 0)],
    ...(random.chance(20) && { sgi: random.pick([IRQ, FIQ]) }),
  };
}

// ldr x0,[x1]; ldrh w0,[x1]; ldrb w0,[x1]; ldp x0,x2,[x1]; str x2,[x1]; ldar x0,[x1]; ldxr w0,[x1]; stlr w2,[x1]; ldr q0,[x1]; ldrsw x0,[x1]; ldaxp x0,x2,[x1]
const ACCESSES = [
  0xf940_0020, 0x7940_0020, 0x3940_0020, 0xa940_0820, 0xf900_0022, 0xc8df_fc20, 0x885f_7c20, 0x889f_fc22, 0x3dc0_0020,
  0xb980_0020, 0xc87f_8820,
];
// the same with SP as the base
const STACK = [
  0xf940_03e0, 0x7940_03e0, 0xa940_0be0, 0xc8df_ffe0, 0x3dc0_03e0, 0xf87f_6be0, 0xf840_83e0, 0xf840_07e0, 0xd503_201f,
];

function alignment(random: Random, _registers: Context, slot: number): Draft {
  const mode = random.pick(MODES);
  const kind = random.below(4);
  const data = BigInt(DATA + 0x20_0000 + random.below(0x300));
  const sp = data + BigInt(random.pick([0, 8, 4, 1, random.below(16)]));
  // QEMU checks neither SP nor, with the MMU off, accesses to Device memory: SP is misaligned only where nothing checks it
  const misaligned = (sp & 15n) !== 0n;
  const checked = misaligned ? [1] : [1, 3, 4];
  const sctlr = SCTLR_EL1_PLAIN | 1n | some(random, checked, 3);
  const sctlr2 =
    SCTLR_EL2_PLAIN | 1n | (!misaligned && random.chance(50) ? bit(3) : 0n) | (random.chance(30) ? bit(1) : 0n);
  const context = {
    ...IDENTITY,
    HCR_EL2: random.chance(20) ? bit(27) : 0n,
    SP_EL0: sp,
    SP_EL1: sp,
    SCTLR_EL1: sctlr,
    SCTLR_EL2: sctlr2,
  };
  // SP_EL2 is the probe's
  if (kind === 0)
    return { mode: mode === EL2H ? EL2T : mode, words: [random.pick(STACK)], context: { ...context, HCR_EL2: 0n } };
  if (kind === 1) {
    const target = BigInt(SLOTS + slot * SLOT_BYTES + 12 * 4 + random.pick([1, 2, 3, 0]));
    return { mode, words: [random.pick([br, blr])(1)], x: [0n, target], context };
  }
  if (kind === 2) return { mode, words: [NOP], entry: BigInt(random.below(4)), context };
  // with TGE the MMU of EL1&0 is off
  return {
    mode,
    words: [random.pick(ACCESSES)],
    x: [0n, data + BigInt(random.below(32))],
    context: { ...context, HCR_EL2: 0n },
  };
}

// DAIFClr, DAIFSet with any mask, MSR DAIF, SPSel
function interrupt(random: Random): Draft {
  const mode = random.pick(MODES);
  const spsr = random.below(16) << 6;
  // one of them at a time: which goes first is IMPLEMENTATION DEFINED (D1.13.4)
  const virtual = random.chance(50) ? bit(random.pick([6, 7, 8])) : 0n;
  const words: number[] = [NOP];
  if (random.chance(60)) words.push((0xd503_40ff | (random.below(16) << 8)) >>> 0, NOP);
  if (random.chance(20)) words.push((0xd503_40df | (random.below(16) << 8)) >>> 0, NOP);
  words.push(mrs(3, [3, 0, 12, 1, 0]), mrs(4, [3, 3, 4, 2, 1]));
  return {
    mode,
    spsr,
    words: random.chance(50) ? words.slice(0, -2) : words,
    context: {
      HCR_EL2: some(random, HCR_ROUTES, 4) | virtual,
      SCTLR_EL1: SCTLR_EL1_PLAIN | (random.chance(50) ? bit(9) : 0n),
    },
    ...(virtual === 0n && random.chance(70) && { sgi: random.pick([IRQ, FIQ]) }),
  };
}

function wait(random: Random): Draft {
  const wfe = random.chance(50);
  const context = {
    HCR_EL2: some(random, [13, 14, 27, 3, 4], 3),
    SCTLR_EL1: (SCTLR_EL1_PLAIN & ~bit(16) & ~bit(18)) | some(random, [16, 18], 2),
  };
  // without a pending interrupt a WFI that is not trapped would wait for ever; SEVL, WFE: the event is there
  return { words: wfe ? [0xd503_20bf, WFE, NOP] : [WFI, NOP], context, sgi: random.pick([IRQ, FIQ]), spsr: DAIF };
}

// fmov d0, x0; fadd; ldr q0,[x1]; mrs x0, fpcr; msr fpsr, x1; add v0.4s; fmov x0, d0; ldp s0,s1; ld1
const FP = [
  0x9e67_0000,
  0x1e62_2820,
  0x3dc0_0020,
  mrs(0, [3, 3, 4, 4, 0]),
  msr([3, 3, 4, 4, 1], 1),
  0x4ea1_8400,
  0x9e66_0000,
  0x2d40_0420,
  0x4c40_7020,
];

function floatingPoint(random: Random): Draft {
  return {
    words: [random.pick(FP)],
    x: [0n, BigInt(DATA + 0x100)],
    context: {
      CPACR_EL1: BigInt(random.below(4)) << 20n,
      CPTR_EL2: 0x33ffn | (random.chance(50) ? 0x400n : 0n),
      HCR_EL2: random.chance(30) ? bit(27) : 0n,
    },
  };
}

const MDSCR_SS = bit(0);
const MDSCR_KDE = bit(13);
const MDSCR_MDE = bit(15);

/** BRK, breakpoints, watchpoints and single steps, with every place they can go to. */
function debug(random: Random, _registers: Context, slot: number): Draft {
  const mode = random.pick(MODES);
  const here = BigInt(SLOTS + slot * SLOT_BYTES);
  // aligned: QEMU has no alignment faults of Device memory, and the MMU is off
  const data = BigInt(DATA + 0x10_0000 + 16 * random.between(4, 40));
  const kind = random.below(3);
  let mdscr = some(random, [13, 15], 3);
  if (kind === 0 || random.chance(10)) mdscr |= MDSCR_SS;
  else if (random.chance(80)) mdscr |= MDSCR_MDE;
  if (random.chance(40)) mdscr |= MDSCR_KDE;
  const match = random.pick([0, 4, 8]);
  // HMC, SSC, PMC as in D2.9.3 and D2.10.4: EL1, EL0, EL1 and EL0, EL2 and EL1, all
  const [hmc, pmc] = random.pick([
    [0n, 1n],
    [0n, 2n],
    [0n, 3n],
    [1n, 1n],
    [1n, 3n],
  ] as const);
  const control = (mask: bigint): bigint => bit(0) | (pmc << 1n) | (hmc << 13n) | mask;
  const context = {
    MDSCR_EL1: mdscr,
    MDCR_EL2: 6n | (random.chance(40) ? bit(8) : 0n),
    // to EL1 it would be an illegal return
    HCR_EL2: random.chance(15) && (mode === EL0T || mode === EL2H) ? bit(27) : 0n,
    ...(kind === 1 && { DBGBCR0_EL1: control(0xfn << 5n), DBGBVR0_EL1: here + BigInt(match) }),
    ...(kind === 2 && {
      DBGWCR0_EL1: control((BigInt(random.between(1, 3)) << 3n) | (random.pick([0xffn, 0x0fn, 0xf0n, 1n]) << 5n)),
      DBGWVR0_EL1: data & ~7n,
    }),
  };
  const spsr = (random.chance(80) ? 0x1c0 : DAIF) | (random.chance(60) ? SPSR_SS : 0);
  return {
    mode,
    spsr,
    words: [NOP, random.pick(ACCESSES), random.pick([NOP, brk(1), svc(2)])],
    x: [0n, data + BigInt(random.pick([0, 0, 16, -16]))],
    context,
  };
}

const MAKERS: Readonly<Record<string, Maker>> = {
  'system registers': systemRegister,
  'unallocated system registers': unallocated,
  'system operations': systemOperation,
  'exception calls': call,
  'exception returns': exceptionReturn,
  alignment,
  interrupts: interrupt,
  'WFI and WFE': wait,
  'floating-point traps': floatingPoint,
  'debug exceptions': debug,
};

export const EXCEPTION_CLASSES: readonly string[] = Object.keys(MAKERS).map((name) => `exceptions: ${name}`);
/** Cases of 24 that each class gets. */
const SHARES = [8, 2, 3, 2, 3, 2, 3, 1, 1, 2];
const ROUND = EXCEPTION_CLASSES.flatMap((name, i) => Array.from({ length: SHARES[i] ?? 1 }, () => name));

/** Traps and enables at random, MMU off. */
function randomTraps(random: Random): Partial<Record<ContextRegister, bigint>> {
  return {
    HCR_EL2:
      some(
        random,
        HCR_BITS.filter((n) => n < 6 || n > 8),
        4,
      ) &
      (random.chance(80) ? ~bit(27) : -1n) &
      (random.chance(80) ? ~HCR_HCD : -1n),
    SCTLR_EL1: random.chance(40) ? SCTLR_EL1_PLAIN : 0x30d0_0800n | some(random, SCTLR_BITS, 9),
    CPACR_EL1: random.chance(70) ? 3n << 20n : BigInt(random.below(4)) << 20n,
    CPTR_EL2: 0x33ffn | (random.chance(10) ? bit(10) : 0n) | (random.chance(20) ? bit(31) : 0n),
    // without TPMCR, which QEMU lacks
    MDCR_EL2: 6n | some(random, [6, 8, 9, 10, 11], 2),
    CNTHCTL_EL2: BigInt(random.below(4)),
    CNTKCTL_EL1: BigInt(random.below(4) | (random.below(4) << 8)),
    PMUSERENR_EL0: BigInt(random.below(16)),
    MDSCR_EL1: random.chance(20) ? bit(12) : 0n,
    HSTR_EL2: random.chance(20) ? BigInt(random.below(0x1_0000)) : 0n,
  };
}

/** `count` steps, each with a context of its own. */
export function makeExceptions(random: Random, count: number): Program {
  const contexts: ReturnType<typeof makeContext>[] = [];
  const steps: Step[] = [];
  for (let slot = 0; slot < count; slot += 1) {
    const name = ROUND[slot % ROUND.length] as string;
    const traps = random.chance(85) ? randomTraps(random) : {};
    const draft = (MAKERS[name.slice('exceptions: '.length)] as Maker)(random, makeContext(traps).registers, slot);
    const context = makeContext({ ...traps, ...draft.context });
    contexts.push(context);
    const mode = draft.mode ?? random.pick(MODES);
    const spsr = ((draft.spsr ?? DAIF) | mode | (random.below(16) << NZCV_SHIFT)) >>> 0;
    const x = Array.from({ length: 10 }, (_, i) => draft.x?.[i] ?? BigInt(0x1111 * (i + 1)));
    const entry = draft.entry === undefined ? undefined : BigInt(SLOTS + slot * SLOT_BYTES) + draft.entry;
    steps.push({
      name,
      context: slot,
      spsr,
      words: draft.words,
      x,
      ...(draft.sgi !== undefined && { sgi: draft.sgi }),
      ...(entry !== undefined && { entry }),
      ...(draft.ignore !== undefined && draft.ignore.length > 0 && { ignore: draft.ignore }),
    });
  }
  return { contexts, memory: [identityTables()], steps };
}
