import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makeCases, makeTables, TABLES, type AtCase } from '../../test/differential/mmu/cases.js';
import { MmuProbe } from '../../test/support/mmu-probe.js';

// at.vectors.txt holds what QEMU's Cortex-A57 answered: node test/differential/mmu/run.mjs
const lines = readFileSync(new URL('./at.vectors.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const [seed, count] = (lines[1] as string).split(' ').map(Number) as [number, number];
const answers = lines.slice(2).map((line) => BigInt(`0x${line}`));
/** The instruction itself aborted: the rest is ESR_EL2. */
const ABORTED = 1n << 63n;
const EC_MASK = 0x3fn << 26n;

function run(m: MmuProbe, one: AtCase): bigint {
  m.set('SCTLR_EL1', one.sctlr).set('TCR_EL1', one.tcr).set('TTBR0_EL1', one.ttbr0).set('TTBR1_EL1', one.ttbr1);
  m.set('MAIR_EL1', one.mair).set('HCR_EL2', one.hcr).set('VTCR_EL2', one.vtcr).set('VTTBR_EL2', one.vttbr);
  m.kernel.tlbFlushAll();
  const par = m.at(Number(one.op), one.va);
  if (typeof par === 'bigint') return par;
  return ABORTED | (BigInt(par.ec) << 26n) | (1n << 25n) | BigInt(par.iss);
}

/**
 * The result as text, without that in which QEMU 7.2 is known to differ from the Arm ARM: the shareability of Device and
 * non-cacheable memory (PAR_EL1.SH: outer shareable; QEMU has the descriptor's), the level of a stage-2 fault on a
 * stage-1 table (QEMU reports the level of stage 1), and the kind of Device memory other than nGnRnE (QEMU takes the
 * inner attribute of a Normal second stage, if it is non-cacheable, for Device-nGnRE).
 */
function spell(value: bigint): string {
  // an abort: bit 63 with EC 0x24 or 0x25; a PAR_EL1 of a fault has bit 0
  const aborted = (value & ABORTED) !== 0n && (value & EC_MASK) >> 27n === 0x12n && (value & (1n << 32n)) === 0n;
  // ISS.S1PTW is bit 7, PAR_EL1.PTW bit 8
  if (aborted) return `abort ${(value & 0x80n ? value & ~3n : value).toString(16)}`;
  if ((value & 1n) !== 0n) return `fault ${(value & 0x100n ? value & ~6n : value).toString(16)}`;
  const attributes = value >> 56n;
  if (attributes === 0x44n) value &= ~0x180n;
  if (attributes < 0x10n) value = (value & ~0x180n & ((1n << 56n) - 1n)) | (attributes === 0n ? 0n : 4n << 56n);
  return `hit ${value.toString(16)}`;
}

test(`${count} random address translations answer as QEMU's Cortex-A57 does`, () => {
  const m = new MmuProbe(2, { base: 0x4000_0000, size: 0x1000_0000 });
  m.ram.write(TABLES, new Uint8Array(makeTables(seed).buffer));
  const different: string[] = [];
  makeCases(seed, count).forEach((one, i) => {
    const found = spell(run(m, one));
    const wanted = spell(answers[i] as bigint);
    if (found !== wanted) {
      const words = Object.entries(one).map(([name, value]) => `${name} ${value.toString(16)}`);
      different.push(`case ${i}: ${found}, QEMU ${wanted}; ${words.join(', ')}`);
    }
  });
  expect(different).toEqual([]);
});
