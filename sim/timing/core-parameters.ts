import { SettingError } from '../../boards/keys.js';
import type { BoardCore } from '../../boards/board.js';
import type { CacheData } from '../../boards/schema.js';
import * as layout from '../wasm/timing-layout.js';
import type { Costs } from './costs.js';

const LINE = 64;
const L2_WAYS = 16;
const MAX_L1_WAYS = 4;

/** Parameters that are times: index in the parameter block, name in the timing table after `cpu.a57.` or `cpu.a53.`. */
const TIMES: readonly (readonly [number, string])[] = [
  [layout.P_SHIFT, 'shift'],
  [layout.P_BITFIELD, 'bitfield'],
  [layout.P_INSERT, 'bitfieldInsert'],
  [layout.P_EXTRACT32, 'extract32'],
  [layout.P_EXTRACT64, 'extract64'],
  [layout.P_REVERSE, 'reverse'],
  [layout.P_MUL, 'mul'],
  [layout.P_MUL_FORWARD, 'mulForward'],
  [layout.P_MUL64, 'mul64'],
  [layout.P_MADD64, 'madd64'],
  [layout.P_MULHIGH, 'mulHigh'],
  [layout.P_MUL64_BUSY, 'mul64Busy'],
  [layout.P_CRC, 'crc'],
  [layout.P_DIV, 'divide'],
  [layout.P_LOAD, 'load'],
  [layout.P_LOAD_NARROW, 'loadNarrow'],
  [layout.P_LOAD_VECTOR, 'loadVector'],
  [layout.P_LOAD_SECOND, 'loadSecond'],
  [layout.P_L2, 'l2'],
  [layout.P_L2_STREAM, 'l2Stream'],
  [layout.P_DRAM, 'dram'],
  [layout.P_DRAM_READ, 'dramRead'],
  [layout.P_DRAM_WRITE, 'dramWrite'],
  [layout.P_UNCACHED, 'uncached'],
  [layout.P_SNOOP, 'snoop'],
  [layout.P_CCI, 'cci'],
  [layout.P_STORE_SLACK, 'storeBuffer'],
  [layout.P_L2TLB, 'secondTlbHit'],
  [layout.P_WALK, 'walk'],
  [layout.P_MISPREDICT, 'mispredict'],
  [layout.P_TAKEN, 'taken'],
  [layout.P_BTB_MISS, 'unknownTarget'],
  [layout.P_ENTRY, 'exceptionEntry'],
  [layout.P_RETURN, 'exceptionReturn'],
  [layout.P_ISB, 'isb'],
  [layout.P_DMB, 'dmb'],
  [layout.P_DSB, 'dsb'],
  [layout.P_MRS, 'mrs'],
  [layout.P_MSR, 'msr'],
  [layout.P_COUNTER, 'counter'],
  [layout.P_TLBI, 'tlbi'],
  [layout.P_DC, 'cacheLine'],
  [layout.P_EXCLUSIVE, 'exclusive'],
  [layout.P_FP_ADD, 'fpAdd'],
  [layout.P_FP_MUL, 'fpMul'],
  [layout.P_FMA, 'fma'],
  [layout.P_FMA_FORWARD, 'fmaForward'],
  [layout.P_FDIV32, 'fpDiv32'],
  [layout.P_FDIV64, 'fpDiv64'],
  [layout.P_FSQRT32, 'fpSqrt32'],
  [layout.P_FSQRT64, 'fpSqrt64'],
  [layout.P_FP_MOVE, 'fpMove'],
  [layout.P_FP_CONVERT, 'fpConvert'],
  [layout.P_FP_COMPARE, 'fpCompare'],
  [layout.P_SIMD, 'simd'],
  [layout.P_SIMD_MUL, 'simdMul'],
  [layout.P_SIMD_FORWARD, 'simdForward'],
  [layout.P_CRYPTO, 'crypto'],
];

/**
 * The parameter block of one core. Throws SettingError for caches that the model cannot represent: its arrays have room
 * for four ways at the first level and 16 at the second.
 */
export function coreParameters(core: BoardCore, costs: Costs): Uint32Array {
  const out = new Uint32Array(layout.TIMED_PARAM_SIZE / 4);
  const { cluster, ticksPerCycle } = core;
  const kind = cluster.core === 'cortex-a53' ? 'cpu.a53' : 'cpu.a57';
  const value = (name: string): number => costs.peek(`${kind}.${name}`, ticksPerCycle);
  for (const [index, name] of TIMES) out[index] = value(name) * layout.TIMED_UNITS;
  const { l1i, l1d, l2 } = cluster.caches;
  const path = `clusters.${cluster.name}.caches`;
  out[layout.P_SLOT] = layout.TIMED_UNITS / value('width');
  out[layout.P_IN_ORDER] = cluster.core === 'cortex-a53' ? 1 : 0;
  out[layout.P_WINDOW] = value('window') / 16;
  out[layout.P_CLUSTER] = core.clusterIndex;
  out[layout.P_L1D_MASK] = sets(l1d, `${path}.l1d`, MAX_L1_WAYS, layout.L1_SETS) - 1;
  out[layout.P_L1D_WAYS] = l1d.ways;
  out[layout.P_L1I_MASK] = sets(l1i, `${path}.l1i`, MAX_L1_WAYS, layout.L1_SETS) - 1;
  out[layout.P_L1I_WAYS] = l1i.ways;
  if (l2.ways !== L2_WAYS) throw new SettingError(`${path}.l2.ways: timing.cpu=approximate models ${L2_WAYS}`);
  out[layout.P_L2_MASK] = sets(l2, `${path}.l2`, L2_WAYS, layout.L2_LINES / L2_WAYS) - 1;
  out[layout.P_DTLB] = value('dataTlb');
  out[layout.P_ITLB] = value('codeTlb');
  out[layout.P_L2TLB_MASK] = powerOfTwo(value('secondTlb')) / 4 - 1;
  out[layout.P_MSHR] = value('misses');
  out[layout.P_DIRECTION_MASK] = powerOfTwo(value('directions')) - 1;
  out[layout.P_BTB_MASK] = powerOfTwo(value('targets')) - 1;
  out[layout.P_INDIRECT_MASK] = powerOfTwo(value('indirectTargets')) - 1;
  out[layout.P_RAS_MASK] = powerOfTwo(value('returns')) - 1;
  out[layout.P_DIV_BITS] = value('divideBits');
  return out;
}

function sets({ size, ways }: CacheData, path: string, maxWays: number, maxSets: number): number {
  const count = size / ways / LINE;
  if (ways > maxWays) throw new SettingError(`${path}.ways: timing.cpu=approximate models at most ${maxWays}`);
  if (!Number.isInteger(Math.log2(count)) || count > maxSets) {
    const most = `a power of two of sets, at most ${maxSets}`;
    throw new SettingError(`${path}.size: ${count} sets, timing.cpu=approximate models ${most}`);
  }
  return count;
}

function powerOfTwo(count: number): number {
  return 2 ** Math.floor(Math.log2(count));
}
