// Which accounts of the example book a crash run sells, and how each of them must end.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import type { Lot } from './random.ts';

export const bookDirectory = fileURLToPath(new URL('../../examples/book/', import.meta.url));

export interface Candidate {
  readonly accountId: string;
  readonly userId: string;
  /** Whether the venue ends the sale of one of its positions before it is complete. */
  readonly isRefusedInPart: boolean;
}

/** Instruments whose orders the simulated venue cancels or refuses. */
const refused: ReadonlySet<string> = new Set(['IE00BF2GFH28', 'ZZREFUSED006']);
/** Does not trade: whoever holds it waits. */
const halted = 'DE0007472060';

type Line = Readonly<Record<string, string>>;

async function readLines(file: string): Promise<readonly Line[]> {
  return parse<Line>(await readFile(join(bookDirectory, file)), { columns: true });
}

/** Draws accounts that can be sold to the end, those the book shows off always among them. */
export async function drawAccounts(lot: Lot, count: number): Promise<readonly Candidate[]> {
  const [accounts, positions] = await Promise.all([
    readLines('accounts.csv'),
    readLines('positions.csv'),
  ]);
  const held = Map.groupBy(positions, (line) => line['account_id'] ?? '');
  const candidates = accounts.flatMap((line): readonly Candidate[] => {
    const accountId = line['account_id'] ?? '';
    const own = held.get(accountId) ?? [];
    const isOpen = line['status'] === 'ACTIVE' || line['status'] === 'CLOSING';
    const waits = own.some((position) => {
      return position['isin'] === halted || Number(position['locked']) > 0;
    });
    if (!isOpen || waits) return [];
    const isRefusedInPart = own.some((position) => refused.has(position['isin'] ?? ''));
    return [{ accountId, userId: line['user_id'] ?? '', isRefusedInPart }];
  });
  const shownOff = 7;
  const [first, others] = [candidates.slice(0, shownOff), candidates.slice(shownOff)];
  const drawn = lot.shuffled([...first, ...lot.shuffled(others).slice(0, count - shownOff)]);
  assert.equal(drawn.length, count, `the book has ${candidates.length} such accounts`);
  return drawn;
}
