// The way from the last pre-release schema to the baseline. Before 0.1.0 the schema was 25 steps; the
// baseline replaced them. A database that has all 25 crosses over; an older one first needs the commit that
// still has them.
import { readdir, readFile } from 'node:fs/promises';

/** The last of the 25 steps. */
export const newestPreRelease = { number: 25, name: 'full-parts' };

/** The commit that brings a database of any pre-release schema to the last one. */
export const preReleaseCommit = '76ba8ac';

/** The first file of the baseline that the bridge runs as it stands. */
const firstNew = '12-';

/** True for the name of a database's first step if it is one of the 25. */
export function isPreRelease(first: string | undefined): boolean {
  return first === 'service';
}

/**
 * The script that makes the baseline of the last pre-release schema: what its tables need, and then the
 * new tables, functions and views of the baseline (its files from 12 on, which
 * no pre-release schema had, or which replace what was there).
 */
export async function readBridge(): Promise<string> {
  const folder = new URL('./migrations/0001-baseline/', import.meta.url);
  const again = (await readdir(folder)).filter((file) => file >= firstNew).sort();
  const files = [
    new URL('./bridge.sql', import.meta.url),
    ...again.map((file) => new URL(file, folder)),
  ];
  return (await Promise.all(files.map((file) => readFile(file, 'utf8')))).join('\n');
}
