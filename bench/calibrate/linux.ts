/** The null system call of a Linux kernel of the user's, without a hypervisor: own first process, guests/linux/init.S. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as api from '../../index.js';
import { BenchError } from '../job.js';
import { nativeConfiguration } from '../native.js';

/** Beside the sources, or where the build is. */
function firstProcess(): Uint8Array {
  const places = ['../../guests/linux/init', '../../../guests/linux/init'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  return readFileSync(places.find((path) => existsSync(path)) ?? places[0]!);
}

/** Cycles of one system call. The boot is functional; what is measured is timed as the settings say. Throws BenchError. */
export function nullSystemCall(cluster: 'a57' | 'a53', settings: readonly string[], image: Uint8Array): number {
  const approximate = settings.includes('timing.cpu=approximate') ? ['timing.from=bench: begin'] : [];
  const configuration = nativeConfiguration(cluster, [...settings, ...approximate]);
  const initrd = api.writeCpio([
    { path: 'dev', type: 'directory', mode: 0o755 },
    { path: 'dev/console', type: 'char', mode: 0o600, major: 5, minor: 1 },
    { path: 'dev/random', type: 'char', mode: 0o600, major: 1, minor: 8 },
    { path: 'init', type: 'file', mode: 0o755, bytes: firstProcess() },
  ]);
  let text = '';
  const { machine } = api.createBareSimulation({
    configuration,
    kernel: image,
    initrd,
    append: 'console=ttyAMA0 quiet panic=-1',
    deadline: BigInt(120 * configuration.board.tickHz),
    onConsole: (_name, byte) => (text += String.fromCharCode(byte)),
  });
  while (machine.run() === 'more') continue;
  const match = /^bench: syscall (\d+) +(\d+)/m.exec(text);
  if (match === null) throw new BenchError(`calibrate: Linux on ${cluster}: ${machine.outcome?.detail ?? 'it waits'}`);
  const { timer, clusters } = configuration.board;
  return ((Number(match[2]) / Number(match[1])) * clusters[0]!.clockHz) / timer.cntfrqHz;
}
