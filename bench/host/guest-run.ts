/** One run of a kernel on the flat board, in a process of its own: prints when lines that begin with `@` appeared. */
import { readFileSync } from 'node:fs';
import { configure, createBareSimulation, flatBoard } from '../../index.js';

/** What the parent asks for, as the first argument. */
export interface GuestJob {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly settings: readonly string[];
}

/** What it gets, as the last line of standard output. */
export interface GuestTimes {
  readonly outcome: string;
  /** Lines and seconds since the process had its code. */
  readonly marks: readonly (readonly [string, number])[];
  readonly instructions: number;
  readonly peakRssBytes: number;
}

const MOST_LINE = 200;

function runGuest(job: GuestJob): GuestTimes {
  const begin = process.hrtime.bigint();
  const marks: [string, number][] = [];
  let line = '';
  const configuration = configure(flatBoard({ cores: 1, ramBytes: 256 << 20, entryLevel: 1 }), job.settings);
  const { machine } = createBareSimulation({
    configuration,
    kernel: readFileSync(job.kernel),
    initrd: readFileSync(job.initrd),
    append: job.append,
    deadline: 600n * BigInt(configuration.board.tickHz),
    onConsole: (_console, byte) => {
      if (byte !== 10) {
        if (line.length < MOST_LINE) line += String.fromCharCode(byte);
        return;
      }
      if (line.startsWith('@')) marks.push([line.trim(), Number(process.hrtime.bigint() - begin) / 1e9]);
      line = '';
    },
  });
  while (machine.run() === 'more');
  return {
    outcome: machine.outcome?.name ?? 'waiting',
    marks,
    instructions: machine.instructions,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

process.stdout.write(`${JSON.stringify(runGuest(JSON.parse(process.argv[2] ?? '{}') as GuestJob))}\n`);
