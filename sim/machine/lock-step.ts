import type { Core } from '../cpu/core.js';
import { coreDigest } from './core-digest.js';
import type { Machine } from './machine.js';

/** Outcomes that the host decides, for the first machine alone. */
const OF_HOST: ReadonlySet<string> = new Set(['expect', 'interrupted']);

/** The engines disagree: our bug. The message says where, and shows the regions that ran last. */
export class EngineDifference extends Error {
  override readonly name = 'EngineDifference';
}

/**
 * Compares two machines after the same round: time, outcome, registers and counts of the cores, and at the end of the run
 * everything that the hash covers. Throws EngineDifference.
 */
export function compareMachines(machine: Machine, reference: Machine): void {
  const { outcome } = machine;
  if (outcome !== undefined && OF_HOST.has(outcome.name)) return;
  const found = difference(machine, reference);
  if (found === undefined) return;
  const regions = machine.translator?.recent() ?? [];
  const last =
    regions.length === 0 ? 'no region has run' : `the regions that ran last, newest first:\n${regions.join('\n')}`;
  throw new EngineDifference(`translator and interpreter differ at tick ${machine.time}: ${found}\n${last}`);
}

function difference(machine: Machine, reference: Machine): string | undefined {
  if (machine.time !== reference.time) return `the interpreter is at tick ${reference.time}`;
  for (const [index, core] of machine.cores.entries()) {
    const other = reference.cores[index] as Core;
    if (core.cycles === other.cycles && coreDigest(machine.linear, index) === coreDigest(reference.linear, index))
      continue;
    return `cpu${index}: ${coreDifference(core, other)}`;
  }
  const [ours, theirs] = [machine.outcome, reference.outcome];
  if (ours?.name !== theirs?.name) return `outcome ${ours?.name ?? 'none'}, interpreter ${theirs?.name ?? 'none'}`;
  if (ours === undefined) return undefined;
  const [hash, wanted] = [machine.hash(), reference.hash()];
  return hash === wanted ? undefined : `hash ${hash}, interpreter ${wanted}: memory or trace`;
}

/** The first registers and counts that differ. */
function coreDifference(core: Core, other: Core): string {
  const values = (of: Core): [string, bigint][] => [
    ['pc', of.pc],
    ['cycles', BigInt(of.cycles)],
    ['instructions', BigInt(of.instructions)],
    ['sp', of.sp],
    ['pstate', BigInt(of.pstate)],
    ...Array.from({ length: 31 }, (_, n): [string, bigint] => [`x${n}`, of.x(n)]),
    ...Array.from({ length: 32 }, (_, n): [string, bigint] => [
      `v${n}`,
      BigInt(`0x${Buffer.from(of.v(n)).toString('hex')}`),
    ]),
    ['elr_el1', of.sysreg('ELR_EL1')],
    ['far_el1', of.sysreg('FAR_EL1')],
  ];
  const theirs = new Map(values(other));
  const lines = values(core)
    .filter(([name, value]) => theirs.get(name) !== value)
    .slice(0, 8)
    .map(([name, value]) => `${name} 0x${value.toString(16)}, interpreter 0x${(theirs.get(name) ?? 0n).toString(16)}`);
  return lines.length === 0 ? 'a system register' : lines.join('; ');
}
