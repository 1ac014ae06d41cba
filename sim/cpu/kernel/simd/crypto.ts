// AES, SHA-1, SHA-256 and polynomial multiplication (Arm ARM, shared/functions/crypto and the instruction pages).
import { putD, putV, vd, vm, vn } from './regs';

/** S-box row k (inputs 16k .. 16k + 15): swizzle gives zero for every other input. */
function row(x: v128, k: i32, table: v128): v128 {
  return i8x16.swizzle(table, i8x16.sub(x, i8x16.splat(<i8>(k << 4))));
}

/** SubBytes (FIPS 197). */
function subBytes(x: v128): v128 {
  let r = i8x16.swizzle(i64x2(0xc56f6bf27b777c63, 0x76abd7fe2b670130), x);
  r = v128.or(r, row(x, 1, i64x2(0xf04759fa7dc982ca, 0xc072a49cafa2d4ad)));
  r = v128.or(r, row(x, 2, i64x2(0xccf73f362693fdb7, 0x1531d871f1e5a534)));
  r = v128.or(r, row(x, 3, i64x2(0x9a059618c323c704, 0x75b227ebe2801207)));
  r = v128.or(r, row(x, 4, i64x2(0xa05a6e1b1a2c8309, 0x842fe329b3d63b52)));
  r = v128.or(r, row(x, 5, i64x2(0x5bb1fc20ed00d153, 0xcf584c4a39becb6a)));
  r = v128.or(r, row(x, 6, i64x2(0x85334d43fbaaefd0, 0xa89f3c507f02f945)));
  r = v128.or(r, row(x, 7, i64x2(0xf5389d928f40a351, 0xd2f3ff1021dab6bc)));
  r = v128.or(r, row(x, 8, i64x2(0x1744975fec130ccd, 0x73195d643d7ea7c4)));
  r = v128.or(r, row(x, 9, i64x2(0x88902a22dc4f8160, 0xdb0b5ede14b8ee46)));
  r = v128.or(r, row(x, 10, i64x2(0x5c2406490a3a32e0, 0x79e4959162acd3c2)));
  r = v128.or(r, row(x, 11, i64x2(0xa94ed58d6d37c8e7, 0x08ae7a65eaf4566c)));
  r = v128.or(r, row(x, 12, i64x2(0xc6b4a61c2e2578ba, 0x8a8bbd4b1f74dde8)));
  r = v128.or(r, row(x, 13, i64x2(0x0ef6034866b53e70, 0x9e1dc186b9573561)));
  r = v128.or(r, row(x, 14, i64x2(0x948ed9691198f8e1, 0xdf2855cee9871e9b)));
  r = v128.or(r, row(x, 15, i64x2(0x6842e6bf0d89a18c, 0x16bb54b00f2d9941)));
  return r;
}

/** InvSubBytes (FIPS 197). */
function invSubBytes(x: v128): v128 {
  let r = i8x16.swizzle(i64x2(0x38a53630d56a0952, 0xfbd7f3819ea340bf), x);
  r = v128.or(r, row(x, 1, i64x2(0x87ff2f9b8239e37c, 0xcbe9dec444438e34)));
  r = v128.or(r, row(x, 2, i64x2(0x3d23c2a632947b54, 0x4ec3fa420b954cee)));
  r = v128.or(r, row(x, 3, i64x2(0xb224d92866a12e08, 0x25d18b6d49a25b76)));
  r = v128.or(r, row(x, 4, i64x2(0x1698688664f6f872, 0x92b6655dcc5ca4d4)));
  r = v128.or(r, row(x, 5, i64x2(0xdab9edfd5048706c, 0x849d8da75746155e)));
  r = v128.or(r, row(x, 6, i64x2(0x0ad3bc8c00abd890, 0x0645b3b80558e4f7)));
  r = v128.or(r, row(x, 7, i64x2(0x020f3fca8f1e2cd0, 0x6b8a130103bdafc1)));
  r = v128.or(r, row(x, 8, i64x2(0xeadc674f4111913a, 0x73e6b4f0cecff297)));
  r = v128.or(r, row(x, 9, i64x2(0x8535ade72274ac96, 0x6edf751ce837f9e2)));
  r = v128.or(r, row(x, 10, i64x2(0x89c5291d711af147, 0x1bbe18aa0e62b76f)));
  r = v128.or(r, row(x, 11, i64x2(0x2079d2c64b3e56fc, 0xf45acd78fec0db9a)));
  r = v128.or(r, row(x, 12, i64x2(0x31c7078833a8dd1f, 0x5fec8027591012b1)));
  r = v128.or(r, row(x, 13, i64x2(0x0d4ab519a97f5160, 0xef9cc9939f7ae52d)));
  r = v128.or(r, row(x, 14, i64x2(0xb0f52aae4d3be0a0, 0x619953833cbbebc8)));
  r = v128.or(r, row(x, 15, i64x2(0x26d677ba7e042b17, 0x7d0c2155631469e1)));
  return r;
}

/** Every byte times x in GF(2^8), AES polynomial. */
function xtime(x: v128): v128 {
  return v128.xor(i8x16.shl(x, 1), v128.and(i8x16.shr_s(x, 7), i8x16.splat(0x1b)));
}

/** The bytes of every column rotated down by one and by two. */
function rotateColumns(x: v128): v128 {
  return i8x16.shuffle(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

function rotateColumns2(x: v128): v128 {
  return i16x8.shuffle(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
}

function mixColumns(x: v128): v128 {
  const t = xtime(x);
  const x1 = rotateColumns(x);
  // 2 * a0 + 3 * a1 + a2 + a3
  return v128.xor(v128.xor(t, rotateColumns(t)), v128.xor(x1, rotateColumns2(v128.xor(x, x1))));
}

export function aese(insn: u32): void {
  const x = v128.xor(v128.load(vd(insn)), v128.load(vn(insn)));
  putV(insn, subBytes(i8x16.shuffle(x, x, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11)));
}

export function aesd(insn: u32): void {
  const x = v128.xor(v128.load(vd(insn)), v128.load(vn(insn)));
  putV(insn, invSubBytes(i8x16.shuffle(x, x, 0, 13, 10, 7, 4, 1, 14, 11, 8, 5, 2, 15, 12, 9, 6, 3)));
}

export function aesmc(insn: u32): void {
  putV(insn, mixColumns(v128.load(vn(insn))));
}

/** The inverse matrix is the forward one times (4 a0 + 4 a2) added to every byte. */
export function aesimc(insn: u32): void {
  const x = v128.load(vn(insn));
  const t = xtime(xtime(v128.xor(x, rotateColumns2(x))));
  putV(insn, mixColumns(v128.xor(x, t)));
}

const CHOOSE: u32 = 0;
const PARITY: u32 = 1;
const MAJORITY: u32 = 2;

function choose(x: u32, y: u32, z: u32): u32 {
  return ((y ^ z) & x) ^ z;
}

function majority(x: u32, y: u32, z: u32): u32 {
  return (x & y) | ((x | y) & z);
}

function sha1Rounds(insn: u32, kind: u32): void {
  const d = vd(insn);
  const m = vm(insn);
  let a = load<u32>(d);
  let b = load<u32>(d, 4);
  let c = load<u32>(d, 8);
  let e = load<u32>(d, 12);
  let y = load<u32>(vn(insn));
  const w = v128.load(m);
  v128.store(d, w);
  for (let i: u32 = 0; i < 4; i++) {
    const f = kind == CHOOSE ? choose(b, c, e) : kind == PARITY ? b ^ c ^ e : majority(b, c, e);
    y += rotl<u32>(a, 5) + f + load<u32>(d + (i << 2));
    b = rotl<u32>(b, 30);
    const out = e;
    e = c;
    c = b;
    b = a;
    a = y;
    y = out;
  }
  store<u32>(d, a);
  store<u32>(d, b, 4);
  store<u32>(d, c, 8);
  store<u32>(d, e, 12);
}

export function sha1c(insn: u32): void {
  sha1Rounds(insn, CHOOSE);
}

export function sha1p(insn: u32): void {
  sha1Rounds(insn, PARITY);
}

export function sha1m(insn: u32): void {
  sha1Rounds(insn, MAJORITY);
}

export function sha1h(insn: u32): void {
  putD(insn, rotl<u32>(load<u32>(vn(insn)), 30));
}

export function sha1su0(insn: u32): void {
  const d = v128.load(vd(insn));
  const t = i64x2.shuffle(d, v128.load(vn(insn)), 1, 2);
  putV(insn, v128.xor(v128.xor(t, d), v128.load(vm(insn))));
}

function rotateWords(x: v128, by: i32): v128 {
  return v128.or(i32x4.shl(x, by), i32x4.shr_u(x, 32 - by));
}

export function sha1su1(insn: u32): void {
  const t = v128.xor(v128.load(vd(insn)), i32x4.shuffle(v128.load(vn(insn)), i64x2.splat(0), 1, 2, 3, 4));
  const r = rotateWords(t, 1);
  const again = rotateWords(i32x4.shuffle(t, i64x2.splat(0), 4, 4, 4, 0), 2);
  putV(insn, v128.xor(r, again));
}

/** SHA256hash: x is ABCD, y is EFGH; the new EFGH or ABCD goes to Vd. */
function sha256Rounds(insn: u32, px: usize, py: usize, first: bool): void {
  const m = vm(insn);
  let x0 = load<u32>(px);
  let x1 = load<u32>(px, 4);
  let x2 = load<u32>(px, 8);
  let x3 = load<u32>(px, 12);
  let y0 = load<u32>(py);
  let y1 = load<u32>(py, 4);
  let y2 = load<u32>(py, 8);
  let y3 = load<u32>(py, 12);
  for (let i: u32 = 0; i < 4; i++) {
    const s1 = rotr<u32>(y0, 6) ^ rotr<u32>(y0, 11) ^ rotr<u32>(y0, 25);
    const s0 = rotr<u32>(x0, 2) ^ rotr<u32>(x0, 13) ^ rotr<u32>(x0, 22);
    const t = y3 + s1 + choose(y0, y1, y2) + load<u32>(m + (i << 2));
    const top = t + s0 + majority(x0, x1, x2);
    y3 = y2;
    y2 = y1;
    y1 = y0;
    y0 = t + x3;
    x3 = x2;
    x2 = x1;
    x1 = x0;
    x0 = top;
  }
  const d = vd(insn);
  store<u32>(d, first ? x0 : y0);
  store<u32>(d, first ? x1 : y1, 4);
  store<u32>(d, first ? x2 : y2, 8);
  store<u32>(d, first ? x3 : y3, 12);
}

export function sha256h(insn: u32): void {
  sha256Rounds(insn, vd(insn), vn(insn), true);
}

export function sha256h2(insn: u32): void {
  sha256Rounds(insn, vn(insn), vd(insn), false);
}

export function sha256su0(insn: u32): void {
  const d = v128.load(vd(insn));
  const t = i32x4.shuffle(d, v128.load(vn(insn)), 1, 2, 3, 4);
  const s = v128.xor(v128.xor(rotateWords(t, 25), rotateWords(t, 14)), i32x4.shr_u(t, 3));
  putV(insn, i32x4.add(s, d));
}

function sigma1(t: v128): v128 {
  return v128.xor(v128.xor(rotateWords(t, 15), rotateWords(t, 13)), i32x4.shr_u(t, 10));
}

export function sha256su1(insn: u32): void {
  const m = v128.load(vm(insn));
  const sum = i32x4.add(v128.load(vd(insn)), i32x4.shuffle(v128.load(vn(insn)), m, 1, 2, 3, 4));
  const low = i32x4.add(sum, sigma1(i64x2.shuffle(m, m, 1, 1)));
  const high = i32x4.add(sum, sigma1(i64x2.shuffle(low, low, 0, 0)));
  putV(insn, i64x2.shuffle(low, high, 0, 3));
}

/** PMUL: low eight bits of the carry-less product of every byte. */
export function polyMul(a: v128, b: v128): v128 {
  let r = i64x2.splat(0);
  for (let i = 0; i < 8; i++) {
    r = v128.xor(r, v128.and(b, i8x16.shr_s(i8x16.shl(a, 7 - i), 7)));
    b = i8x16.shl(b, 1);
  }
  return r;
}

/** PMULL on the low eight bytes: 16-bit products. */
export function polyLong8(a: v128, b: v128): v128 {
  const x = i16x8.extend_low_i8x16_u(a);
  let y = i16x8.extend_low_i8x16_u(b);
  let r = i64x2.splat(0);
  for (let i = 0; i < 8; i++) {
    r = v128.xor(r, v128.and(y, i16x8.shr_s(i16x8.shl(x, 15 - i), 15)));
    y = i16x8.shl(y, 1);
  }
  return r;
}

/** PMULL on one pair of 64-bit elements: the 128-bit product. */
export function polyLong64(a: u64, b: u64): v128 {
  let lo: u64 = 0;
  let hi: u64 = 0;
  for (let i: u64 = 0; i < 64; i++) {
    const bit = 0 - ((b >> i) & 1);
    lo ^= (a << i) & bit;
    hi ^= ((a >> 1) >> (63 - i)) & bit;
  }
  return i64x2.replace_lane(i64x2.splat(<i64>lo), 1, <i64>hi);
}
