/** "Did you mean …?": the known word that a misspelt one is closest to. */

/**
 * @returns the closest of `known` by edits (Levenshtein, with two neighbors swapped as one; letter
 *   case aside), undefined when none is within a third of the word's length
 */
export function closestWord(word: string, known: readonly string[]): string | undefined {
  return closeWords(word, known, 1)[0];
}

/** As `closestWord`: at most `most` of them, the closest first, equally close ones as they come. */
export function closeWords(word: string, known: readonly string[], most: number): string[] {
  const typed = word.toLowerCase();
  const editsMax = Math.max(1, Math.floor(word.length / 3));
  return known
    .filter((candidate) => Math.abs(candidate.length - word.length) <= editsMax)
    .map((candidate) => ({ candidate, edits: countEdits(typed, candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= editsMax)
    .sort((a, b) => a.edits - b.edits)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Letters to add, drop, change, or swap with the next, to get from one to the other. */
function countEdits(from: string, to: string): number {
  let twoAbove: readonly number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const changed = (above[column - 1] ?? 0) + (isSame ? 0 : 1);
      const dropped = (above[column] ?? 0) + 1;
      const added = (current[column - 1] ?? 0) + 1;
      const isSwap = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const swapped = (isSwap ? twoAbove[column - 2] : undefined) ?? Infinity;
      current.push(Math.min(changed, dropped, added, swapped + 1));
    }
    twoAbove = above;
    above = current;
  }
  return above[to.length] ?? 0;
}
