/**
 * What somebody may have meant.
 *
 * @module
 */

/** The name most like `given`, if one is like it: two slips at most, and fewer for short ones. */
export function suggest(given: string, names: readonly string[]): string | undefined {
  const allowed = given.length <= 3 ? 1 : 2;
  let best: string | undefined;
  let least = allowed + 1;
  for (const name of names) {
    // What somebody begins to write counts as one slip.
    const slips = given.length > 2 && name.startsWith(given) ? 1 : distance(given, name);
    if (slips < least) [best, least] = [name, slips];
  }
  return best;
}

/** Letters to put in, leave out, replace, or swap with a neighbour (Damerau-Levenshtein, restricted). */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      let slips = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        slips = Math.min(slips, before[j - 2]! + 1);
      }
      row.push(slips);
    }
    before = above;
    above = row;
  }
  return above[to.length]!;
}
