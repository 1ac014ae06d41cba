/**
 * The register kit: a device's programmer's view as a table, and the behaviour that follows from the table alone
 * (width and alignment check, write masks, write-to-clear bits, reset, snapshot, guest-error reports).
 * Registers are at most 32 bits wide; an 8-byte access is the guest's mistake everywhere.
 */
import type { GuestErrors, Initiator, MmioDevice, Width } from './device.js';

/**
 * What stands behind a register. `storage`: keeps what the masks let through. `modelled`: the device computes it.
 * `constant`: reads its reset value. `raz`: reads as zero, ignores writes. `tagged`: storage, warned about once.
 */
export type RegisterPolicy = 'storage' | 'modelled' | 'constant' | 'raz' | 'tagged';

export interface RegisterSpec {
  /** Byte offset, or the offsets of an irregular array. */
  readonly at: number | readonly number[];
  /** Number of consecutive registers, `size` bytes apart unless `stride` says otherwise. */
  readonly count?: number;
  readonly stride?: number;
  /** Bytes; 4 when omitted. */
  readonly size?: 1 | 2 | 4;
  /** Legal access widths; the size alone when omitted. Narrower accesses may address any aligned part. */
  readonly widths?: readonly Width[];
  readonly reset?: number;
  /** Bits that a plain write changes. */
  readonly write?: number;
  /** Bits that are cleared by writing 1, and by writing 0. */
  readonly w1c?: number;
  readonly w0c?: number;
  readonly policy?: RegisterPolicy;
}

/** One register of a map: element `index` of the table's row `name`. */
export interface Register<N extends string = string> {
  readonly name: N;
  readonly index: number;
  readonly at: number;
  readonly size: number;
  /** Position in the value array. */
  readonly slot: number;
  readonly widthMask: number;
  readonly reset: number;
  readonly write: number;
  readonly w1c: number;
  readonly w0c: number;
  readonly policy: RegisterPolicy;
}

/** The table, expanded and indexed. No two registers share a 32-bit word. */
export class RegisterMap<N extends string> {
  readonly registers: readonly Register<N>[];
  readonly #byWord: (Register<N> | undefined)[] = [];
  readonly #firstSlot = new Map<N, number>();

  /** @throws Error if two registers overlap: a mistake in the table. */
  constructor(table: Readonly<Record<N, RegisterSpec>>) {
    const registers: Register<N>[] = [];
    for (const name of Object.keys(table) as N[]) {
      const spec: RegisterSpec = table[name];
      const size = spec.size ?? 4;
      const offsets =
        typeof spec.at === 'number'
          ? Array.from({ length: spec.count ?? 1 }, (_, i) => (spec.at as number) + i * (spec.stride ?? size))
          : spec.at;
      let widthMask = 0;
      for (const width of spec.widths ?? [size]) widthMask |= width;
      this.#firstSlot.set(name, registers.length);
      offsets.forEach((at, index) => {
        if (this.#byWord[at >> 2] !== undefined) throw new Error(`${name}${index} at ${hex(at)} overlaps another`);
        const register: Register<N> = {
          name,
          index,
          at,
          size,
          slot: registers.length,
          widthMask,
          reset: (spec.reset ?? 0) >>> 0,
          write: spec.write ?? 0,
          w1c: spec.w1c ?? 0,
          w0c: spec.w0c ?? 0,
          policy: spec.policy ?? 'storage',
        };
        registers.push(register);
        this.#byWord[at >> 2] = register;
      });
    }
    this.registers = registers;
  }

  /** The register that an access of this width may address, or undefined if the access is not legal. */
  find(offset: number, width: Width): Register<N> | undefined {
    const register = this.#byWord[offset >> 2];
    if (register === undefined || (register.widthMask & width) === 0) return undefined;
    const part = offset - register.at;
    if (part < 0 || part + width > register.size || (part & (width - 1)) !== 0) return undefined;
    return register;
  }

  slot(name: N, index = 0): number {
    return (this.#firstSlot.get(name) ?? 0) + index;
  }
}

/** Builds a map while keeping the row names as literal types. */
export function registerMap<const N extends string>(table: Readonly<Record<N, RegisterSpec>>): RegisterMap<N> {
  return new RegisterMap(table);
}

export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

/** All ones for an access of 1, 2 or 4 bytes. */
export function maskOf(width: number): number {
  return width >= 4 ? 0xffff_ffff : (1 << (width * 8)) - 1;
}

export interface RegisterDeviceState {
  readonly values: readonly number[];
  readonly warned: readonly number[];
  readonly extra: unknown;
}

/**
 * A device that follows its table. A model overrides `sync` (make stored state true "now"), `readRegister`,
 * `written` and `onReset`, and puts state that is no register through `saveExtra` and `loadExtra`.
 */
export class RegisterDevice<N extends string> implements MmioDevice {
  readonly #values: Uint32Array;
  readonly #warned = new Set<number>();

  constructor(
    readonly name: string,
    protected readonly map: RegisterMap<N>,
    protected readonly errors: GuestErrors,
  ) {
    this.#values = Uint32Array.from(map.registers, (register) => register.reset);
  }

  read(offset: number, width: Width, initiator: Initiator): number {
    const register = this.map.find(offset, width);
    const debug = initiator < 0;
    if (register === undefined) {
      if (!debug) this.errors.report('bad-read', this.name, `${hex(offset)}/${width}`);
      return 0;
    }
    if (!debug) {
      this.sync();
      this.#warn(register);
    }
    const value = register.policy === 'raz' ? 0 : this.readRegister(register, debug);
    return ((value >>> ((offset - register.at) * 8)) & maskOf(width)) >>> 0;
  }

  write(offset: number, width: Width, value: number, _hi: number, initiator: Initiator): void {
    const register = this.map.find(offset, width);
    if (register === undefined) {
      if (initiator >= 0) this.errors.report('bad-write', this.name, `${hex(offset)}/${width}`);
      return;
    }
    this.sync();
    this.#warn(register);
    if (register.policy === 'raz' || register.policy === 'constant') return;
    const shift = (offset - register.at) * 8;
    // A write at the register's start that is narrower than the register acts on the addressed part only.
    const lanes = (maskOf(width) << shift) >>> 0;
    const data = (value << shift) & lanes;
    const old = this.#values[register.slot] ?? 0;
    const plain = register.write & lanes;
    const cleared = (register.w1c & data) | (register.w0c & ~data & lanes);
    this.#values[register.slot] = ((old & ~plain) | (data & plain)) & ~cleared;
    this.written(register, data >>> 0, old, lanes);
  }

  reset(): void {
    for (const register of this.map.registers) this.#values[register.slot] = register.reset;
    this.#warned.clear();
    this.onReset();
  }

  save(): RegisterDeviceState {
    return {
      values: Array.from(this.#values),
      warned: [...this.#warned].sort((a, b) => a - b),
      extra: this.saveExtra(),
    };
  }

  load(state: unknown): void {
    const saved = state as RegisterDeviceState;
    this.#values.set(saved.values);
    this.#warned.clear();
    for (const slot of saved.warned) this.#warned.add(slot);
    this.loadExtra(saved.extra);
  }

  /** The stored value of a register. */
  protected get(name: N, index = 0): number {
    return this.#values[this.map.slot(name, index)] ?? 0;
  }

  /** Stores a value as the hardware does, past the write masks. */
  protected set(name: N, value: number, index = 0): void {
    this.#values[this.map.slot(name, index)] = value;
  }

  /** Called before every access that is not a debug access. */
  protected sync(): void {}

  /** The value that a read returns; a read of a `debug` initiator must leave no trace. */
  protected readRegister(register: Register<N>, _debug: boolean): number {
    return this.#values[register.slot] ?? 0;
  }

  /** Called after a write has been stored: `data` and `lanes` are in register position, `old` is the value before. */
  protected written(_register: Register<N>, _data: number, _old: number, _lanes: number): void {}

  protected onReset(): void {}

  protected saveExtra(): unknown {
    return null;
  }

  protected loadExtra(_extra: unknown): void {}

  #warn(register: Register<N>): void {
    if (register.policy !== 'tagged' || this.#warned.has(register.slot)) return;
    this.#warned.add(register.slot);
    this.errors.report('unmodelled-register', this.name, `${register.name} at ${hex(register.at)}`);
  }
}
