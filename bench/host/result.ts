import Benchmark from 'benchmark';

/** One measured figure. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Relative margin of error in percent (Benchmark.js: 95 % confidence); undefined where one run was made. */
  readonly rme?: number;
  readonly note?: string;
}

export interface Sample {
  /** Mean seconds of a call. */
  readonly seconds: number;
  readonly rme: number;
  /** Calls in all, those of the calibration too. */
  readonly calls: number;
}

/** Mean time of a call of `work`, by Benchmark.js. Throws what `work` throws. */
export function measure(name: string, work: () => void, maxTime = 1.5): Sample {
  let calls = 0;
  const call = (): void => {
    calls++;
    work();
  };
  const bench = new Benchmark(name, call, { maxTime, minSamples: 5 });
  bench.run();
  if (bench.error !== undefined) throw bench.error as unknown as Error;
  return { seconds: bench.stats.mean, rme: bench.stats.rme, calls };
}
