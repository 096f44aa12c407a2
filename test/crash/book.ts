// A book made for tests of whole processes: accounts that can be sold to the end, and how each of
// them must end. Instruments and prices are those of the example book.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'csv-parse/sync';
import type { Lot } from './random.ts';

const examples = fileURLToPath(new URL('../../examples/book/', import.meta.url));

export interface Candidate {
  readonly accountId: string;
  readonly userId: string;
  /** Whether the venue ends the sale of one of its positions before it is complete. */
  readonly isRefusedInPart: boolean;
  readonly positions: readonly Position[];
  /** Units that may be sold of its first position, where the keeper of the holdings keeps the rest. */
  readonly grantedMax: string | undefined;
}

interface Position {
  readonly isin: string;
  readonly quantity: string;
}

/** Reported in several executions. */
const inParts = 'IE00B5M1WJ87';
/** Instruments whose orders the simulated venue cancels before the end, or refuses. */
const refused = ['IE00BF2GFH28', 'ZZREFUSED006'] as const;
const ordinary = [
  'DE0007164600',
  'DE0007236101',
  'IE00B4L5Y983',
  'IE00BK5BQT80',
  'IE00BKBF6H24',
  'IE00B3XXRP09',
] as const;
/** One of so many accounts holds an instrument that is refused. */
const refusedOneIn = 8;
/** Of one of so many accounts less than it holds may be sold. */
const withheldOneIn = 8;

/** Draws accounts with one to seven positions. Ids are new for each seed. */
export function drawAccounts(lot: Lot, count: number): readonly Candidate[] {
  return Array.from({ length: count }, () => {
    const isRefusedInPart = lot.between(1, refusedOneIn) === 1;
    const some = lot.shuffled([...ordinary, inParts]).slice(0, lot.between(1, ordinary.length));
    const isins = isRefusedInPart ? [...some, refused[lot.between(0, 1)] ?? refused[0]] : some;
    const positions = isins.map((isin) => ({ isin, quantity: String(lot.between(1, 5_000) / 8) }));
    const isWithheld = lot.between(1, withheldOneIn) === 1;
    const grantedMax = isWithheld ? String(lot.between(0, 1)) : undefined;
    const units = isWithheld
      ? positions.with(0, { isin: isins[0] ?? inParts, quantity: '5' })
      : positions;
    const ids = { accountId: idFrom(lot), userId: idFrom(lot) };
    return { ...ids, isRefusedInPart, positions: units, grantedMax };
  });
}

function idFrom(lot: Lot): string {
  const digits = Array.from({ length: 32 }, () => lot.between(0, 15).toString(16)).join('');
  const parts = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`];
  return [...parts, `8${digits.slice(17, 20)}`, digits.slice(20)].join('-');
}

/** Writes accounts as files that `unwind import` takes, instruments and prices with them. */
export async function writeBook(
  directory: string,
  candidates: readonly Candidate[],
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const used = new Set<string>([...ordinary, inParts, ...refused]);
  const lines = (file: string) => readUsed(file, used);
  const write = (file: string, rows: readonly string[]) => {
    return writeFile(join(directory, file), `${rows.join('\n')}\n`);
  };
  await write('users.csv', ['user_id', ...candidates.map(({ userId }) => userId)]);
  await write('accounts.csv', [
    'account_id,user_id,status,currency',
    ...candidates.map(({ accountId, userId }) => `${accountId},${userId},ACTIVE,EUR`),
  ]);
  await write('instruments.csv', await lines('instruments.csv'));
  await write('prices.csv', await lines('prices.csv'));
  await write('positions.csv', [
    'account_id,isin,quantity,locked,as_of',
    ...candidates.flatMap(({ accountId, positions }) => {
      return positions.map(({ isin, quantity }) => {
        return `${accountId},${isin},${quantity},0,2026-01-02T17:30:00Z`;
      });
    }),
  ]);
}

/** The header of a file of the example book and its lines about these instruments. */
async function readUsed(file: string, used: ReadonlySet<string>): Promise<readonly string[]> {
  const rows = parse(await readFile(join(examples, file), 'utf8')) as string[][];
  return rows.filter((row, i) => i === 0 || used.has(row[0] ?? '')).map((row) => row.join(','));
}
