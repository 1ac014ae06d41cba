import type { TraceRecord } from '../index.js';
import { UsageError } from './exit.js';

/** A damaged file is the user's, not our, error. */
export function* records<T>(
  read: (path: string) => Generator<TraceRecord, T>,
  path: string,
): Generator<TraceRecord, T> {
  try {
    return yield* read(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw new UsageError((error as Error).message);
    throw error;
  }
}
