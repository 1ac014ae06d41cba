/** Steps of class "mmu": every kind of access through random tables of both stages, at EL0, EL1 and EL2. */
import type { Random } from '../isa/random.js';
import { blr, DAIF, EL0T, EL1H, EL1T, EL2H, EL2T, fmovLow, ISB, mov, NOP, sys, umovHigh } from './a64.js';
import { makeContext, SCTLR_EL1_PLAIN, SCTLR_EL2_PLAIN } from './contexts.js';
import { EDGE, EDGE_BYTE, RETS } from './image.js';
import { AT_KINDS, DATA, DATA_BYTES } from './layout.js';
import type { Context, Program, Step } from './layout.js';
import { Stage1Tables, Stage2Tables } from './tables.js';
import type { Granule } from './tables.js';

const PAGE = 0x1000;
const ALL = (1n << 64n) - 1n;
/** Contexts of a program with EL1&0 tables, and with tables of EL2. */
const CONTEXTS_EL1 = 8;
const CONTEXTS_EL2 = 3;
const NORMAL = [0x44n, 0xffn, 0xbbn, 0xeen, 0xf4n, 0x4fn];
const ATTRIBUTES = [0x00n, 0x04n, ...NORMAL];

/** A kind of access: X1 is the address, X2 to X4 the data; results are in X0 and X3. */
interface Access {
  readonly name: string;
  readonly words: readonly number[];
  readonly bytes: number;
  /** What its alignment is counted in; 1: never misaligned. */
  readonly element: number;
  readonly write?: true;
  /** Several elements, of which a fault may leave some done. */
  readonly parts?: true;
  /** Must be aligned, whatever SCTLR_ELx.A is. */
  readonly aligned?: true;
  readonly execute?: true;
  readonly maintenance?: true;
  /** Only at EL1 and EL2. */
  readonly privileged?: true;
}

const load = (name: string, word: number, bytes: number, more: Partial<Access> = {}): Access => ({
  name,
  words: [word, NOP],
  bytes,
  element: bytes,
  ...more,
});
const store = (name: string, word: number, bytes: number, more: Partial<Access> = {}): Access => ({
  ...load(name, word, bytes, more),
  // and back
  words: [word, 0x3940_0023],
  write: true,
});
const vector = (name: string, word: number, bytes: number, more: Partial<Access> = {}): Access => ({
  ...load(name, word, bytes, more),
  words: [word, fmovLow(0, 0), umovHigh(3, 0)],
});

/** Encodings are those of GNU as for the named instruction. */
export const ACCESSES: readonly Access[] = [
  load('ldrb w0, [x1]', 0x3940_0020, 1),
  load('ldrh w0, [x1]', 0x7940_0020, 2),
  load('ldr w0, [x1]', 0xb940_0020, 4),
  load('ldr x0, [x1]', 0xf940_0020, 8),
  load('ldrsb x0, [x1]', 0x3980_0020, 1),
  load('ldrsh w0, [x1]', 0x79c0_0020, 2),
  load('ldrsw x0, [x1]', 0xb980_0020, 4),
  load('ldr x0, [x1], #8', 0xf840_8420, 8),
  load('ldr w0, [x1, #0]!', 0xb840_0c20, 4),
  load('ldtr x0, [x1]', 0xf840_0820, 8),
  load('ldtrb w0, [x1]', 0x3840_0820, 1),
  load('ldtrsw x0, [x1]', 0xb880_0820, 4),
  load('ldar x0, [x1]', 0xc8df_fc20, 8, { aligned: true }),
  load('ldarh w0, [x1]', 0x48df_fc20, 2, { aligned: true }),
  load('ldxr x0, [x1]', 0xc85f_7c20, 8, { aligned: true }),
  load('ldaxrb w0, [x1]', 0x085f_fc20, 1, { aligned: true }),
  load('ldxp x0, x3, [x1]', 0xc87f_0c20, 16, { aligned: true }),
  load('ldp x0, x3, [x1]', 0xa940_0c20, 16, { element: 8, parts: true }),
  load('ldp w0, w3, [x1]', 0x2940_0c20, 8, { element: 4, parts: true }),
  load('ldpsw x0, x3, [x1]', 0x6940_0c20, 8, { element: 4, parts: true }),
  load('ldnp x0, x3, [x1]', 0xa840_0c20, 16, { element: 8, parts: true }),
  vector('ldr b0, [x1]', 0x3d40_0020, 1),
  vector('ldr s0, [x1]', 0xbd40_0020, 4),
  vector('ldr d0, [x1]', 0xfd40_0020, 8),
  vector('ldr q0, [x1]', 0x3dc0_0020, 16, { parts: true }),
  vector('ldp d0, d1, [x1]', 0x6d40_0420, 16, { element: 8, parts: true }),
  vector('ld1 {v0.16b}, [x1]', 0x4c40_7020, 16, { element: 1, parts: true }),
  vector('ld1 {v0.2d}, [x1]', 0x4c40_7c20, 16, { element: 8, parts: true }),
  store('strb w2, [x1]', 0x3900_0022, 1),
  store('strh w2, [x1]', 0x7900_0022, 2),
  store('str w2, [x1]', 0xb900_0022, 4),
  store('str x2, [x1]', 0xf900_0022, 8),
  store('sttr x2, [x1]', 0xf800_0822, 8),
  store('sttrh w2, [x1]', 0x7800_0822, 2),
  store('str x2, [x1, #0]!', 0xf800_0c22, 8),
  store('stlr x2, [x1]', 0xc89f_fc22, 8, { aligned: true }),
  store('stlrb w2, [x1]', 0x089f_fc22, 1, { aligned: true }),
  store('stp x2, x4, [x1]', 0xa900_1022, 16, { element: 8, parts: true }),
  store('stp w2, w4, [x1]', 0x2900_1022, 8, { element: 4, parts: true }),
  store('str d2, [x1]', 0xfd00_0022, 8),
  store('str q2, [x1]', 0x3d80_0022, 16, { parts: true }),
  store('st1 {v2.4s}, [x1]', 0x4c00_7822, 16, { element: 4, parts: true }),
  { ...store('stxr w0, x2, [x1]', 0xc800_7c22, 8, { aligned: true }), words: [0xc85f_7c23, 0xc800_7c22, 0xf940_0023] },
  { ...store('dc zva, x1', sys(3, 7, 4, 1, 1), 64), words: [sys(3, 7, 4, 1, 1), 0x3940_0023], element: 1 },
  load('prfm pldl1keep, [x1]', 0xf980_0020, 8, { element: 1 }),
  { ...load('fetch', blr(1), 4), words: [blr(1), NOP], execute: true },
  load('dc cvac, x1', sys(3, 7, 10, 1, 1), 1, { maintenance: true }),
  load('dc cvau, x1', sys(3, 7, 11, 1, 1), 1, { maintenance: true }),
  load('dc civac, x1', sys(3, 7, 14, 1, 1), 1, { maintenance: true }),
  load('ic ivau, x1', sys(3, 7, 5, 1, 1), 1, { maintenance: true }),
  load('dc ivac, x1', sys(0, 7, 6, 1, 1), 1, { maintenance: true, privileged: true }),
  ...[0, 1, 2, 3].map((op2) => ({
    ...load(`at ${AT_KINDS[op2]}, x1`, sys(0, 7, 8, op2, 1), 1, { privileged: true }),
    words: [sys(0, 7, 8, op2, 1), ISB],
  })),
];

interface World {
  readonly registers: Context;
  readonly code: bigint;
  /** Input bits of the low and of the high half; 0: none. */
  readonly bits: readonly [low: number, high: number];
  readonly level2: boolean;
  /** Some of the memory is Device memory: QEMU has no alignment faults there. */
  readonly device: boolean;
}

function mair(random: Random, device: boolean): bigint {
  let value = 0xffn;
  for (let i = 1n; i < 8n; i += 1n) value |= random.pick(device ? ATTRIBUTES : NORMAL) << (8n * i);
  return value;
}

const tcrHalf = (random: Random, bits: number): bigint =>
  BigInt(64 - bits) |
  (BigInt(random.below(4)) << 8n) |
  (BigInt(random.below(4)) << 10n) |
  (BigInt(random.pick([0, 2, 3])) << 12n);

const inputBits = (random: Random, granule: Granule): number =>
  random.chance(15) ? random.pick([25, granule === 4 ? 30 : 29, granule === 4 ? 39 : 42, 48]) : random.between(25, 48);

function makeEl1World(random: Random, stage1: Stage1Tables, stage2: Stage2Tables, index: number): World {
  const [granule0, granule1] = [random.pick([4, 64] as const), random.pick([4, 64] as const)];
  // a 64 KiB root of 42 bits and more is large
  const bits: [number, number] = [inputBits(random, granule0), inputBits(random, granule1)];
  const side = random.below(2) as 0 | 1;
  const device = random.chance(50);
  const roots = [
    stage1.root(granule0, bits[0], side === 0 ? 0 : undefined),
    stage1.root(granule1, bits[1], side === 1 ? 1 : undefined),
  ];
  const asid = (): bigint => BigInt(random.below(0x1_0000)) << 48n;
  let tcr = tcrHalf(random, bits[0]) | (tcrHalf(random, bits[1]) << 16n);
  tcr |= granule0 === 64 ? 1n << 14n : 0n;
  tcr |= granule1 === 64 ? 3n << 30n : 2n << 30n;
  // EPD of the other half, A1, AS, IPS, TBI0, TBI1
  if (random.chance(10)) tcr |= side === 0 ? 1n << 23n : 1n << 7n;
  tcr |=
    (BigInt(random.below(2)) << 22n) |
    (BigInt(random.below(2)) << 36n) |
    (BigInt(random.pick([0, 1, 2, 3, 4, 4, 5])) << 32n);
  tcr |= BigInt(random.below(4)) << 37n;
  const second = random.chance(65) ? stage2.make(device) : undefined;
  const sctlr =
    SCTLR_EL1_PLAIN |
    1n |
    (random.chance(20) ? 2n : 0n) |
    (random.chance(15) ? 1n << 19n : 0n) |
    (random.chance(20) ? 0n : 1n << 26n);
  const code = side === 0 ? 0n : ALL - 0x1f_ffffn;
  // An input size above the output size is CONSTRAINED UNPREDICTABLE. With SL0 = 2 QEMU wants 44 bits of PS, where the
  // Arm ARM wants them of the implementation (J1.1.5 AArch64.TranslationTableWalk).
  const size = (tcr0: number): bigint => BigInt([32, 36, 40, 42, 44].findIndex((n) => n >= 64 - tcr0));
  return {
    ...makeContext(
      {
        SCTLR_EL1: sctlr,
        TCR_EL1: tcr,
        TTBR0_EL1: BigInt(roots[0] as number) | asid(),
        TTBR1_EL1: BigInt(roots[1] as number) | asid(),
        MAIR_EL1: mair(random, device),
        HCR_EL2: second ? 1n | (random.chance(20) ? 4n : 0n) : 0n,
        VTTBR_EL2: BigInt(second?.root ?? 0) | (BigInt(index + 1) << 48n),
        ...(second && {
          VTCR_EL2:
            0x8000_0000n |
            BigInt(second.t0sz) |
            (BigInt(second.sl0) << 6n) |
            (second.granule === 64 ? 1n << 14n : 0n) |
            ((second.sl0 === 2 ? 4n : size(second.t0sz)) << 16n) |
            (3n << 8n) |
            (3n << 10n) |
            (3n << 12n),
        }),
      },
      code,
    ),
    bits,
    device,
    level2: false,
  };
}

function makeEl2World(random: Random, stage1: Stage1Tables): World {
  const granule = random.pick([4, 64] as const);
  const bits = random.between(32, 48);
  const device = random.chance(50);
  const tcr =
    0x8080_0000n |
    tcrHalf(random, bits) |
    (granule === 64 ? 1n << 14n : 0n) |
    (BigInt(random.pick([1, 2, 3, 4, 4])) << 16n) |
    (BigInt(random.below(2)) << 20n);
  const sctlr = SCTLR_EL2_PLAIN | 1n | (random.chance(20) ? 2n : 0n) | (random.chance(15) ? 1n << 19n : 0n);
  return {
    ...makeContext({
      SCTLR_EL2: sctlr,
      TCR_EL2: tcr,
      TTBR0_EL2: BigInt(stage1.rootEl2(granule, bits)),
      MAIR_EL2: mair(random, device),
    }),
    bits: [bits, 0],
    device,
    level2: true,
  };
}

/** An address of the world, most often one that its tables translate to the data. */
function address(random: Random, world: World, access: Access): bigint {
  const high = !world.level2 && random.chance(50);
  const bits = BigInt(high ? world.bits[1] : world.bits[0]);
  const base = high ? ALL ^ ((1n << bits) - 1n) : 0n;
  if (random.chance(4)) {
    // the edges of what the table can translate, naturally aligned
    const inside = bits > 29n ? BigInt(DATA & 0x3fff_ffff) : 0n;
    // past the end of the high half is address 0, where a block may lead to the start of RAM, which is QEMU's
    const past = inside === 0n ? -64n : inside;
    const edge = random.pick([(1n << bits) - 64n, (1n << bits) + past, (1n << (bits - 1n)) + inside, ALL - 63n - base]);
    return BigInt.asUintN(64, base + edge);
  }
  const page = DATA + random.below(DATA_BYTES / PAGE) * PAGE;
  // bits 29:0 are those of the data; the first and the last 2 MiB may be the pinned code
  const top = bits > 30n ? (BigInt(random.below(2 ** 18)) & ((1n << (bits - 30n)) - 1n)) << 30n : 0n;
  let va = (BigInt(page) & 0x3fff_ffffn & ((1n << bits) - 1n)) | top;
  if (bits <= 27n && (va < 0x40_0000n || va >= (1n << bits) - 0x40_0000n)) va = 0x80_0000n + (va & 0x1f_f000n);
  const offset = BigInt(offsetOf(random, access, world.device));
  va = BigInt.asUintN(64, base + va + offset);
  // a tagged address
  if (random.chance(6)) va = (va & (ALL >> 8n)) | (BigInt(random.below(256)) << 56n);
  return va;
}

/** Where in the page an access is: instructions and data do not meet, and a store over the page end writes what is there. */
function offsetOf(random: Random, access: Access, device: boolean): number {
  if (access.execute) return RETS[0] + 4 * random.below((RETS[1] - RETS[0]) / 4 - 4);
  if (access.maintenance || access.name.startsWith('dc') || access.name.startsWith('at'))
    return 64 * random.between(1, 15);
  // QEMU does a misaligned store to Device memory
  const aligned = random.chance(65) || (device && access.write === true);
  const crossing = access.bytes > 1 && !access.aligned && random.chance(25);
  if (crossing && !aligned) return PAGE - random.between(1, access.bytes - 1);
  const room = RETS[0] - 2 * EDGE;
  const offset = EDGE + Math.floor(random.below(room - 16) / 16) * 16 + (random.chance(50) ? RETS[1] - EDGE : 0);
  if (aligned) return offset + (access.bytes < 16 ? access.bytes * random.below(16 / access.bytes) : 0);
  return offset + random.below(16);
}

const MODES = [EL0T, EL0T, EL1T, EL1H, EL1H];

/** The class of a step. */
function nameOf(world: World, mode: number): string {
  if (world.level2) return 'mmu: EL2';
  const second = (world.registers.HCR_EL2 & 1n) !== 0n;
  return `mmu: EL${mode >> 2}, ${second ? 'both stages' : 'stage 1'}`;
}

export const MMU_CLASSES = [
  'mmu: EL0, stage 1',
  'mmu: EL1, stage 1',
  'mmu: EL0, both stages',
  'mmu: EL1, both stages',
  'mmu: EL2',
] as const;

function makeStep(random: Random, worlds: readonly World[], context: number): Step {
  const world = worlds[context] as World;
  let access = random.pick(ACCESSES);
  if (world.device && access.name === 'dc zva, x1') access = ACCESSES[0] as Access;
  const mode = world.level2
    ? random.pick([EL2H, EL2T])
    : access.privileged
      ? random.pick([EL1T, EL1H])
      : random.pick(MODES);
  const va = address(random, world, access);
  const crossing = (va & 0xfffn) + BigInt(access.bytes) > 0x1000n;
  const edge = BigInt(`0x${EDGE_BYTE.toString(16).repeat(8)}`);
  const value = crossing ? edge : (BigInt(random.next()) << 32n) | BigInt(random.next());
  const data = access.write ? [mov(2, 2), 0x9e67_0042, 0x4e08_0442] : [];
  const user = mode >> 2 === 0 || access.name.includes('ldt') || access.name.includes('stt');
  const write = access.write === true || access.name.startsWith('dc ivac');
  const kind = world.level2 ? 8 + Number(write) : 4 + (user ? 2 : 0) + Number(write);
  return {
    name: nameOf(world, mode),
    context,
    spsr: mode | DAIF,
    words: [...data, ...access.words],
    x: [0n, va, value, 0n, value, 0n, 0n, 0n, 0n, 0n],
    at: { kind, va },
    access: {
      va,
      bytes: access.bytes,
      misaligned: (va & BigInt(access.element - 1)) !== 0n,
      maintenance: access.maintenance === true,
    },
    // every context of EL2 has the same TLB entries
    ...(world.level2 && { flush: true }),
  };
}

/** A program of `count` accesses. `scale`: how many tables there are, 4 is the most. */
export function makeMmu(random: Random, count: number, scale = 3): Program {
  const stage1 = new Stage1Tables(random, scale);
  const stage2 = new Stage2Tables(random);
  const worlds = [
    ...Array.from({ length: CONTEXTS_EL1 }, (_, i) => makeEl1World(random, stage1, stage2, i)),
    ...Array.from({ length: CONTEXTS_EL2 }, () => makeEl2World(random, stage1)),
  ];
  const steps = Array.from({ length: count }, () => makeStep(random, worlds, random.below(worlds.length)));
  return { contexts: worlds, memory: [...stage1.memory, stage2.memory], steps };
}
