/** Endless loops in AArch64 machine code, for the speed of one kind of work each. Encodings: Arm ARM DDI 0487, chapter C6, C7. */

/** Where a flat binary starts on the flat board; tables, vectors and data of the programs lie behind it. */
const TABLE = 0x4010_0000;
const VECTORS = 0x4011_0000;

/** MMU and caches on, identity map, FP and vectors on, x9 = data. */
const PROLOGUE: readonly number[] = [
  0xd2a80200, // mov x0, #0x40100000
  0xd5182000, // msr ttbr0_el1, x0
  0xd2801fe0, // mov x0, #0xff
  0xd518a200, // msr mair_el1, x0: attribute 0 is Normal write-back
  0xd286a320, // mov x0, #0x3519
  0xf2a01000, // movk x0, #0x80, lsl #16
  0xf2c00040, // movk x0, #0x2, lsl #32
  0xd5182040, // msr tcr_el1, x0: 39 bits, 4K, inner shareable write-back walks, no TTBR1
  0xd2a80220, // mov x0, #0x40110000
  0xd518c000, // msr vbar_el1, x0
  0xd2a00600, // mov x0, #0x300000
  0xd5181040, // msr cpacr_el1, x0
  0xd5033fdf, // isb
  0xd28300a0, // mov x0, #0x1805
  0xf2a61a00, // movk x0, #0x30d0, lsl #16
  0xd5181000, // msr sctlr_el1, x0
  0xd5033fdf, // isb
  0xd2a80409, // mov x9, #0x40200000
];

/** Word pairs that must be in RAM before the program starts: [physical address, value]. */
export const DATA: readonly (readonly [number, bigint])[] = [
  // Level 1, entry 1: a 1 GiB block at 0x40000000; AF, inner shareable, attribute 0.
  [TABLE + 8, 0x4000_0701n],
  // Synchronous exception from the current EL with SP_ELx: eret.
  [VECTORS + 0x200, 0xd69f03e0n],
];

/** Loops by name. All run in EL1 with the MMU on. */
const LOOPS = {
  integer: [
    0x8b010002, // add x2, x0, x1
    0xca010c43, // eor x3, x2, x1, lsl #3
    0xd1000460, // sub x0, x3, #1
    0x92401c04, // and x4, x0, #0xff
    0x9b020481, // madd x1, x4, x2, x1
    0xeb00003f, // cmp x1, x0
    0x9a808025, // csel x5, x1, x0, hi
    0x17fffff9, // b .-28
  ],
  'loads and stores': [
    0xa9400d22, // ldp x2, x3, [x9]
    0xf9400924, // ldr x4, [x9, #16]
    0xf9000d24, // str x4, [x9, #24]
    0x39400525, // ldrb w5, [x9, #1]
    0xa9020d22, // stp x2, x3, [x9, #32]
    0x91010129, // add x9, x9, #0x40
    0x926ff929, // and x9, x9, #~0x10000: 64 KiB
    0x17fffff9, // b .-28
  ],
  calls: [
    0x94000003, // bl .+12
    0x94000002, // bl .+8
    0x17fffffe, // b .-8
    0x91000400, // add x0, x0, #1
    0xd65f03c0, // ret
  ],
  'floating point': [
    0x1e6c1003, // fmov d3, #0.5
    0x1f430c20, // fmadd d0, d1, d3, d3
    0x1e632801, // fadd d1, d0, d3
    0x1e630802, // fmul d2, d0, d3
    0x1e622020, // fcmp d1, d2
    0x17fffffb, // b .-20
  ],
  vectors: [
    0x3dc00120, // ldr q0, [x9]
    0x4ea18401, // add v1.4s, v0.4s, v1.4s
    0x4ea09c22, // mul v2.4s, v1.4s, v0.4s
    0x6e201c43, // eor v3.16b, v2.16b, v0.16b
    0x3d800523, // str q3, [x9, #16]
    0x17fffffb, // b .-20
  ],
  exceptions: [
    0xd4000001, // svc #0
    0x17ffffff, // b .-4
  ],
  'a new page each time': [
    0xf9400122, // ldr x2, [x9]
    0x91400529, // add x9, x9, #0x1000
    0x9265f929, // and x9, x9, #~0x4000000: 64 MiB
    0x17fffffd, // b .-12
  ],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type LoopName = keyof typeof LOOPS;
export const LOOP_NAMES = Object.keys(LOOPS) as LoopName[];

/** The flat binary of a loop. */
export function program(name: LoopName): Uint8Array {
  return binary(LOOPS[name]);
}

/** The flat binary of code that runs in EL1 with MMU, caches and FP on, x9 = 0x40200000, RAM mapped one to one. */
export function binary(code: readonly number[]): Uint8Array {
  const words = [...PROLOGUE, ...code];
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setUint32(4 * i, word, true));
  return bytes;
}
