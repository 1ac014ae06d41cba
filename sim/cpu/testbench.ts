import { flatBoard } from '../../boards/flat.js';
import type { Board } from '../../boards/board.js';
import { createLinearMemory, LinearPhysicalMemory } from '../machine/physical-memory.js';
import { COST_TABLE } from '../wasm/layout.js';
import { createKernel, type Kernel, type KernelImports } from '../wasm/module.js';
import { Core } from './core.js';

/** Where programs and vector tables lie; every vector is a branch to itself. */
export const CODE = 0x4000_0000n;
export const VECTORS_EL1 = 0x4001_0000n;
export const VECTORS_EL2 = 0x4002_0000n;
const BRANCH_TO_SELF = 0x1400_0000;
const ERET = 0xd69f_03e0;

export interface CpuBench {
  readonly kernel: Kernel;
  readonly memory: LinearPhysicalMemory;
  readonly cores: readonly Core[];
  readonly core: Core;
  readonly timerWrites: number[];
  /** Puts a program at CODE, ended by a branch to itself, and the PC at its start. */
  program(...words: number[]): void;
  /** Runs core 0 for so many cycles; returns the exit code. */
  run(cycles?: number): number;
  /** Puts core 0 at exception level 0 or 1 below a bench that entered at EL2 or EL1, as an exception return does. */
  level(el: 0 | 1 | 2): void;
}

/** Cores with 2 MiB of RAM at 0x40000000 and no machine around them, for specs of the CPU. */
export function cpuBench(
  options: { entryLevel?: 1 | 2; cores?: number; imports?: Partial<KernelImports> } = {},
): CpuBench {
  const board: Board = flatBoard({ entryLevel: options.entryLevel ?? 2, cores: options.cores ?? 1, ramBytes: 2 << 20 });
  const linear = createLinearMemory(board.memory);
  const timerWrites: number[] = [];
  const kernel = createKernel(linear, {
    mmioRead: () => 0,
    mmioWrite: () => undefined,
    timerWritten: (core) => timerWrites.push(core),
    ...options.imports,
  });
  const memory = new LinearPhysicalMemory(linear, board.memory, kernel);
  const cores = board.cores.map((core) => new Core(kernel, linear, core, board));
  const core = cores[0] as Core;
  for (const base of [VECTORS_EL1, VECTORS_EL2]) {
    for (let vector = 0; vector < 16; vector++) memory.write32(Number(base) + vector * 0x80, BRANCH_TO_SELF);
  }
  for (const each of cores) {
    each.setSysreg('VBAR_EL1', VECTORS_EL1);
    each.setSysreg('VBAR_EL2', VECTORS_EL2);
  }
  // a cost of one cycle for each class, so that cycles count instructions
  kernel.u8.fill(1, COST_TABLE, COST_TABLE + 64);
  return {
    kernel,
    memory,
    cores,
    core,
    timerWrites,
    program(...words) {
      [...words, BRANCH_TO_SELF].forEach((word, i) => memory.write32(Number(CODE) + 4 * i, word));
      core.pc = CODE;
    },
    run: (cycles = 100) => core.run(core.cycles + cycles),
    level(el) {
      if (el === core.el) return;
      const pc = core.pc;
      const from = core.el;
      memory.write32(Number(CODE) + 0x1000, ERET);
      core.setSysreg(`SPSR_EL${from}`, el === 0 ? 0x3c0n : 0x3c5n);
      core.setSysreg(`ELR_EL${from}`, CODE + 0x1004n);
      memory.write32(Number(CODE) + 0x1004, BRANCH_TO_SELF);
      core.pc = CODE + 0x1000n;
      core.run(core.cycles + 20);
      core.pc = pc;
    },
  };
}
