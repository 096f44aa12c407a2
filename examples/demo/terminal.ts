// How the demo speaks: one line a step, with the time since its start.

import { styleText } from 'node:util';

const begunAt = performance.now();
const timeWidth = 8;

/** A claim of the demo that did not hold. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/** The person at the terminal ends the demo. */
export class Interruption extends DemoFailure {}

export function title(text: string): void {
  process.stdout.write(`\n${styleText('bold', text)}\n`);
}

/** A step that happened. */
export function say(text: string): void {
  const seconds = `${((performance.now() - begunAt) / 1_000).toFixed(2)} s`;
  process.stdout.write(`${styleText('dim', seconds.padStart(timeWidth))}  ${text}\n`);
}

/** Says that something holds. @throws DemoFailure when it does not. */
export function check(holds: boolean, text: string): asserts holds {
  if (!holds) throw new DemoFailure(text);
  say(`${styleText('green', '✓')} ${text}`);
}

/** What a command has printed, set off from our own words. */
export function quote(text: string): void {
  process.stdout.write(text.replace(/^(?=.)/gm, ' '.repeat(timeWidth + 2)));
}

export type Cell = string;

/** Rows in aligned columns; `numbers` are the indexes of those that stand to the right. */
export function table(rows: readonly (readonly Cell[])[], numbers: readonly number[]): void {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  for (const row of rows) {
    const cells = row.map((cell, i) => {
      const width = widths[i] ?? 0;
      return numbers.includes(i) ? cell.padStart(width) : cell.padEnd(width);
    });
    process.stdout.write(`${' '.repeat(timeWidth + 2)}${cells.join('  ').trimEnd()}\n`);
  }
}

/** `1234567.8` as `1,234,567.80`; a text stays exact, whatever its length. */
export function euros(amount: string): string {
  const [whole = '0', cents = ''] = amount.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return `EUR ${grouped}.${cents.padEnd(2, '0')}`;
}
