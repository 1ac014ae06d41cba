import type { Access } from '../cpu/isa/accesses.js';
import { ACT_FP_TRAP, ACT_MEMORY, ACT_SP_FAULT } from '../cpu/isa/acts.js';
import { CORE_CTX_UNPRIV, CORE_MONITOR_PA, FP_TRAPPED, TLB_ADDEND, TLB_TAG_R, TLB_TAG_W } from '../wasm/layout.js';
import { SIMD_LOAD, SIMD_STORE, W } from './code.js';
import type { Emit } from './emit.js';
import { extendTop } from './integer.js';
import {
  LOCAL_BOOL,
  LOCAL_CONTEXT,
  LOCAL_CORE,
  LOCAL_ENTRY,
  LOCAL_PAGE,
  LOCAL_SP_MASK,
  LOCAL_T1,
  LOCAL_TLB,
  LOCAL_VA,
} from './locals.js';
import type { RegionEmitter } from './region.js';
import { R_SP, register, type Uop } from './uop.js';

/** A load or store, taken from the name that accesses.ts gives its form. */
interface Form {
  readonly what: 'load' | 'store' | 'loadExclusive' | 'storeExclusive';
  readonly pair: boolean;
  readonly vector: boolean;
  /** Of one register. */
  readonly type: string;
  readonly bytes: number;
  readonly mode: string;
  readonly access: Access;
}

const BYTES: Readonly<Record<string, number>> = {
  X: 8,
  W: 4,
  H: 2,
  B: 1,
  S: 4,
  D: 8,
  Q: 16,
  SW: 4,
  SH64: 2,
  SB64: 1,
  SH32: 2,
  SB32: 1,
};
const LOADS: Readonly<Record<string, number>> = {
  X: W.i64Load,
  W: W.i64Load32U,
  H: W.i64Load16U,
  B: W.i64Load8U,
  SW: W.i64Load32S,
  SH64: W.i64Load16S,
  SB64: W.i64Load8S,
  SH32: W.i64Load16S,
  SB32: W.i64Load8S,
  S: W.i64Load32U,
  D: W.i64Load,
};
const STORES: Readonly<Record<string, number>> = {
  X: W.i64Store,
  W: W.i64Store32,
  H: W.i64Store16,
  B: W.i64Store8,
  S: W.i64Store32,
  D: W.i64Store,
};

function parse(access: Access): Form | undefined {
  const match = /^(LDR|STR|LDP|STP|LDAR|STLR|LDXR|STXR|LDXP|STXP)(V?)_([A-Z0-9]+)(?:_(\w+))?$/.exec(access.name);
  if (match === null) return undefined;
  const [, op = '', v, type = '', mode = 'base'] = match;
  const load = op.startsWith('LD');
  const exclusive = op.includes('X');
  return {
    what: exclusive ? (load ? 'loadExclusive' : 'storeExclusive') : load ? 'load' : 'store',
    pair: op.endsWith('P'),
    vector: v === 'V',
    type,
    bytes: BYTES[type] as number,
    mode,
    access,
  };
}

const emitters = new Map<Access, Emit | undefined>();

/** What to emit for a form of load or store; undefined: the interpreter does it. */
export function memoryEmitter(access: Access): Emit | undefined {
  if (!emitters.has(access)) {
    const form = parse(access);
    emitters.set(access, form && ((region, uop) => emitAccess(region, uop, form)));
  }
  return emitters.get(access);
}

function emitAccess(region: RegionEmitter, uop: Uop, form: Form): void {
  const { code } = region;
  if (form.vector) region.exitIf(ACT_FP_TRAP, uop, () => code.i32(0).memory(W.i32Load, FP_TRAPPED));
  if (register(uop.rn) === R_SP) {
    region.exitIf(ACT_SP_FAULT, uop, () => {
      region.word(uop.rn);
      code.get(LOCAL_SP_MASK).op(W.i32And);
    });
  }
  address(region, uop, form);
  code.set(LOCAL_VA);
  const size = form.access.size;
  const write = form.what === 'store' || form.what === 'storeExclusive';
  const aligned = size > 1 && (form.access.aligned === true || form.what.endsWith('Exclusive'));
  region.exitIf(ACT_MEMORY, uop, () => {
    // the TLB of run(): entry by virtual page, tag of page and context
    code.get(LOCAL_VA).i64(7).op(W.i64ShrU, W.i32WrapI64).i32(0xffe0).op(W.i32And);
    code
      .get(LOCAL_TLB)
      .op(W.i32Add)
      .tee(LOCAL_ENTRY)
      .memory(W.i64Load, write ? TLB_TAG_W : TLB_TAG_R);
    code.get(LOCAL_VA);
    if (size > 1) code.i64(size - 1).op(W.i64Add);
    code.i64(-4096).op(W.i64And);
    if (form.access.unprivileged === true) code.get(LOCAL_CORE).memory(W.i64Load32U, CORE_CTX_UNPRIV);
    else code.get(LOCAL_CONTEXT);
    code.op(W.i64Or, W.i64Ne);
    if (aligned) {
      code
        .get(LOCAL_VA)
        .op(W.i32WrapI64)
        .i32(size - 1)
        .op(W.i32And)
        .i32(0)
        .op(W.i32Ne, W.i32Or);
    }
  });
  code.get(LOCAL_ENTRY).memory(W.i32Load, TLB_ADDEND).get(LOCAL_VA).op(W.i32WrapI64, W.i32Add);
  if (form.what === 'load') load(region, uop, form);
  else if (form.what === 'store') store(region, uop, form);
  else if (form.what === 'loadExclusive') {
    code.tee(LOCAL_ENTRY).op(W.drop).get(LOCAL_CORE);
    granule(region);
    code.memory(W.i64Store, CORE_MONITOR_PA).get(LOCAL_ENTRY);
    load(region, uop, form);
  } else storeExclusive(region, uop, form);
  if (form.mode === 'pre') {
    code.get(LOCAL_VA);
    region.put(uop.rn);
  } else if (form.mode === 'post') {
    code
      .get(LOCAL_VA)
      .i64(uop.low | 0)
      .op(W.i64Add);
    region.put(uop.rn);
  }
}

/** Leaves the virtual address on the stack. */
function address(region: RegionEmitter, uop: Uop, { mode }: Form): void {
  const { code } = region;
  if (mode === 'lit') {
    code
      .get(LOCAL_PAGE)
      .i64(Math.floor(uop.at / 4096) * 4096 + (uop.low | 0))
      .op(W.i64Add);
    return;
  }
  region.value(uop.rn);
  if (mode === 'reg') {
    region.value(uop.rm);
    // an odd option is LSL or SXTX; 2 is UXTW, 6 SXTW
    const option = uop.low & 0xff;
    extendTop(code, (option & 1) !== 0 ? 3 : option === 2 ? 2 : 6);
    const shift = (uop.low >>> 8) & 0xff;
    if (shift !== 0) code.i64(shift).op(W.i64Shl);
    code.op(W.i64Add);
  } else if ((mode === 'imm' || mode === 'pre' || mode === 'unpriv') && uop.low !== 0) {
    code.i64(uop.low | 0).op(W.i64Add);
  }
}

/** The host address is on the stack. */
function load(region: RegionEmitter, uop: Uop, form: Form): void {
  const { code } = region;
  const narrow = form.type.endsWith('32') && !form.vector;
  if (form.vector) {
    code.set(LOCAL_ENTRY);
    vectorLoad(region, uop.rd, form, 0);
    if (form.pair) vectorLoad(region, uop.rm, form, form.bytes);
    return;
  }
  if (form.pair) {
    code
      .tee(LOCAL_ENTRY)
      .memory(LOADS[form.type] as number, form.bytes)
      .set(LOCAL_T1)
      .get(LOCAL_ENTRY);
  }
  code.memory(LOADS[form.type] as number, 0);
  if (narrow) region.putWord(uop.rd);
  else region.put(uop.rd);
  if (!form.pair) return;
  code.get(LOCAL_T1);
  region.put(uop.rm);
}

/** A load of a V register clears the rest of it; V registers stay in the HOT block. */
function vectorLoad({ code }: RegionEmitter, slot: number, { bytes, type }: Form, offset: number): void {
  if (bytes === 16) {
    code.i32(0).get(LOCAL_ENTRY).vector(SIMD_LOAD, offset).vector(SIMD_STORE, slot);
    return;
  }
  const opcode = bytes === 1 ? W.i64Load8U : bytes === 2 ? W.i64Load16U : (LOADS[type] as number);
  code.i32(0).get(LOCAL_ENTRY).memory(opcode, offset).memory(W.i64Store, slot);
  code
    .i32(0)
    .i64(0)
    .memory(W.i64Store, slot + 8);
}

/** The host address is on the stack. */
function store(region: RegionEmitter, uop: Uop, form: Form): void {
  const { code } = region;
  if (form.pair) code.tee(LOCAL_ENTRY);
  storeOne(region, uop.rd, form, 0);
  if (!form.pair) return;
  code.get(LOCAL_ENTRY);
  storeOne(region, uop.rm, form, form.bytes);
}

function storeOne(region: RegionEmitter, slot: number, form: Form, offset: number): void {
  const { code } = region;
  if (!form.vector) {
    region.value(slot);
    code.memory(STORES[form.type] as number, offset);
  } else if (form.bytes === 16) {
    code.i32(0).vector(SIMD_LOAD, slot).vector(SIMD_STORE, offset);
  } else {
    const opcode = form.bytes === 1 ? W.i64Store8 : form.bytes === 2 ? W.i64Store16 : (STORES[form.type] as number);
    code.i32(0).memory(W.i64Load, slot).memory(opcode, offset);
  }
}

/** Leaves the granule of the host address in LOCAL_ENTRY as the monitor keeps it (sim/mmu/kernel/monitor.ts). */
function granule({ code }: RegionEmitter): void {
  code.get(LOCAL_ENTRY).i32(-64).op(W.i32And, W.i64ExtendI32U);
}

/** The monitor's verdict goes to the status register; either way it is open afterwards. */
function storeExclusive(region: RegionEmitter, uop: Uop, form: Form): void {
  const { code } = region;
  code.set(LOCAL_ENTRY).get(LOCAL_CORE).memory(W.i64Load, CORE_MONITOR_PA);
  granule(region);
  code.op(W.i64Eq).set(LOCAL_BOOL);
  code.get(LOCAL_CORE).i64(-1).memory(W.i64Store, CORE_MONITOR_PA);
  code.get(LOCAL_BOOL);
  region.flow.openIf();
  code.get(LOCAL_ENTRY);
  store(region, uop, form);
  region.flow.close();
  code.get(LOCAL_BOOL).op(W.i32Eqz, W.i64ExtendI32U);
  region.put(uop.low & 0xffff);
}
