// Expected values: DDI 0487 D2 (self-hosted debug) and D13.2.37 (syndromes), by hand. At EL1 for EL0, at EL2 under
// MDCR_EL2.TDE. The programs run at addresses from CODE on, with the MMU off.
import { expect, test } from 'vitest';
import { CODE, cpuBench, VECTORS_EL1, VECTORS_EL2, type CpuBench } from './testbench.js';

const NOP = 0xd503_201f;
const SVC_0 = 0xd400_0001;
const HVC_0 = 0xd400_0002;
const ERET = 0xd69f_03e0;
const UNDEFINED = 0;
const BRK_0 = 0xd420_0000;
const B_NEXT = 0x1400_0001;
const LDXR_X1_X0 = 0xc85f_7c01;
const LDR_X1_X0 = 0xf940_0001;
const STR_X1_X0 = 0xf900_0001;
const LDRB_W1_X0 = 0x3940_0001;
const STP_X1_X2_X0 = 0xa900_0801;
const LDTR_X1_X0 = 0xf840_0801;

const SS = 1n;
const KDE = 1n << 13n;
const MDE = 1n << 15n;
const TDE = 1n << 8n;
const SPSR_SS = 1n << 21n;
/** BAS = all, PMC = EL1 and EL0, enabled. */
const BREAK_ON = 0x1e7n;
const DATA = 0x4000_8000n;

/** A bench at EL0 (or `el`), OS lock clear, MDSCR_EL1 as given; debug registers by name. */
function bench(el: 0 | 1, mdscr: bigint, registers: Record<string, bigint> = {}): CpuBench {
  const made = cpuBench();
  made.level(el);
  for (const [name, value] of Object.entries({ OSLSR_EL1: 8n, MDSCR_EL1: mdscr, ...registers })) {
    made.core.setSysreg(name, value);
  }
  made.core.pstate = 0; // PSTATE.D too
  return made;
}

function taken({ core }: CpuBench): string {
  const el = core.pc >= VECTORS_EL2 ? 2 : 1;
  const vectors = el === 2 ? VECTORS_EL2 : VECTORS_EL1;
  if (core.pc < VECTORS_EL1) return `pc+${(core.pc - CODE).toString(16)}`;
  const hex = (name: string): string => core.sysreg(`${name}_EL${el}`).toString(16);
  const elr = core.sysreg(`ELR_EL${el}`) - CODE;
  return `el${el}+${(core.pc - vectors).toString(16)} esr ${hex('ESR')} elr ${elr.toString(16)} spsr ${hex('SPSR')}`;
}

/** Enters `words` at EL0 from EL1 by ERET with SPSR.SS, as a debugger does, and runs until something happens. */
function step(setup: Record<string, bigint>, spsr: bigint, ...words: number[]): CpuBench {
  const made = bench(1, SS, setup);
  made.core.setSysreg('SPSR_EL1', spsr);
  made.core.setSysreg('ELR_EL1', CODE);
  made.program(...words);
  made.memory.write32(Number(CODE) + 0x200, ERET);
  made.core.pc = CODE + 0x200n;
  made.run(40);
  return made;
}

test('software step of EL0: one instruction, ISV, and EX after a load-exclusive', () => {
  expect(taken(step({}, SPSR_SS, NOP, NOP))).toBe('el1+400 esr cb000022 elr 4 spsr 0');
  expect(taken(step({}, SPSR_SS, B_NEXT + 1, NOP))).toBe('el1+400 esr cb000022 elr 8 spsr 0');
  const made = step({}, SPSR_SS, 0xd2b0_0000, NOP); // mov x0, #0x80000000
  expect(made.core.x(0)).toBe(0x8000_0000n);
  expect(made.core.pstate).toBe(0x3c5);
  const exclusive = bench(1, SS, { SPSR_EL1: SPSR_SS, ELR_EL1: CODE });
  exclusive.program(LDXR_X1_X0);
  exclusive.core.setX(0, DATA);
  exclusive.memory.write32(Number(CODE) + 0x200, ERET);
  exclusive.core.pc = CODE + 0x200n;
  exclusive.run(40);
  expect(taken(exclusive)).toBe('el1+400 esr cb000062 elr 4 spsr 0');
});

test('a step that is pending on return is taken at once, without ISV', () => {
  expect(taken(step({}, 0n, NOP))).toBe('el1+400 esr ca000022 elr 0 spsr 0');
});

test('SVC is stepped (SPSR.SS clear), BRK and an UNDEFINED instruction are not (SPSR.SS set)', () => {
  expect(taken(step({}, SPSR_SS, SVC_0))).toBe('el1+400 esr 56000000 elr 4 spsr 0');
  expect(taken(step({}, SPSR_SS, BRK_0))).toBe('el1+400 esr f2000000 elr 0 spsr 200000');
  expect(taken(step({}, SPSR_SS, UNDEFINED))).toBe('el1+400 esr 2000000 elr 0 spsr 200000');
});

test('the OS lock and the double lock stop debug exceptions; PSTATE.D those of the same level only', () => {
  expect(taken(step({ OSLSR_EL1: 10n }, SPSR_SS, NOP, NOP))).toBe('pc+8');
  expect(taken(step({ OSDLR_EL1: 1n }, SPSR_SS, NOP, NOP))).toBe('pc+8');
  expect(taken(step({}, SPSR_SS | 0x200n, NOP, NOP))).toBe('el1+400 esr cb000022 elr 4 spsr 200');
});

test('EL1 steps itself with KDE and D clear', () => {
  const made = bench(1, SS | KDE);
  made.core.setSysreg('SPSR_EL1', SPSR_SS | 5n);
  made.core.setSysreg('ELR_EL1', CODE);
  made.program(NOP, NOP);
  made.memory.write32(Number(CODE) + 0x200, ERET);
  made.core.pc = CODE + 0x200n;
  made.core.pstate = 0x200; // the stepper runs with D set
  made.run(40);
  expect(taken(made)).toBe('el1+200 esr cf000022 elr 4 spsr 5');
});

test('MDCR_EL2.TDE: EL2 steps EL1, through an exception that EL1 takes itself', () => {
  const made = cpuBench();
  made.core.setSysreg('OSLSR_EL1', 8n);
  made.core.setSysreg('MDSCR_EL1', SS);
  made.core.setSysreg('MDCR_EL2', TDE | 6n);
  made.core.setSysreg('SPSR_EL2', SPSR_SS | 5n);
  made.core.setSysreg('ELR_EL2', CODE);
  made.program(SVC_0);
  made.memory.write32(Number(CODE) + 0x200, ERET);
  made.core.pc = CODE + 0x200n;
  made.run(40);
  expect(made.core.sysreg('ELR_EL2')).toBe(VECTORS_EL1 + 0x200n);
  expect(made.core.sysreg('ESR_EL2') & ~(1n << 24n)).toBe(0xca00_0022n);
  expect(made.core.sysreg('SPSR_EL2')).toBe(0x3c5n);
  expect(made.core.sysreg('SPSR_EL1')).toBe(5n);
});

test('a breakpoint is taken before its instruction, at EL0 only with PMC = 2', () => {
  const at = (el: 0 | 1, control: bigint, value = CODE + 8n, extra: Record<string, bigint> = {}): string => {
    const made = bench(el, MDE, { DBGBVR2_EL1: value, DBGBCR2_EL1: control, ...extra });
    made.program(NOP, NOP, NOP);
    made.run(3);
    return taken(made);
  };
  expect(at(0, BREAK_ON)).toBe('el1+400 esr c2000022 elr 8 spsr 0');
  expect(at(0, 0x1e3n)).toBe('pc+c'); // PMC: EL1 only
  expect(at(0, 0x1e6n)).toBe('pc+c'); // disabled
  expect(at(0, BREAK_ON, CODE + 0x1000n)).toBe('pc+c');
  expect(at(1, BREAK_ON)).toBe('pc+c'); // same level without KDE
  expect(at(1, BREAK_ON, CODE + 8n, { MDSCR_EL1: MDE | KDE })).toBe('el1+200 esr c6000022 elr 8 spsr 5');
  expect(at(0, BREAK_ON, CODE + 8n, { MDSCR_EL1: 0n })).toBe('pc+c');
  expect(at(1, BREAK_ON, CODE + 8n, { MDCR_EL2: TDE })).toBe('el2+400 esr c2000022 elr 8 spsr 5');
  expect(at(0, BREAK_ON | (2n << 14n))).toBe('pc+c'); // Secure state only
});

test('a linked breakpoint needs its context; a context breakpoint alone stops at once', () => {
  const run = (contextId: bigint, registers: Record<string, bigint>): string => {
    const made = bench(0, MDE, { CONTEXTIDR_EL1: contextId, ...registers });
    made.program(NOP, NOP);
    made.run(2);
    return taken(made);
  };
  const linked = {
    DBGBVR0_EL1: CODE + 4n,
    DBGBCR0_EL1: BREAK_ON | (1n << 20n) | (5n << 16n),
    DBGBVR5_EL1: 77n,
    DBGBCR5_EL1: BREAK_ON | (3n << 20n),
  };
  expect(run(77n, linked)).toBe('el1+400 esr c2000022 elr 4 spsr 0');
  expect(run(78n, linked)).toBe('pc+8');
  expect(run(77n, { DBGBVR4_EL1: 77n, DBGBCR4_EL1: BREAK_ON | (2n << 20n) })).toBe('el1+400 esr c2000022 elr 0 spsr 0');
  expect(run(77n, { DBGBVR3_EL1: 77n, DBGBCR3_EL1: BREAK_ON | (2n << 20n) })).toBe('pc+8'); // compares no contexts
});

/** LSC load and store, PAC EL1 and EL0, enabled, all eight bytes. */
const WATCH_ON = 0x1fffn;

test('a watchpoint: DFSC, WnR, FAR, nothing written', () => {
  const run = (word: number, x0: bigint, control: bigint, value: bigint, el: 0 | 1 = 0, extra = {}): string => {
    const made = bench(el, MDE, { DBGWVR1_EL1: value, DBGWCR1_EL1: control, ...extra });
    made.core.setX(0, x0);
    made.core.setX(1, 0x55n);
    made.memory.write64(Number(DATA), 0x1234n);
    made.program(NOP, word);
    made.run(2);
    if (made.core.el !== el) expect(made.memory.read64(Number(DATA))).toBe(0x1234n);
    const far = made.core.sysreg(`FAR_EL${made.core.el === 2 ? 2 : 1}`);
    return `${taken(made)}${made.core.el === el && made.core.pc < VECTORS_EL1 ? '' : ` far ${(far - DATA).toString(16)}`}`;
  };
  expect(run(LDR_X1_X0, DATA, WATCH_ON, DATA)).toBe('el1+400 esr d2000022 elr 4 spsr 0 far 0');
  expect(run(STR_X1_X0, DATA, WATCH_ON, DATA)).toBe('el1+400 esr d2000062 elr 4 spsr 0 far 0');
  expect(run(STR_X1_X0, DATA, WATCH_ON & ~0x10n, DATA)).toBe('pc+8'); // loads only
  expect(run(LDR_X1_X0, DATA, WATCH_ON & ~0x8n, DATA)).toBe('pc+8');
  expect(run(LDRB_W1_X0, DATA + 3n, 0x0007n | (3n << 3n) | (0x08n << 5n), DATA)).toBe(
    'el1+400 esr d2000022 elr 4 spsr 0 far 3',
  );
  expect(run(LDRB_W1_X0, DATA + 4n, 0x0007n | (3n << 3n) | (0x08n << 5n), DATA)).toBe('pc+8');
  expect(run(LDR_X1_X0, DATA, 0x0007n | (3n << 3n) | (0x0fn << 5n), DATA + 4n)).toBe(
    'el1+400 esr d2000022 elr 4 spsr 0 far 4',
  );
  expect(run(STP_X1_X2_X0, DATA - 8n, WATCH_ON, DATA)).toBe('el1+400 esr d2000062 elr 4 spsr 0 far 0');
  // MASK = 12: a page
  expect(run(LDR_X1_X0, DATA + 0xff8n, WATCH_ON | (12n << 24n), DATA)).toBe(
    'el1+400 esr d2000022 elr 4 spsr 0 far ff8',
  );
  expect(run(LDR_X1_X0, DATA + 0x1000n, WATCH_ON | (12n << 24n), DATA)).toBe('pc+8');
  // LDTR at EL1 is an access of EL0, which PAC leaves out here
  const privileged = WATCH_ON & ~4n;
  expect(run(LDR_X1_X0, DATA, privileged, DATA, 1, { MDSCR_EL1: MDE | KDE })).toMatch(/esr d6000022/);
  expect(run(LDTR_X1_X0, DATA, privileged, DATA, 1, { MDSCR_EL1: MDE | KDE })).toBe('pc+8');
  expect(run(LDR_X1_X0, DATA, WATCH_ON, DATA, 1, { MDCR_EL2: TDE })).toMatch(/^el2\+400 esr d2000022/);
});

test('HVC is stepped too, and the debugger at EL2 sees the exception that EL2 takes', () => {
  const made = cpuBench();
  made.core.setSysreg('OSLSR_EL1', 8n);
  made.core.setSysreg('MDSCR_EL1', SS);
  made.core.setSysreg('MDCR_EL2', TDE | 6n);
  made.core.setSysreg('SPSR_EL2', SPSR_SS | 5n);
  made.core.setSysreg('ELR_EL2', CODE);
  made.program(HVC_0);
  made.memory.write32(Number(CODE) + 0x200, ERET);
  made.core.pc = CODE + 0x200n;
  made.run(40);
  expect(taken(made)).toBe('el2+400 esr 5a000000 elr 4 spsr 5');
});

test('a loop and a call across pages under a breakpoint elsewhere run as without it', () => {
  const run = (mdscr: bigint): CpuBench => {
    const made = bench(0, mdscr, { DBGBVR0_EL1: CODE + 0x800n, DBGBCR0_EL1: BREAK_ON });
    // mov x0, #5; bl +0x2000; subs x0, x0, #1; b.ne -8; then the branch to itself
    made.program(0xd280_00a0, 0x9400_0800, 0xf100_0400, 0x54ff_ffc1);
    made.memory.write32(Number(CODE) + 0x2004, 0x9100_0421); // add x1, x1, #1
    made.memory.write32(Number(CODE) + 0x2008, 0xd65f_03c0); // ret
    made.core.setX(1, 0n);
    made.run(26);
    return made;
  };
  for (const { core } of [run(0n), run(MDE)]) expect([core.x(0), core.x(1), core.pc - CODE]).toEqual([0n, 5n, 0x10n]);
});

test('MSR OSLAR_EL1 and MSR MDSCR_EL1 take effect at once', () => {
  const made = bench(1, 0n, { OSLSR_EL1: 10n, DBGBVR0_EL1: CODE + 0x10n, DBGBCR0_EL1: BREAK_ON });
  made.core.setX(0, MDE | KDE);
  made.program(0xd510_109f, 0xd510_0240, NOP, NOP, NOP); // msr oslar_el1, xzr; msr mdscr_el1, x0
  made.run(5);
  expect(taken(made)).toBe('el1+200 esr c6000022 elr 10 spsr 5');
});
