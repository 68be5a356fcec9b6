/**
 * The one of `words` that was probably meant: the first at the least distance,
 * if few of its letters are other ones.
 */
export function closest(
  word: string,
  words: readonly string[],
): string | undefined {
  // Every letter is near to every other
  if (word.replace(/^-+/, "").length < 2) return undefined;
  const distances = words.map((other) => distanceOf(word, other));
  const least = Math.min(...distances);
  if (least > Math.max(1, word.length / 3)) return undefined;
  return words[distances.indexOf(least)];
}

/** How many letters have to be put in, taken out or replaced to make `b` of `a`, or neighbours swapped (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] &&
          a[i - 2] === b[j - 1]
        ? before[j - 2]! + 1
        : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
