import type { Argv, CommandModule } from 'yargs';
import { LOG_LEVELS } from './log.js';

/** `rcar-sim run`: its options. The work is in run.ts, loaded when it runs. */
export function runCommand(done: (code: number) => void): CommandModule {
  return {
    command: 'run [words..]',
    describe: 'Run Xen guests (guest.cfg [more.cfg] [KEY=VALUE]...), or a bare program with --bare',
    builder: (argv: Argv) =>
      argv
        .positional('words', {
          type: 'string',
          array: true,
          describe: 'xl configuration files, then KEY=VALUE overrides of the first',
        })
        .group(['bare', 'dtb', 'el', 'smp', 'memory', 'append', 'initrd'], 'Bare:')
        .option('bare', text('arm64 Image, ELF or flat binary to run on the flat board, without Xen'))
        .option('dtb', text('device tree blob instead of the generated one'))
        .option('el', text('exception level of the first instruction: 1 or 2', '1'))
        .option('smp', text('cores, 1 to 8', '1'))
        .option('memory', text('RAM, e.g. 512 MiB', '256 MiB'))
        .option('append', text('kernel command line'))
        .option('initrd', text('initial RAM disk'))
        .group(['kernel', 'disk', 'snapshot-disk', 'strict', 'dry-run'], 'Guests:')
        .option('kernel', text('kernel file instead of the first configuration’s'))
        .option('disk', many('VDEV=FILE: file instead of the target of that disk, repeatable'))
        .option('snapshot-disk', flag('keep disk writes in memory, the files stay as they are'))
        .option('strict', flag('configuration keys that are unknown or not modelled are errors'))
        .option('dry-run', flag('print what was understood and stop'))
        .group(['board', 'set', 'seed', 'expect', 'input', 'sim-timeout', 'record', 'replay'], 'Simulation:')
        .option('board', text('rcar-h3, or a JSON file as board show --json prints it', 'rcar-h3; bare: flat'))
        .option('set', many('KEY=VALUE: board property, timing entry or design choice (see board keys), repeatable'))
        .option('seed', text('seed of all that is drawn at random'))
        .option('expect', text('end well when a console line matches REGEX; any other end is a failure'))
        .option(
          'input',
          many('typed at the first guest’s next prompt, with Enter; REGEX=>TEXT waits for REGEX instead; repeatable'),
        )
        .option('sim-timeout', text('end as a failure after this much simulated time, e.g. 30 s'))
        .option('record', text('write the console input with its times to FILE'))
        .option('replay', text('take the console input from a FILE that --record wrote'))
        .group(['report', 'junit', 'html', 'bench', 'trace', 'quiet', 'log-level'], 'Output:')
        .option('report', text('write the report (JSON) to FILE'))
        .option('junit', text('write the outcome as JUnit XML, for CI, to FILE'))
        .option('html', text('write the report as one HTML page to FILE'))
        .option('bench', many('results of bench --json to show in the page of --html; repeatable'))
        .option('trace', text('stream the trace to FILE (.jsonl: text)'))
        .option('quiet', flag('only the guest’s console and errors'))
        .option('log-level', {
          type: 'string',
          choices: LOG_LEVELS,
          default: 'info',
          requiresArg: true,
          describe: 'what of ours goes to stderr',
        })
        .example('$0 run guest.cfg --expect "login:" --sim-timeout "60 s"', '')
        .example('$0 run --bare Image --append "console=ttyAMA0" --smp 2', ''),
    handler: async (argv) => {
      const { run } = await import('./run.js');
      done(await run(argv));
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

function flag(describe: string) {
  return { type: 'boolean', default: false, describe } as const;
}
