import { z } from 'zod';
import { parseQuantity, type Dimension } from './units.js';
import { timingTableSchema } from './timing-schema.js';

/** What a board description may contain. Cross-property rules (overlaps, divisibility) are in board.ts. */

function quantity(dimension: Dimension, doc: string) {
  return z
    .union([z.number(), z.string()])
    .transform((value, context) => {
      try {
        return parseQuantity(value, dimension);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
        return z.NEVER;
      }
    })
    .meta({ dimension, doc });
}

const PHYSICAL_LIMIT = 2 ** 36;
const address = z
  .int()
  .nonnegative()
  .max(PHYSICAL_LIMIT - 1)
  .meta({ format: 'hex', doc: 'physical address, below 2^36' });
const name = z.string().regex(/^[a-z][a-z0-9-]*$/, 'a name is lower-case letters, digits and dashes');
const spi = z.int().min(32).max(1019).meta({ doc: 'INTID of an SPI (DT SPI number + 32)' });
const ppi = z.int().min(16).max(31).meta({ doc: 'INTID of a PPI (DT PPI number + 16)' });

export const regionSchema = z.strictObject({
  base: address,
  size: quantity('size', 'bytes').refine((size) => size > 0, 'is empty'),
});

/** Identification registers a board sets; every other register of the ID space reads 0 (rcar-h3.md 1.3). */
export const ID_REGISTERS = [
  'MIDR_EL1', 'REVIDR_EL1', 'AIDR_EL1', 'CTR_EL0', 'DCZID_EL0', 'CLIDR_EL1', 'PMCR_EL0',
  'ID_AA64PFR0_EL1', 'ID_AA64PFR1_EL1', 'ID_AA64ZFR0_EL1', 'ID_AA64SMFR0_EL1',
  'ID_AA64DFR0_EL1', 'ID_AA64DFR1_EL1', 'ID_AA64AFR0_EL1', 'ID_AA64AFR1_EL1',
  'ID_AA64ISAR0_EL1', 'ID_AA64ISAR1_EL1', 'ID_AA64ISAR2_EL1',
  'ID_AA64MMFR0_EL1', 'ID_AA64MMFR1_EL1', 'ID_AA64MMFR2_EL1',
  'ID_PFR0_EL1', 'ID_PFR1_EL1', 'ID_PFR2_EL1', 'ID_DFR0_EL1', 'ID_DFR1_EL1', 'ID_AFR0_EL1',
  'ID_MMFR0_EL1', 'ID_MMFR1_EL1', 'ID_MMFR2_EL1', 'ID_MMFR3_EL1', 'ID_MMFR4_EL1', 'ID_MMFR5_EL1',
  'ID_ISAR0_EL1', 'ID_ISAR1_EL1', 'ID_ISAR2_EL1', 'ID_ISAR3_EL1', 'ID_ISAR4_EL1', 'ID_ISAR5_EL1', 'ID_ISAR6_EL1',
  'MVFR0_EL1', 'MVFR1_EL1', 'MVFR2_EL1',
] as const; // prettier-ignore

const cacheSchema = z.strictObject({
  size: quantity('size', 'bytes'),
  ways: z.int().min(1).max(64),
  lineBytes: z.literal(64),
});

const clusterSchema = z.strictObject({
  name,
  core: z.enum(['cortex-a57', 'cortex-a53']).meta({ doc: 'core timing model' }),
  clockHz: quantity('frequency', 'core clock, fixed by the firmware').refine((hz) => hz >= 1_000_000, 'below 1 MHz'),
  cores: z
    .array(
      z.strictObject({
        mpidr: z.int().nonnegative().meta({ format: 'hex', doc: 'affinity fields of MPIDR_EL1' }),
        gicInterface: z.int().min(0).max(7).meta({ doc: 'GIC-400 CPU interface number' }),
        pmuIntid: z.int().min(16).max(1019).optional().meta({ doc: 'INTID of the PMU: an SPI of its own, or a PPI' }),
      }),
    )
    .min(1)
    .max(8),
  caches: z.strictObject({ l1i: cacheSchema, l1d: cacheSchema, l2: cacheSchema }),
  idRegisters: z.partialRecord(z.enum(ID_REGISTERS), z.int().nonnegative().meta({ format: 'hex' })),
});

const memoryBankSchema = z.strictObject({ name, base: address, size: quantity('size', 'bytes') });

const gicSchema = z.strictObject({
  distributor: regionSchema,
  cpuInterface: regionSchema,
  hypervisor: regionSchema,
  virtualCpuInterface: regionSchema,
  maintenanceIntid: ppi,
  spiCount: z.int().min(32).max(480).multipleOf(32).meta({ doc: 'shared peripheral interrupts' }),
  lrCount: z.int().min(1).max(64).meta({ doc: 'list registers (silicon: 4)' }),
  securityExtensions: z.boolean().meta({ doc: 'GICD_TYPER.SecurityExtn; software runs in the non-secure view' }),
  group0Intids: z.array(z.int().min(0).max(1019)).meta({ doc: 'interrupts that secure firmware keeps in Group 0' }),
  alias64k: z.boolean().meta({ doc: 'GICC and GICV repeat their first page through 64 KiB, DIR page at +64 KiB' }),
  iidr: z.strictObject({
    distributor: z.int().nonnegative().meta({ format: 'hex' }),
    cpuInterface: z.int().nonnegative().meta({ format: 'hex' }),
  }),
});

const timerSchema = z.strictObject({
  cntfrqHz: quantity('frequency', 'CNTFRQ_EL0').refine((hz) => hz >= 1000, 'below 1 kHz'),
  securePhysicalIntid: ppi,
  physicalIntid: ppi,
  virtualIntid: ppi,
  hypervisorIntid: ppi,
});

const serialSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('pl011'), name, ...regionSchema.shape, intid: spi }),
  z.strictObject({
    kind: z.enum(['scif', 'hscif']),
    name,
    ...regionSchema.shape,
    intid: spi,
    moduleClock: z.int().meta({ doc: 'MSTP number, register index * 100 + bit' }),
    externalClockHz: quantity('frequency', 'scif_clk pin'),
  }),
]);

const block = { name, ...regionSchema.shape };
const blockSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('cpg-mssr'),
    ...block,
    extalHz: quantity('frequency', 'EXTAL pin'),
    extalrHz: quantity('frequency', 'EXTALR pin'),
  }),
  z.strictObject({
    kind: z.literal('rst'),
    ...block,
    modemr: z.int().nonnegative().meta({ format: 'hex', doc: 'mode pins MD[31:0]; [14:13] select the PLL row' }),
  }),
  z.strictObject({ kind: z.literal('sysc'), ...block }),
  z.strictObject({ kind: z.literal('pfc'), ...block }),
  z.strictObject({
    kind: z.literal('prr'),
    ...block,
    value: z.int().nonnegative().meta({ format: 'hex', doc: 'product register' }),
  }),
  z.strictObject({ kind: z.literal('intc-ex'), ...block, intids: z.array(spi).min(1) }),
  z.strictObject({ kind: z.literal('gpio'), ...block, intid: spi, lines: z.int().min(1).max(32) }),
  z.strictObject({ kind: z.literal('watchdog'), ...block, intid: spi }),
  z.strictObject({ kind: z.literal('system-counter'), ...block }),
  z.strictObject({ kind: z.literal('pl031'), ...block, intid: spi }),
  z
    .strictObject({ kind: z.literal('stub'), ...block, intids: z.array(spi).optional() })
    .meta({ doc: 'reads 0, ignores writes, logged' }),
]);

const firmwareSchema = z.strictObject({
  conduit: z.enum(['smc', 'hvc']).meta({ doc: 'how PSCI is called' }),
  psciVersion: z.enum(['0.2', '1.0', '1.1']),
  smcccVersion: z.enum(['1.1', '1.2', '1.5']),
  workaround1: z
    .enum(['offered', 'absent'])
    .meta({ doc: 'SMCCC_ARCH_WORKAROUND_1 (Spectre v2); Xen calls it on each trap from a guest on the A57' }),
  workaround2: z.enum(['offered', 'absent']).meta({ doc: 'SMCCC_ARCH_WORKAROUND_2 (Spectre v4)' }),
  workaround3: z.enum(['offered', 'absent']).meta({ doc: 'SMCCC_ARCH_WORKAROUND_3 (Spectre BHB)' }),
  migrateInfoType: z.int().min(-1).max(2),
  entryLevel: z.union([z.literal(1), z.literal(2)]).meta({ doc: 'exception level of the first software' }),
});

const scheduleSchema = z.strictObject({
  quantum: quantity('duration', 'longest slice of a core').refine((ns) => ns > 0, 'must be positive'),
  syncWindow: quantity('duration', 'longest slice while a request is in flight').refine(
    (ns) => ns > 0,
    'must be positive',
  ),
});

export const boardSchema = z.strictObject({
  name,
  model: z.string().min(1),
  compatible: z.array(z.string().min(1)).min(1),
  tick: z
    .union([z.literal('auto'), quantity('frequency', '')])
    .meta({ dimension: 'frequency', doc: "base tick; 'auto': the least that all clocks divide" }),
  clusters: z.array(clusterSchema).min(1).max(2),
  memory: z.array(memoryBankSchema).min(1).max(8),
  gic: gicSchema,
  timer: timerSchema,
  serial: z.array(serialSchema).min(1),
  console: name.meta({ doc: 'serial port of the console' }),
  blocks: z.array(blockSchema),
  firmware: firmwareSchema,
  schedule: scheduleSchema,
  timing: timingTableSchema,
});

/** What an author writes: units allowed. */
export type BoardInput = z.input<typeof boardSchema>;
/** What the schema yields: plain integers. Itself a valid input. */
export type BoardData = z.output<typeof boardSchema>;
export type ClusterData = BoardData['clusters'][number];
export type CacheData = ClusterData['caches']['l1i'];
export type MemoryBank = BoardData['memory'][number];
export type GicData = BoardData['gic'];
export type TimerData = BoardData['timer'];
export type SerialData = BoardData['serial'][number];
export type BlockData = BoardData['blocks'][number];
export type FirmwareData = BoardData['firmware'];
export type ScheduleData = BoardData['schedule'];
export type IdRegister = (typeof ID_REGISTERS)[number];
