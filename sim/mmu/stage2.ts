import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** Exports of stage2.wasm (sim/mmu/kernel/stage2.ts): 32-bit arguments, one i32 result. */
const EXPORTS = [
  'reset',
  'ram',
  'poke',
  'peek',
  'configure',
  'walk',
  'walkMany',
  'resultHi',
  'resultLo',
  'leafHi',
  'leafLo',
  'resultLevel',
  'resultSize',
  'descriptorReads',
] as const;
type ExportName = (typeof EXPORTS)[number];
/** Calls an export; the result is an i32, so negative from 2^31 up. */
type Call = (name: ExportName, ...args: number[]) => number;

/** The engine that runs the walker. */
export type EngineName = 'v8' | 'wasmtime';

export type Access = 'read' | 'write' | 'execute';
const ACCESS_NUMBER: Readonly<Record<Access, number>> = { read: 0, write: 1, execute: 2 };

/** A walk that ended in a translation. */
export interface Stage2Hit {
  readonly pa: bigint;
  /** The block or page descriptor, with its attributes. */
  readonly leaf: bigint;
  readonly level: number;
  /** Log2 of the size of the block or page. */
  readonly size: number;
  /** Descriptors read. */
  readonly reads: number;
}

/** A walk that ended in a fault: the 6-bit fault status code of ESR_ELx. */
export interface Stage2Fault {
  readonly fsc: number;
  readonly reads: number;
}

const WORD = 0xffff_ffffn;
const high = (value: bigint): number => Number((value >> 32n) & WORD) | 0;
const low = (value: bigint): number => Number(value & WORD) | 0;

/**
 * The stage-2 walker by itself, in a memory of its own: the one that core.wasm has inside. For cross-checks between
 * WebAssembly engines and for the walker's benchmark.
 */
export class Stage2Walker {
  constructor(
    readonly engine: EngineName,
    private readonly call: Call,
    paBits: number,
  ) {
    this.chunks = call('reset', paBits);
  }

  /** Chunks of 64 KiB that may have contents. */
  readonly chunks: number;

  /** Declares [pa, pa + bytes) to be RAM, below 2^36 and in multiples of 64 KiB. */
  ram(pa: bigint, bytes: number): void {
    this.call('ram', high(pa), low(pa), Math.ceil(bytes / 0x10000));
  }

  /** Stores a descriptor; throws RangeError outside RAM. */
  write64(pa: bigint, value: bigint): void {
    const missed = this.call('poke', high(pa), low(pa), low(value));
    if (missed !== 0 || this.call('poke', high(pa), low(pa) + 4, high(value)) !== 0) {
      throw new RangeError(`no RAM at 0x${pa.toString(16)}`);
    }
  }

  read64(pa: bigint): bigint {
    return this.#join(this.call('peek', high(pa), low(pa) + 4), this.call('peek', high(pa), low(pa)));
  }

  configure(vtcr: bigint, vttbr: bigint): void {
    this.call('configure', high(vtcr), low(vtcr), high(vttbr), low(vttbr));
  }

  walk(ipa: bigint, access: Access = 'read'): Stage2Hit | Stage2Fault {
    const fsc = this.call('walk', high(ipa), low(ipa), ACCESS_NUMBER[access]);
    const reads = this.call('descriptorReads');
    if (fsc >= 0) return { fsc, reads };
    return {
      pa: this.#join(this.call('resultHi'), this.call('resultLo')),
      leaf: this.#join(this.call('leafHi'), this.call('leafLo')),
      level: this.call('resultLevel'),
      size: this.call('resultSize'),
      reads,
    };
  }

  /** Walks `count` addresses `step` bytes apart in one call; returns a checksum of the results. */
  walkMany(ipa: bigint, step: number, count: number): number {
    return this.call('walkMany', high(ipa), low(ipa), step, count) >>> 0;
  }

  #join(hi: number, lo: number): bigint {
    return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  }
}

function v8Call(path: string): Call {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)));
  const functions = exports as Record<ExportName, (...args: number[]) => number>;
  return (name, ...args) => functions[name](...args);
}

interface WasmtimeFunction {
  call(store: object, args: number[]): number;
}
interface WasmtimeModule {
  Engine: { new (config: object): object };
  Config: { new (): object };
  Module: { fromFile(engine: object, path: string): object };
  Store: { new (engine: object): object };
  Instance: { new (store: object, module: object): { getFunc(store: object, name: string): WasmtimeFunction | null } };
}

/** npm `wasmtime`, an optional package; undefined where it does not load. */
function loadWasmtime(): WasmtimeModule | undefined {
  try {
    return createRequire(import.meta.url)('wasmtime') as WasmtimeModule;
  } catch {
    return undefined;
  }
}

function wasmtimeCall(path: string): Call | undefined {
  const wasmtime = loadWasmtime();
  if (wasmtime === undefined) return undefined;
  const engine = new wasmtime.Engine(new wasmtime.Config());
  const store = new wasmtime.Store(engine);
  const instance = new wasmtime.Instance(store, wasmtime.Module.fromFile(engine, path));
  const functions = new Map<ExportName, WasmtimeFunction>();
  for (const name of EXPORTS) {
    const found = instance.getFunc(store, name);
    if (found === null) throw new Error(`stage2.wasm has no export ${name}`);
    functions.set(name, found);
  }
  return (name, ...args) => (functions.get(name) as WasmtimeFunction).call(store, args);
}

/**
 * Makes a walker from the module file at `path`; `paBits` is the implemented physical address size. Undefined if the
 * engine is not installed. Throws if the file is missing (npm `wasmtime` would end the process).
 */
export function createStage2(path: string, engine: EngineName = 'v8', paBits = 44): Stage2Walker | undefined {
  if (!existsSync(path)) throw new Error(`${path} is missing: npm run build makes it`);
  const call = engine === 'v8' ? v8Call(path) : wasmtimeCall(path);
  return call && new Stage2Walker(engine, call, paBits);
}
