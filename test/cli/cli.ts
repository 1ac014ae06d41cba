/** Spawns the built command line, as a user's shell does. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportSchema, type Report } from '../../index.js';

export const PROGRAM = fileURLToPath(new URL('../../cli/rcar-sim.mjs', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly out: string;
  /** Lines of standard error, with the folder's name as @. */
  readonly err: string[];
}

export interface Running {
  readonly child: ChildProcess;
  readonly done: Promise<Result>;
  /** Standard output so far. */
  out(): string;
  /** Resolves when standard output matches; what takes a minute is given up, and the process with it. */
  until(pattern: RegExp): Promise<void>;
}

/** A folder of files for one spec. Arguments with a leading @ name files in it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'rcar-sim-cli-'));

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, data: string | Uint8Array): string {
    writeFileSync(this.file(name), data);
    return this.file(name);
  }

  /** The file that a run wrote with --report; throws if it is not as documented. */
  report(name = 'report.json'): Report {
    return reportSchema.parse(JSON.parse(readFileSync(this.file(name), 'utf8')));
  }

  start(args: readonly string[], command: readonly string[] = [process.execPath, PROGRAM]): Running {
    const [program = '', ...first] = command;
    const words = args.map((arg) => arg.replace(/(^|=)@/, `$1${this.path}/`));
    const child = spawn(program, [...first, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let err = '';
    const waiting = new Set<() => void>();
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString('latin1');
      for (const look of waiting) look();
    });
    child.stderr.on('data', (data: Buffer) => (err += data.toString('latin1')));
    const done = new Promise<Result>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        const lines = err.replaceAll(this.path, '@').split('\n');
        resolve({ code, out, err: lines.filter((line) => line !== '') });
      });
    });
    const until = (pattern: RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          child.kill('SIGKILL');
          reject(new Error(`no ${String(pattern)} in ${JSON.stringify(out.slice(-300))}`));
        }, 60_000);
        const look = (): void => {
          if (!pattern.test(out)) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        waiting.add(look);
        look();
        void done.then(({ err: lines }) => reject(new Error(`ended without ${String(pattern)}: ${lines.join('\n')}`)));
      });
    return { child, done, out: () => out, until };
  }

  async run(...args: string[]): Promise<Result> {
    const running = this.start(args);
    running.child.stdin?.end();
    return await running.done;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
