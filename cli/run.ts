import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import pc from 'picocolors';
import * as api from '../index.js';
import { ConsoleTap, drive } from './drive.js';
import { EXIT, fileErrorText, UsageError } from './exit.js';
import { guestText, readGuests } from './guests.js';
import { Log } from './log.js';
import { runOptions, type RunOptions } from './options.js';
import { ConsoleOutput } from './output.js';
import { readRecording, writeRecording } from './recording.js';

/** `rcar-sim run`. Returns the exit code; input errors are thrown before anything runs. */
export async function run(raw: Readonly<Record<string, unknown>>): Promise<number> {
  const options = runOptions(raw);
  const log = new Log(options.logLevel);
  for (const path of [options.report, options.trace, options.record]) if (path !== undefined) checkWritable(path);
  const guests = options.bare === undefined ? readGuests(options) : [];
  for (const warning of guests.flatMap((guest) => guest.warnings)) log.warn(warning);
  if (options.dryRun) {
    process.stdout.write(`${guests.map(guestText).join('\n\n')}\n`);
    return EXIT.ok;
  }
  const output = new ConsoleOutput(guests.length > 1);
  const tap = new ConsoleTap(options.input);
  const create = options.bare === undefined ? createGuests : createBare;
  const simulation = create(
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
      },
      tap,
    );
  } catch (error) {
    output.flush(true);
    endTrace?.();
    log.error(bugReport(simulation, error));
    return EXIT.internal;
  }
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  output.flush(true);
  const code = exitCode(options, simulation.machine.outcome);
  endTrace?.();
  simulation.close();
  if (options.record !== undefined) writeRecording(options.record, simulation.machine.inputs.given);
  const facts = await api.simulationFacts(simulation);
  const report = api.buildReport(facts, {
    command: commandText(options),
    settings: [...options.set],
    exitCode: code,
    seconds,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    node: process.version,
  });
  if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
  for (const fault of api.checkReport(report)) log.error(`report: ${fault}`);
  if (tap.untyped > 0) log.warn(`${tap.untyped} of the --input texts found no prompt and were not typed`);
  for (const error of report.guestErrors) {
    log.info(`guest error ${error.kind} (${error.device}), ${error.count} times, first: ${error.detail}`);
  }
  if (report.ioreq.count > 0) {
    if (log.enabled('info')) process.stderr.write(`\n${api.roundTripTable(report, paint())}\n`);
  } else {
    log.info(summary(report));
  }
  if (code === EXIT.failed && !log.enabled('info')) log.error(summary(report));
  return code;
}

type OnConsole = (console: string, byte: number) => void;

/** Xen guests on the Salvator-XS. What the toolstack or a disk image refuses is the user's input. */
function createGuests(options: RunOptions, guests: api.GuestConfig[], onConsole: OnConsole, log: Log): api.Simulation {
  const configuration = api.configure(api.rcarH3(), options.set);
  const deadline = deadlineTicks(options.simTimeout, configuration.board.tickHz);
  for (const { name, disks } of guests) {
    if (disks.some((disk) => disk.grantUsage ?? disk.backend !== undefined)) {
      log.warn(
        `${name}: grants are on for its disk; a kernel without CONFIG_XEN_VIRTIO (Debian's) will never bind it: grant_usage=0`,
      );
    }
  }
  try {
    return api.createXenSimulation({
      configuration,
      guests,
      snapshotDisk: options.snapshotDisk,
      ...(deadline === undefined ? {} : { deadline }),
      ...(options.replay === undefined ? {} : { replay: readRecording(options.replay) }),
      onConsole,
      onGuestError: debugGuestError(log),
      warn: (line) => log.warn(line),
    });
  } catch (error) {
    if (error instanceof api.ToolsError || error instanceof api.DiskImageError) throw new UsageError(error.message);
    throw error;
  }
}

function debugGuestError(log: Log): (kind: string, device: string, detail: string, count: number) => void {
  return (kind, device, detail, count) => {
    if (count === 1) log.debug(`guest error ${kind} (${device}): ${detail}`);
  };
}

function createBare(options: RunOptions, _guests: api.GuestConfig[], onConsole: OnConsole, log: Log): api.Simulation {
  const program = options.bare ?? '';
  const base = api.flatBoard({
    cores: options.smp,
    ramBytes: ramBytes(options.memory),
    entryLevel: options.el,
  });
  const configuration = api.configure(base, options.set);
  const { board } = configuration;
  const deadline = deadlineTicks(options.simTimeout, board.tickHz);
  return api.createBareSimulation({
    configuration,
    kernel: readInput(program),
    ...(options.initrd === undefined ? {} : { initrd: readInput(options.initrd) }),
    ...(options.dtb === undefined ? {} : { dtb: readTree(options.dtb) }),
    ...(options.append === undefined ? {} : { append: options.append }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(options.replay === undefined ? {} : { replay: readRecording(options.replay) }),
    onConsole,
    onGuestError: debugGuestError(log),
    el: options.el,
    smp: options.smp,
  });
}

function ramBytes(text: string): number {
  try {
    return api.parseQuantity(text, 'size');
  } catch (error) {
    throw new UsageError(`--memory ${text}: ${(error as Error).message}`);
  }
}

function deadlineTicks(text: string | undefined, tickHz: number): api.Ticks | undefined {
  if (text === undefined) return undefined;
  try {
    const ns = api.parseQuantity(/^[\d.]+$/.test(text.trim()) ? `${text} s` : text, 'duration');
    if (ns === 0) throw new RangeError('no time at all');
    return (BigInt(ns) * BigInt(tickHz)) / 1_000_000_000n;
  } catch (error) {
    throw new UsageError(`--sim-timeout ${text}: ${(error as Error).message}`);
  }
}

/** A whole file. Throws UsageError in one line. */
function readInput(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(fileErrorText(path, error));
  }
}

function readTree(path: string): Uint8Array {
  const bytes = readInput(path);
  try {
    api.readFdt(bytes);
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
  return bytes;
}

/** Finds out before the run, not after it. Leaves no file behind that was not there. */
function checkWritable(path: string): void {
  try {
    if (existsSync(path)) {
      if (statSync(path).isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' });
      accessSync(path, constants.W_OK);
    } else {
      closeSync(openSync(path, 'wx'));
      unlinkSync(path);
    }
  } catch (error) {
    throw new UsageError(`cannot write ${fileErrorText(path, error)}`);
  }
}

function exitCode(options: RunOptions, outcome: api.Outcome | undefined): number {
  if (outcome === undefined || outcome.name === 'interrupted') return EXIT.interrupted;
  if (options.expect !== undefined) return outcome.name === 'expect' ? EXIT.ok : EXIT.failed;
  return outcome.name === 'poweroff' || outcome.name === 'reboot' ? EXIT.ok : EXIT.failed;
}

function summary(report: api.Report): string {
  const { outcome, detail, sim, host } = report;
  return (
    `${outcome}${detail === '' ? '' : ` (${detail})`}: ${sim.seconds.toFixed(3)} s simulated, ` +
    `${sim.instructions} instructions in ${host.seconds.toFixed(1)} s, ${host.mips.toFixed(1)} MIPS, ` +
    `${Math.round(host.peakRssBytes / 2 ** 20)} MiB; trace ${report.trace.hash}`
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
