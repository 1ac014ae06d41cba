import { readFileSync } from 'node:fs';
import * as api from '../index.js';
import { readBoard } from './boards.js';
import { fileErrorText, UsageError } from './exit.js';
import type { Log } from './log.js';
import type { RunOptions } from './options.js';
import { readRecording } from './recording.js';

export type OnConsole = (console: string, byte: number) => void;

/** Makes what a command line asks for, ready to run. Throws input errors of one line each. */
export async function createSimulation(
  options: RunOptions,
  guests: readonly api.GuestConfig[],
  onConsole: OnConsole,
  log: Log,
): Promise<api.Simulation> {
  const replay = options.replay === undefined ? undefined : readRecording(options.replay);
  const shared = {
    ...(replay === undefined ? {} : { replay }),
    onConsole,
    onGuestError: debugGuestError(log),
  };
  const simulation =
    options.bare === undefined
      ? await createGuests(options, guests, shared, log)
      : await createBare(options, options.bare, shared);
  const stranger = replay?.find(({ console }) => !simulation.machine.hasConsole(console));
  if (stranger !== undefined) {
    throw new UsageError(`${options.replay ?? ''}: this run has no console '${stranger.console}'`);
  }
  return simulation;
}

type Shared = Pick<api.XenSimulationOptions, 'replay' | 'onConsole' | 'onGuestError'>;

/** Xen guests on the Salvator-XS. What the toolstack or a disk image refuses is the user's input. */
async function createGuests(
  options: RunOptions,
  guests: readonly api.GuestConfig[],
  shared: Shared,
  log: Log,
): Promise<api.Simulation> {
  const configuration = api.configure(await readBoard(options.board ?? 'rcar-h3'), options.set);
  const deadline = deadlineTicks(options.simTimeout, configuration.board.tickHz);
  const said = new Set<string>();
  try {
    return api.createXenSimulation({
      ...shared,
      configuration,
      guests,
      snapshotDisk: options.snapshotDisk,
      ...(deadline === undefined ? {} : { deadline }),
      // A disk that fails does so at every request.
      warn: (line) => {
        if (said.size < 100 && !said.has(line)) log.warn(line);
        said.add(line);
      },
      onGuestEnd: (name, { name: outcome, detail }) =>
        log.info(`guest ${name} has ended: ${outcome}${detail === '' ? '' : ` (${detail})`}; the others go on`),
    });
  } catch (error) {
    if (error instanceof api.ToolsError || error instanceof api.DiskImageError) throw new UsageError(error.message);
    throw error;
  }
}

async function createBare(options: RunOptions, program: string, shared: Shared): Promise<api.Simulation> {
  const kernel = readInput(program);
  const base =
    options.board === undefined
      ? api.flatBoard({ cores: options.smp, ramBytes: ramBytes(options.memory), entryLevel: options.el })
      : await readBoard(options.board);
  const configuration = api.configure(base, options.set);
  const deadline = deadlineTicks(options.simTimeout, configuration.board.tickHz);
  try {
    return api.createBareSimulation({
      ...shared,
      configuration,
      kernel,
      ...(options.initrd === undefined ? {} : { initrd: readInput(options.initrd) }),
      ...(options.dtb === undefined ? {} : { dtb: readTree(options.dtb) }),
      ...(options.append === undefined ? {} : { append: options.append }),
      ...(deadline === undefined ? {} : { deadline }),
    });
  } catch (error) {
    if (error instanceof api.LoadError || error instanceof api.FormatError) {
      throw new UsageError(`${program}: ${error.message}`);
    }
    throw error;
  }
}

function debugGuestError(log: Log): (kind: string, device: string, detail: string, count: number) => void {
  return (kind, device, detail, count) => {
    if (count === 1) log.debug(`guest error ${kind} (${device}): ${detail}`);
  };
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
