/** Exit codes; scripts rely on them. */
export const EXIT = {
  /** What was wanted happened. */
  ok: 0,
  /** The run failed: guest panic, crash, timeout, expectation not met. */
  failed: 1,
  /** Wrong usage or input; nothing was run. */
  usage: 2,
  /** Our bug. */
  internal: 70,
  /** Ended by a signal or by the user. */
  interrupted: 130,
} as const;

/** A mistake of the user; printed as one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Classes of errors whose message is one line for the user (input that does not fit), from any layer. */
const INPUT_ERRORS: ReadonlySet<string> = new Set([
  'UsageError',
  'BoardError',
  'BudgetError',
  'SettingError',
  'FormatError',
  'LoadError',
  'CfgError',
  'DiskError',
  'DiskImageError',
  'SnapshotError',
  'ToolsError',
]);

/** The one line of an input error, or undefined if the error is our bug. */
export function inputErrorMessage(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (INPUT_ERRORS.has(error.constructor.name)) return error.message;
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined && syscall !== undefined) return fileErrorText(path, error);
  return undefined;
}

/** 'FILE: no such file' and the like. */
export function fileErrorText(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const reasons: Record<string, string> = {
    ENOENT: 'no such file or directory',
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EISDIR: 'is a directory',
    ENOTDIR: 'a part of the path is not a directory',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space left',
  };
  return `${path}: ${reasons[code] ?? (error as Error).message}`;
}
