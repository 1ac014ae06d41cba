import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { EL2_SYNC, EXIT_EL2, EXIT_LIMIT } from '../../wasm/layout.js';
import { CODE, cpuBench, VECTORS_EL1, type CpuBench } from '../testbench.js';
import { COST_CLASSES } from './costs.js';
import { parsePattern } from './encoding.js';
import { ENCODINGS } from './generate-decode.js';
import { OPS } from './ops.js';

const TABLE = 0x4010_0000;
const DATA = 0x4002_0000;
const SP0 = 0x4002_8000n;
// level-1 block descriptors (4 KiB granule): AF, inner shareable, AttrIndx 0; AP[1] for EL0
const BLOCK_EL1 = 0x4000_0000n | 0x701n;
const BLOCK_EL0 = 0x4000_0000n | 0x741n;

let bench: CpuBench;

beforeEach(() => {
  bench = cpuBench();
});

/** Core 0 at `el` with stage 1 on: 1 GiB at 0x40000000 identically, and again at 0x80000000. */
function translated(el: 0 | 1): void {
  const { core, memory } = bench;
  memory.write64(TABLE + 8, el === 0 ? BLOCK_EL0 : BLOCK_EL1);
  memory.write64(TABLE + 16, BLOCK_EL1);
  core.setSysreg('MAIR_EL1', 0xffn);
  core.setSysreg('TTBR0_EL1', BigInt(TABLE));
  core.setSysreg('TCR_EL1', 25n | (1n << 23n) | (1n << 32n)); // T0SZ 25, EPD1, 36-bit IPS
  bench.level(el);
  core.setSysreg('CPACR_EL1', 3n << 20n);
  core.setSysreg('SCTLR_EL1', 0x30d0_0801n);
}

/** FNV-1a of bytes. */
function digest(bytes: Uint8Array): string {
  let hash = 0x811c_9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x0100_0193) >>> 0;
  return hash.toString(16);
}

const EDGES = [0n, 1n, 2n ** 64n - 1n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 2n ** 63n - 1n, 2n ** 63n];

interface Recorded {
  readonly title: string;
  readonly words: number[];
  readonly x: string[];
  readonly rest: Record<string, string>;
}

function recordedPrograms(): Recorded[] {
  const text = readFileSync(new URL('./isa.vectors.txt', import.meta.url), 'utf8');
  return text
    .split(/^program /m)
    .slice(1)
    .map((part) => {
      const [title = '', ...lines] = part.trim().split('\n');
      const split = lines.indexOf('x');
      const items = (some: string[]): string[] => some.join(' ').trim().split(/\s+/);
      const words = items(lines.slice(0, split)).map((word) => parseInt(word, 16));
      const x = items(lines.slice(split + 1).filter((line) => line.startsWith(' ')));
      const pairs = lines
        .slice(split + 1)
        .filter((line) => !line.startsWith(' '))
        .map((line) => line.split(' '));
      return { title, words, x, rest: Object.fromEntries(pairs) as Record<string, string> };
    });
}

test.each(recordedPrograms())('$title: as qemu-aarch64 does', ({ words, x, rest }) => {
  translated(0);
  const { core, memory } = bench;
  bench.program(...words);
  memory.zero(DATA, 0x10000);
  for (let i = 0; i < 27; i++) core.setX(i, EDGES[i] ?? BigInt.asUintN(64, 0x9e37_79b9_7f4a_7c15n * BigInt(i)));
  core.setX(27, SP0);
  core.setX(28, BigInt(DATA));
  core.sp = SP0;
  core.pstate = 0;
  for (let i = 0; i < 32; i++) core.v(i).set(Array.from({ length: 16 }, (_, j) => (16 * i + j) & 255));
  expect(bench.run(10_000)).toBe(EXIT_LIMIT);
  expect(core.pc).toBe(CODE + BigInt(4 * words.length));
  expect(Array.from({ length: 27 }, (_, i) => core.x(i).toString(16))).toEqual(x);
  const vectors = Uint8Array.from(Array.from({ length: 32 }, (_, i) => [...core.v(i)]).flat());
  expect({
    sp: core.sp.toString(16),
    nzcv: (core.pstate >>> 28).toString(16),
    memory: digest(memory.read(DATA, 0x10000)),
    vectors: digest(vectors),
  }).toEqual(rest);
});

// LSE, LOR, RCpc, PAC, MTE, FlagM, SVE, SB, PAN and UAO (v8.1 and later), debug-state instructions, and unallocated
// values of v8.0 fields; each raises SIGILL under qemu-aarch64 -cpu cortex-a57.
const UNDEFINED = `
  f8210062 b8218062 c8a17c62 48227cc4 c8df7c41 889f7c41 f8bfc041 d9400041 dac10041 dac13be1 d71f0822 d65f0bff
  f8200441 ba018424 3a00082d d500401f 9adf1041 91810441 d9200841 d9600041 69000861 9ac30041 d50330ff d4400020
  d4a00001 d500419f d500417f 2518e3e0 d6bf03e0 0b209400 8bc00000 0b008000 12400000 9200fc00 13400000 93000000
  13008000 1ac04c00 9ac04400 dac01800 32800000 52c00000 9b608000 e9400000 69000000 68400000 dc000000 b8c00000
  f8c00400 f8a00800 7c800000 0c403000 0c408c00 0d40d400 0d00c000 0d404400 00000000 d69f03e1 3a400410`;

test('what Armv8.0-A does not allocate is UNDEFINED', () => {
  translated(1);
  for (const text of UNDEFINED.trim().split(/\s+/)) {
    bench.program(parseInt(text, 16));
    bench.core.setSysreg('ESR_EL1', 0n);
    bench.run(5);
    // EC 0 with IL, from the current level
    expect([text, bench.core.sysreg('ESR_EL1'), bench.core.pc]).toEqual([text, 0x200_0000n, VECTORS_EL1 + 0x200n]);
    bench.core.pstate = 0x3c5;
  }
});

test('the hint space is NOP where nothing is allocated', () => {
  translated(1);
  // pacia1716, bti c, esb, csdb, and hint #127
  bench.program(0xd503211f, 0xd503245f, 0xd503221f, 0xd503229f, 0xd5032fff);
  bench.run();
  expect(bench.core.pc).toBe(CODE + 20n);
});

test('ADR, ADRP and literals are relative to the virtual address of each alias', () => {
  translated(1);
  const { core, memory } = bench;
  // adr x0, .; adrp x1, .+0x1000; ldr x2, .+16 (the word pair after a branch to self)
  bench.program(0x10000000, 0xb0000001, 0x58000082);
  memory.write64(Number(CODE) + 0x18, 0x1122_3344_5566_7788n);
  bench.run();
  expect([core.x(0), core.x(1), core.x(2)]).toEqual([CODE, CODE + 0x1000n, 0x1122_3344_5566_7788n]);
  core.pc = CODE + 0x4000_0000n;
  bench.run();
  expect([core.x(0), core.x(1)]).toEqual([CODE + 0x4000_0000n, CODE + 0x4000_1000n]);
});

test('a program that overwrites its next instruction executes the new one', () => {
  translated(1);
  const { core } = bench;
  // mov w3, #2; mov x5, #CODE; 1: mov x0, #1; cbz w3, 2f; str w4, [x5, #8]; mov w3, #0; b 1b; 2: nop
  bench.program(0x52800043, 0xd2a80005, 0xd2800020, 0x34000083, 0xb90008a4, 0x52800003, 0x17fffffc, 0xd503201f);
  core.setX(4, 0xd2800040n); // mov x0, #2
  bench.run(50);
  expect(core.x(0)).toBe(2n);
});

test('a core stops at backward branches and at the end of a page, not at forward branches', () => {
  translated(1);
  const { core } = bench;
  // three nops, b +8 (forward), nop, nop, b . (backward)
  bench.program(0xd503201f, 0xd503201f, 0xd503201f, 0x14000002, 0xd503201f, 0xd503201f);
  const [cycles, instructions] = [core.cycles, core.instructions];
  expect(bench.run(2)).toBe(EXIT_LIMIT);
  expect(core.pc).toBe(CODE + 24n);
  // nop nop nop b nop and the first turn of the branch to itself
  expect([core.cycles - cycles, core.instructions - instructions]).toEqual([6, 6]);
  // straight on to the next page
  for (let i = 0; i < 4; i++) bench.memory.write32(Number(CODE) + 0xff8 + 4 * i, 0xd503201f);
  core.pc = CODE + 0xff8n;
  bench.run(1);
  expect(core.pc).toBe(CODE + 0x1000n);
});

test('a fault leaves base, destination and the other half of a pair as they were', () => {
  translated(1);
  const { core } = bench;
  core.setX(1, 0xc000_0000n); // not mapped
  core.setX(2, 2n);
  core.setX(3, 3n);
  // ldr x2, [x1], #8; ldp x2, x3, [x1, #16]!; stp x2, x3, [x1, #16]!; ldr q0, [x1], #16
  for (const word of [0xf8408422, 0xa9c10c22, 0xa9810c22, 0x3cc10420]) {
    bench.program(word);
    core.v(0).fill(0x5a);
    bench.run(5);
    expect([core.x(1), core.x(2), core.x(3)]).toEqual([0xc000_0000n, 2n, 3n]);
    expect(core.v(0)).toEqual(new Uint8Array(16).fill(0x5a));
    expect(core.sysreg('ELR_EL1')).toBe(CODE);
    expect(core.sysreg('ESR_EL1') >> 26n).toBe(0x25n);
  }
  // a pair whose second half lies on an unmapped page: stp x2, x3, [x1]
  core.setX(1, 0xbfff_fff8n);
  bench.program(0xa9000c22);
  bench.run(5);
  expect(core.sysreg('FAR_EL1')).toBe(0xc000_0000n);
});

test('SP must be aligned as a base: the check precedes every effect, and follows the FP trap', () => {
  translated(1);
  const { core } = bench;
  core.setSysreg('SCTLR_EL1', 0x30d0_0809n); // SA
  const misaligned = SP0 + 8n;
  // stp x0, x1, [sp, #-16]!; ldr x2, [sp]; ldrb w2, [sp, #1]; ldxr x2, [sp]; str q0, [sp]; ld1 {v0.16b}, [sp]
  for (const word of [0xa9bf07e0, 0xf94003e2, 0x394007e2, 0xc85f7fe2, 0x3d8003e0, 0x4c4073e0]) {
    bench.program(word);
    core.sp = misaligned;
    core.setX(2, 7n);
    bench.run(5);
    expect([word, core.sysreg('ESR_EL1') >> 26n, core.sp, core.x(2)]).toEqual([word, 0x26n, misaligned, 7n]);
  }
  core.setSysreg('CPACR_EL1', 0n);
  bench.program(0x3d8003e0);
  bench.run(5);
  expect(core.sysreg('ESR_EL1') >> 26n).toBe(0x07n);
});

test('the syndrome of a stage-2 abort describes the access', () => {
  const { core, memory } = bench;
  // stage 2 of 4 GiB from level 1: only 0x40000000..0x7fffffff is mapped (S2AP read/write, normal memory, AF)
  memory.write64(TABLE + 0x1000 + 8, 0x4000_0000n | 0x7fdn);
  core.setSysreg('VTCR_EL2', 0x8000_0000n | 32n | (1n << 6n) | (1n << 16n)); // T0SZ 32, SL0 1, PS 36 bits
  core.setSysreg('VTTBR_EL2', BigInt(TABLE + 0x1000));
  core.setSysreg('HCR_EL2', 0x8000_0001n);
  core.setSysreg('CPACR_EL1', 3n << 20n);
  core.el2Model = true;
  const ISV = 1 << 24;
  const expected: [number, number][] = [
    [0xf9400022, ISV | (3 << 22) | (2 << 16) | (1 << 15)], // ldr x2, [x1]
    [0xb9400022, ISV | (2 << 22) | (2 << 16)], // ldr w2, [x1]
    [0x39800022, ISV | (1 << 21) | (2 << 16) | (1 << 15)], // ldrsb x2, [x1]
    [0x79c0003f, ISV | (1 << 22) | (1 << 21) | (31 << 16)], // ldrsh wzr, [x1]
    [0xb9800025, ISV | (2 << 22) | (1 << 21) | (5 << 16) | (1 << 15)], // ldrsw x5, [x1]
    [0xb900003f, ISV | (2 << 22) | (31 << 16) | 0x40], // str wzr, [x1]
    [0x3900003e, ISV | (30 << 16) | 0x40], // strb w30, [x1]
    [0x88dffc22, ISV | (2 << 22) | (2 << 16) | (1 << 14)], // ldar w2, [x1]
    [0x089ffc22, ISV | (2 << 16) | (1 << 14) | 0x40], // stlrb w2, [x1]
    [0xb85fc022, ISV | (2 << 22) | (2 << 16)], // ldur w2, [x1, #-4] with x1 + 4
    [0xb8408422, 0], // ldr w2, [x1], #8: write-back
    [0xa9400c22, 0], // ldp x2, x3, [x1]
    [0x885f7c22, 0], // ldxr w2, [x1]
    [0x3dc00020, 0], // ldr q0, [x1]
  ];
  for (const [word, iss] of expected) {
    bench.program(word);
    core.setSysreg('ELR_EL2', CODE);
    core.setSysreg('SPSR_EL2', 0x3c5n);
    expect(core.eret()).toBe(true);
    core.setX(1, word === 0xb85fc022 ? 0x8000_0004n : 0x8000_0000n);
    expect([word.toString(16), bench.run(5), core.exitInfo]).toEqual([word.toString(16), EXIT_EL2, EL2_SYNC]);
    // EC 0x24 (data abort from a lower level), IL, translation fault level 1
    const esr = 0x9200_0005n | BigInt(iss);
    expect([word.toString(16), core.sysreg('ESR_EL2').toString(16)]).toEqual([word.toString(16), esr.toString(16)]);
    expect(core.sysreg('HPFAR_EL2')).toBe(0x80_0000n);
  }
});

test('patterns: 32 bits each, and no encoding is hidden behind an earlier one', () => {
  const parsed = ENCODINGS.map(({ name, pattern }) => ({ name, ...parsePattern(pattern) }));
  for (const [i, later] of parsed.entries()) {
    const hiding = parsed
      .slice(0, i)
      .find(({ mask, value }) => (mask & later.mask) >>> 0 === mask && (later.value & mask) >>> 0 === value);
    expect([later.name, hiding?.name]).toEqual([later.name, undefined]);
  }
  expect(() => parsePattern('0 1 Rd')).toThrow('7 bits');
});

test('operations have distinct names, fit a byte and have a cost class', () => {
  expect(new Set(OPS.map(({ name }) => name)).size).toBe(OPS.length);
  expect(OPS.length).toBeLessThan(256);
  for (const { cost } of OPS) expect(COST_CLASSES).toContain(cost);
});
