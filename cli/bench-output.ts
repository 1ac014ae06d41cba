import { writeFileSync } from 'node:fs';
import { SingleBar } from 'cli-progress';
import { fileErrorText } from './exit.js';

/** False: the host refused, which is said in one line. `-` is standard output. */
export function write(path: string, text: string): boolean {
  try {
    if (path === '-') process.stdout.write(text);
    else writeFileSync(path, text);
    return true;
  } catch (error) {
    process.stderr.write(`rcar-sim: cannot write ${fileErrorText(path, error)}\n`);
    return false;
  }
}

/** A bar on standard error, if that is a terminal. */
export async function withProgress<T>(total: number, run: (onDone: (count: number) => void) => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY || total < 2) return run(() => {});
  const bar = new SingleBar({
    format: '{bar} {value}/{total} simulations',
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  try {
    return await run((count) => bar.update(count));
  } finally {
    bar.stop();
  }
}
