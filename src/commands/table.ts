// Tables of text.

import { printableLine } from '../printable.ts';

/** Rows as lines in columns, for people. */
export function tableText(rows: readonly (readonly (string | undefined)[])[]): string {
  return tableOf(rows, true);
}

/**
 * Rows as lines: in columns for a person, with tabs between the cells for a program. Columns whose cells all are
 * numbers stand to the right.
 */
export function tableOf(
  rows: readonly (readonly (string | undefined)[])[],
  isAligned: boolean,
): string {
  const cells = rows.map((row) => row.map((cell = '') => printableLine(cell)));
  if (!isAligned) return cells.map((row) => `${row.join('\t')}\n`).join('');
  const columns = (cells[0] ?? []).map((_, i) => {
    const all = cells.map((row) => row[i] ?? '');
    const body = all.slice(1).filter((cell) => cell !== '');
    const isNumber = body.length > 0 && body.every((cell) => /^-?[0-9][0-9 .,]*$/.test(cell));
    return { width: Math.max(...all.map((cell) => cell.length)), isNumber };
  });
  return cells.map((row) => `${lineOf(row, columns).trimEnd()}\n`).join('');
}

function lineOf(
  row: readonly string[],
  columns: readonly { width: number; isNumber: boolean }[],
): string {
  return row
    .map((cell, i) => {
      const { width = 0, isNumber = false } = columns[i] ?? {};
      return isNumber ? cell.padStart(width) : cell.padEnd(width);
    })
    .join('  ');
}
