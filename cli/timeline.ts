import { closeSync, openSync, writeSync } from 'node:fs';
import { readTrace, readTraceHeader, registerName, Timeline, type TraceHeader } from '../index.js';
import { EXIT, fileErrorText, UsageError } from './exit.js';
import { records } from './records.js';

/** Text is gathered to so many characters before it is written. */
const CHUNK = 1 << 16;

/** `rcar-sim trace timeline FILE -o OUT`: record by record, in little memory. Returns the exit code. */
export function writeTimeline(file: string, output: unknown): number {
  if (typeof output !== 'string') throw new UsageError('trace timeline: -o OUT.json says where to');
  const { tickHz } = header(file);
  let fd: number;
  try {
    fd = openSync(output, 'w');
  } catch (error) {
    throw new UsageError(`cannot write ${fileErrorText(output, error)}`);
  }
  let text = '';
  const flush = (): void => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
    text = '';
  };
  const put = (more: string): void => {
    text += more;
    if (text.length >= CHUNK) flush();
  };
  try {
    const timeline = new Timeline({ tickHz, registerName: (register) => registerName(Number(register)), put });
    for (const record of records(readTrace, file)) timeline.record(record);
    timeline.end();
    flush();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`rcar-sim: cannot write ${fileErrorText(output, error)}\n`);
    return EXIT.failed;
  } finally {
    closeSync(fd);
  }
  return EXIT.ok;
}

/** Throws UsageError for a file that is no trace. */
function header(file: string): TraceHeader {
  try {
    return readTraceHeader(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? new UsageError((error as Error).message) : error;
  }
}
