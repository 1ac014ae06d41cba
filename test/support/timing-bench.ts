import { boardData, createBoard, type Board } from '../../boards/board.js';
import { flatBoard } from '../../boards/flat.js';
import { rcarH3 } from '../../boards/rcar-h3.js';
import { createFlatMachine, type FlatMachine } from '../../sim/machine/flat.js';
import type { Machine, MachineOptions } from '../../sim/machine/machine.js';

/** Where the measured programs' data begin. */
export const DATA = 0x4800_0000;
const TABLE = 0x4010_0000;
const VECTORS = 0x4011_0000;
const PAGE_TABLES = 0x4020_0000;
const RAM = 512 << 20;
const BLOCK = 0x701n; // AF, inner shareable, attribute 0, block
const PAGE = 0x703n;
const TABLE_ENTRY = 3n;

/** MMU and caches on, FP on, vectors, cycle counter on; x9 = data. Encodings: Arm ARM DDI 0487 C6, C7. */
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
  0xd2800020, // mov x0, #1
  0xd51b9c00, // msr pmcr_el0, x0
  0xd2b00000, // mov x0, #0x80000000
  0xd51b9c20, // msr pmcntenset_el0, x0
  0xd5033fdf, // isb
  0xd2a90009, // mov x9, #0x48000000
];
const ISB = 0xd503_3fdf;
const BEGIN = [ISB, 0xd53b_9d13, ISB]; // mrs x19, pmccntr_el0
const END = [
  ISB,
  0xd53b_9d14, // mrs x20, pmccntr_el0
  0xcb13_0294, // sub x20, x20, x19
  0xd503_207f, // wfi
  0x17ff_ffff, // b .-4
];
const ERET = 0xd69f_03e0;

export type CoreKind = 'a57' | 'a53';

export interface Program {
  readonly kind?: CoreKind;
  /** Before the measured part, e.g. to warm what it uses. */
  readonly warm?: readonly number[];
  readonly measured: readonly number[];
  /** 4 KiB pages; default: one block of 1 GiB. */
  readonly pages?: boolean;
  readonly prepare?: (machine: Machine) => void;
  readonly timing?: MachineOptions['timing'];
}

/** `body`, `times` times: a loop on x10, at most 65535. */
export function loop(times: number, body: readonly number[]): number[] {
  const back = (-(body.length + 1) & 0x7ffff) << 5;
  return [0xd280_000a | (times << 5), ...body, 0xf100_054a, (0x5400_0001 | back) >>> 0];
}

/** The flat board with the core and the caches of one of the H3's clusters. */
export function boardOf(kind: CoreKind): Board {
  const flat = boardData(flatBoard({ cores: 1, entryLevel: 1, ramBytes: RAM }));
  const cluster = boardData(rcarH3()).clusters[kind === 'a57' ? 0 : 1];
  const cores = flat.clusters[0]?.cores;
  if (cluster === undefined || cores === undefined) throw new Error('a board without clusters');
  // multiples of the flat board's counter frequency
  const clockHz = kind === 'a57' ? 1_500_000_000 : 1_250_000_000;
  return createBoard({ ...flat, tick: 'auto', clusters: [{ ...cluster, clockHz, cores }] });
}

/** Writes 64-bit words to the machine's memory. */
export function words(machine: Machine, address: number, values: readonly bigint[]): void {
  machine.memory.write(address, new Uint8Array(BigUint64Array.from(values).buffer));
}

/** A machine with the program loaded. */
export function load(program: Program): FlatMachine {
  const { kind = 'a57', warm = [], measured, pages = false, prepare } = program;
  const code = Uint32Array.from([...PROLOGUE, ...warm, ...BEGIN, ...measured, ...END]);
  const flat = createFlatMachine({
    kernel: new Uint8Array(code.buffer),
    board: boardOf(kind),
    timing: program.timing ?? { cpu: 'approximate', from: '' },
  });
  const { machine } = flat;
  if (!pages) words(machine, TABLE + 8, [BigInt(TABLE - 0x10_0000) | BLOCK]);
  else {
    words(machine, TABLE + 8, [BigInt(PAGE_TABLES) | TABLE_ENTRY]);
    const third = (i: number): number => PAGE_TABLES + 0x1000 * (i + 1);
    const count = RAM >> 21;
    words(
      machine,
      PAGE_TABLES,
      Array.from({ length: count }, (_, i) => BigInt(third(i)) | TABLE_ENTRY),
    );
    for (let i = 0; i < count; i++) {
      const base = 0x4000_0000 + i * 0x20_0000;
      words(
        machine,
        third(i),
        Array.from({ length: 512 }, (_, j) => BigInt(base + j * 0x1000) | PAGE),
      );
    }
  }
  machine.memory.write32(VECTORS + 0x200, ERET); // synchronous, current EL with SP_ELx
  prepare?.(machine);
  return flat;
}

/** Runs the program; cycles between its two readings of the cycle counter. Throws if it does not reach the second. */
export function cyclesOf(program: Program): number {
  const { machine } = load(program);
  while (machine.run() === 'more') if (machine.time > 10n ** 12n) throw new Error('the program does not end');
  return Number(machine.cores[0]?.x(20));
}

/** Cycles of one of `body`, 64 of which make a warm loop; what the measurement itself takes is subtracted. */
export function cyclesEach(body: readonly number[], init: readonly number[] = [], kind: CoreKind = 'a57'): number {
  const all = Array.from({ length: 64 }, () => body).flat();
  const warm = [...init, ...loop(4, all)];
  const cycles = (times: number): number => cyclesOf({ kind, warm, measured: loop(times, all) });
  return (cycles(40) - cycles(20)) / (20 * 64);
}
