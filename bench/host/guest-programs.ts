/** Programs for the guest, as static ELF files: words as GNU as makes them of the instructions beside them. */

/** What the initramfs gets, by file name. */
const PROGRAMS = {
  // Arithmetic in registers: 134 million rounds of 9 instructions.
  integer: [
    0xd2a00041, // mov x1, #0x20000
    0xf2800001, // movk x1, #0x0
    0xd376d421, // lsl x1, x1, #10
    0xd2800020, // mov x0, #0x1
    0x8b010002, // add x2, x0, x1
    0xca010c43, // eor x3, x2, x1, lsl #3
    0xd1000460, // sub x0, x3, #0x1
    0x92401c04, // and x4, x0, #0xff
    0x9b021485, // madd x5, x4, x2, x5
    0xeb0000bf, // cmp x5, x0
    0x9a8080a6, // csel x6, x5, x0, hi
    0xf1000421, // subs x1, x1, #0x1
    0x54ffff01, // b.ne +0x10
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
  ],
  // Pairs, words and bytes over 32 KiB of stack: 65536 passes of 512 rounds.
  memory: [
    0xd14043ff, // sub sp, sp, #0x10, lsl #12
    0xd2a00027, // mov x7, #0x10000
    0x910003e1, // mov x1, sp
    0xd2804002, // mov x2, #0x200
    0xd2800005, // mov x5, #0x0
    0xa9401023, // ldp x3, x4, [x1]
    0x8b050063, // add x3, x3, x5
    0xa9011023, // stp x3, x4, [x1, #16]
    0xf9400426, // ldr x6, [x1, #8]
    0x39400425, // ldrb w5, [x1, #1]
    0xf9000c26, // str x6, [x1, #24]
    0x91010021, // add x1, x1, #0x40
    0xf1000442, // subs x2, x2, #0x1
    0x54ffff01, // b.ne +0x14
    0xf10004e7, // subs x7, x7, #0x1
    0x54fffe61, // b.ne +0x8
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
  ],
  // 16.8 million rounds of two calls and branches on the bits of a xorshift generator.
  branches: [
    0xd2a02001, // mov x1, #0x1000000
    0xd2824682, // mov x2, #0x1234
    0x9400000f, // bl +0x44
    0x362800c2, // tbz w2, #5, +0x24
    0x91000463, // add x3, x3, #0x1
    0xf101907f, // cmp x3, #0x64
    0x540000a3, // b.cc +0x2c
    0xd2800003, // mov x3, #0x0
    0x14000003, // b +0x2c
    0x36480042, // tbz w2, #9, +0x2c
    0xcb030084, // sub x4, x4, x3
    0x9400000a, // bl +0x54
    0xf1000421, // subs x1, x1, #0x1
    0x54fffea1, // b.ne +0x8
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
    0xca023442, // eor x2, x2, x2, lsl #13
    0xca421c42, // eor x2, x2, x2, lsr #7
    0xca024442, // eor x2, x2, x2, lsl #17
    0xd65f03c0, // ret
    0x37a00042, // tbnz w2, #20, +0x5c
    0x91000c84, // add x4, x4, #0x3
    0xd65f03c0, // ret
  ],
  // 262144 times getppid.
  getppid: [
    0xd2a00093, // mov x19, #0x40000
    0xd28015a8, // mov x8, #0xad
    0xd4000001, // svc #0x0
    0xf1000673, // subs x19, x19, #0x1
    0x54ffffa1, // b.ne +0x4
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
  ],
  // 500 times clone, execve of /nothing, wait4.
  spawn: [
    0xd2803e93, // mov x19, #0x1f4
    0xd2800220, // mov x0, #0x11
    0xd2800001, // mov x1, #0x0
    0xd2800002, // mov x2, #0x0
    0xd2800003, // mov x3, #0x0
    0xd2800004, // mov x4, #0x0
    0xd2801b88, // mov x8, #0xdc
    0xd4000001, // svc #0x0
    0xb4000160, // cbz x0, +0x4c
    0xd2800001, // mov x1, #0x0
    0xd2800002, // mov x2, #0x0
    0xd2800003, // mov x3, #0x0
    0xd2802088, // mov x8, #0x104
    0xd4000001, // svc #0x0
    0xf1000673, // subs x19, x19, #0x1
    0x54fffe41, // b.ne +0x4
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
    0x100000a0, // adr x0, +0x60
    0xd2800001, // mov x1, #0x0
    0xd2800002, // mov x2, #0x0
    0xd2801ba8, // mov x8, #0xdd
    0xd4000001, // svc #0x0
    0x746f6e2f, // "/nothing"
    0x676e6968,
    0x00000000,
  ],
  // exit(0).
  nothing: [
    0xd2800000, // mov x0, #0x0
    0xd2800ba8, // mov x8, #0x5d
    0xd4000001, // svc #0x0
  ],
} as const satisfies Readonly<Record<string, readonly number[]>>;

export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as ProgramName[];

const LOAD_ADDRESS = 0x40_0000;
const HEADER = 64;
const PROGRAM_HEADER = 56;

/** A static AArch64 executable with one segment, read and execute (ELF-64 object file format 1.5). */
export function executable(name: ProgramName): Uint8Array {
  const words = PROGRAMS[name];
  const start = HEADER + PROGRAM_HEADER;
  const bytes = new Uint8Array(start + 4 * words.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, 183, true); // EM_AARCH64
  view.setUint32(20, 1, true);
  view.setUint32(24, LOAD_ADDRESS + start, true); // e_entry
  view.setUint32(32, HEADER, true); // e_phoff
  view.setUint16(52, HEADER, true);
  view.setUint16(54, PROGRAM_HEADER, true);
  view.setUint16(56, 1, true);
  view.setUint32(HEADER, 1, true); // PT_LOAD
  view.setUint32(HEADER + 4, 5, true);
  view.setUint32(HEADER + 16, LOAD_ADDRESS, true);
  view.setUint32(HEADER + 24, LOAD_ADDRESS, true);
  view.setUint32(HEADER + 32, bytes.length, true);
  view.setUint32(HEADER + 40, bytes.length, true);
  view.setUint32(HEADER + 48, 0x1000, true);
  words.forEach((word, i) => view.setUint32(start + 4 * i, word, true));
  return bytes;
}
