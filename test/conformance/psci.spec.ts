/**
 * PSCI of the boards' firmware, through its conduits. DEN 0022 is Arm's PSCI specification (issue D.b, sections by number); where
 * it leaves a choice, ours is that of TF-A (lib/psci), named at the check.
 */
import { describe, expect, test } from 'vitest';
import { flatBoard, rcarH3 } from '../../boards/index.js';
import { createFlatMachine } from '../../sim/machine/flat.js';
import { hvc, Program, smc, WFE } from '../support/a64.js';

const [SUCCESS, NOT_SUPPORTED, INVALID_PARAMETERS, ALREADY_ON, ON_PENDING, INVALID_ADDRESS] = [
  0, -1, -2, -4, -5, -9,
] as const;
const [VERSION, SUSPEND32, CPU_OFF] = [0x8400_0000, 0x8400_0001, 0x8400_0002] as const;
const [ON32, AFFINITY32] = [0x8400_0003, 0x8400_0004] as const;
const [SYSTEM_OFF, SYSTEM_RESET, FEATURES] = [0x8400_0008, 0x8400_0009, 0x8400_000a] as const;
const [SUSPEND64, ON64, AFFINITY64] = [0xc400_0001, 0xc400_0003, 0xc400_0004] as const;

const BASE = 0x4008_0000;
const RESULTS = 0x4100_0000;

interface Firmware {
  readonly name: string;
  readonly call: number;
  run(p: Program): { outcome: string | undefined; result: (n: number) => number };
}

/** A whole machine with three cores; results are words that the program stores at x28 + 8n. */
function firmware(name: string, el: 1 | 2): Firmware {
  return {
    name,
    call: el === 1 ? hvc(0) : smc(0),
    run(p) {
      const { machine } = createFlatMachine({ kernel: p.bytes(), smp: 3, el, deadline: 1_000_000_000n });
      while (machine.run() === 'more');
      const result = (n: number) => Number(BigInt.asIntN(64, machine.memory.read64(RESULTS + 8 * n)));
      return { outcome: machine.outcome?.name, result };
    },
  };
}

describe.each([firmware('flat board, HVC from EL1', 1), firmware('flat board, SMC from EL2', 2)])('$name', (fw) => {
  const program = () => new Program(BASE).mov(28, RESULTS);
  const call = (p: Program, fid: number, ...args: (number | bigint)[]) => {
    p.mov(0, fid);
    args.forEach((value, n) => p.mov(n + 1, value));
    return p.put(fw.call);
  };
  const keep = (p: Program, n: number) => p.str(0, 28, 8 * n);
  const off = (p: Program) => call(p, SYSTEM_OFF);
  test('FEATURES answers for exactly what is there (5.15); VERSION is at least 1.0 (5.1)', () => {
    const p = program();
    const fids = [...Array(32).keys()].flatMap((n) => [0x8400_0000 + n, 0xc400_0000 + n]).concat(0x8000_0000);
    fids.forEach((fid, n) => keep(call(p, FEATURES, fid), n));
    keep(call(p, VERSION), fids.length);
    const { outcome, result } = fw.run(off(p));
    expect(outcome).toBe('poweroff');
    expect(result(fids.length)).toBeGreaterThanOrEqual(0x1_0000);
    const there = [VERSION, SUSPEND32, CPU_OFF, ON32, AFFINITY32, 0x8400_0006, SYSTEM_OFF, SYSTEM_RESET, FEATURES]
      .concat([SUSPEND64, ON64, AFFINITY64])
      .concat(0x8000_0000); // SMCCC_VERSION: how software finds SMCCC (DEN 0028 7.2)
    const seen = fids.filter((_, n) => result(n) !== NOT_SUPPORTED);
    // MIGRATE_INFO_UP_CPU is there only with a uniprocessor Trusted OS, which these boards do not have (5.9).
    expect(seen.sort()).toEqual(there.sort());
    for (const [n, fid] of fids.entries()) if (there.includes(fid)) expect(result(n)).toBe(0); // no feature flags
  });

  test('two cores turn on the third: exactly one success (5.6, 6.6)', () => {
    const p = program();
    // Core 0 turns core 1 on; both meet at a barrier in memory and then call CPU_ON for core 2.
    p.adr(2, 'race').mov(0, ON64).mov(1, 1).mov(3, 0).put(fw.call);
    p.label('race')
      .mov(28, RESULTS)
      .mov(27, RESULTS + 0x100);
    p.mrs(20, 'MPIDR_EL1').mov(21, 0xff).and(20, 20, 21).addr(22, 28, 20, 3).addr(23, 27, 20, 3);
    p.mov(24, 1).str(24, 23);
    p.label('meet').ldr(24, 27, 0).ldr(25, 27, 8).and(24, 24, 25).cbz(24, 'meet');
    p.adr(2, 'third').mov(0, ON64).mov(1, 2).mov(3, 5).put(fw.call).str(0, 22).cbnz(20, 'park');
    p.label('pending');
    call(p, AFFINITY64, 2, 0).cbnz(0, 'pending');
    p.label('other').ldr(24, 28, 0x108).cbz(24, 'other');
    p.adr(2, 'third').mov(0, ON64).mov(1, 2).mov(3, 6).put(fw.call);
    off(keep(p, 2));
    p.label('third').mov(28, RESULTS).str(0, 28, 24);
    p.label('park').put(WFE).b('park');
    const { outcome, result } = fw.run(p);
    expect(outcome).toBe('poweroff');
    const [first, second] = [result(0), result(1)];
    expect([first, second].filter((answer) => answer === SUCCESS)).toHaveLength(1);
    expect([ON_PENDING, ALREADY_ON]).toContain(first === SUCCESS ? second : first);
    expect([result(2), result(3)]).toEqual([ALREADY_ON, 5]);
  });

  test('AFFINITY_INFO: off, pending, on, off again (5.7); a core can be turned on again', () => {
    const p = program();
    const info = (n: number) => keep(call(p, AFFINITY64, 1, 0), n);
    info(0);
    for (const n of [1, 5]) {
      p.adr(2, 'second').mov(0, ON64).mov(1, 1).mov(3, n).put(fw.call);
      keep(p, n);
      info(n + 1);
      p.label(`pending${n}`);
      call(p, AFFINITY64, 1, 0).subs(4, 0, 2).cbz(4, `pending${n}`);
      keep(p, n + 2);
      p.mov(5, 1).str(5, 28, 0x200).label(`on${n}`);
      call(p, AFFINITY64, 1, 0).cbz(0, `on${n}`);
      keep(p, n + 3);
    }
    call(p, AFFINITY64, 1, 1); // levels above 0: TF-A has INVALID_PARAMETERS
    keep(p, 9);
    call(p, AFFINITY64, 3, 0);
    keep(p, 10);
    off(p);
    // The second core leaves when it is told to.
    p.label('second').mov(28, RESULTS).label('told').ldr(5, 28, 0x200).cbz(5, 'told').mov(5, 0).str(5, 28, 0x200);
    call(p, CPU_OFF);
    p.label('dead').b('dead');
    const { outcome, result } = fw.run(p);
    expect(outcome).toBe('poweroff');
    expect([...Array(11).keys()].map(result)).toEqual([
      1, // OFF
      ...[SUCCESS, 2, 0, 1], // ON_PENDING, ON, OFF
      ...[SUCCESS, 2, 0, 1],
      ...[INVALID_PARAMETERS, INVALID_PARAMETERS],
    ]);
  });

  test('CPU_ON: bad targets and entry points (5.6.2); itself is ALREADY_ON; SMC32 has 32-bit arguments', () => {
    const p = program();
    const ons: readonly (readonly [number, number | bigint, number | bigint, number])[] = [
      [ON64, 3, BASE, INVALID_PARAMETERS], // no such core
      [ON64, 0x8000_0001, BASE, INVALID_PARAMETERS], // bits that are no affinity
      [ON64, 1n << 32n, BASE, INVALID_PARAMETERS], // Aff3
      [ON64, 1, 0x1000, INVALID_ADDRESS], // no memory
      [ON64, 1, 0x4_4008_0000n, INVALID_ADDRESS],
      [ON64, 0, BASE, ALREADY_ON],
      [ON32, 0xffff_ffff_0000_0000n, 0x4_4008_0000n, ALREADY_ON],
    ];
    ons.forEach(([fid, target, entry], n) => keep(call(p, fid, target, entry, 0), n));
    const { result } = fw.run(off(p));
    expect(ons.map((_, n) => result(n))).toEqual(ons.map((each) => each[3]));
  });

  test('numbers that are no function are NOT_SUPPORTED (5.2.2), and x1 to x3 are kept (DEN 0028 2.6)', () => {
    const p = program();
    const fids = [0x8400_0005, 0xc400_0000, 0xc400_0002, 0xc400_0008, 0x8400_000b, 0x8400_001f, 0x8500_0000, 0];
    fids.forEach((fid, n) => keep(call(p, fid, 11, 12, 13), n));
    p.str(1, 28, 0x80).str(2, 28, 0x88).str(3, 28, 0x90);
    const { result } = fw.run(off(p));
    expect(fids.map((_, n) => result(n))).toEqual(fids.map(() => NOT_SUPPORTED));
    expect([16, 17, 18].map(result)).toEqual([11, 12, 13]);
  });

  test('SYSTEM_OFF and SYSTEM_RESET end the run by name (5.10, 5.11), from any core', () => {
    for (const [fid, name] of [
      [SYSTEM_OFF, 'poweroff'],
      [SYSTEM_RESET, 'reboot'],
    ] as const) {
      expect(fw.run(call(program(), fid)).outcome).toBe(name);
      const p = program().adr(2, 'second').mov(0, ON64).mov(1, 1).put(fw.call);
      p.label('park').put(WFE).b('park').label('second');
      expect(fw.run(call(p, fid)).outcome).toBe(name);
    }
  });

  test('a core begins with its context in x0, MMU off and interrupts masked (6.4)', () => {
    const p = program().adr(2, 'second').mov(0, ON64).mov(1, 1).mov(3, 0x1234_5678_9abc_def0n).put(fw.call);
    p.label('park').put(WFE).b('park').label('second').mov(28, RESULTS);
    const sctlr = fw.call === smc(0) ? 'SCTLR_EL2' : 'SCTLR_EL1';
    p.copy(9, 0).mrs(10, sctlr).mrs(11, 'DAIF').mrs(12, 'CurrentEL').mov(13, 1).and(10, 10, 13);
    [9, 10, 11, 12].forEach((reg, n) => p.str(reg, 28, 8 * n));
    const { outcome, result } = fw.run(off(p));
    expect(outcome).toBe('poweroff');
    expect([1, 2, 3].map(result)).toEqual([0, 0x3c0, sctlr === 'SCTLR_EL2' ? 8 : 4]);
    expect(BigInt(result(0))).toBe(BigInt(Number(0x1234_5678_9abc_def0n)));
  });
});

test('the boards differ in affinities only: cores of the R-Car H3 are named by MPIDR', () => {
  const p = new Program(0x4808_0000).mov(28, 0x4900_0000);
  [0x000, 0x003, 0x004, 0x100, 0x103, 0x104].forEach((target, n) => {
    p.mov(0, AFFINITY64)
      .mov(1, target)
      .mov(2, 0)
      .put(smc(0))
      .str(0, 28, 8 * n);
  });
  const call = p.mov(0, SYSTEM_OFF).put(smc(0)); // entered at EL2 // entered at EL2
  const { machine } = createFlatMachine({ kernel: call.bytes(), board: rcarH3(), deadline: 1_000_000_000n });
  while (machine.run() === 'more');
  const seen = [...Array(6).keys()].map((n) => Number(BigInt.asIntN(64, machine.memory.read64(0x4900_0000 + 8 * n))));
  expect(seen).toEqual([0, 1, INVALID_PARAMETERS, 1, 1, INVALID_PARAMETERS]);
  expect(flatBoard({ cores: 8 }).cores.map((core) => core.mpidr)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});
