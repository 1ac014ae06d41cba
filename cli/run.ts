import { readFileSync, writeFileSync } from 'node:fs';
import pc from 'picocolors';
import * as api from '../index.js';
import { createSimulation } from './create.js';
import { ConsoleTap, drive } from './drive.js';
import { EXIT, fileErrorText, UsageError } from './exit.js';
import { checkOutputs } from './files.js';
import { guestText, readGuests } from './guests.js';
import { Log } from './log.js';
import { runOptions, type RunOptions } from './options.js';
import { ConsoleOutput } from './output.js';
import { writeRecording } from './recording.js';

/** `rcar-sim run`. Returns the exit code; input errors are thrown before anything runs. */
export async function run(raw: Readonly<Record<string, unknown>>): Promise<number> {
  const options = runOptions(raw);
  const log = new Log(options.logLevel);
  checkOutputs([options.report, options.junit, options.html, options.trace, options.record]);
  const inputs = readInputs(options.bench);
  const guests = options.bare === undefined ? readGuests(options) : [];
  for (const warning of guests.flatMap((guest) => guest.warnings)) log.warn(warning);
  if (options.dryRun) {
    process.stdout.write(`${guests.map(guestText).join('\n\n')}\n`);
    return EXIT.ok;
  }
  const output = new ConsoleOutput(guests.length > 1, process.stdout.isTTY === true);
  const tap = new ConsoleTap(options.input);
  const simulation = await createSimulation(
    options,
    guests.map(({ config }) => config),
    (console, byte) => {
      output.byte(console, byte);
      tap.output(console, byte);
    },
    log,
  );
  if (options.expect !== undefined) simulation.expect(options.expect);
  const endTrace = options.trace === undefined ? undefined : api.streamTrace(simulation, options.trace);
  const begin = process.hrtime.bigint();
  try {
    await drive(
      {
        simulation,
        keyboard: options.replay === undefined,
        flush: () => output.flush(),
        onLeave: (reason) => log.debug(`ending the run: ${reason}`),
        onStatus: () => {
          output.flush();
          const { tickHz } = simulation.machine.board;
          const text = api.vcpuScreens(simulation.vcpus?.() ?? [], tickHz);
          process.stderr.write(`\n${simulation.machine.time / BigInt(tickHz)} s simulated\n${text}\n`);
        },
        onQuiet: () =>
          log.info('no output for an hour of simulated time; Ctrl-C ends the run, --sim-timeout limits it'),
      },
      tap,
    );
  } catch (error) {
    output.end();
    log.error(bugReport(simulation, error));
    tryHost(log, '', () => endTrace?.());
    tryHost(log, '', () => simulation.close());
    return EXIT.internal;
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  output.end();
  // All are tried, whatever the first ones say: what can be saved is saved.
  const { machine } = simulation;
  const saved = [
    tryHost(log, 'standard output: ', () => {
      if (output.error !== undefined) throw output.error;
    }),
    tryHost(log, `${options.trace ?? ''}: `, () => endTrace?.()),
    tryHost(log, '', () => simulation.close()),
    tryHost(log, `${options.record ?? ''}: `, () => {
      if (options.record !== undefined) writeRecording(options.record, machine.inputs.given);
    }),
  ].every((done) => done);
  const outcome = machine.outcome ?? { name: 'interrupted', detail: '' };
  let code = exitCode(options, outcome, simulation.testStatus?.());
  if (!saved && code === EXIT.ok) code = EXIT.failed;
  const report = api.buildReport(await api.simulationFacts(simulation), {
    command: commandText(options),
    settings: [...options.set],
    exitCode: code,
    seconds,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    node: process.version,
  });
  const files: [string | undefined, () => string | Promise<string>][] = [
    [options.report, () => `${JSON.stringify(report, null, 2)}\n`],
    [options.junit, () => api.junitXml([api.runSuite(report)])],
    [options.html, () => api.htmlPage(report, inputs)],
  ];
  for (const [path, text] of files) {
    if (path === undefined) continue;
    const made = await text();
    const written = tryHost(log, `${path}: `, () => writeFileSync(path, made));
    if (!written && code === EXIT.ok) code = EXIT.failed;
  }
  for (const fault of api.checkReport(report)) log.error(`report: ${fault}`);
  for (const line of simulation.warnings?.() ?? []) log.warn(line);
  if (tap.untyped > 0) log.warn(`${tap.untyped} of the --input texts found no prompt and were not typed`);
  for (const error of report.guestErrors) {
    log.info(`guest error ${error.kind} (${error.device}), ${error.count} times, first: ${error.detail}`);
  }
  for (const { domain, ram, tables, mapped, peak, ballooned } of report.memory) {
    const given = ballooned === 0 ? '' : `, ${ballooned} of its RAM given up for them`;
    const line = `memory of ${domain}: ${ram} pages, ${tables} tables; foreign pages ${mapped} now, ${peak} at most${given}`;
    // At a clean end nothing is mapped any more, and RAM costs are worth a word.
    if (mapped > 0 || ballooned > 0) log.info(line);
    else log.debug(line);
  }
  conclude(report, options, log);
  return code;
}

/** How it ended: a line that no log level hides if it is a failure, and what people want to see otherwise. */
function conclude(report: api.Report, options: RunOptions, log: Log): void {
  const { outcome, detail, exitCode } = report;
  const end = `${outcome}${detail === '' ? '' : `: ${detail}`}`;
  if (options.expect !== undefined && outcome !== 'expect' && outcome !== 'interrupted') {
    log.error(`${end}; no line matched --expect ${options.expect.source}`);
  } else if (exitCode === EXIT.failed) log.error(end);
  if (!log.enabled('info')) return;
  if (report.ioreq.count > 0) process.stderr.write(`\n${api.roundTripTable(report, paint())}\n`);
  else log.info(summary(report, exitCode === EXIT.failed ? outcome : end));
  for (const line of api.exposureLines(report.exposure)) log.info(line);
  if (report.vcpus.length > 0) {
    process.stderr.write(`\n${api.vcpuScreens(report.vcpus, report.ioreq.roundTrip.tickHz)}\n`);
  }
}

/** Results of benchmarks for the page. Throws UsageError. */
function readInputs(names: readonly string[]): api.PageInputs {
  const files = names.map((name) => {
    try {
      return { name, text: readFileSync(name, 'utf8') };
    } catch (error) {
      throw new UsageError(fileErrorText(name, error));
    }
  });
  try {
    return api.pageInputs(files);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** False: the host refused, which is said in one line. */
function tryHost(log: Log, what: string, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) log.error((error as Error).message);
    else log.error(`cannot write ${fileErrorText(what.replace(/: $/, ''), error)}`);
    return false;
  }
}

/** `testStatus`: (code << 1) | 1 of a program that said how its test went. */
function exitCode(options: RunOptions, outcome: api.Outcome, testStatus = 1): number {
  if (outcome.name === 'interrupted') return EXIT.interrupted;
  if (options.expect !== undefined) return outcome.name === 'expect' ? EXIT.ok : EXIT.failed;
  if (testStatus >> 1 !== 0) return EXIT.failed;
  return outcome.name === 'poweroff' || outcome.name === 'reboot' ? EXIT.ok : EXIT.failed;
}

function summary({ sim, host, trace }: api.Report, end: string): string {
  return (
    `${end}: ${sim.seconds.toFixed(3)} s simulated, ` +
    `${sim.instructions} instructions in ${host.seconds.toFixed(1)} s, ${host.mips.toFixed(1)} MIPS, ` +
    `${Math.round(host.peakRssBytes / 2 ** 20)} MiB; trace ${trace.hash}`
  );
}

function commandText(options: RunOptions): string {
  return options.bare === undefined ? `run ${options.words.join(' ')}` : `run --bare ${options.bare}`;
}

function paint(): api.Paint {
  const colors = pc.createColors(process.stderr.isTTY === true && pc.isColorSupported);
  return {
    bold: colors.bold,
    dim: colors.dim,
    bar: (text, confidence) => {
      if (confidence === 'measured') return colors.green(text);
      if (confidence === 'guessed') return colors.yellow(text);
      return confidence === 'derived' ? colors.cyan(text) : colors.gray(text);
    },
  };
}

/** For us: what is needed to see it again. */
function bugReport(simulation: api.Simulation, error: unknown): string {
  const { machine, configuration } = simulation;
  const tail = api.traceTail(simulation, 20);
  return [
    `internal error, please report it: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    `seed ${configuration.design['sim.seed']}, ${machine.instructions} instructions, tick ${machine.time}; the trace ends:`,
    ...tail.map((line) => `  ${line}`),
  ].join('\n');
}
