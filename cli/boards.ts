import { readFileSync } from 'node:fs';
import type { Board } from '../index.js';
import { fileErrorText, UsageError } from './exit.js';

/** Boards that need no file. */
export const BOARDS = ['rcar-h3', 'flat'] as const;

/** A board by its name, or from a JSON file as `board show --json` prints it. Throws UsageError or BoardError. */
export async function readBoard(text: string): Promise<Board> {
  const api = await import('../index.js');
  if (text === 'rcar-h3') return api.rcarH3();
  if (text === 'flat') return api.flatBoard();
  let source: string;
  try {
    source = readFileSync(text, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !text.includes('/') && !text.endsWith('.json')) {
      throw new UsageError(`no board '${text}': ${BOARDS.join(', ')}, or a JSON file${api.didYouMean(text, BOARDS)}`);
    }
    throw new UsageError(fileErrorText(text, error));
  }
  let data: unknown;
  try {
    data = JSON.parse(source);
  } catch (error) {
    throw new UsageError(`${text}: not JSON: ${(error as Error).message}`);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new UsageError(`${text}: not a JSON object`);
  return api.createBoard(data as Parameters<typeof api.createBoard>[0]);
}
