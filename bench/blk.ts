/** `bench blk`: disk throughput in simulated time, by request size and requests in flight. */
import { runGuest } from './guest.js';
import { notRun } from './ioreq.js';
import type { BenchJob, JobResult } from './job.js';
import { guestCases } from './paths.js';

const DISK_BYTES = 16 << 20;

export async function runBlk(job: BenchJob): Promise<JobResult> {
  const { size, depth, rounds } = job.parameters;
  const words = `bench=blk rounds=${rounds} size=${size} depth=${depth}`;
  const ran = await runGuest(job, { words, vcpus: 1, diskBytes: DISK_BYTES });
  if ('notRun' in ran) return notRun(ran.notRun);
  const cases = guestCases(ran, ` ${size} bytes, depth ${depth}`).map((each) => {
    const seconds = each.totalTicks / ran.about.tickHz;
    return {
      ...each,
      figures: { IOPS: each.count / seconds, 'MB/s': (each.count * Number(size)) / seconds / 1e6 },
    };
  });
  return { ...ran.about, cases };
}
