import { accessSync, closeSync, constants, existsSync, openSync, statSync, unlinkSync } from 'node:fs';
import { fileErrorText, UsageError } from './exit.js';

/**
 * Finds out before the run, not after it, whether files can be written. Leaves no file behind that was not there.
 * Throws UsageError.
 */
export function checkOutputs(paths: readonly (string | undefined)[]): void {
  const outputs = paths.filter((path) => path !== undefined);
  for (const path of outputs) checkWritable(path);
  const twice = outputs.find((path, index) => outputs.indexOf(path) !== index && !path.startsWith('/dev/'));
  if (twice !== undefined) throw new UsageError(`${twice}: two outputs go to the same file`);
}

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
