import { createFlatMachine } from '../../index.js';
import { measure, type Result } from './result.js';
import { DATA, LOOP_NAMES, program, type LoopName } from './programs.js';

/** Instructions per host second of the CPU kernel in one loop. */
export function loopSpeed(name: LoopName): Result {
  const { machine } = createFlatMachine({ kernel: program(name), ramBytes: 256 << 20 });
  for (const [address, value] of DATA) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    machine.memory.write(address, bytes);
  }
  const begin = machine.instructions;
  const { seconds, rme, calls } = measure(name, () => {
    if (machine.run() !== 'more') throw new Error(`the loop '${name}' ended: ${machine.outcome?.detail ?? 'it waits'}`);
  });
  return { name, value: (machine.instructions - begin) / calls / seconds / 1e6, unit: 'MIPS', rme };
}

/** `npm run bench -- cpu` */
export function cpuBench(report: (result: Result) => void): void {
  for (const name of LOOP_NAMES) report(loopSpeed(name));
}
