import yargs from 'yargs';
import type { Argv } from 'yargs';
import { benchCommand } from './bench-command.js';
import { boardCommand } from './board.js';
import { EXIT, inputErrorMessage, UsageError } from './exit.js';
import { runCommand } from './run-command.js';
import { traceCommand } from './trace.js';

/** A reader that has seen enough (`| head`) is no error. */
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/** The command line. Commands load the simulator when they run, so that `--help` is quick. Returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  if (!process.stdout.listeners('error').includes(onStdoutError)) process.stdout.on('error', onStdoutError);
  const done = (result: number): void => {
    code = result;
  };
  const parser: Argv = yargs([...args])
    .scriptName('rcar-sim')
    .usage('$0 COMMAND: simulator of the Renesas R-Car H3 under Xen, with IOREQ and virtio-mmio')
    .parserConfiguration({ 'duplicate-arguments-array': true, 'camel-case-expansion': true, 'parse-numbers': false })
    .command(runCommand(done))
    .command(benchCommand(done))
    .command(boardCommand(done))
    .command(traceCommand(done))
    .demandCommand(1, 'a command is needed')
    .strict()
    .recommendCommands()
    .alias('h', 'help')
    .version()
    .wrap(100)
    .exitProcess(false)
    .showHelpOnFail(false)
    .fail((message, error) => {
      throw error ?? new UsageError(`${message}; see rcar-sim --help`);
    });
  try {
    await parser.parseAsync();
  } catch (error) {
    const line = inputErrorMessage(error);
    if (line !== undefined) {
      process.stderr.write(`rcar-sim: ${line}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`rcar-sim: internal error, please report it: ${(error as Error).stack ?? String(error)}\n`);
    return EXIT.internal;
  }
  return code;
}
