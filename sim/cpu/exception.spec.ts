import { expect, test } from 'vitest';
import {
  EL2_IRQ,
  EL2_SYNC,
  EXIT_EL2,
  EXIT_LIMIT,
  EXIT_SMC,
  EXIT_WFE,
  EXIT_WFI,
  LINE_FIQ,
  LINE_IRQ,
  LINE_VIRQ,
} from '../wasm/layout.js';
import { CODE, cpuBench, VECTORS_EL1, VECTORS_EL2, type CpuBench } from './testbench.js';

const SVC_12 = 0xd400_0241;
const HVC_34 = 0xd400_0682;
const SMC_56 = 0xd400_0ac3;
const BRK_78 = 0xd420_0f00;
const ERET = 0xd69f_03e0;
const WFI = 0xd503_207f;
const WFE = 0xd503_205f;
const NOP = 0xd503_201f;
const MSR_DAIFSET_2 = 0xd503_42df; // msr daifset, #2
const MSR_DAIFCLR_2 = 0xd503_42ff; // msr daifclr, #2
const FMOV_D0_D1 = 0x1e60_4020;
const BR_X0 = 0xd61f_0000;
const LDR_X1_SP = 0xf940_03e1; // ldr x1, [sp]

const HCR = {
  FMO: 1n << 3n,
  IMO: 1n << 4n,
  VI: 1n << 7n,
  TWI: 1n << 13n,
  TWE: 1n << 14n,
  TSC: 1n << 19n,
  TGE: 1n << 27n,
};

/** What an exception to `el` left, as hexadecimal text. */
function taken({ core }: CpuBench, el: 1 | 2) {
  const hex = (name: string): string => core.sysreg(`${name}_EL${el}`).toString(16);
  return { pc: core.pc.toString(16), esr: hex('ESR'), elr: hex('ELR'), spsr: hex('SPSR') };
}

function at(base: bigint, offset: number): string {
  return (base + BigInt(offset)).toString(16);
}

test('reset: EL2h or EL1h, masked, at the entry level of the board', () => {
  expect(cpuBench().core.pstate).toBe(0x3c9);
  expect(cpuBench({ entryLevel: 1 }).core.pstate).toBe(0x3c5);
});

test('SVC: from EL1 to the current-EL vector, from EL0 to the lower-EL one; ELR is the next instruction', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.program(SVC_12);
  bench.run();
  // EC 0x15, IL, imm16
  expect(taken(bench, 1)).toEqual({ pc: at(VECTORS_EL1, 0x200), esr: '56000012', elr: at(CODE, 4), spsr: '3c5' });
  bench.level(0);
  bench.program(SVC_12);
  bench.run();
  expect(taken(bench, 1)).toEqual({ pc: at(VECTORS_EL1, 0x400), esr: '56000012', elr: at(CODE, 4), spsr: '3c0' });
  expect(bench.core.pstate).toBe(0x3c5);
});

test('an exception from EL1t uses the SP_EL0 vectors and switches the stack pointer', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.setSysreg('SP_EL0', 0x111n);
  bench.core.setSysreg('SP_EL1', 0x222n);
  bench.program(0xd500_40bf, SVC_12); // msr spsel, #0
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ pc: at(VECTORS_EL1, 0), spsr: '3c4' });
  expect(bench.core.sp).toBe(0x222n);
  expect(bench.core.sysreg('SP_EL0')).toBe(0x111n);
});

test('HVC goes to EL2 and ERET comes back with registers and flags', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.memory.write32(Number(VECTORS_EL2) + 0x400, ERET);
  bench.program(0xeb1f_03ff, HVC_34); // cmp xzr, xzr
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ esr: '5a000034', elr: at(CODE, 8), spsr: '600003c5' });
  expect(bench.core.pc).toBe(CODE + 8n);
  expect(bench.core.pstate).toBe(0x6000_03c5);
});

test('with a modelled EL2 the exception returns from run, and eret() enters the guest again', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.el2Model = true;
  bench.program(HVC_34, NOP);
  expect(bench.run()).toBe(EXIT_EL2);
  expect(bench.core.exitInfo).toBe(EL2_SYNC);
  expect(bench.core.el).toBe(2);
  expect(taken(bench, 2)).toMatchObject({ esr: '5a000034', elr: at(CODE, 4), spsr: '3c5' });
  expect(bench.core.eret()).toBe(true);
  expect(bench.core.pc).toBe(CODE + 4n);
  expect(bench.run()).toBe(EXIT_LIMIT);
  expect(bench.core.pc).toBe(CODE + 8n);
  expect(bench.core.el).toBe(1);
});

test('without EL2 an HVC is conducted to the firmware, with the PC after it; EL0 has none', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.program(HVC_34);
  expect(bench.run()).toBe(EXIT_SMC);
  expect(bench.core.exitInfo).toBe(0x34);
  expect(bench.core.pc).toBe(CODE + 4n);
  bench.level(0);
  bench.program(HVC_34);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ pc: at(VECTORS_EL1, 0x400), esr: '2000000', elr: at(CODE, 0) });
});

test('SMC returns to the firmware; HCR_EL2.TSC traps it with ELR at the SMC', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.program(SMC_56);
  expect(bench.run()).toBe(EXIT_SMC);
  expect(bench.core.exitInfo).toBe(0x56);
  expect(bench.core.pc).toBe(CODE + 4n);
  bench.core.setSysreg('HCR_EL2', HCR.TSC);
  bench.program(SMC_56);
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ pc: at(VECTORS_EL2, 0x400), esr: '5e000056', elr: at(CODE, 0) });
});

test('BRK and UNDEFINED report the instruction itself', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.program(NOP, BRK_78);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ esr: 'f2000078', elr: at(CODE, 4) });
  bench.program(0x0000_0000);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ esr: '2000000', elr: at(CODE, 0) });
});

test('under HCR_EL2.TGE exceptions of EL0 go to EL2', () => {
  const bench = cpuBench();
  bench.level(0);
  bench.core.setSysreg('HCR_EL2', HCR.TGE);
  bench.program(SVC_12);
  bench.run();
  expect(taken(bench, 2)).toEqual({ pc: at(VECTORS_EL2, 0x400), esr: '56000012', elr: at(CODE, 4), spsr: '3c0' });
});

test('PC and SP alignment faults', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.setX(0, CODE + 2n);
  bench.program(BR_X0);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ esr: '8a000000', elr: at(CODE, 2) });
  expect(bench.core.sysreg('FAR_EL1')).toBe(CODE + 2n);
  bench.core.sp = 0x4000_1008n;
  bench.program(LDR_X1_SP);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ esr: '9a000000', elr: at(CODE, 0) });
});

test('FP traps: CPACR_EL1 to EL1, CPTR_EL2 to EL2, as an unknown reason under TGE', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.program(FMOV_D0_D1);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ esr: '1fe00000', elr: at(CODE, 0) });
  bench.core.setSysreg('CPACR_EL1', 3n << 20n);
  bench.program(FMOV_D0_D1);
  bench.run();
  expect(bench.core.pc).toBe(CODE + 4n);
  bench.core.setSysreg('CPTR_EL2', 0x37ffn);
  bench.program(FMOV_D0_D1);
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ esr: '1fe00000', elr: at(CODE, 0) });
  const host = cpuBench();
  host.level(0);
  host.core.setSysreg('HCR_EL2', HCR.TGE);
  host.program(FMOV_D0_D1);
  host.run();
  expect(taken(host, 2)).toMatchObject({ esr: '2000000', elr: at(CODE, 0) });
});

test('an exception return to AArch32 or to a higher EL is illegal: EL stays, PSTATE.IL, EC 0x0E at the target', () => {
  for (const spsr of [0x10n, 0x3c9n, 0x1n, 0x2n]) {
    const bench = cpuBench();
    bench.level(1);
    bench.core.setSysreg('SPSR_EL1', spsr);
    bench.core.setSysreg('ELR_EL1', CODE + 0x40n);
    bench.program(ERET);
    bench.run();
    const daif = (spsr & 0x3c0n) | 0x10_0005n;
    expect(taken(bench, 1)).toEqual({
      pc: at(VECTORS_EL1, 0x200),
      esr: '3a000000',
      elr: at(CODE, 0x40),
      spsr: daif.toString(16),
    });
  }
});

test('WFI waits with an exit code, completes at once when a line is up, masked or not', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.program(WFI);
  expect(bench.run()).toBe(EXIT_WFI);
  expect(bench.core.pc).toBe(CODE + 4n);
  bench.core.setLines(LINE_IRQ);
  bench.program(WFI);
  expect(bench.run()).toBe(EXIT_LIMIT);
  expect(bench.core.pc).toBe(CODE + 4n);
});

test('WFE consumes the event register, which an exception return sets', () => {
  const bench = cpuBench();
  bench.level(1);
  expect(bench.core.event).toBe(true);
  bench.program(WFE, WFE);
  expect(bench.run()).toBe(EXIT_WFE);
  expect(bench.core.pc).toBe(CODE + 8n);
});

test('WFI and WFE trap by HCR_EL2.TWI/TWE, and from EL0 by SCTLR_EL1.nTWI/nTWE', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.event = false;
  bench.core.setSysreg('HCR_EL2', HCR.TWI | HCR.TWE);
  bench.program(WFI);
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ esr: '7e00000', elr: at(CODE, 0) });
  bench.level(0);
  bench.core.event = false;
  bench.core.setSysreg('SCTLR_EL1', bench.core.sysreg('SCTLR_EL1') & ~(1n << 18n));
  bench.program(WFE);
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ pc: at(VECTORS_EL1, 0x400), esr: '7e00001', elr: at(CODE, 0) });
});

test('an IRQ waits for PSTATE.I, then is taken at the DAIFClr; ESR is left alone', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.core.setSysreg('ESR_EL1', 0x55n);
  bench.core.setLines(LINE_IRQ);
  bench.program(NOP, MSR_DAIFCLR_2, NOP);
  bench.run();
  expect(taken(bench, 1)).toEqual({ pc: at(VECTORS_EL1, 0x280), esr: '55', elr: at(CODE, 8), spsr: '345' });
  expect(bench.core.pstate).toBe(0x3c5);
});

test('a line that rises during a run is taken at the next check point, FIQ before IRQ', () => {
  const bench = cpuBench({
    entryLevel: 1,
    imports: { mmioRead: () => (bench.core.setLines(LINE_IRQ | LINE_FIQ), 0) },
  });
  bench.core.setX(0, 0x900_0000n);
  bench.program(0xd503_43ff, 0xb940_0001, NOP, NOP); // msr daifclr, #3; ldr w1, [x0]
  bench.run();
  expect(taken(bench, 1)).toMatchObject({ pc: at(VECTORS_EL1, 0x300), elr: at(CODE, 8), spsr: '305' });
});

test('IMO sends a physical IRQ to EL2 whatever PSTATE.I at EL1; at EL2 the mask counts', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.setSysreg('HCR_EL2', HCR.IMO);
  bench.core.setLines(LINE_IRQ);
  bench.program(MSR_DAIFSET_2);
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ pc: at(VECTORS_EL2, 0x480), elr: at(CODE, 0) });
  expect(bench.core.interruptPending).toBe(false);
});

test('without IMO a physical IRQ is not taken at EL2, and is masked by PSTATE.I at EL1', () => {
  const bench = cpuBench();
  bench.core.setLines(LINE_IRQ);
  bench.program(MSR_DAIFCLR_2, NOP);
  bench.run();
  expect(bench.core.pc).toBe(CODE + 8n);
  expect(bench.core.el).toBe(2);
});

test('a modelled EL2 gets the IRQ as an exit', () => {
  const bench = cpuBench();
  bench.level(1);
  bench.core.el2Model = true;
  bench.core.setSysreg('HCR_EL2', HCR.IMO);
  bench.program(NOP);
  bench.core.setLines(LINE_IRQ);
  expect(bench.run()).toBe(EXIT_EL2);
  expect(bench.core.exitInfo).toBe(EL2_IRQ);
  expect(bench.core.sysreg('ELR_EL2')).toBe(CODE);
});

test('virtual IRQ: by line or HCR_EL2.VI, only with IMO, masked by PSTATE.I', () => {
  for (const [hcr, lines, expected] of [
    [HCR.IMO, LINE_VIRQ, true],
    [HCR.IMO | HCR.VI, 0, true],
    [0n, LINE_VIRQ, false],
    [HCR.VI, 0, false],
  ] as const) {
    const bench = cpuBench();
    bench.level(1);
    bench.core.setSysreg('HCR_EL2', hcr);
    bench.core.setLines(lines);
    bench.program(NOP, MSR_DAIFCLR_2, NOP);
    bench.run();
    if (expected) expect(taken(bench, 1)).toMatchObject({ pc: at(VECTORS_EL1, 0x280), elr: at(CODE, 8), spsr: '345' });
    else expect(bench.core.pc).toBe(CODE + 12n);
  }
});

test('the limit is exact to the next check point and may be moved while the core runs', () => {
  const bench = cpuBench({
    entryLevel: 1,
    imports: { mmioRead: () => ((bench.core.limit = bench.core.cycles), 0) },
  });
  bench.core.setX(0, 0x900_0000n);
  bench.program(NOP, 0xb940_0001, NOP); // ldr w1, [x0]
  expect(bench.run(1_000_000)).toBe(EXIT_LIMIT);
  expect(bench.core.pc).toBe(CODE + 8n);
});

test('a stage-2 abort of a load or store reports ISV, register, size, direction, FAR and HPFAR, and is counted', () => {
  const bench = cpuBench();
  const { core } = bench;
  bench.level(1);
  // one level-1 table for 39 bits of IPA: a block of 1 GiB with AF, S2AP = read-write, normal memory at 0x40000000
  bench.memory.write64(0x4010_0008, 0x4000_04fdn);
  core.setSysreg('VTTBR_EL2', 0x4010_0000n);
  core.setSysreg('VTCR_EL2', 0x8002_3559n);
  core.setSysreg('HCR_EL2', 1n);
  core.setAbortWindow(0x900_0000, 0x900_1000);
  core.setX(0, 0x900_0010n);
  // EC 0x24, IL, ISV, SAS = word, SRT = 1, translation fault level 1
  bench.program(0xb940_0001); // ldr w1, [x0]
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ pc: at(VECTORS_EL2, 0x400), esr: '93810005', elr: at(CODE, 0) });
  expect(core.sysreg('FAR_EL2')).toBe(0x900_0010n);
  expect(core.sysreg('HPFAR_EL2')).toBe(0x9_0000n);
  bench.level(1);
  core.setX(0, 0x900_2004n);
  bench.program(0xb900_0001); // str w1, [x0]
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ esr: '93810045' });
  expect([core.stage2Aborts, core.windowAborts]).toEqual([2, 1]);
  // fetching from outside: EC 0x20
  bench.level(1);
  core.pc = 0x900_0000n;
  bench.run();
  expect(taken(bench, 2)).toMatchObject({ esr: '82000005', elr: '9000000' });
  expect(core.sysreg('HPFAR_EL2')).toBe(0x9_0000n);
});
