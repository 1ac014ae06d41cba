// Expected values: DDI 0487 D5 and D13.4, by hand. The bench's instructions cost one cycle each.
import { expect, test } from 'vitest';
import { packEncoding, SYSREGS, type SysregName } from './isa/sysregs.js';
import { CODE, cpuBench, type CpuBench } from './testbench.js';

const NOP = 0xd503_201f;
const SVC_0 = 0xd400_0001;
const ERET = 0xd69f_03e0;
const CYCLE = 0x8000_0000n;
const E = 1n;
const LC = 0x40n;
const NSH = 1n << 27n;
const P = 1n << 31n;
const U = 1n << 30n;
const SW_INCR = 0x00n;
const INST_RETIRED = 0x08n;
const EXC_TAKEN = 0x09n;
const EXC_RETURN = 0x0an;
const CPU_CYCLES = 0x11n;
const CHAIN = 0x1en;

function word(name: SysregName, rt: number, read: boolean): number {
  return ((read ? 0xd530_0000 : 0xd510_0000) | ((packEncoding(SYSREGS[name].enc) & 0x7fff) << 5) | rt) >>> 0;
}
const mrs = (rt: number, name: SysregName): number => word(name, rt, true);
const msr = (name: SysregName, rt: number): number => word(name, rt, false);

/** Executes MSR of each value at the present level, outside of the program under test. */
function set(bench: CpuBench, ...values: readonly (readonly [SysregName, bigint])[]): void {
  const kept = [bench.core.x(0), bench.core.pc] as const;
  for (const [name, value] of values) {
    bench.core.setX(0, value);
    bench.program(msr(name, 0));
    bench.run(1);
  }
  bench.core.setX(0, kept[0]);
  bench.core.pc = kept[1];
}

function get(bench: CpuBench, name: SysregName): bigint {
  const { core } = bench;
  const [x0, pc] = [core.x(0), core.pc];
  bench.program(mrs(0, name));
  bench.run(1);
  const value = core.x(0);
  core.setX(0, x0);
  core.pc = pc;
  return value;
}

/** Runs a program to its end, not a cycle longer. */
function run(bench: CpuBench, ...words: number[]): void {
  bench.program(...words);
  bench.run(words.length);
}

test('PMCCNTR_EL0 counts cycles while E and its enable are set; C resets it; D counts every 64th', () => {
  const bench = cpuBench({ entryLevel: 1 });
  const { core } = bench;
  set(bench, ['PMCR_EL0', E | LC], ['PMCNTENSET_EL0', CYCLE]);
  run(bench, mrs(1, 'PMCCNTR_EL0'), NOP, NOP, mrs(2, 'PMCCNTR_EL0'));
  expect(core.x(2) - core.x(1)).toBe(3n);
  set(bench, ['PMCNTENCLR_EL0', CYCLE]);
  run(bench, mrs(1, 'PMCCNTR_EL0'), NOP, NOP, mrs(2, 'PMCCNTR_EL0'));
  expect(core.x(2)).toBe(core.x(1));
  // D without LC; C
  set(bench, ['PMCR_EL0', 0xdn], ['PMCNTENSET_EL0', CYCLE]);
  run(bench, mrs(1, 'PMCCNTR_EL0'), ...Array.from({ length: 127 }, () => NOP), mrs(2, 'PMCCNTR_EL0'));
  expect([core.x(1), core.x(2)]).toEqual([0n, 2n]);
});

test('event counters: instructions, cycles, exceptions taken and returned from', () => {
  const bench = cpuBench({ entryLevel: 1 });
  bench.memory.write32(0x4001_0200, ERET);
  set(
    bench,
    ['PMEVTYPER0_EL0', INST_RETIRED],
    ['PMEVTYPER1_EL0', CPU_CYCLES],
    ['PMEVTYPER2_EL0', EXC_TAKEN],
    ['PMEVTYPER3_EL0', EXC_RETURN],
    ['PMCNTENSET_EL0', 0xfn],
    ['PMCR_EL0', E],
  );
  const before = get(bench, 'PMEVCNTR0_EL0');
  run(bench, NOP, SVC_0, NOP);
  bench.run(1); // the ERET is one more
  // between the two reads of the counter: its MRS, NOP, SVC, ERET, NOP
  expect(get(bench, 'PMEVCNTR0_EL0') - before).toBeGreaterThanOrEqual(5n);
  expect(get(bench, 'PMEVCNTR2_EL0')).toBe(1n);
  expect(get(bench, 'PMEVCNTR3_EL0')).toBe(1n);
  expect(get(bench, 'PMCEID0_EL0') & 0x2_0f01n).toBe(0x2_0f01n);
});

test('P, U and NSH filter by exception level', () => {
  const bench = cpuBench();
  bench.memory.write32(0x4001_0400, NOP);
  set(
    bench,
    ['PMEVTYPER0_EL0', INST_RETIRED], // EL0, EL1
    ['PMEVTYPER1_EL0', INST_RETIRED | NSH | P | U], // EL2
    ['PMEVTYPER2_EL0', INST_RETIRED | P], // EL0
    ['PMEVTYPER3_EL0', INST_RETIRED | U], // EL1
    ['PMCNTENSET_EL0', 0xfn],
    ['PMCR_EL0', E | 2n],
  );
  // ERET to EL0: three NOPs, SVC to EL1: branch to itself
  bench.core.setSysreg('SPSR_EL2', 0n);
  bench.core.setSysreg('ELR_EL2', CODE + 4n);
  bench.program(ERET, NOP, NOP, NOP, SVC_0);
  bench.memory.write32(0x4001_0400, NOP);
  bench.memory.write32(0x4001_0404, NOP);
  bench.memory.write32(0x4001_0408, 0xd400_0002); // hvc #0
  bench.run(8);
  expect(bench.core.el).toBe(2);
  const counts = ([0, 1, 2, 3] as const).map((n) => get(bench, `PMEVCNTR${n}_EL0`));
  expect(counts[0]).toBe(7n); // three NOPs, SVC, two NOPs, HVC
  expect(counts[2]).toBe(4n);
  expect(counts[3]).toBe(3n);
  expect(counts[1]).toBeGreaterThan(0n);
});

test('software increments, overflow status, and the carry into a chained counter', () => {
  const bench = cpuBench({ entryLevel: 1 });
  set(
    bench,
    ['PMEVTYPER0_EL0', SW_INCR],
    ['PMEVTYPER1_EL0', CHAIN],
    ['PMEVTYPER2_EL0', INST_RETIRED],
    ['PMEVCNTR0_EL0', 0xffff_fffen],
    ['PMCNTENSET_EL0', 3n],
    ['PMCR_EL0', E],
    ['PMSWINC_EL0', 5n], // counter 2 is disabled, and not of that event
  );
  expect([get(bench, 'PMEVCNTR0_EL0'), get(bench, 'PMEVCNTR1_EL0'), get(bench, 'PMOVSSET_EL0')]).toEqual([
    0xffff_ffffn,
    0n,
    0n,
  ]);
  set(bench, ['PMSWINC_EL0', 1n], ['PMSWINC_EL0', 1n]);
  expect([get(bench, 'PMEVCNTR0_EL0'), get(bench, 'PMEVCNTR1_EL0'), get(bench, 'PMOVSCLR_EL0')]).toEqual([1n, 1n, 1n]);
  set(bench, ['PMEVCNTR1_EL0', 0xffff_ffffn], ['PMEVCNTR0_EL0', 0xffff_ffffn], ['PMSWINC_EL0', 1n]);
  expect([get(bench, 'PMEVCNTR1_EL0'), get(bench, 'PMOVSCLR_EL0')]).toEqual([0n, 3n]);
  set(bench, ['PMOVSCLR_EL0', 1n]);
  expect(get(bench, 'PMOVSSET_EL0')).toBe(2n);
  set(bench, ['PMOVSSET_EL0', CYCLE]);
  expect(get(bench, 'PMOVSCLR_EL0')).toBe(CYCLE | 2n);
});

test('PMCR_EL0.P resets the event counters, PMXEVCNTR and PMXEVTYPER are the selected one, 31 the cycle filter', () => {
  const bench = cpuBench({ entryLevel: 1 });
  set(bench, ['PMSELR_EL0', 5n], ['PMXEVTYPER_EL0', P | 0x3ffn], ['PMXEVCNTR_EL0', 0x1_2345_6789n]);
  expect([get(bench, 'PMEVTYPER5_EL0'), get(bench, 'PMEVCNTR5_EL0')]).toEqual([P | 0x3ffn, 0x2345_6789n]);
  set(bench, ['PMSELR_EL0', 31n], ['PMXEVTYPER_EL0', 0xffff_ffffn], ['PMCCNTR_EL0', 7n], ['PMCR_EL0', 2n]);
  expect([get(bench, 'PMCCFILTR_EL0'), get(bench, 'PMXEVTYPER_EL0')]).toEqual([0xfc00_0000n, 0xfc00_0000n]);
  expect([get(bench, 'PMEVCNTR5_EL0'), get(bench, 'PMCCNTR_EL0')]).toEqual([0n, 7n]);
});

test('MDCR_EL2.HPMN keeps counters for EL2: hidden below, counting by HPME', () => {
  const bench = cpuBench();
  set(
    bench,
    ['MDCR_EL2', 4n | 0x80n], // HPMN 4, HPME
    ['PMEVTYPER3_EL0', INST_RETIRED],
    ['PMEVTYPER4_EL0', INST_RETIRED],
    ['PMEVCNTR4_EL0', 5n],
    ['PMCNTENSET_EL0', 0x8000_003fn],
  );
  expect((get(bench, 'PMCR_EL0') >> 11n) & 31n).toBe(6n);
  bench.level(1);
  expect((get(bench, 'PMCR_EL0') >> 11n) & 31n).toBe(4n);
  expect([get(bench, 'PMCNTENSET_EL0'), get(bench, 'PMEVCNTR4_EL0')]).toEqual([0x8000_000fn, 0n]);
  set(bench, ['PMCNTENCLR_EL0', 0xffff_ffffn], ['PMCR_EL0', 2n]);
  expect(bench.core.sysreg('PMCNTENSET_EL0')).toBe(0x30n);
  expect(get(bench, 'PMEVCNTR3_EL0')).toBe(0n); // PMCR_EL0.E is clear
  bench.core.updatePmu();
  expect(bench.core.sysreg('PMEVCNTR4_EL0')).toBeGreaterThan(5n);
});

test('the interrupt: overflow, enable and E; its deadline is the overflow of the nearest counter', () => {
  const bench = cpuBench({ entryLevel: 1 });
  const { core } = bench;
  set(bench, ['PMINTENSET_EL1', CYCLE | 1n], ['PMEVTYPER0_EL0', INST_RETIRED], ['PMEVCNTR0_EL0', 0xffff_f000n]);
  expect(core.pmuDeadline).toBe(undefined);
  set(bench, ['PMCCNTR_EL0', 0xffff_ff00n], ['PMCNTENSET_EL0', CYCLE | 1n], ['PMCR_EL0', E]);
  expect(core.updatePmu()).toBe(false);
  // 0x100 cycles from the MSR of PMCR on
  const deadline = core.pmuDeadline as number;
  expect(deadline - core.cycles).toBeLessThanOrEqual(0x100);
  expect(deadline - core.cycles).toBeGreaterThan(0xf0);
  bench.program();
  core.run(deadline - 8);
  expect(core.updatePmu()).toBe(false);
  core.run(deadline);
  expect(core.updatePmu()).toBe(true);
  expect(core.pmuDeadline).toBeGreaterThan(deadline); // the other counter's
  const announced = bench.timerWrites.length;
  set(bench, ['PMOVSCLR_EL0', CYCLE]);
  expect(bench.timerWrites.length).toBeGreaterThan(announced);
  expect(core.updatePmu()).toBe(false);
  // at 64 bits the overflow is far away
  set(bench, ['PMCR_EL0', E | LC], ['PMCCNTR_EL0', 0xffff_ffffn], ['PMINTENCLR_EL1', 1n]);
  core.updatePmu();
  expect(get(bench, 'PMOVSSET_EL0')).toBe(0n);
});

test('EL0: PMUSERENR_EL0 opens all, the cycle counter, the event counters or software increments', () => {
  const trap = (enable: bigint, instruction: number): boolean => {
    const bench = cpuBench({ entryLevel: 1 });
    set(bench, ['PMUSERENR_EL0', enable]);
    bench.level(0);
    bench.program(instruction);
    bench.run(2);
    return bench.core.el === 1;
  };
  const accesses = [
    mrs(0, 'PMCCNTR_EL0'),
    msr('PMCCNTR_EL0', 0),
    mrs(0, 'PMEVCNTR0_EL0'),
    msr('PMEVCNTR0_EL0', 0),
    msr('PMSWINC_EL0', 0),
    msr('PMSELR_EL0', 0),
    mrs(0, 'PMCR_EL0'),
    mrs(0, 'PMOVSSET_EL0'),
  ];
  const opened = (enable: bigint) => accesses.map((access) => (trap(enable, access) ? '-' : 'x')).join('');
  expect(opened(0n)).toBe('--------');
  expect(opened(1n)).toBe('xxxxxxxx'); // EN
  expect(opened(2n)).toBe('----x---'); // SW
  expect(opened(4n)).toBe('x-------'); // CR
  expect(opened(8n)).toBe('--x--x--'); // ER
});
