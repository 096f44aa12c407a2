// Finds environment variables that were meant as settings and are none: a misspelt one would otherwise be
// ignored, and its default used instead.

/** Edits within which a name that lacks the prefix still counts as one of ours: `UNWND_MODE`. */
const editsMax = 2;

export interface Misspelt {
  readonly name: string;
  /** The setting that is nearest, where one is near. */
  readonly meant: string | undefined;
}

/** Variables that begin with `UNWIND_` and are no setting, or almost begin so and almost are one. */
export function misspelt(
  environment: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): readonly Misspelt[] {
  const prefixed = known.filter((name) => name.startsWith('UNWIND_'));
  return Object.keys(environment).flatMap((name) => {
    const upper = name.toUpperCase();
    if (known.includes(name)) return [];
    if (/^UNWIND[_-]/.test(upper)) {
      const bare = upper.slice('UNWIND_'.length);
      return [{ name, meant: nearest([upper, bare], known) }];
    }
    const meant = prefixed.find((one) => {
      // Each letter more is an edit; most names need not be compared.
      const more = Math.abs(upper.length - one.length);
      return more <= editsMax && edits(upper, one) <= editsMax;
    });
    return meant === undefined ? [] : [{ name, meant }];
  });
}

/** The name that one of the texts is nearest to, within a third of its letters. */
export function nearest(texts: readonly string[], known: readonly string[]): string | undefined {
  const near = known
    .map((name) => ({ name, edits: Math.min(...texts.map((text) => edits(text, name))) }))
    .filter((one) => one.edits <= Math.max(editsMax, Math.floor(one.name.length / 3)))
    .toSorted((a, b) => a.edits - b.edits);
  return near[0]?.name;
}

/** Letters inserted, left out, exchanged or turned around with their neighbour (Damerau, Levenshtein). */
function edits(a: string, b: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isTurned = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const turned = isTurned ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(at(last, j) + 1, at(row, j - 1) + 1, changed, turned));
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
