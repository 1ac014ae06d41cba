/**
 * Steps of class "tlbi": a translation is used, changed, perhaps used again, invalidated in one of the ways that must be
 * enough, and used. The use between change and invalidation may see either; the last must see the change.
 */
import type { Random } from '../isa/random.js';
import { blr, DAIF, DSB, EL0T, EL1H, EL1T, EL2H, EL2T, ISB, ldr, NOP, str, sys } from './a64.js';
import { makeContext, SCTLR_EL1_PLAIN, SCTLR_EL2_PLAIN } from './contexts.js';
import { RETS } from './image.js';
import {
  CODE,
  DATA,
  DATA_BYTES,
  RAM,
  RAM_BYTES,
  SLOT_BYTES,
  SLOTS,
  STAGE2,
  STAGE2_BYTES,
  TABLES,
  TABLES_BYTES,
} from './layout.js';
import type { Program, Step } from './layout.js';
import { PageTable } from './page-table.js';
import { Region } from './tables.js';
import type { Granule } from './tables.js';

type Regime = 'stage 1' | 'both stages' | 'stage 2' | 'EL2';

const AF = 1n << 10n;
const SHARE = 3n << 8n;
const NOT_GLOBAL = 1n << 11n;
const EL0_ACCESS = 1n << 6n;
const READ_ONLY = 1n << 7n;
const MIB2 = 0x20_0000;
const NORMAL2 = (15n << 2n) | (3n << 6n) | SHARE | AF;
const BITS = 39;
/** Where the places are: no RAM there. */
const PLACES_VA = 0x1_0000_0000;
const PLACES_IPA = 0x2_0000_0000;
const PLACE_STRIDE = 0x40_0000;
const PLACES = 12;
const ASIDS = [0x15, 0x26] as const;

/** op1, CRm, op2 of an invalidation, and what its register holds. */
type Form = readonly [op1: number, crm: number, op2: number, operand: 'none' | 'va' | 'va and asid' | 'asid' | 'ipa'];

const withShareable = (forms: readonly Form[]): Form[] =>
  forms.flatMap(([op1, crm, op2, operand]) => [
    [op1, crm, op2, operand] as const,
    [op1, crm - 4, op2, operand] as const,
  ]);
const alone = (forms: readonly Form[]): Form[][] => withShareable(forms).map((form) => [form]);

const EVERYTHING: readonly Form[] = [
  [4, 7, 4, 'none'], // ALLE1
  [4, 7, 6, 'none'], // VMALLS12E1
];
const STAGE1_FORMS: readonly Form[] = [
  [0, 7, 0, 'none'], // VMALLE1
  [0, 7, 1, 'va and asid'], // VAE1
  [0, 7, 2, 'asid'], // ASIDE1
  [0, 7, 3, 'va'], // VAAE1
  [0, 7, 5, 'va and asid'], // VALE1
  [0, 7, 7, 'va'], // VAALE1
  ...EVERYTHING,
];

/** What suffices, by what changed (D5.10.2). Entries of both stages together go only with those of stage 1. */
const SUFFICIENT: Readonly<Record<Regime, readonly (readonly Form[])[]>> = {
  'stage 1': alone(STAGE1_FORMS),
  'both stages': alone(STAGE1_FORMS),
  'stage 2': [
    ...alone(EVERYTHING),
    // IPAS2E1 and IPAS2LE1, then VMALLE1
    ...([4, 0] as const).flatMap((crm) =>
      ([1, 5] as const).map((op2): Form[] => [
        [4, crm, op2, 'ipa'],
        [0, crm + 3, 0, 'none'],
      ]),
    ),
  ],
  EL2: alone([
    [4, 7, 0, 'none'], // ALLE2
    [4, 7, 1, 'va'], // VAE2
    [4, 7, 5, 'va'], // VALE2
  ]),
};
const REGIMES = Object.keys(SUFFICIENT) as Regime[];

const NAMES: Readonly<Record<string, string>> = {
  '0 7 0': 'VMALLE1',
  '0 7 1': 'VAE1',
  '0 7 2': 'ASIDE1',
  '0 7 3': 'VAAE1',
  '0 7 5': 'VALE1',
  '0 7 7': 'VAALE1',
  '4 7 4': 'ALLE1',
  '4 7 6': 'VMALLS12E1',
  '4 4 1': 'IPAS2E1',
  '4 4 5': 'IPAS2LE1',
  '4 7 0': 'ALLE2',
  '4 7 1': 'VAE2',
  '4 7 5': 'VALE2',
};

function className([[op1, crm, op2]]: readonly [Form, ...Form[]]): string {
  const shareable = crm === 3 || crm === 0;
  return `tlbi: ${NAMES[`${op1} ${shareable ? crm + 4 : crm} ${op2}`]}${shareable ? 'IS' : ''}`;
}

export const TLBI_CLASSES: readonly string[] = [
  ...new Set(REGIMES.flatMap((regime) => SUFFICIENT[regime].map((forms) => className(forms as [Form, ...Form[]])))),
];

/** A translation that a test changes. */
interface Place {
  readonly va: number;
  readonly ipa: number;
  /** Physical address of its descriptor, and log2 of what that maps. */
  readonly descriptor: number;
  readonly shift: number;
  readonly global: boolean;
}

const REGIME_CONTEXT: Readonly<Record<Regime, number>> = { 'stage 1': 0, 'both stages': 1, 'stage 2': 1, EL2: 2 };

interface World {
  readonly program: Pick<Program, 'contexts' | 'memory'>;
  readonly places: Readonly<Record<Regime, readonly Place[]>>;
}

function makeWorld(granule: Granule): World {
  // the 64 KiB granule has no blocks of 2 MiB
  const shifts = granule === 4 ? [12, 21] : [16];
  const blocks = granule === 4 ? 21 : 16;
  const tables = new Region(TABLES, TABLES_BYTES);
  const tables2 = new Region(STAGE2, STAGE2_BYTES);
  const stage1 = [new PageTable(tables, granule, BITS), new PageTable(tables, granule, BITS)];
  const stage2 = new PageTable(tables2, granule, BITS);
  const el2 = new PageTable(tables, granule, BITS);
  const places: Record<Regime, Place[]> = { 'stage 1': [], 'both stages': [], 'stage 2': [], EL2: [] };
  let next = 0;
  const add = (regime: Regime, table: PageTable): void => {
    for (let i = 0; i < PLACES; i += 1) {
      const shift = shifts[i % shifts.length] as number;
      const offset = next * PLACE_STRIDE;
      next += 1;
      const [va, ipa] = [PLACES_VA + offset, PLACES_IPA + offset];
      const global = i % 3 === 0;
      const own = AF | SHARE | EL0_ACCESS | (global ? 0n : NOT_GLOBAL);
      if (regime === 'stage 2') {
        table.map(va, ipa, shift, own);
        places[regime].push({ va, ipa, descriptor: stage2.slot(ipa, shift), shift, global });
      } else places[regime].push({ va, ipa, descriptor: table.slot(va, shift), shift, global });
    }
  };
  for (const table of stage1) table.mapRange(CODE, CODE, MIB2, blocks, AF | SHARE | EL0_ACCESS | READ_ONLY);
  add('stage 1', stage1[0] as PageTable);
  add('both stages', stage1[1] as PageTable);
  add('stage 2', stage1[1] as PageTable);
  add('EL2', el2);
  stage2.mapRange(CODE, CODE, MIB2, blocks, NORMAL2);
  stage2.mapRange(TABLES, TABLES, TABLES_BYTES, blocks, NORMAL2);
  stage2.mapRange(DATA, DATA, DATA_BYTES, blocks, NORMAL2);
  if (granule === 4) el2.mapRange(RAM, RAM, RAM_BYTES, 21, AF | SHARE | EL0_ACCESS);
  else el2.map(RAM, RAM, 29, AF | SHARE | EL0_ACCESS);
  const size = BigInt(64 - BITS) | (1n << 8n) | (1n << 10n) | (3n << 12n) | (granule === 64 ? 1n << 14n : 0n);
  // AS, IPS of 40 bits; TTBR1 off
  const tcr = size | (25n << 16n) | (1n << 23n) | (2n << 30n) | (2n << 32n) | (1n << 36n);
  const el1 = (table: PageTable, i: number): Parameters<typeof makeContext>[0] => ({
    SCTLR_EL1: SCTLR_EL1_PLAIN | 1n,
    TCR_EL1: tcr,
    TTBR0_EL1: BigInt(table.root) | (BigInt(ASIDS[i] as number) << 48n),
    MAIR_EL1: 0xffn,
    VTTBR_EL2: (BigInt(i + 1) << 48n) | BigInt(stage2.root),
    VTCR_EL2: 0x8000_0000n | size | (1n << 6n) | (2n << 16n),
    HCR_EL2: i === 1 ? 1n : 0n,
  });
  return {
    program: {
      contexts: [
        ...stage1.map((table, i) => makeContext(el1(table, i))),
        makeContext({
          SCTLR_EL2: SCTLR_EL2_PLAIN | 1n,
          TCR_EL2: 0x8080_0000n | size | (2n << 16n),
          TTBR0_EL2: BigInt(el2.root),
          MAIR_EL2: 0xffn,
        }),
      ],
      memory: [tables, tables2].map(({ base, used }) => ({ address: base, bytes: used })),
    },
    places,
  };
}

/** A new descriptor for a place. */
function descriptorOf(random: Random, regime: Regime, place: Place): bigint {
  if (random.chance(12)) return 0n;
  const size = 2 ** place.shift;
  const output = BigInt(DATA + random.below(DATA_BYTES / size) * size) | PageTable.kind(place.shift) | SHARE;
  const accessed = random.chance(90) ? AF : 0n;
  if (regime === 'stage 2') {
    const rights = BigInt(random.chance(60) ? 3 : random.below(4)) << 6n;
    return output | accessed | (15n << 2n) | rights | (random.chance(20) ? 1n << 54n : 0n);
  }
  const rights = BigInt(random.chance(60) ? 1 : random.below(4)) << 6n;
  const never = random.chance(20) ? BigInt(random.below(4)) << 53n : 0n;
  return output | accessed | rights | never | (place.global ? 0n : NOT_GLOBAL);
}

function operandOf(random: Random, operand: Form[3], place: Place, asid: number): bigint {
  // any address of the block
  const inside = random.below(2 ** place.shift);
  const tag = BigInt(asid) << 48n;
  switch (operand) {
    case 'none':
      return 0n;
    case 'asid':
      return tag;
    case 'ipa':
      return BigInt(Math.floor((place.ipa + inside) / 0x1000));
    case 'va':
      return BigInt(Math.floor((place.va + inside) / 0x1000)) | (BigInt(random.below(0x1_0000)) << 48n);
    case 'va and asid':
      // entries of global pages match whatever the ASID is
      return (
        BigInt(Math.floor((place.va + inside) / 0x1000)) | (place.global ? BigInt(random.below(0x1_0000)) << 48n : tag)
      );
  }
}

/** The steps of one test. */
function makeTest(random: Random, regime: Regime, world: World, first: number): Step[] {
  const place = random.pick(world.places[regime]);
  const context = REGIME_CONTEXT[regime];
  const choices = SUFFICIENT[regime].filter(([form]) => !place.global || form?.[3] !== 'asid') as [Form, ...Form[]][];
  const forms = random.pick(choices);
  const name = className(forms);
  const mode = regime === 'EL2' ? random.pick([EL2H, EL2T]) : random.pick([EL0T, EL1T, EL1H]);
  const page = random.below(2 ** place.shift / 0x1000) * 0x1000;
  const kind = random.below(3);
  const at = kind === 2 ? RETS[0] + 4 * random.below(64) : RETS[1] + 8 * random.below(64);
  const va = BigInt(place.va + page + at);
  const value = (BigInt(random.next()) << 32n) | BigInt(random.next());
  const x = [0n, va, value, ...Array.from({ length: 7 }, () => 0n)];
  const access = {
    name,
    context,
    spsr: mode | DAIF,
    words: [kind === 0 ? ldr(0, 1) : kind === 1 ? str(2, 1) : blr(1), NOP],
    x,
  };
  const entry = BigInt(SLOTS + first * SLOT_BYTES);
  const change: Step = {
    name,
    context: 0,
    spsr: EL2H | DAIF,
    words: [str(2, 1), DSB],
    x: [0n, BigInt(place.descriptor), descriptorOf(random, regime, place), ...x.slice(3)],
  };
  const privileged = forms.some(([op1]) => op1 === 4);
  const invalidate: Step = {
    name,
    context,
    spsr: (privileged || random.chance(30) ? EL2H : EL1H) | DAIF,
    words: [DSB, ...forms.flatMap(([op1, crm, op2], i) => [sys(op1, 8, crm, op2, 1 + i), DSB]), ISB],
    x: [0n, ...forms.map((form) => operandOf(random, form[3], place, ASIDS[context] ?? 0)), ...x].slice(0, 10),
  };
  const steps: Step[] = [access, change];
  // a store through a stale entry would write to one page or the other
  if (kind !== 1 && random.chance(60)) steps.push({ ...access, entry, stale: true });
  steps.push(invalidate, { ...access, entry });
  return steps;
}

/** A program of about `count` steps. */
export function makeTlbi(random: Random, count: number): Program {
  const world = makeWorld(random.pick([4, 64] as const));
  const steps: Step[] = [];
  while (steps.length + 5 <= count || steps.length === 0)
    steps.push(...makeTest(random, random.pick(REGIMES), world, steps.length));
  steps[0] = { ...(steps[0] as Step), flush: true };
  return { ...world.program, steps };
}
