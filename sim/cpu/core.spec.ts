import { expect, test } from 'vitest';
import { EXIT_EL2, EXIT_LIMIT } from '../wasm/layout.js';
import { CONTEXT_BYTES, CONTEXT_REGISTERS, loadContext, resetContext, saveContext } from './context.js';
import { ccsidr } from './identification.js';
import { CODE, cpuBench } from './testbench.js';

const HVC_34 = 0xd400_0682;

test('cycles, limit and charge are exact beyond 2^32; a negative limit is zero', () => {
  const { core } = cpuBench();
  core.cycles = 2 ** 52 + 1;
  core.charge(3);
  expect(core.cycles).toBe(2 ** 52 + 4);
  core.limit = 2 ** 52 + 12345;
  expect(core.limit).toBe(2 ** 52 + 12345);
  core.limit = -5;
  expect(core.limit).toBe(0);
});

test('registers by number and by words; 31 is the zero register', () => {
  const { core } = cpuBench();
  core.setX(3, 0x1234_5678_9abc_def0n);
  expect([core.xHi(3), core.xLo(3)]).toEqual([0x1234_5678, 0x9abc_def0]);
  core.setXWords(4, 0xffff_ffff, 1);
  expect(core.x(4)).toBe(0xffff_ffff_0000_0001n);
  core.setX(31, 5n);
  expect([core.x(31), core.xLo(31), core.xHi(31)]).toEqual([0n, 0, 0]);
});

test('system registers by name: the selected stack pointer is the live one, unknown names are our bug', () => {
  const { core } = cpuBench();
  core.sp = 0x1000n;
  expect(core.sysreg('SP_EL2')).toBe(0x1000n);
  core.setSysreg('SP_EL2', 0x2000n);
  core.setSysreg('SP_EL1', 0x3000n);
  expect([core.sp, core.sysreg('SP_EL1')]).toEqual([0x2000n, 0x3000n]);
  expect(core.sysreg('MPIDR_EL1')).toBe(0x8000_0000n);
  expect(core.sysreg('CNTFRQ_EL0')).toBe(62_500_000n);
  expect(() => core.sysreg('SCTLR')).toThrow(RangeError);
});

test('registers are those of the HOT block while the core runs', () => {
  let seen: unknown;
  const bench = cpuBench({
    entryLevel: 1,
    imports: { mmioRead: () => ((seen = [bench.core.x(7), bench.core.pc]), 0) },
  });
  bench.core.setX(0, 0x900_0000n);
  bench.program(0xd280_00e7, 0xb940_0001); // mov x7, #7; ldr w1, [x0]
  bench.run();
  expect(seen).toEqual([7n, CODE + 4n]);
});

test('a run that is interrupted by its limit goes on where it stopped; each branch is one instruction and cycle', () => {
  const { core, program, run } = cpuBench({ entryLevel: 1 });
  program();
  const { cycles, instructions } = core;
  for (let i = 0; i < 10; i++) expect(run(7)).toBe(EXIT_LIMIT);
  expect([core.cycles - cycles, core.instructions - instructions]).toEqual([70, 70]);
});

test('vCPU contexts: what one leaves the other does not see, and it comes back', () => {
  const bench = cpuBench();
  const { core, kernel } = bench;
  core.el2Model = true;
  bench.level(1);
  bench.program(HVC_34);
  core.setX(5, 55n);
  core.v(31)[15] = 0xaa;
  core.setSysreg('TTBR0_EL1', 0x4444n);
  core.setSysreg('SP_EL0', 0x5555n);
  core.sp = 0x6666n;
  expect(bench.run()).toBe(EXIT_EL2);
  const first = saveContext(kernel, core);
  expect(first).toHaveLength(CONTEXT_BYTES);
  loadContext(kernel, core, resetContext());
  expect([core.x(5), core.v(31)[15], core.sysreg('TTBR0_EL1'), core.sysreg('SP_EL1')]).toEqual([0n, 0, 0n, 0n]);
  expect(core.sysreg('SCTLR_EL1')).toBe(0xc5_0838n);
  loadContext(kernel, core, first);
  expect([core.x(5), core.v(31)[15]]).toEqual([55n, 0xaa]);
  expect(core.eret()).toBe(true);
  expect([core.pc, core.sp, core.sysreg('SP_EL0'), core.sysreg('TTBR0_EL1')]).toEqual([
    CODE + 4n,
    0x6666n,
    0x5555n,
    0x4444n,
  ]);
  expect(() => loadContext(kernel, core, new Uint8Array(3))).toThrow(RangeError);
  expect(new Set(CONTEXT_REGISTERS).size).toBe(CONTEXT_REGISTERS.length);
});

test('CCSIDR of the A57 and A53 caches (TRM tables)', () => {
  const cache = (kib: number, ways: number) => ({ size: kib * 1024, ways, lineBytes: 64 });
  expect(ccsidr(cache(32, 2), 0x7000_0000)).toBe(0x701f_e00a);
  expect(ccsidr(cache(48, 3), 0x2000_0000)).toBe(0x201f_e012);
  expect(ccsidr(cache(2048, 16), 0x7000_0000)).toBe(0x70ff_e07a);
  expect(ccsidr(cache(32, 4), 0x7000_0000)).toBe(0x700f_e01a);
  expect(ccsidr(cache(512, 16), 0x7000_0000)).toBe(0x703f_e07a);
});
