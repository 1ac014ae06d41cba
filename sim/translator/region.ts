import { OUT_CHECK, OUT_GO_ON, OUT_INDIRECT, OUT_JUMP, OUT_JUMP_DUE } from '../cpu/isa/acts.js';
import {
  HOT_X,
  REGION_COUNTS,
  REGION_FLAG_A,
  REGION_FLAG_B,
  REGION_FLAG_KIND,
  REGION_PC,
  TLB_TAG_X,
  TLB_UOPS,
} from '../wasm/layout.js';
import { emitBranchTest } from './branch.js';
import { Code, TYPE_I32, TYPE_I64, W } from './code.js';
import type { Block, Region } from './discover.js';
import { emitterOf } from './emit.js';
import { flagsSet, KIND_ANY, onlyKind, type FlagKinds } from './flags.js';
import { Flow } from './flow.js';
import {
  I32_LOCALS,
  LOCAL_CONTEXT,
  LOCAL_COUNTS,
  LOCAL_ENTRY,
  LOCAL_FA,
  LOCAL_FB,
  LOCAL_FK,
  LOCAL_LIMIT,
  LOCAL_PAGE,
  LOCAL_REGISTERS,
  LOCAL_STATE,
  LOCAL_TARGET,
  LOCAL_TLB,
  PARAMETERS,
} from './locals.js';
import { KINDS, R_TRASH, R_ZERO, register, targetOf, type Uop } from './uop.js';

const PAGE = 4096;
const LINK_REGISTER = HOT_X + 30 * 8;
/** Result of a region: bits 6:4 when the kind of the flags is at REGION_FLAG_KIND. */
const KIND_STORED = 7;

/**
 * Writes the function of one region. Its result says how it ended (sim/cpu/isa/acts.ts): bits 3:0 OUT_* or ACT_*, 6:4
 * kind of the flags, 16:7 instructions and 36:17 cycles to add to those at REGION_COUNTS, 63:37 distance of the PC from
 * the region's page in instructions.
 */
export class RegionEmitter {
  readonly code = new Code();
  readonly flow: Flow;
  /** Kinds of flags that may be in force here. */
  kinds: FlagKinds = KIND_ANY;
  readonly #locals = new Map<number, number>();
  readonly #written = new Set<number>();
  readonly #kindsAt: Map<number, FlagKinds>;
  /** Not yet in the local of the counts. */
  #instructions = 0;
  #cycles = 0;

  constructor(private readonly region: Region) {
    this.flow = new Flow(this.code, region.blocks, LOCAL_STATE, (block) => this.#block(block));
    this.#kindsAt = flagFlow(region);
  }

  /** The body of the function with its locals, without its size. */
  emit(): Uint8Array {
    this.flow.emit(this.region.entry);
    const body = this.code.bytes();
    const out = new Code();
    out.u(2).u(I32_LOCALS).op(TYPE_I32);
    out.u(LOCAL_REGISTERS - PARAMETERS.length - I32_LOCALS + this.#locals.size).op(TYPE_I64);
    for (const [number, local] of this.#locals)
      out
        .i32(0)
        .memory(W.i64Load, HOT_X + 8 * number)
        .set(local);
    out.append(body);
    for (const number of this.#written) {
      out
        .i32(0)
        .get(this.#local(number))
        .memory(W.i64Store, HOT_X + 8 * number);
    }
    out.i32(0).get(LOCAL_COUNTS).memory(W.i64Store, REGION_COUNTS);
    out.i32(0).get(LOCAL_FA).memory(W.i64Store, REGION_FLAG_A);
    out.i32(0).get(LOCAL_FB).memory(W.i64Store, REGION_FLAG_B);
    out.i32(0).get(LOCAL_FK).memory(W.i32Store, REGION_FLAG_KIND);
    out.i32(0).get(LOCAL_TARGET).memory(W.i64Store, REGION_PC);
    return out.op(W.end).bytes();
  }

  // ---- registers ----

  #local(number: number): number {
    let local = this.#locals.get(number);
    if (local === undefined) {
      local = LOCAL_REGISTERS + this.#locals.size;
      this.#locals.set(number, local);
    }
    return local;
  }

  /** Pushes the register whose slot is at `address`. */
  value(address: number): void {
    const number = register(address);
    if (number === R_ZERO) this.code.i64(0);
    else this.code.get(this.#local(number));
  }

  /** Pushes its low word, as i32. */
  word(address: number): void {
    this.value(address);
    this.code.op(W.i32WrapI64);
  }

  /** Pops a value into a register. */
  put(address: number): void {
    const number = register(address);
    if (number === R_TRASH || number === R_ZERO) {
      this.code.op(W.drop);
      return;
    }
    this.#written.add(number);
    this.code.set(this.#local(number));
  }

  /** Pops a value whose low word goes to a register. */
  putWord(address: number): void {
    if (register(address) !== R_TRASH) this.code.op(W.i32WrapI64, W.i64ExtendI32U);
    this.put(address);
  }

  /** Pushes the virtual address `distance` bytes from the region's page. */
  address(distance: number): void {
    this.code.get(LOCAL_PAGE);
    if (distance === 0) return;
    this.code.i64Words(distance % 2 ** 32, Math.floor(distance / 2 ** 32)).op(W.i64Add);
  }

  // ---- exits ----

  /** Pushes the result of an exit to `at`. */
  #result(how: number, at: number, instructions: number, cycles: number): void {
    const kind = onlyKind(this.kinds) ?? KIND_STORED;
    const low = how | (kind << 4) | (instructions << 7) | ((cycles & 0x7fff) << 17);
    this.code.i64Words(low, ((cycles >>> 15) & 31) | ((at >> 2) << 5));
  }

  /** Leaves before the micro-op, with `how`, if the i32 that `condition` pushes is not zero. */
  exitIf(how: number, uop: Uop, condition: () => unknown): void {
    this.#result(how, uop.at, this.#instructions, this.#cycles);
    condition();
    this.flow.exit(W.brIf);
    this.code.op(W.drop);
  }

  /** A check point behind the micro-op that is being emitted. */
  checkAfter(uop: Uop, how: number): void {
    const { code } = this;
    const cycles = this.#cycles + uop.cost;
    this.#result(how, uop.at + 4, this.#instructions + 1, cycles);
    code.get(LOCAL_COUNTS).op(W.i32WrapI64).i32(cycles).op(W.i32Add).get(LOCAL_LIMIT).op(W.i32GeU);
    this.flow.exit(W.brIf);
    code.op(W.drop);
  }

  /** Leaves for `at`. The counts are up to date. */
  #leave(how: number, at: number): void {
    this.#result(how, at, 0, 0);
    this.flow.exit();
  }

  // ---- blocks ----

  #block(block: Block): void {
    this.kinds = this.#kindsAt.get(block.at) ?? KIND_ANY;
    this.#instructions = 0;
    this.#cycles = 0;
    const last = block.branches ? block.uops.at(-1) : undefined;
    for (const uop of block.uops) {
      if (uop !== last) {
        const name = KINDS[uop.op]?.name ?? '';
        emitterOf(uop)?.(this, uop);
        this.kinds = flagsSet(name) || this.kinds;
      }
      this.#instructions++;
      this.#cycles += uop.cost;
    }
    this.#flush();
    if (last === undefined) this.#fallThrough(block);
    else this.#branch(last, block);
  }

  #flush(): void {
    if (this.#instructions === 0) return;
    this.code.get(LOCAL_COUNTS).i64Words(this.#cycles, this.#instructions).op(W.i64Add).set(LOCAL_COUNTS);
    this.#instructions = 0;
    this.#cycles = 0;
  }

  #fallThrough(block: Block): void {
    // the end of a page is a jump, and a check point
    if (block.end % PAGE === 0) this.#far(block.end, true);
    else this.#near(block.end);
  }

  #branch(uop: Uop, block: Block): void {
    const kind = KINDS[uop.op];
    if (kind === undefined) throw new Error(`no operation ${uop.op}`);
    if (kind.flow === 'indirect' || kind.flow === 'indirectCall') {
      this.#indirect(uop, block, kind.flow === 'indirectCall');
      return;
    }
    const target = targetOf(uop, kind);
    const distance = kind.far ? uop.low | 0 : (uop.low | 0) >> 2;
    const take = (): void => {
      if (kind.far) this.#far(target, distance <= 0);
      else if (distance <= 0) this.#backward(target);
      else this.#near(target);
    };
    if (kind.flow === 'condition') {
      const simple = !kind.far && distance > 0 && this.flow.direct(target);
      if (simple) this.#settleKinds(target);
      emitBranchTest(this, uop, kind.name);
      if (simple) this.flow.branch(target, W.brIf);
      else {
        this.flow.openIf();
        take();
        this.flow.close();
      }
      this.#fallThrough(block);
      return;
    }
    if (kind.flow === 'call') {
      this.address(uop.at + 4);
      this.put(LINK_REGISTER);
    }
    take();
  }

  /** The local of the kind must be right where several may meet. */
  #settleKinds(target: number): void {
    const kind = onlyKind(this.kinds);
    if (kind === undefined || onlyKind(this.#kindsAt.get(target) ?? KIND_ANY) !== undefined) return;
    this.code.i32(kind).set(LOCAL_FK);
  }

  /** On to a block in the same page, no check point. */
  #near(target: number): void {
    if (!this.flow.inside(target)) {
      this.#leave(OUT_GO_ON, target);
      return;
    }
    this.#settleKinds(target);
    this.flow.branch(target);
  }

  #overLimit(): void {
    this.code.get(LOCAL_COUNTS).op(W.i32WrapI64).get(LOCAL_LIMIT).op(W.i32GeU);
  }

  /** A backward branch within the page was taken. */
  #backward(target: number): void {
    if (!this.flow.inside(target)) {
      this.#leave(OUT_CHECK, target);
      return;
    }
    this.#result(OUT_CHECK, target, 0, 0);
    this.#overLimit();
    this.flow.exit(W.brIf);
    this.code.op(W.drop);
    this.#settleKinds(target);
    this.flow.branch(target);
  }

  /** Pushes 1 if the fetch of the page of `target` is not the one that the region was made from. */
  #fetchDiffers(target: number): boolean {
    const distance = Math.floor(target / PAGE);
    // run() has looked at the first page, and no TLB entry changes inside a region
    if (distance === 0) return false;
    const { code } = this;
    this.address(distance * PAGE);
    code.op(W.tee).u(LOCAL_TARGET).i64(7).op(W.i64ShrU, W.i32WrapI64).i32(0xffe0).op(W.i32And);
    code.get(LOCAL_TLB).op(W.i32Add).tee(LOCAL_ENTRY).memory(W.i64Load, TLB_TAG_X);
    code.get(LOCAL_TARGET).get(LOCAL_CONTEXT).op(W.i64Or, W.i64Ne);
    code
      .get(LOCAL_ENTRY)
      .memory(W.i32Load, TLB_UOPS)
      .i32(this.region.pages.get(distance) ?? 0)
      .op(W.i32Ne, W.i32Or);
    return true;
  }

  /** A branch to another page was taken; `due`: it is a check point. */
  #far(target: number, due: boolean): void {
    const how = due ? OUT_JUMP_DUE : OUT_JUMP;
    if (!this.flow.inside(target)) {
      this.#leave(how, target);
      return;
    }
    this.#result(how, target, 0, 0);
    const looked = this.#fetchDiffers(target);
    if (due) {
      this.#overLimit();
      if (looked) this.code.op(W.i32Or);
    }
    if (looked || due) this.flow.exit(W.brIf);
    this.code.op(W.drop);
    this.#settleKinds(target);
    this.flow.branch(target);
  }

  /** BR, BLR, RET: always a check point, and a fetch. */
  #indirect(uop: Uop, block: Block, call: boolean): void {
    const { code } = this;
    this.value(uop.rn);
    code.set(LOCAL_TARGET);
    if (call) {
      this.address(uop.at + 4);
      this.put(LINK_REGISTER);
    }
    for (const target of block.next) {
      if (!this.flow.inside(target)) continue;
      this.address(target);
      code.get(LOCAL_TARGET).op(W.i64Eq);
      this.flow.openIf();
      this.#result(OUT_INDIRECT, 0, 0, 0);
      const looked = this.#fetchDiffers(target);
      // the local was used for the page
      if (looked) {
        this.address(target);
        code.set(LOCAL_TARGET);
      }
      this.#overLimit();
      if (looked) code.op(W.i32Or);
      this.flow.exit(W.brIf);
      code.op(W.drop);
      this.#settleKinds(target);
      this.flow.branch(target);
      this.flow.close();
    }
    this.#leave(OUT_INDIRECT, 0);
  }
}

/** Kinds of flags at the beginning of each block. */
function flagFlow({ blocks, entry }: Region): Map<number, FlagKinds> {
  const before = new Map<number, FlagKinds>([[entry, KIND_ANY]]);
  const work = [entry];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    const block = blocks.get(at);
    if (block === undefined) continue;
    let kinds = before.get(at) ?? 0;
    for (const { op } of block.uops) kinds = flagsSet(KINDS[op]?.name ?? '') || kinds;
    for (const next of block.next) {
      const known = before.get(next) ?? 0;
      if ((known | kinds) === known) continue;
      before.set(next, known | kinds);
      work.push(next);
    }
  }
  return before;
}
