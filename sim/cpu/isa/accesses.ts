/**
 * Loads and stores. Every form is a case of the generated access(); the hot ones are also cases of run() with the TLB
 * hit inline. In the texts `va` is the address, `h` the host address of the data, `d` and `m` the register slots.
 *
 * Micro-op: rd = Rt, rn = base, rm = Rt2 or index; immediate: bytes 0..3 offset (or option, shift), bytes 4..5 syndrome
 * template (ESR bits 24:14), bytes 6..7 number of the form.
 */
import type { CostClass } from './costs.js';
import { OFFSET, RN, RM } from './text.js';

/** One form of a load or store. */
export interface Access {
  /** The constant is M_<name>. */
  readonly name: string;
  readonly cost: CostClass;
  readonly kind: 'load' | 'store' | 'custom';
  /** Bytes accessed. */
  readonly size: number;
  /** Bytes of each register of a pair: what alignment is checked against. */
  readonly element?: number;
  /** Text of the address. */
  readonly address: string;
  /** Text that moves the data between `h` and the registers; for 'custom' the whole case. */
  readonly data: (d: string, m: string) => string;
  /** Text of the new base, if the base is written back. */
  readonly writeBack?: string;
  /** Has its own case in run(). */
  readonly hot?: boolean;
  /** Has a second case in run() for base SP, with the alignment check. */
  readonly hotSp?: boolean;
  readonly fp?: boolean;
  /** LDTR, STTR: checked as EL0 accesses. */
  readonly unprivileged?: boolean;
  /** LDAR, STLR: must be naturally aligned. */
  readonly aligned?: boolean;
  /** Never tried on the TLB-hit path. */
  readonly slowOnly?: boolean;
}

const accesses: Access[] = [];

// option bits: 010 UXTW, 011 LSL, 110 SXTW, 111 SXTX (Arm ARM, "Load/store register (register offset)")
const INDEX =
  `((load<u8>(ip, 8) & 1 ? ${RM} : load<u8>(ip, 8) == 2 ? ${RM} & 0xffffffff : <u64><i64><i32>${RM})` +
  ' << <u64>load<u8>(ip, 9))';

/** Addressing forms of single registers, in the order of the form numbers. */
const FORMS = [
  { name: 'imm', address: `${RN} + ${OFFSET}` },
  { name: 'reg', address: `${RN} + ${INDEX}` },
  { name: 'pre', address: `${RN} + ${OFFSET}`, writeBack: 'va' },
  { name: 'post', address: RN, writeBack: `va + ${OFFSET}` },
  { name: 'unpriv', address: `${RN} + ${OFFSET}`, unprivileged: true },
];
/** Addressing forms of pairs. */
const PAIR_FORMS = [FORMS[0], FORMS[2], FORMS[3]].filter((form) => form !== undefined);

const LOADS = [
  ['X', 'u64', 8],
  ['W', 'u32', 4],
  ['H', 'u16', 2],
  ['B', 'u8', 1],
  ['SW', 'i32', 4],
  ['SH64', 'i16', 2],
  ['SB64', 'i8', 1],
  ['SH32', 'i16', 2],
  ['SB32', 'i8', 1],
] as const;
const HOT_LOADS =
  /_imm$|^LDR_(X|W|H|B|SW)_reg$|^LDR_(X|W|H|B)_(pre|post)$|^LDR_(X|W|B)_unpriv$|^STR_._(reg|pre|post)$|^STR_[XWB]_unpriv$/;

/** Text that loads a value of type `t` at `at`, extended to 64 bits (to 32 for the ...32 kinds). */
function loaded(name: string, t: string, at: string): string {
  return name.endsWith('32') ? `<u64><u32><i32>load<${t}>(${at})` : `<u64>load<${t}>(${at})`;
}

for (const [name, t, size] of LOADS) {
  for (const form of FORMS) {
    const full = `LDR_${name}_${form.name}`;
    const data = (d: string): string => `store<u64>(${d}, ${loaded(name, t, 'h')});`;
    const { address, writeBack, unprivileged } = form;
    accesses.push({
      name: full,
      cost: 'load',
      kind: 'load',
      size,
      address,
      data,
      hot: HOT_LOADS.test(full),
      hotSp: full === 'LDR_X_imm' || full === 'LDR_W_imm',
      ...(writeBack !== undefined && { writeBack }),
      ...(unprivileged !== undefined && { unprivileged }),
    });
  }
}
for (const [name, t, size] of LOADS.slice(0, 4)) {
  for (const form of FORMS) {
    const full = `STR_${name}_${form.name}`;
    const data = (d: string): string => `store<${t}>(h, <${t}>load<u64>(${d}));`;
    const { address, writeBack, unprivileged } = form;
    accesses.push({
      name: full,
      cost: 'store',
      kind: 'store',
      size,
      address,
      data,
      hot: HOT_LOADS.test(full),
      hotSp: full === 'STR_X_imm' || full === 'STR_W_imm',
      ...(writeBack !== undefined && { writeBack }),
      ...(unprivileged !== undefined && { unprivileged }),
    });
  }
}
for (const [name, t, size] of [
  ['X', 'u64', 8],
  ['W', 'u32', 4],
  ['SW', 'i32', 4],
] as const) {
  for (const { name: form, address, writeBack } of PAIR_FORMS) {
    accesses.push({
      name: `LDP_${name}_${form}`,
      cost: 'loadPair',
      kind: 'load',
      size: 2 * size,
      element: size,
      address,
      // both are read before either is written: Rt may be the base
      data: (d, m) =>
        `const q = <u64>load<${t}>(h, ${size}); store<u64>(${d}, <u64>load<${t}>(h)); store<u64>(${m}, q);`,
      hot: name === 'X' || (name === 'W' && form === 'imm'),
      hotSp: name === 'X' && form !== 'pre',
      ...(writeBack !== undefined && { writeBack }),
    });
  }
}
for (const [name, t, size] of [
  ['X', 'u64', 8],
  ['W', 'u32', 4],
] as const) {
  for (const { name: form, address, writeBack } of PAIR_FORMS) {
    accesses.push({
      name: `STP_${name}_${form}`,
      cost: 'storePair',
      kind: 'store',
      size: 2 * size,
      element: size,
      address,
      data: (d, m) => `store<${t}>(h, <${t}>load<u64>(${d})); store<${t}>(h, <${t}>load<u64>(${m}), ${size});`,
      hot: name === 'X' || form === 'imm',
      hotSp: name === 'X' && form !== 'post',
      ...(writeBack !== undefined && { writeBack }),
    });
  }
}
// literals: the offset is from the page, since the same micro-ops serve every virtual alias of it
for (const [name, t, size] of [
  ['X', 'u64', 8],
  ['W', 'u32', 4],
  ['SW', 'i32', 4],
] as const) {
  accesses.push({
    name: `LDR_${name}_lit`,
    cost: 'load',
    kind: 'load',
    size,
    address: `ppc + ${OFFSET}`,
    data: (d) => `store<u64>(${d}, <u64>load<${t}>(h));`,
    hot: name === 'X',
  });
}
for (const [name, t, size] of LOADS.slice(0, 4)) {
  accesses.push({
    name: `LDAR_${name}`,
    cost: 'load',
    kind: 'load',
    size,
    address: RN,
    data: (d) => `store<u64>(${d}, <u64>load<${t}>(h));`,
    aligned: true,
  });
}
for (const [name, t, size] of LOADS.slice(0, 4)) {
  accesses.push({
    name: `STLR_${name}`,
    cost: 'store',
    kind: 'store',
    size,
    address: RN,
    data: (d) => `store<${t}>(h, <${t}>load<u64>(${d}));`,
    aligned: true,
  });
}
// exclusives: rd = Rt, rm = Rt2; the status register of a store is byte 0..1 of the immediate
for (const [name, t, size] of LOADS.slice(0, 4)) {
  accesses.push({
    name: `LDXR_${name}`,
    cost: 'exclusive',
    kind: 'custom',
    size,
    address: RN,
    data: (d) => `const h: usize = loadExclusive(va, ${size}, 0); if (!h) return false;
      store<u64>(${d}, <u64>load<${t}>(h)); return true;`,
    slowOnly: true,
  });
}
for (const [name, t, size] of LOADS.slice(0, 2)) {
  accesses.push({
    name: `LDXP_${name}`,
    cost: 'exclusive',
    kind: 'custom',
    size: 2 * size,
    address: RN,
    data: (d, m) => `const h: usize = loadExclusive(va, ${2 * size}, 0); if (!h) return false;
      const q = <u64>load<${t}>(h, ${size}); store<u64>(${d}, <u64>load<${t}>(h)); store<u64>(${m}, q); return true;`,
    slowOnly: true,
  });
}
const STORE_EXCLUSIVE = (size: number): string => `const s = <usize>load<u16>(ip, 8);
  const failed = storeExclusive(va, ${size}, 0); if (failed == 2) return false; store<u64>(s, <u64>failed); return true;`;
for (const [name, t, size] of LOADS.slice(0, 4)) {
  accesses.push({
    name: `STXR_${name}`,
    cost: 'exclusive',
    kind: 'custom',
    size,
    address: RN,
    data: (d) => `store<${t}>(SCRATCH_DATA, <${t}>load<u64>(${d})); ${STORE_EXCLUSIVE(size)}`,
    slowOnly: true,
  });
}
for (const [name, t, size] of LOADS.slice(0, 2)) {
  accesses.push({
    name: `STXP_${name}`,
    cost: 'exclusive',
    kind: 'custom',
    size: 2 * size,
    address: RN,
    data: (d, m) => `store<${t}>(SCRATCH_DATA, <${t}>load<u64>(${d}));
      store<${t}>(SCRATCH_DATA, <${t}>load<u64>(${m}), ${size}); ${STORE_EXCLUSIVE(2 * size)}`,
    slowOnly: true,
  });
}

// ---- FP and SIMD registers: a load clears the rest of the register ----
const VECTOR = [
  ['B', 1],
  ['H', 2],
  ['S', 4],
  ['D', 8],
  ['Q', 16],
] as const;

/** Text that loads `size` bytes at `at` into the V register at `d`. */
function vectorLoad(size: number, d: string, at: string): string {
  if (size === 16) return `v128.store(${d}, v128.load(${at}));`;
  return `store<u64>(${d}, <u64>load<u${size * 8}>(${at})); store<u64>(${d}, 0, 8);`;
}

/** Text that stores `size` bytes of the V register at `d`. */
function vectorStore(size: number, d: string, at: string): string {
  if (size === 16) return `v128.store(${at}, v128.load(${d}));`;
  return `store<u${size * 8}>(${at}, load<u${size * 8}>(${d}));`;
}

const HOT_VECTOR = /_[SDQ]_imm$|_[DQ]_reg$/;
for (const load of [true, false]) {
  for (const [name, size] of VECTOR) {
    for (const { name: form, address, writeBack } of FORMS.slice(0, 4)) {
      const full = `${load ? 'LDRV' : 'STRV'}_${name}_${form}`;
      accesses.push({
        name: full,
        cost: load ? 'load' : 'store',
        kind: load ? 'load' : 'store',
        size,
        address,
        data: (d) => (load ? vectorLoad : vectorStore)(size, d, 'h'),
        // a Q register is two accesses of 8 bytes, but aligned as one of 16 (J1.1.3 Mem[])
        ...(size === 16 && { element: size }),
        fp: true,
        hot: HOT_VECTOR.test(full),
        ...(writeBack !== undefined && { writeBack }),
      });
    }
  }
}
for (const load of [true, false]) {
  for (const [name, size] of VECTOR.slice(2)) {
    for (const { name: form, address, writeBack } of PAIR_FORMS) {
      const move = load ? vectorLoad : vectorStore;
      accesses.push({
        name: `${load ? 'LDPV' : 'STPV'}_${name}_${form}`,
        cost: load ? 'loadPair' : 'storePair',
        kind: load ? 'load' : 'store',
        size: 2 * size,
        element: size,
        address,
        data: (d, m) => move(size, d, 'h') + move(size, m, `h + ${size}`),
        fp: true,
        hot: form === 'imm' && name !== 'S',
        ...(writeBack !== undefined && { writeBack }),
      });
    }
  }
}
for (const [name, size] of VECTOR.slice(2)) {
  accesses.push({
    name: `LDRV_${name}_lit`,
    cost: 'load',
    kind: 'load',
    size,
    address: `ppc + ${OFFSET}`,
    data: (d) => vectorLoad(size, d, 'h'),
    ...(size === 16 && { element: size }),
    fp: true,
  });
}
// LD1..LD4, ST1..ST4: bytes 0..3 of the immediate are the instruction, rm = post-index register
accesses.push({
  name: 'STRUCTURE',
  cost: 'simd',
  kind: 'custom',
  size: 64,
  address: RN,
  data: () => `return structureAccess(load<u32>(ip, 8), va, <usize>load<u16>(ip, 4), <usize>load<u16>(ip, 6));`,
  fp: true,
  slowOnly: true,
});

/** All loads and stores; the index is the form number. */
export const ACCESSES: readonly Access[] = accesses;
