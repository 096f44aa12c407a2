// The way from the last pre-release schema to the baseline. Before 0.1.0 the schema was 25 steps; the
// baseline replaced them. A database that has all 25 crosses over; an older one first needs the commit that
// still has them.
import { readFile } from 'node:fs/promises';

/** The last of the 25 steps. */
export const newestPreRelease = { number: 25, name: 'full-parts' };

/** The commit that brings a database of any pre-release schema to the last one. */
export const preReleaseCommit = '76ba8ac';

/** True for the name of a database's first step if it is one of the 25. */
export function isPreRelease(first: string | undefined): boolean {
  return first === 'service';
}

/**
 * The script that makes the baseline of the last pre-release schema: what its tables need, and then the
 * functions and views of the baseline anew.
 */
export async function readBridge(): Promise<string> {
  const files = ['bridge.sql', ...['20-functions', '30-published-views'].map(inBaseline)];
  const texts = files.map((file) => readFile(new URL(file, import.meta.url), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

function inBaseline(name: string): string {
  return `./migrations/0001-baseline/${name}.sql`;
}
