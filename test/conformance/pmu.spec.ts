/**
 * Performance monitors, PMUv3 (DDI 0487 chapter D5, registers D13.4), against the rules of the manual over all values.
 * Single cases are in sim/cpu/pmu.spec.ts.
 */
import { describe, expect, test } from 'vitest';
import { flatBoard, rcarH3 } from '../../boards/index.js';
import { CODE, cpuBench, VECTORS_EL1 } from '../../sim/cpu/testbench.js';
import { createFlatMachine } from '../../sim/machine/flat.js';
import { ERET, hvc, ISB, mov, mrs, msr, NOP, Program, smc, svc, type SysregName } from '../support/a64.js';

const E = 1n;
const CYCLE = 0x8000_0000n;
const INST_RETIRED = 0x08n;

/** A core at EL2, or at EL1 of a board that enters there; one instruction costs one cycle. */
function bench(entryLevel: 1 | 2 = 2) {
  const b = cpuBench({ entryLevel });
  const write = (name: SysregName, value: bigint): void => {
    b.core.setX(1, value);
    b.program(msr(name, 1));
    b.run(1);
    expect(b.core.pc).toBe(CODE + 4n);
  };
  const read = (name: SysregName): bigint => {
    b.program(mrs(2, name));
    b.run(1);
    return b.core.x(2);
  };
  return { ...b, write, read };
}

test('PMCEID0 and PMCEID1 name exactly the events that count (D5.10.6)', () => {
  const seen: number[] = [];
  let named = 0n;
  for (let event = 0; event < 64; event++) {
    const { memory, program, run, read, write } = bench(1);
    memory.write32(Number(VECTORS_EL1) + 0x200, ERET);
    named = read('PMCEID0_EL0') | (read('PMCEID1_EL0') << 32n);
    write('PMEVTYPER2_EL0', BigInt(event));
    write('PMCNTENSET_EL0', 4n);
    write('PMCR_EL0', E);
    program(svc(0), msr('CONTEXTIDR_EL1', 31), msr('TTBR0_EL1', 31), ...mov(3, 4), msr('PMSWINC_EL0', 3), NOP);
    run(8);
    if (read('PMEVCNTR2_EL0') !== 0n) seen.push(event);
  }
  const CHAIN = 0x1e; // counts overflows of the counter before it only
  for (let event = 0; event < 64; event++) {
    expect([event, ((named >> BigInt(event)) & 1n) === 1n]).toEqual([event, event === CHAIN || seen.includes(event)]);
  }
  // What software may rely on: SW_INCR, and CPU_CYCLES or INST_RETIRED (D5.10.4, required events).
  expect(seen).toEqual(expect.arrayContaining([0x00, 0x08, 0x11]));
});

test('PMCR_EL0: E, D, X, DP and LC are writable, P and C read as zero, N and the identification are fixed', () => {
  const { read, write } = bench(1);
  const fixed = read('PMCR_EL0') & ~0x7fn;
  expect((fixed >> 11n) & 31n).toBe(6n);
  for (const value of [0n, 0x7fn, 0xffff_ffffn, 0x2an]) {
    write('PMCR_EL0', value);
    expect(read('PMCR_EL0')).toBe(fixed | (value & 0x79n));
  }
});

test('PMXEVTYPER and PMXEVCNTR are the counter that PMSELR selects, 31 the cycle filter (D13.4)', () => {
  const { read, write } = bench(1);
  for (let n = 0; n < 6; n++) {
    write('PMSELR_EL0', BigInt(n));
    write('PMXEVTYPER_EL0', 0x4000_0010n + BigInt(n));
    write('PMXEVCNTR_EL0', 0x1000n + BigInt(n));
    expect([read(`PMEVTYPER${n}_EL0` as SysregName), read(`PMEVCNTR${n}_EL0` as SysregName)]).toEqual([
      0x4000_0010n + BigInt(n),
      0x1000n + BigInt(n),
    ]);
  }
  for (let n = 0; n < 6; n++) {
    write('PMSELR_EL0', BigInt(n));
    expect([read('PMXEVTYPER_EL0') & 15n, read('PMXEVCNTR_EL0')]).toEqual([BigInt(n), 0x1000n + BigInt(n)]);
  }
  write('PMSELR_EL0', 31n);
  write('PMXEVTYPER_EL0', 0x8000_0000n);
  expect(read('PMCCFILTR_EL0')).toBe(0x8000_0000n);
});

describe('filters (D5.9; CountEvents(), Non-secure)', () => {
  /** P, U, NSK, NSU, NSH, M in bits 31 to 26; M is of EL3. */
  const counts = (filter: number, el: number): boolean => {
    const [p, u, nsk, nsu, nsh] = [5, 4, 3, 2, 1].map((bit) => (filter >> bit) & 1) as [number, ...number[]];
    return el === 2 ? nsh === 1 : el === 1 ? p === nsk : u === nsu;
  };

  test.each([0, 1, 2] as const)('at EL%i, all 64 values, event and cycle counters', (el) => {
    const b = bench();
    for (let filter = 0; filter < 64; filter++) {
      b.core.reset(2);
      b.core.setSysreg('VBAR_EL1', VECTORS_EL1);
      const bits = BigInt(filter) << 26n;
      b.write('PMEVTYPER3_EL0', bits | INST_RETIRED);
      b.write('PMCCFILTR_EL0', bits);
      b.write('PMCNTENSET_EL0', CYCLE | 8n);
      b.write('PMCR_EL0', E);
      b.level(el);
      b.core.updatePmu();
      const before = [b.core.sysreg('PMEVCNTR3_EL0'), b.core.sysreg('PMCCNTR_EL0')] as const;
      const begin = b.core.cycles;
      b.program(NOP, NOP, NOP, NOP, NOP);
      b.run(5);
      const ran = BigInt(b.core.cycles - begin); // with the branch behind them
      expect(ran).toBe(6n);
      b.core.updatePmu();
      const counted = [b.core.sysreg('PMEVCNTR3_EL0') - before[0], b.core.sysreg('PMCCNTR_EL0') - before[1]];
      const expected = counts(filter, el) ? ran : 0n;
      expect([filter, ...counted]).toEqual([filter, expected, expected]);
    }
  });
});

describe('PMUSERENR_EL0 (D13.4.21): what EL0 may do, the rest goes to EL1', () => {
  const [EN, SW, CR, ER] = [1, 2, 4, 8];
  const RULES: readonly (readonly [SysregName, read: number, write: number])[] = [
    ['PMCR_EL0', EN, EN],
    ['PMCNTENSET_EL0', EN, EN],
    ['PMCNTENCLR_EL0', EN, EN],
    ['PMOVSCLR_EL0', EN, EN],
    ['PMOVSSET_EL0', EN, EN],
    ['PMSWINC_EL0', 0, EN | SW],
    ['PMSELR_EL0', EN | ER, EN | ER],
    ['PMCEID0_EL0', EN, 0],
    ['PMCEID1_EL0', EN, 0],
    ['PMCCNTR_EL0', EN | CR, EN],
    ['PMXEVTYPER_EL0', EN, EN],
    ['PMXEVCNTR_EL0', EN | ER, EN],
    ['PMEVCNTR0_EL0', EN | ER, EN],
    ['PMEVTYPER0_EL0', EN, EN],
    ['PMCCFILTR_EL0', EN, EN],
  ];

  test.each(RULES)('%s', (name, read, write) => {
    const b = cpuBench({ entryLevel: 1 });
    for (const [word, needs] of [
      [mrs(3, name), read],
      [msr(name, 3), write],
    ] as const) {
      if (needs === 0) continue; // read-only or write-only
      for (let enable = 0; enable < 16; enable++) {
        b.core.reset(1);
        b.core.setSysreg('VBAR_EL1', VECTORS_EL1);
        b.core.setSysreg('PMUSERENR_EL0', BigInt(enable));
        b.level(0);
        b.core.setX(3, 0n);
        b.program(word);
        b.run(1);
        const allowed = (enable & needs) !== 0;
        expect([enable, b.core.pc === CODE + 4n]).toEqual([enable, allowed]);
        if (!allowed) expect(b.core.sysreg('ESR_EL1') >> 26n).toBe(0x18n);
      }
    }
  });
});

test('MDCR_EL2.HPMN: counters from it on are of EL2, in every register; PMCR.P at EL1 leaves them (D5.8)', () => {
  for (let hpmn = 1; hpmn <= 6; hpmn++) {
    const b = bench();
    b.write('MDCR_EL2', BigInt(hpmn));
    for (const name of ['PMCNTENSET_EL0', 'PMINTENSET_EL1', 'PMOVSSET_EL0'] as const) b.write(name, 0xffff_ffffn);
    for (let n = 0; n < 6; n++) b.write(`PMEVCNTR${n}_EL0` as SysregName, 7n);
    b.level(1);
    const own = CYCLE | BigInt((1 << hpmn) - 1);
    for (const name of ['PMCNTENSET_EL0', 'PMCNTENCLR_EL0', 'PMINTENSET_EL1', 'PMOVSCLR_EL0'] as const) {
      expect([hpmn, name, b.read(name)]).toEqual([hpmn, name, own]);
    }
    expect((b.read('PMCR_EL0') >> 11n) & 31n).toBe(BigInt(hpmn));
    b.write('PMCNTENCLR_EL0', 0xffff_ffffn);
    b.write('PMCR_EL0', 2n);
    for (let n = 0; n < 6; n++) {
      expect([hpmn, n, b.core.sysreg(`PMEVCNTR${n}_EL0`)]).toEqual([hpmn, n, n < hpmn ? 0n : 7n]);
    }
    expect(b.core.sysreg('PMCNTENSET_EL0')).toBe(0x3fn & ~own);
  }
});

describe('the overflow interrupt of whole machines (D5.3; CheckForPMUOverflow())', () => {
  const RESULTS = 0x4100_0000;
  const SPREAD = 0x900_0000; // the R-Car H3's RAM begins so much higher that both fit one program

  /** Counts to the overflow, records GICD's view of the input before and after, and after the flag is cleared. */
  function program(base: number, results: number, status: number, off: number): Program {
    const p = new Program(base).mov(28, results).mov(27, status);
    const look = (n: number) => p.ldrw(3, 27).str(3, 28, 8 * n);
    const set = (name: SysregName, value: bigint | number) => p.mov(3, value).msr(name, 3);
    set('PMCCNTR_EL0', 0xffff_f000n);
    set('PMCCFILTR_EL0', 1n << 27n); // NSH: at EL2 too
    set('PMINTENSET_EL1', CYCLE);
    set('PMCNTENSET_EL0', CYCLE);
    set('PMCR_EL0', E).put(ISB);
    look(0);
    p.mov(5, 0).mov(6, 20_000).label('spin').ldrw(3, 27).add(5, 5, 1).cmp(5, 6).bcond('hs', 'late').cbz(3, 'spin');
    p.label('late').mrs(4, 'PMCCNTR_EL0');
    look(1);
    p.str(4, 28, 32);
    set('PMOVSCLR_EL0', CYCLE).put(ISB);
    look(2);
    set('PMOVSSET_EL0', CYCLE).put(ISB);
    look(3);
    set('PMINTENCLR_EL1', CYCLE).put(ISB);
    look(5);
    set('PMINTENSET_EL1', CYCLE);
    set('PMCR_EL0', 0).put(ISB);
    look(6);
    return p.mov(0, 0x8400_0008).put(off);
  }

  test.each([
    ['flat board: PPI 7', flatBoard(), 0x4008_0000, RESULTS, 0x0800_0d00, 1n << 7n, hvc(0)],
    // SPI 72: bit 8 of the third word of GICD_SPISR
    ['R-Car H3: SPI 72', rcarH3(), 0x4808_0000, RESULTS + SPREAD, 0xf101_0d0c, 1n << 8n, smc(0)],
  ] as const)('%s', (_name, board, base, results, status, bit, off) => {
    const kernel = program(base, results, status, off).bytes();
    const { machine } = createFlatMachine({ kernel, board, deadline: 1_000_000_000n });
    while (machine.run() === 'more');
    expect(machine.outcome?.name).toBe('poweroff');
    const result = (n: number) => machine.memory.read64(results + 8 * n);
    // Low; high at the overflow; low when the flag is cleared; high when it is set; low without enable, or without E.
    expect([0, 1, 2, 3, 5, 6].map(result)).toEqual([0n, bit, 0n, bit, 0n, 0n]);
    expect(result(4)).toBeGreaterThanOrEqual(0x1_0000_0000n); // not before
    expect(result(4)).toBeLessThan(0x1_0000_1000n);
  });
});
