import type { Argv, CommandModule } from 'yargs';
import type { TraceRecord } from '../index.js';
import { EXIT, UsageError } from './exit.js';
import { records } from './records.js';

/** `rcar-sim trace show|diff|timeline`. */
export function traceCommand(done: (code: number) => void): CommandModule {
  return {
    command: 'trace <action> <files..>',
    describe: 'Print a trace file as JSON lines, find where two traces part, or make a timeline for ui.perfetto.dev',
    builder: (argv: Argv) =>
      argv
        .positional('action', {
          choices: ['show', 'diff', 'timeline'] as const,
          describe: 'show FILE, diff A B, or timeline FILE -o OUT.json',
        })
        .positional('files', { type: 'string', array: true, describe: 'binary trace files of run --trace' })
        .option('kind', { type: 'string', requiresArg: true, describe: 'show: only records of this kind' })
        .option('output', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'timeline: file for the Chrome trace JSON',
        })
        .option('limit', { type: 'string', requiresArg: true, describe: 'show: at most this many records' }),
    handler: async (argv) => {
      const { readTrace, jsonLine } = await import('../index.js');
      const files = argv['files'] as string[];
      if (argv['action'] === 'show') {
        const [file, ...more] = files;
        if (file === undefined || more.length > 0) throw new UsageError('trace show takes one file');
        const limit = argv['limit'] === undefined ? Number.POSITIVE_INFINITY : Number(argv['limit']);
        if (Number.isNaN(limit) || limit < 0) throw new UsageError(`--limit ${String(argv['limit'])}: not a number`);
        let shown = 0;
        for (const record of records(readTrace, file)) {
          if (argv['kind'] !== undefined && record.kind !== argv['kind']) continue;
          if (shown++ >= limit) break;
          process.stdout.write(`${jsonLine(record)}\n`);
        }
        done(EXIT.ok);
        return;
      }
      if (argv['action'] === 'timeline') {
        const { writeTimeline } = await import('./timeline.js');
        const [file, ...more] = files;
        if (file === undefined || more.length > 0) throw new UsageError('trace timeline takes one file');
        done(writeTimeline(file, argv['output']));
        return;
      }
      const [a, b, ...more] = files;
      if (a === undefined || b === undefined || more.length > 0) throw new UsageError('trace diff takes two files');
      done(diff(records(readTrace, a), records(readTrace, b), jsonLine));
    },
  };
}

const CONTEXT = 5;

function diff(
  left: Iterator<TraceRecord>,
  right: Iterator<TraceRecord>,
  print: (record: TraceRecord) => string,
): number {
  const before: string[] = [];
  for (let index = 0; ; index++) {
    const a = left.next();
    const b = right.next();
    const textA = a.done === true ? '(end)' : print(a.value);
    const textB = b.done === true ? '(end)' : print(b.value);
    if (textA !== textB) {
      for (const line of before) process.stdout.write(`  ${line}\n`);
      process.stdout.write(`record ${index} differs:\n- ${textA}\n+ ${textB}\n`);
      return EXIT.failed;
    }
    if (a.done === true) {
      process.stdout.write(`equal: ${index} records\n`);
      return EXIT.ok;
    }
    before.push(textA);
    if (before.length > CONTEXT) before.shift();
  }
}
