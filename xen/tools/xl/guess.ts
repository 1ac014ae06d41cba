import { suggest } from '../../../boards/suggest.js';

/** `; did you mean 'x'?`, or nothing when no known word is near. */
export function guess(word: string, known: readonly string[]): string {
  const [best] = suggest(word, known);
  return best === undefined ? '' : `; did you mean '${best}'?`;
}
