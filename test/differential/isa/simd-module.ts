import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import asc from 'assemblyscript/asc';
import { generateSimd } from '../../../sim/cpu/isa/generate-simd.js';
import { HOT_FPCR, HOT_FPSR, HOT_NZCV, HOT_V, HOT_X } from '../../../sim/wasm/layout.js';

/** Architectural state an FP/AdvSIMD data-processing instruction can see or change. */
export interface FpState {
  fpcr: number;
  fpsr: number;
  /** Bits 31:28. */
  nzcv: number;
  /** X0..X30, 8 bytes each, and 8 bytes that stay zero. */
  x: Uint8Array;
  /** V0..V31, 16 bytes each. */
  v: Uint8Array;
}

/** The FP/AdvSIMD part of the kernel, alone. */
export interface SimdModule {
  /** Sub-operation or -1. */
  decode(insn: number): number;
  /** Runs one instruction; undefined when it is UNDEFINED. */
  run(insn: number, state: FpState): FpState | undefined;
  /** Host floating point for the common cases: on or off. */
  setFastPath(on: boolean): void;
  memory: WebAssembly.Memory;
  exec(sub: number, insn: number): void;
}

interface Exports {
  simdDecode(insn: number): number;
  simdExec(sub: number, insn: number): void;
  setFpFastPath(on: number): void;
}

/**
 * Compiles and instantiates the module.
 * @param root project directory
 * @throws Error with the compiler's messages when it does not compile.
 */
export async function loadSimdModule(root: string, optimize = '-O1'): Promise<SimdModule> {
  let wasm: Uint8Array | undefined;
  const args = 'test/differential/isa/kernel/simd.ts --runtime stub --importMemory --memoryBase 65536';
  const limits =
    '--initialMemory 16 --maximumMemory 16 --noExportMemory --use abort= --enable simd --disableWarning 112';
  const { error, stderr } = await asc.main([...args.split(' '), ...limits.split(' '), optimize, '-o', 'simd.wasm'], {
    readFile: async (name: string, baseDir: string) => {
      if (name.endsWith('gen/simd.ts')) return generateSimd();
      return readFile(resolve(root, baseDir, name), 'utf8').catch(() => null);
    },
    writeFile: (_name: string, contents: Uint8Array | string) => {
      if (typeof contents !== 'string') wasm = contents;
    },
  });
  if (error || !wasm) throw new Error(`${error?.message ?? 'no output'}\n${stderr.toString()}`);
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 16 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory } });
  const api = exports as unknown as Exports;
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  const run = (insn: number, state: FpState): FpState | undefined => {
    const sub = api.simdDecode(insn);
    if (sub < 0) return undefined;
    bytes.set(state.x, HOT_X);
    bytes.set(state.v, HOT_V);
    view.setUint32(HOT_FPCR, state.fpcr, true);
    view.setUint32(HOT_FPSR, state.fpsr, true);
    view.setUint32(HOT_NZCV, state.nzcv, true);
    api.simdExec(sub, insn);
    return {
      fpcr: view.getUint32(HOT_FPCR, true),
      fpsr: view.getUint32(HOT_FPSR, true),
      nzcv: view.getUint32(HOT_NZCV, true),
      x: bytes.slice(HOT_X, HOT_X + 256),
      v: bytes.slice(HOT_V, HOT_V + 512),
    };
  };
  return {
    decode: api.simdDecode,
    run,
    setFastPath: (on) => api.setFpFastPath(on ? 1 : 0),
    memory,
    exec: api.simdExec,
  };
}
