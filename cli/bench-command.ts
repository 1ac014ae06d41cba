import type { Argv, CommandModule } from 'yargs';

/** Parameters of the benchmarks; which one takes which is in bench/benchmarks.ts. */
const PARAMETERS = ['target', 'state', 'loop', 'vcpus', 'size', 'depth', 'rounds', 'gap', 'seed'] as const;

/** `rcar-sim bench`: its options. The work is in bench.ts, loaded when it runs. */
export function benchCommand(done: (code: number) => void): CommandModule {
  return {
    command: 'bench [name]',
    describe: 'Measure the simulated machine: what operations cost, step by step',
    builder: (argv: Argv) =>
      argv
        .positional('name', { type: 'string', describe: 'the benchmark; without it they are listed' })
        .group(['set', 'vary', 'jobs'], 'Simulation:')
        .option('set', many('KEY=VALUE: board property, timing entry or design choice (see board keys), repeatable'))
        .option(
          'vary',
          many('KEY=A,B or KEY=LOW..HIGH*FACTOR: compare these values, the first is the baseline; repeatable'),
        )
        .option('jobs', text('worker threads; results do not depend on it', 'one for each host CPU'))
        .group([...PARAMETERS], 'Parameters (each benchmark takes its own, several values with commas):')
        .option('target', text('what the driver domain does when a request comes: idle, running, busy'))
        .option('state', text('what the interrupted vCPU does: sleeping, running'))
        .option('loop', text('one of the well-known loops: hyp_call, mmio_read_user, ...'))
        .option('vcpus', text('vCPUs that make requests at the same time'))
        .option('size', text('bytes of a disk request'))
        .option('depth', text('disk requests in flight'))
        .option('rounds', text('measured operations of each kind and vCPU'))
        .option('gap', text('mean time between operations, e.g. 150 us'))
        .option('seed', text('seed of the intervals between operations'))
        .option('linux', text('calibrate: an arm64 Image of Linux, for the rows that need one'))
        .group(['json', 'csv', 'html', 'junit', 'budget', 'write-budget'], 'Output:')
        .option('json', text('write the results as JSON to FILE, - is standard output'))
        .option('csv', text('write one line for each step as CSV to FILE, - is standard output'))
        .option('html', text('write the comparison as one HTML page to FILE'))
        .option('junit', text('write a JUnit XML suite of the cases, failed where over budget, to FILE'))
        .option('budget', text('fail, and name the steps that grew, if they exceed what FILE allows'))
        .option('write-budget', text('write the budget that this run meets to FILE'))
        .example('$0 bench ioreq --vary xen.placement=same,cluster', '')
        .example('$0 bench ioreq --vary "xen.contextSwitch=2000..8000*2" --json -', ''),
    handler: async (argv) => {
      const { bench } = await import('./bench.js');
      done(await bench(argv));
    },
  };
}

function text(describe: string, fallback?: string) {
  return {
    type: 'string',
    requiresArg: true,
    describe,
    ...(fallback === undefined ? {} : { defaultDescription: fallback }),
  } as const;
}

function many(describe: string) {
  return { type: 'string', array: true, nargs: 1, describe } as const;
}
