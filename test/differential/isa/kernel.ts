/** Our side: core.wasm at EL0 with stage 1 on; a synchronous exception goes to a vector with an HVC, which leaves run(). */
import { flatBoard } from '../../../boards/flat.js';
import { Core } from '../../../sim/cpu/core.js';
import { SYSREG_SLOT } from '../../../sim/cpu/isa/sysregs.js';
import { createLinearMemory, LinearPhysicalMemory } from '../../../sim/machine/physical-memory.js';
import {
  CORE_BASE,
  CORE_HOT,
  CORE_SYSREG,
  COST_TABLE,
  EXIT_EL2,
  EXIT_LIMIT,
  EXIT_WFE,
  EXIT_WFI,
  HOT_BASE,
  HOT_FPCR,
  HOT_V,
  HOT_X,
} from '../../../sim/wasm/layout.js';
import { ApproximateTiming } from '../../../sim/timing/approximate.js';
import { Costs } from '../../../sim/timing/costs.js';
import { createKernel } from '../../../sim/wasm/module.js';
import { loadExclusive } from './exclusions.js';
import {
  BRK,
  CODE,
  CODE_BYTES,
  DATA,
  SIGBUS,
  SIGILL,
  SIGSEGV,
  SIGTRAP,
  STATE_BYTES,
  STATE_FPCR,
  STATE_NZCV,
  STATE_PC,
  STATE_SP,
  STATE_TPIDR,
  STATE_V,
  STATE_X,
  TIMEOUT,
  UNMODELLED,
  viewOf,
  WRITABLE_BYTES,
} from './state.js';
import type { Case, Result } from './state.js';
import { initialMemory } from './values.js';

const RAM = 0x4000_0000;
const PAGE = 0x1000;
const L1 = RAM;
const L2_CODE = RAM + PAGE;
const L2_DATA = RAM + 2 * PAGE;
const L2_VECTORS = RAM + 3 * PAGE;
const L3_CODE = RAM + 4 * PAGE;
const L3_DATA = RAM + 5 * PAGE;
const L3_VECTORS = RAM + 6 * PAGE;
const VECTORS_PA = RAM + 7 * PAGE;
/** The pages of the data are apart and in another order than their addresses. */
const DATA_PA = [RAM + 0x5_2000, RAM + 0x3_0000, RAM + 0x4_1000];
const CODE_PA = RAM + 0x20_0000;
const VECTORS = 0x7f_ffe0_0000;
const HVC = 0xd4000002;

const TABLE = 3n;
// AttrIndx 0, inner shareable, AF; AP in 7:6, PXN 53, UXN 54 (Arm ARM D5.3.3)
const PAGE_DESCRIPTOR = 0x703n;
const AP_EL0_RW = 1n << 6n;
const AP_EL0_RO = 3n << 6n;
const PXN = 1n << 53n;
const UXN = 1n << 54n;
/** T0SZ 25, TTBR1 off, write-back walks, 36-bit output, top byte ignored: as Linux sets it. */
const TCR = 25n | (1n << 8n) | (1n << 10n) | (3n << 12n) | (1n << 23n) | (1n << 32n) | (1n << 37n);
/** M, C, I, DZE, UCT, nTWI, nTWE, UCI, RES1; no alignment checks, as QEMU has none of SP. */
const SCTLR = 0x30d0_1805n | (1n << 14n) | (1n << 15n) | (1n << 16n) | (1n << 18n) | (1n << 26n);
const LIMIT = 100_000;
/** Slots modulo 4 that begin with an empty TLB, modulo 8 that run in slices. */
const COLD = 2;
const SLICED = 1;
const NO_BLOCKS = new Uint8Array(0);

// EC of ESR_ELx (Arm ARM D13.2.37)
const EC_UNKNOWN = 0x00;
const EC_TRAPPED = 0x18;
const EC_INSTRUCTION_ABORT = 0x20;
const EC_PC_ALIGNMENT = 0x22;
const EC_DATA_ABORT = 0x24;
const EC_BRK = 0x3c;
const ALIGNMENT_FAULT = 0x21;

/** The kernel, ready for cases. */
export interface IsaKernel {
  /** Runs cases, each in a slot of its own. */
  run(cases: readonly Case[]): Result[];
  /** Instructions executed so far, those of the vectors included. */
  readonly instructions: number;
}

/** Sets up one core of a flat board. Throws if core.wasm is missing. */
export function createIsaKernel(timing: 'functional' | 'approximate' = 'functional'): IsaKernel {
  const board = flatBoard({ entryLevel: 2, cores: 1, ramBytes: 8 << 20 });
  const linear = createLinearMemory(board.memory);
  const imports = { mmioRead: () => 0, mmioWrite: () => undefined, timerWritten: () => undefined };
  const kernel = createKernel(linear, imports);
  const memory = new LinearPhysicalMemory(linear, board.memory, kernel);
  const core = new Core(kernel, linear, board.cores[0]!, board);
  if (timing === 'approximate') {
    new ApproximateTiming(kernel, imports, board, new Costs(board.timing, board.tickHz)).start();
  }
  const block = CORE_BASE;
  const hot = block + CORE_HOT - HOT_BASE;
  const slot = (name: keyof typeof SYSREG_SLOT): number => block + CORE_SYSREG + 8 * (SYSREG_SLOT[name] as number);
  const tpidr = slot('TPIDR_EL0');
  const spEl0 = slot('SP_EL0');
  const { u8 } = kernel;
  const view = viewOf(u8);
  const pristine = initialMemory();

  const tables = (va: number, l2: number, l3: number): void => {
    memory.write64(L1 + 8 * Math.floor(va / 2 ** 30), BigInt(l2) | TABLE);
    memory.write64(l2 + 8 * (Math.floor(va / 2 ** 21) % 512), BigInt(l3) | TABLE);
  };
  const page = (l3: number, va: number, pa: number, attributes: bigint): void =>
    memory.write64(l3 + 8 * (Math.floor(va / PAGE) % 512), BigInt(pa) | PAGE_DESCRIPTOR | attributes);
  tables(CODE, L2_CODE, L3_CODE);
  tables(DATA, L2_DATA, L3_DATA);
  tables(VECTORS, L2_VECTORS, L3_VECTORS);
  for (let i = 0; i < CODE_BYTES; i += PAGE) page(L3_CODE, CODE + i, CODE_PA + i, AP_EL0_RO | PXN);
  DATA_PA.forEach((pa, i) =>
    page(L3_DATA, DATA + PAGE * i, pa, (PAGE * i < WRITABLE_BYTES ? AP_EL0_RW : AP_EL0_RO) | PXN | UXN),
  );
  page(L3_VECTORS, VECTORS, VECTORS_PA, UXN);
  for (let vector = 0; vector < 16; vector += 1) memory.write32(VECTORS_PA + vector * 0x80, HVC);
  DATA_PA.forEach((pa, i) => memory.write(pa, pristine.subarray(PAGE * i, PAGE * (i + 1))));
  const hostOf = (pa: number): number => kernel.hostOfExport(Math.floor(pa / 2 ** 32), pa | 0) >>> 0;
  const dataHost = DATA_PA.map(hostOf);

  const setUp = (): void => {
    core.setSysreg('MAIR_EL1', 0xffn);
    core.setSysreg('TTBR0_EL1', BigInt(L1));
    core.setSysreg('TCR_EL1', TCR);
    core.setSysreg('VBAR_EL1', BigInt(VECTORS));
    core.setSysreg('CPACR_EL1', 3n << 20n);
    core.setSysreg('SCTLR_EL1', SCTLR);
    core.setSysreg('CNTKCTL_EL1', 3n); // CNTFRQ_EL0 reads at EL0 if either counter does
    core.setSysreg('HCR_EL2', 0x8000_0000n);
  };
  setUp();
  core.el2Model = true;
  u8.fill(1, COST_TABLE, COST_TABLE + 64);

  const placeCode = (cases: readonly Case[]): void => {
    const code = new Uint32Array(CODE_BYTES / 4).fill(BRK);
    for (const { words, state } of cases) {
      const pc = viewOf(state).getUint32(STATE_PC, true) + viewOf(state).getUint32(STATE_PC + 4, true) * 2 ** 32;
      code.set(words, (pc - CODE) / 4);
    }
    kernel.flushCodeHost();
    memory.write(CODE_PA, new Uint8Array(code.buffer));
  };

  /** Collects the blocks of a page that changed, and puts them back. */
  const changed = (index: number, out: number[]): void => {
    const host = dataHost[index] as number;
    const base = PAGE * index;
    const now = u8.subarray(host, host + PAGE);
    const before = pristine.subarray(base, base + PAGE);
    if (Buffer.compare(now, before) === 0) return;
    for (let i = 0; i < PAGE; i += 16) {
      let same = true;
      for (let j = i; j < i + 16; j += 1) same &&= now[j] === before[j];
      if (same) continue;
      const offset = base + i;
      out.push(offset & 255, offset >> 8, 0, 0, 0, 0, 0, 0, ...now.subarray(i, i + 16));
    }
    now.set(before);
  };

  const signalOf = (exit: number, esr: number): number => {
    if (exit === EXIT_LIMIT) return TIMEOUT;
    if (exit !== EXIT_EL2) return UNMODELLED;
    switch (esr >>> 26) {
      case EC_UNKNOWN:
      case EC_TRAPPED:
        return SIGILL;
      case EC_BRK:
        return SIGTRAP;
      case EC_INSTRUCTION_ABORT:
        return SIGSEGV;
      case EC_PC_ALIGNMENT:
        return SIGBUS;
      case EC_DATA_ABORT:
        return (esr & 63) === ALIGNMENT_FAULT ? SIGBUS : SIGSEGV;
      default:
        return UNMODELLED;
    }
  };

  /** Runs until the case ends; in `slices` the core leaves run() at every check point (docs/architecture.md). */
  const runToEnd = (slices: boolean): number => {
    for (let left = LIMIT; left > 0; left -= 1) {
      const exit = core.run(core.cycles + (slices ? 1 : LIMIT));
      if (exit === EXIT_WFI || exit === EXIT_WFE || (slices && exit === EXIT_LIMIT)) continue;
      return exit;
    }
    return EXIT_LIMIT;
  };

  const runOne = ({ words, state }: Case, after: Uint8Array): Result => {
    u8.set(state.subarray(STATE_X, STATE_SP), hot + HOT_X);
    u8.set(state.subarray(STATE_FPCR, STATE_FPCR + 8), hot + HOT_FPCR);
    u8.set(state.subarray(STATE_V), hot + HOT_V);
    u8.set(state.subarray(STATE_SP, STATE_SP + 8), spEl0);
    u8.set(state.subarray(STATE_TPIDR, STATE_TPIDR + 8), tpidr);
    const before = viewOf(state);
    core.setSysreg('ELR_EL2', before.getBigUint64(STATE_PC, true));
    core.setSysreg('SPSR_EL2', BigInt(before.getUint32(STATE_NZCV, true)));
    kernel.hostClearExclusive(0);
    // what must not matter: a cold TLB, and leaving run(), which opens the monitor
    const place = (before.getUint32(STATE_PC, true) - (CODE % 2 ** 32)) >> 8;
    if (place % 4 === COLD) kernel.tlbFlushAll();
    const exit = core.eret() ? runToEnd(place % 8 === SLICED && !words.some(loadExclusive)) : UNMODELLED;
    const esr = Number(core.sysreg('ESR_EL1'));
    const signal = signalOf(exit, esr);
    const [pc, nzcv] = exit === EXIT_EL2 ? [core.sysreg('ELR_EL1'), core.sysreg('SPSR_EL1')] : [core.pc, core.pstate];
    after.set(u8.subarray(hot + HOT_X, hot + HOT_X + 248), STATE_X);
    after.set(u8.subarray(spEl0, spEl0 + 8), STATE_SP);
    after.set(u8.subarray(hot + HOT_FPCR, hot + HOT_FPCR + 8), STATE_FPCR);
    after.set(u8.subarray(hot + HOT_V, hot + HOT_V + 512), STATE_V);
    after.set(u8.subarray(tpidr, tpidr + 8), STATE_TPIDR);
    viewOf(after).setBigUint64(STATE_PC, pc, true);
    viewOf(after).setUint32(STATE_NZCV, Number(BigInt(nzcv) & 0xf000_0000n), true);
    const list: number[] = [];
    changed(0, list);
    changed(1, list);
    if (exit !== EXIT_EL2) {
      core.reset(2);
      setUp();
    }
    const dataFault = signal === SIGBUS || signal === SIGSEGV;
    const address = dataFault ? view.getBigUint64(slot('FAR_EL1'), true) : 0n;
    return { signal, address, state: after, blocks: list.length ? Uint8Array.from(list) : NO_BLOCKS };
  };

  return {
    get instructions() {
      return core.instructions;
    },
    run(cases) {
      placeCode(cases);
      const states = new Uint8Array(cases.length * STATE_BYTES);
      return cases.map((one, i) => runOne(one, states.subarray(i * STATE_BYTES, (i + 1) * STATE_BYTES)));
    },
  };
}
