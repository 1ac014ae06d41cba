import { expect, test } from 'vitest';
import { cpuBench } from './testbench.js';

/** The flags of x + y + carry (DDI 0487, AddWithCarry), as N Z C V. */
function addWithCarry(x: bigint, y: bigint, carry: bigint, bits: number): [boolean, boolean, boolean, boolean] {
  const [a, b] = [BigInt.asUintN(bits, x), BigInt.asUintN(bits, y)];
  const result = BigInt.asUintN(bits, a + b + carry);
  const signed = BigInt.asIntN(bits, a) + BigInt.asIntN(bits, b) + carry;
  return [
    result >> BigInt(bits - 1) === 1n,
    result === 0n,
    a + b + carry !== result,
    BigInt.asIntN(bits, result) !== signed,
  ];
}

/** ConditionHolds (DDI 0487 J1.3.3): EQ, CS, MI, VS, HI, GE, GT, AL and, odd, their inverses. */
function holds(condition: number, [n, z, c, v]: readonly [boolean, boolean, boolean, boolean]): boolean {
  const base = [z, c, n, v, c && !z, n === v, n === v && !z, true][condition >> 1]!;
  return (condition & 1) !== 0 ? !base : base;
}

const OPERANDS = [
  0n,
  1n,
  2n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x7fff_ffff_ffff_ffffn,
  1n << 63n,
  (1n << 64n) - 1n,
];
const U64 = (1n << 64n) - 1n;

// cmp x0, x1; cmp w0, w1; cmn x0, x1; cmn w0, w1; tst x0, x1; tst w0, w1
test.each([
  ['CMP X', 0xeb01_001f, (a: bigint, b: bigint) => addWithCarry(a, U64 ^ b, 1n, 64)],
  ['CMP W', 0x6b01_001f, (a: bigint, b: bigint) => addWithCarry(a, U64 ^ b, 1n, 32)],
  ['CMN X', 0xab01_001f, (a: bigint, b: bigint) => addWithCarry(a, b, 0n, 64)],
  ['CMN W', 0x2b01_001f, (a: bigint, b: bigint) => addWithCarry(a, b, 0n, 32)],
  ['TST X', 0xea01_001f, (a: bigint, b: bigint) => addWithCarry(a & b, 0n, 0n, 64)],
  ['TST W', 0x6a01_001f, (a: bigint, b: bigint) => addWithCarry(a & b, 0n, 0n, 32)],
] as const)('every condition after %s, for CSET and for a branch', (_name, compare, flagsOf) => {
  const bench = cpuBench();
  for (const a of OPERANDS) {
    for (const b of OPERANDS) {
      for (let condition = 0; condition < 14; condition++) {
        const cset = (0x9a9f_07e2 | ((condition ^ 1) << 12)) >>> 0;
        // cset x2; mov x3, #1; b.cond over the next; mov x3, #0
        bench.core.setX(0, a);
        bench.core.setX(1, b);
        bench.program(compare, cset, 0xd280_0023, 0x5400_0040 | condition, 0xd280_0003);
        bench.run();
        const expected = holds(condition, flagsOf(a, b)) ? 1n : 0n;
        expect([a, b, condition, bench.core.x(2), bench.core.x(3)]).toEqual([a, b, condition, expected, expected]);
      }
    }
  }
});
