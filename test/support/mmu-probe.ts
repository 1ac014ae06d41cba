import { readFileSync } from 'node:fs';
import { SYSREG_SLOT, type SlotName } from '../../sim/cpu/isa/sysregs.js';
import { LinearPhysicalMemory, type MemoryBank } from '../../sim/machine/physical-memory.js';
import * as layout from '../../sim/wasm/layout.js';
import { compileKernel } from './compile-kernel.js';

const path = await compileKernel('sim/mmu/kernel/probe.ts', [
  '--importMemory',
  '--noExportMemory',
  '--initialMemory',
  '1600',
  '--maximumMemory',
  '65536',
]);

/** Exports of sim/mmu/kernel/probe.ts; addresses are split into high and low word. */
interface ProbeExports {
  resetCore(core: number, level: number): void;
  use(core: number): number;
  changed(): number;
  fastRead(hi: number, lo: number, size: number, flags: number): number;
  fastWrite(hi: number, lo: number, size: number, flags: number): number;
  read(hi: number, lo: number, size: number, iss: number, flags: number): number;
  write(hi: number, lo: number, size: number, iss: number, flags: number): number;
  fetch(hi: number, lo: number): number;
  readExclusive(hi: number, lo: number, size: number): number;
  writeExclusive(hi: number, lo: number, size: number): number;
  zeroBlock(hi: number, lo: number): number;
  invalidate(kind: number, hi: number, lo: number, broadcast: number): number;
  translateTo(kind: number, hi: number, lo: number): number;
  maintain(hi: number, lo: number, write: number): number;
  sweep(hi: number, lo: number, step: number, count: number): number;
  hostWalk(core: number, hi: number, lo: number, flags: number): number;
  tlbFlushVmid(vmid: number): number;
  tlbFlushAll(): number;
  invalidateCodeHost(page: number): number;
  flushCodeHost(): number;
  hostOfExport(hi: number, lo: number): number;
  breakMonitors(hi: number, lo: number, length: number): number;
}

/** What an exception left behind. */
export interface Taken {
  readonly level: number;
  readonly ec: number;
  /** ESR_ELx.ISS */
  readonly iss: number;
  readonly fsc: number;
  readonly far: bigint;
}

export interface BusAccess {
  readonly kind: 'read' | 'write';
  readonly pa: number;
  readonly size: number;
  readonly value: bigint;
}

export interface Access {
  /** MEM_UNPRIV 1, MEM_ALIGNED 2, element size log2 + 1 in bits 7:4. */
  readonly flags?: number;
  readonly iss?: number;
}

export const RAM = 0x4800_0000;
const DEFAULT_BANK: MemoryBank = { base: RAM, size: 0x100_0000 };
/** Device registers answer here, nothing answers elsewhere outside RAM. */
export const DEVICE = 0x1000_0000;
const DEVICE_SIZE = 0x10_0000;

const hi = (value: bigint): number => Number((value >> 32n) & 0xffff_ffffn);
const lo = (value: bigint): number => Number(value & 0xffff_ffffn);

/** The MMU of two cores with RAM (16 MiB at RAM, or `bank`), driven one access at a time; no instructions run. */
export class MmuProbe {
  readonly memory = new WebAssembly.Memory({ initial: 1600, maximum: 65536 });
  readonly view = new DataView(this.memory.buffer);
  readonly bus: BusAccess[] = [];
  readonly kernel: ProbeExports;
  readonly ram: LinearPhysicalMemory;
  core = 0;
  /** What the device answers to a read. */
  answer = 0n;

  constructor(level = 1, bank = DEFAULT_BANK) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {
      env: {
        memory: this.memory,
        timerWritten: (): void => {},
        mmioRead: (_core: number, high: number, low: number, size: number): number =>
          this.#read((high >>> 0) * 2 ** 32 + (low >>> 0), size),
        mmioWrite: (_core: number, high: number, low: number, size: number): void =>
          this.#write((high >>> 0) * 2 ** 32 + (low >>> 0), size),
      },
    });
    this.kernel = instance.exports as unknown as ProbeExports;
    this.ram = new LinearPhysicalMemory(this.memory, [bank], this.kernel);
    for (const core of [0, 1]) {
      this.on(core);
      this.kernel.resetCore(core, level);
      // PARange = 4: 44 bits, as a Cortex-A57 has
      this.set('ID_AA64MMFR0_EL1', 0x1124n);
    }
    this.on(0);
  }

  #read(pa: number, size: number): number {
    if (!this.#answers(pa)) return 0;
    this.bus.push({ kind: 'read', pa, size, value: this.answer });
    this.view.setUint32(layout.MMIO_HI, hi(this.answer), true);
    return lo(this.answer) | 0;
  }

  #write(pa: number, size: number): void {
    if (!this.#answers(pa)) return;
    const value = this.view.getBigUint64(layout.MMIO_LO, true);
    this.bus.push({ kind: 'write', pa, size, value });
  }

  #answers(pa: number): boolean {
    if (pa >= DEVICE && pa < DEVICE + DEVICE_SIZE) return true;
    this.view.setUint32(layout.BUS_FAULT, 1, true);
    return false;
  }

  #block(offset: number): number {
    return layout.CORE_BASE + this.core * layout.CORE_STRIDE + offset;
  }

  /** Makes `core` the running one; the methods below are about it. */
  on(core: number): this {
    this.core = core;
    this.kernel.use(core);
    return this;
  }

  word(offset: number): number {
    return this.view.getUint32(this.#block(offset), true);
  }

  setWord(offset: number, value: number): void {
    this.view.setUint32(this.#block(offset), value, true);
  }

  set(name: SlotName, value: bigint): this {
    this.view.setBigUint64(this.#block(layout.CORE_SYSREG + (SYSREG_SLOT[name] as number) * 8), value, true);
    this.kernel.changed();
    return this;
  }

  get(name: SlotName): bigint {
    return this.view.getBigUint64(this.#block(layout.CORE_SYSREG + (SYSREG_SLOT[name] as number) * 8), true);
  }

  /** Changes the exception level (SPSel stays 1). */
  el(level: number): this {
    this.setWord(layout.CORE_EL, level);
    this.kernel.changed();
    return this;
  }

  /** Writes descriptors: [physical address, value]. */
  tables(entries: readonly (readonly [bigint, bigint])[]): this {
    for (const [pa, value] of entries) this.ram.write64(Number(pa), value);
    return this;
  }

  /** Loads `size` bytes (up to 8): the value, or the exception taken. Afterwards the EL is as before. */
  read(va: bigint, size = 8, { flags = 0, iss = 0 }: Access = {}): bigint | Taken {
    const level = this.word(layout.CORE_EL);
    const at = this.kernel.read(hi(va), lo(va), size, iss, flags) >>> 0;
    if (at === 0) return this.taken(level);
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.view.getUint8(at + i));
    return value;
  }

  /** Stores the low `size` bytes of `value`; undefined, or the exception taken. */
  write(va: bigint, value: bigint, size = 8, { flags = 0, iss = 0 }: Access = {}): undefined | Taken {
    const level = this.word(layout.CORE_EL);
    this.scratch(value, size);
    return this.kernel.write(hi(va), lo(va), size, iss, flags) === 0 ? this.taken(level) : undefined;
  }

  scratch(value: bigint, size: number): void {
    for (let i = 0; i < size; i++) {
      this.view.setUint8(layout.SCRATCH_DATA + i, Number((value >> BigInt(8 * i)) & 0xffn));
    }
  }

  /** Micro-op page of a program counter, or the exception taken. */
  fetch(va: bigint): number | Taken {
    const level = this.word(layout.CORE_EL);
    const uops = this.kernel.fetch(hi(va), lo(va)) >>> 0;
    return uops === 0 ? this.taken(level) : uops;
  }

  loadExclusive(va: bigint, size = 8): true | Taken {
    const level = this.word(layout.CORE_EL);
    return this.kernel.readExclusive(hi(va), lo(va), size) !== 0 || this.taken(level);
  }

  storeExclusive(va: bigint, value: bigint, size = 8): 'stored' | 'failed' | Taken {
    const level = this.word(layout.CORE_EL);
    this.scratch(value, size);
    const result = this.kernel.writeExclusive(hi(va), lo(va), size);
    return result === 2 ? this.taken(level) : result === 1 ? 'failed' : 'stored';
  }

  zero(va: bigint): undefined | Taken {
    const level = this.word(layout.CORE_EL);
    return this.kernel.zeroBlock(hi(va), lo(va)) === 0 ? this.taken(level) : undefined;
  }

  maintain(va: bigint, write = false): undefined | Taken {
    const level = this.word(layout.CORE_EL);
    return this.kernel.maintain(hi(va), lo(va), write ? 1 : 0) === 0 ? this.taken(level) : undefined;
  }

  tlbi(kind: number, value = 0n, broadcast = true): void {
    this.kernel.invalidate(kind, hi(value), lo(value), broadcast ? 1 : 0);
  }

  /** AT: PAR_EL1, or the exception taken. */
  at(kind: number, va: bigint): bigint | Taken {
    const level = this.word(layout.CORE_EL);
    return this.kernel.translateTo(kind, hi(va), lo(va)) === 0 ? this.taken(level) : this.get('PAR_EL1');
  }

  /** Descriptor reads since the last call. */
  reads(): number {
    const count = this.word(layout.CORE_WALK_READS);
    this.setWord(layout.CORE_WALK_READS, 0);
    return count;
  }

  /** Reads the syndrome of the exception just taken, and puts the EL back. */
  private taken(before: number): Taken {
    const level = this.word(layout.CORE_EL);
    const esr = Number(this.get(level === 2 ? 'ESR_EL2' : 'ESR_EL1'));
    const far = this.get(level === 2 ? 'FAR_EL2' : 'FAR_EL1');
    this.el(before);
    return { level, ec: esr >>> 26, iss: esr & 0x1ff_ffff, fsc: esr & 0x3f, far };
  }
}
