import { generateDecode } from './generate-decode.js';
import { generateOpcodes } from './generate-opcodes.js';
import { generateAccess, generateRun } from './generate-run.js';
import { generateTimedAccess, generateTimedRun } from './generate-timed.js';
import { OPS } from './ops.js';

/** The base instruction set's generated kernel modules: file name in kernel/gen to AssemblyScript text. */
export function generateIsa(): Record<string, string> {
  return {
    'opcodes.ts': generateOpcodes(),
    'decode.ts': generateDecode(),
    'access.ts': generateAccess(),
    'run.ts': generateRun(),
    'timed-access.ts': generateTimedAccess(),
    'timed-run.ts': generateTimedRun(),
  };
}

/** How many operations the run loop's switch has. */
export function operationCount(): number {
  return OPS.length;
}
