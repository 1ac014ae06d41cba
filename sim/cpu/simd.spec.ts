import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { classNamed } from '../../test/differential/isa/classes.js';
import { Random } from '../../test/differential/isa/random.js';
import { loadSimdModule } from '../../test/differential/isa/simd-module.js';
import type { FpState, SimdModule } from '../../test/differential/isa/simd-module.js';
import { STATE_V, STATE_X } from '../../test/differential/isa/state.js';
import { randomState } from '../../test/differential/isa/values.js';
import { simdEncodings } from './isa/simd/table.js';

const RZ = 3 << 22;
const FZ = 1 << 24;
const DN = 1 << 25;

let simd: SimdModule;

beforeAll(async () => {
  simd = await loadSimdModule(fileURLToPath(new URL('../../', import.meta.url)));
}, 60000);

function blank(fpcr = 0, fpsr = 0): FpState {
  return { fpcr, fpsr, nzcv: 0, x: new Uint8Array(256), v: new Uint8Array(512) };
}

function setV(state: FpState, index: number, high: bigint, low: bigint): void {
  const view = new DataView(state.v.buffer);
  view.setBigUint64(index * 16, low, true);
  view.setBigUint64(index * 16 + 8, high, true);
}

function getV(state: FpState | undefined, index: number): [bigint, bigint] {
  if (!state) throw new Error('UNDEFINED');
  const view = new DataView(state.v.buffer);
  return [view.getBigUint64(index * 16 + 8, true), view.getBigUint64(index * 16, true)];
}

/** A random allocated instruction of an encoding. */
function randomInstruction(random: Random, name: string): number {
  const { value, fields, allocated } = classNamed(name);
  for (;;) {
    const insn = fields.reduce((sum, { low, width }) => sum + random.below(2 ** width) * 2 ** low, value);
    if (allocated(insn)) return insn;
  }
}

/** Runs `insn` with V1 = a and V2 = b; returns the low half of V0 and FPSR. */
function scalar(insn: number, a: bigint, b: bigint, fpcr = 0): [bigint, number] {
  const state = blank(fpcr);
  setV(state, 1, 0n, a);
  setV(state, 2, 0n, b);
  setV(state, 0, ~0n & 0xffffffffffffffffn, 0n);
  const after = simd.run(insn, state);
  const [high, low] = getV(after, 0);
  expect(high).toBe(0n);
  return [low, after?.fpsr ?? -1];
}

/** Checks that decoding gives this table entry. */
function nameOf(insn: number): string {
  return simdEncodings[simd.decode(insn)]?.name ?? 'UNDEFINED';
}

describe('decoding', () => {
  test('every table entry decodes to itself', () => {
    const random = new Random(7);
    simdEncodings.forEach((encoding, index) => {
      for (let i = 0; i < 20; i += 1)
        expect(simd.decode(randomInstruction(random, encoding.name)), encoding.name).toBe(index);
    });
  });

  // Encodings of later extensions (as given by GNU as with the extension enabled).
  test.each([
    ['fadd h0, h1, h2 (FP16)', 0x1ee22820],
    ['fadd v0.4h, v1.4h, v2.4h (FP16)', 0x0e421420],
    ['fmov v0.4h, #1.0 (FP16)', 0x0f03fe00],
    ['scvtf h0, w1 (FP16)', 0x1ee20020],
    ['sqrdmlah v0.4s, v1.4s, v2.4s (RDM)', 0x6e828420],
    ['sdot v0.4s, v1.16b, v2.16b (DotProd)', 0x4e829420],
    ['fcadd v0.4s, v1.4s, v2.4s, #90 (CompNum)', 0x6e82e420],
    ['fjcvtzs w0, d1 (JSCVT)', 0x1e7e0020],
    ['eor3 v0.16b, v1.16b, v2.16b, v3.16b (SHA3)', 0xce020c20],
    ['sha512h q0, q1, v2.2d (SHA512)', 0xce628020],
    ['frint32z s0, s1 (FRINTTS)', 0x1e284020],
    ['add v0.1d, v1.1d, v2.1d', 0x0ee28420],
    ['dup v0.1d, x1', 0x0e080c20],
    ['ext v0.8b, v1.8b, v2.8b, #8', 0x2e024020],
  ])('%s is UNDEFINED', (_name, insn) => {
    expect(simd.decode(insn)).toBe(-1);
  });
});

describe('floating point by the Arm ARM', () => {
  const FADD_D = 0x1e622820;
  const FMUL_D = 0x1e620820;
  const FDIV_D = 0x1e621820;
  const FDIV_S = 0x1e221820;
  test('names', () => {
    expect([FADD_D, FMUL_D, FDIV_D, FDIV_S].map(nameOf)).toEqual(['FADD_S', 'FMUL_S', 'FDIV_S', 'FDIV_S']);
  });

  test('1 / 3 is inexact, nearest or towards zero', () => {
    expect(scalar(FDIV_S, 0x3f800000n, 0x40400000n)).toEqual([0x3eaaaaabn, 0x10]);
    expect(scalar(FDIV_S, 0x3f800000n, 0x40400000n, RZ)).toEqual([0x3eaaaaaan, 0x10]);
  });

  test('division by zero and 0 / 0', () => {
    expect(scalar(FDIV_D, 0xbff0000000000000n, 0n)).toEqual([0xfff0000000000000n, 2]);
    expect(scalar(FDIV_D, 0n, 0x8000000000000000n)).toEqual([0x7ff8000000000000n, 1]);
  });

  test('a signalling second operand wins over a quiet first one; DN gives the default NaN', () => {
    expect(scalar(FADD_D, 0x7ff8000000000001n, 0xfff0000000000002n)).toEqual([0xfff8000000000002n, 1]);
    expect(scalar(FADD_D, 0x7ff8000000000001n, 0xfff0000000000002n, DN)).toEqual([0x7ff8000000000000n, 1]);
  });

  test('FZ flushes a denormal input (IDC) and a result that is tiny before rounding (UFC alone)', () => {
    expect(scalar(FADD_D, 1n, 0x8000000000000000n, FZ)).toEqual([0n, 0x80]);
    // 0x1.fffffffffffffp-1 * 0x1p-1022 rounds up to the smallest normal number.
    expect(scalar(FMUL_D, 0x3fefffffffffffffn, 0x0010000000000000n)).toEqual([0x0010000000000000n, 0x18]);
    expect(scalar(FMUL_D, 0x3fefffffffffffffn, 0x0010000000000000n, FZ)).toEqual([0n, 8]);
  });

  test('FMADD rounds once', () => {
    // (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104
    const state = blank();
    setV(state, 1, 0n, 0x3ff0000000000001n);
    setV(state, 2, 0n, 0x3ff0000000000001n);
    setV(state, 3, 0n, 0xbff0000000000002n);
    expect(getV(simd.run(0x1f420c20, state), 0)).toEqual([0n, 0x3970000000000000n]);
  });

  test('the fast path changes neither results nor flags', () => {
    const random = new Random(99);
    const hot = simdEncodings.filter(({ name }) => /^F(ADD|SUB|MUL|DIV|SQRT|ABD|NMUL)_/.test(name));
    for (let i = 0; i < 3000; i += 1) {
      const insn = randomInstruction(random, random.pick(hot).name);
      const registers = randomState(random);
      const [x, v] = [registers.slice(STATE_X, STATE_X + 256), registers.slice(STATE_V)];
      const state = { ...blank(random.below(2) * DN, 0x10), x, v };
      const results = [true, false].map((on) => {
        simd.setFastPath(on);
        const after = simd.run(insn, state);
        return after && `${after.fpsr.toString(16)} ${Buffer.from(after.v).toString('hex')}`;
      });
      expect(results[0], insn.toString(16)).toBe(results[1]);
    }
    simd.setFastPath(true);
  });
});

describe('cryptographic instructions', () => {
  test('AESE and AESMC do the first round of FIPS 197 appendix B', () => {
    const bytes = (text: string): [bigint, bigint] => {
      const reversed = (text.match(/../g) ?? []).reverse().join('');
      return [BigInt(`0x${reversed.slice(0, 16)}`), BigInt(`0x${reversed.slice(16)}`)];
    };
    const state = blank();
    setV(state, 0, ...bytes('3243f6a8885a308d313198a2e0370734'));
    setV(state, 1, ...bytes('2b7e151628aed2a6abf7158809cf4f3c'));
    const substituted = simd.run(0x4e284820, state);
    expect(getV(substituted, 0)).toEqual(bytes('d4bf5d30e0b452aeb84111f11e2798e5'));
    if (!substituted) return;
    expect(getV(simd.run(0x4e286800, substituted), 0)).toEqual(bytes('046681e5e0cb199a48f8d37a2806264c'));
  });

  test('PMULL multiplies without carries', () => {
    // (x + 1)^2 = x^2 + 1 in both the 8-bit and the 64-bit form; x^63 * x^63 = x^126
    const state = blank();
    setV(state, 1, 0n, 0x8000000000000000n);
    setV(state, 2, 0n, 0x8000000000000000n);
    expect(getV(simd.run(0x0ee2e020, state), 0)).toEqual([0x4000000000000000n, 0n]);
    setV(state, 1, 0n, 3n);
    setV(state, 2, 0n, 3n);
    expect(getV(simd.run(0x0ee2e020, state), 0)).toEqual([0n, 5n]);
    expect(getV(simd.run(0x0e22e020, state), 0)).toEqual([0n, 5n]);
  });
});
