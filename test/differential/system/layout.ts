/** Where things are in the RAM of both machines, and the order of words in what probe.S reads and writes. */

export const RAM = 0x4000_0000;
export const RAM_BYTES = 0x1000_0000;
/** probe.S, and after it the instructions of the steps, a slot each. */
export const CODE = 0x4020_0000;
export const SLOTS = 0x4030_0000;
export const SLOT_BYTES = 64;
export const SLOT_WORDS = SLOT_BYTES / 4;
/** Steps of one run: the slots end with the 2 MiB of the code. */
export const MAX_STEPS = 0x10_0000 / SLOT_BYTES;
/** Tables that always lead to the code, and roots. */
export const PINNED = 0x4040_0000;
/** Random tables of stage 1. */
export const TABLES = 0x4080_0000;
export const TABLES_BYTES = 0x40_0000;
/** Tables of stage 2. */
export const STAGE2 = 0x40c0_0000;
export const STAGE2_BYTES = 0x30_0000;
export const CONTEXTS = 0x40f0_0000;
export const CONTEXT_BYTES = 256;
export const MAX_CONTEXTS = 0x10_0000 / CONTEXT_BYTES;
export const STEPS = 0x4100_0000;
export const STEP_BYTES = 128;
export const RECORDS = 0x4400_0000;
export const RECORD_BYTES = 256;
/** What random translations lead to. Bits 29:0 of it are those of every address that may pass a 1 GiB block. */
export const DATA = 0x4800_0000;
export const DATA_BYTES = 0x80_0000;

/** Vectors of EL1 from the start of the code: with HVC; with SMC where HCR_EL2.HCD is set. */
export const VECTORS_HVC = 0x1000;
export const VECTORS_SMC = 0x2000;

/** The registers of a context, in order. */
export const CONTEXT_REGISTERS = [
  'SCTLR_EL1',
  'TCR_EL1',
  'TTBR0_EL1',
  'TTBR1_EL1',
  'MAIR_EL1',
  'VBAR_EL1',
  'CPACR_EL1',
  'CONTEXTIDR_EL1',
  'HCR_EL2',
  'VTCR_EL2',
  'VTTBR_EL2',
  'CPTR_EL2',
  'HSTR_EL2',
  'MDCR_EL2',
  'CNTHCTL_EL2',
  'CNTKCTL_EL1',
  'PMUSERENR_EL0',
  'MDSCR_EL1',
  'SCTLR_EL2',
  'TCR_EL2',
  'TTBR0_EL2',
  'MAIR_EL2',
  'SP_EL0',
  'SP_EL1',
  'DBGBCR0_EL1',
  'DBGBVR0_EL1',
  'DBGWCR0_EL1',
  'DBGWVR0_EL1',
] as const;
export type ContextRegister = (typeof CONTEXT_REGISTERS)[number];
export type Context = Readonly<Record<ContextRegister, bigint>>;

/** The words of a record that are compared, by index. */
export const RECORD_FIELDS: readonly (readonly [index: number, name: string])[] = [
  [0, 'vector'],
  [1, 'ESR_EL2'],
  [2, 'ELR_EL2'],
  [3, 'SPSR_EL2'],
  [4, 'FAR_EL2'],
  [5, 'HPFAR_EL2'],
  [6, 'ESR_EL1'],
  [7, 'ELR_EL1'],
  [8, 'SPSR_EL1'],
  [9, 'FAR_EL1'],
  [10, 'PAR_EL1'],
  [11, 'SP_EL0'],
  [12, 'SP_EL1'],
  [13, 'GICC_IAR'],
  [14, 'PAR_EL1 of AT'],
  [15, 'HCR_EL2'],
  ...Array.from({ length: 10 }, (_, i) => [16 + i, `x${i}`] as const),
  [26, 'x30'],
  [27, 'MDSCR_EL1'],
];
export const RECORD_WORDS = RECORD_BYTES / 8;

/** Address translation before a step: the number of `table` in probe.S. */
export const AT_KINDS = ['s1e1r', 's1e1w', 's1e0r', 's1e0w', 's12e1r', 's12e1w', 's12e0r', 's12e0w', 's1e2r', 's1e2w'];

/** One entry into EL0, EL1 or EL2. */
export interface Step {
  /** Class of the table that the run prints. */
  readonly name: string;
  /** Index of its context. */
  readonly context: number;
  /** Invalidate every TLB entry first. */
  readonly flush?: boolean;
  /** Address to translate first, and with which of AT_KINDS. */
  readonly at?: { readonly kind: number; readonly va: bigint };
  /** Value for GICD_SGIR: an interrupt is pending. */
  readonly sgi?: number;
  readonly spsr: number;
  /** Slot of its instructions, its index unless given. */
  readonly slot?: number;
  /** Where it enters; without: the slot, at the address that the context's code has. */
  readonly entry?: bigint;
  readonly words: readonly number[];
  /** X0 to X9. */
  readonly x: readonly bigint[];
  /** The one access to memory that it is about; AT_KINDS of `at` are those of this access. */
  readonly access?: {
    readonly va: bigint;
    readonly bytes: number;
    readonly misaligned: boolean;
    readonly maintenance: boolean;
  };
  /** The step may use what a TLB still holds: it equals what the step before it or the one after it gives. */
  readonly stale?: true;
  /** Registers (names of RECORD_FIELDS) that are not compared. */
  readonly ignore?: readonly string[];
}

/** What one run of both machines gets. */
export interface Program {
  readonly contexts: readonly { readonly registers: Context; readonly code: bigint }[];
  readonly memory: readonly { readonly address: number; readonly bytes: Uint8Array }[];
  readonly steps: readonly Step[];
}
