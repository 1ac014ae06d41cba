/** Levenshtein distance with transpositions, for "did you mean". */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** The known words nearest to `word`, best first; empty when none is near enough to be worth a guess. */
export function suggest(word: string, known: readonly string[], count = 1): string[] {
  const wanted = word.toLowerCase();
  const limit = Math.max(2, Math.floor(word.length / 3));
  return known
    .map((candidate) => {
      const lower = candidate.toLowerCase();
      const tail = lower.slice(lower.lastIndexOf('.') + 1);
      const part = wanted.slice(wanted.lastIndexOf('.') + 1);
      const shortcut = tail === part ? 1 : wanted.length >= 4 && lower.startsWith(wanted) ? 2 : limit + 1;
      const distance = Math.min(editDistance(wanted, lower), shortcut);
      return { candidate, distance };
    })
    .filter((entry) => entry.distance <= limit)
    .sort(
      (a, b) =>
        a.distance - b.distance ||
        Math.abs(a.candidate.length - word.length) - Math.abs(b.candidate.length - word.length) ||
        (a.candidate < b.candidate ? -1 : 1),
    )
    .slice(0, count)
    .map((entry) => entry.candidate);
}

/** `, did you mean 'x'?` or the empty string. */
export function didYouMean(word: string, known: readonly string[]): string {
  const [best] = suggest(word, known);
  return best === undefined ? '' : `, did you mean '${best}'?`;
}
