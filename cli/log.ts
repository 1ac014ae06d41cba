/** Everything of ours goes to stderr; the guest's console has stdout for itself. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export class Log {
  constructor(
    private readonly level: LogLevel,
    private readonly write: (text: string) => void = (text) => void process.stderr.write(text),
  ) {}

  error(line: string): void {
    this.#put('error', line);
  }

  warn(line: string): void {
    this.#put('warn', `warning: ${line}`);
  }

  info(line: string): void {
    this.#put('info', line);
  }

  debug(line: string): void {
    this.#put('debug', line);
  }

  enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(this.level);
  }

  #put(level: LogLevel, line: string): void {
    if (this.enabled(level)) this.write(`rcar-sim: ${line}\n`);
  }
}
