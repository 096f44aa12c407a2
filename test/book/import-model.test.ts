// Any sequence of snapshots, right and stale, against a plain model of what the book must hold.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { importDirectory } from '../../src/book/import-directory.ts';
import { decimal, plain } from '../../src/money.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { times } from '../support/length.ts';
import { fc } from '../support/properties.ts';
import {
  anna,
  assertBookAddsUp,
  bert,
  bookDirectory,
  holdingsOf,
  movementsOf,
  positions,
  sap,
  siemens,
  smallBook,
} from './import-support.ts';

const { sql } = await createTestDatabase({ after });

interface Line {
  readonly accountId: string;
  readonly isin: string;
  readonly quantity: string;
  readonly locked: string;
}

interface Snapshot {
  readonly minute: number;
  readonly lines: readonly Line[];
}

/** The book as it must be: quantity and locked by position, last movement by account. */
interface Model {
  readonly holdings: Map<string, string>;
  readonly movedAt: Map<string, number>;
  movements: number;
}

const amounts = fc
  .tuple(fc.bigInt(0n, 30n), fc.bigInt(0n, 30n), fc.constantFrom('', '.5', '.000000000000001'))
  .map(([a, b, decimals]) => {
    const [locked, quantity] = a < b ? [a, b] : [b, a];
    return { quantity: `${quantity}${decimals}`, locked: `${locked}` };
  });

const snapshots: fc.Arbitrary<Snapshot> = fc.record({
  minute: fc.integer({ min: 0, max: 6 }),
  lines: fc.uniqueArray(
    fc
      .tuple(
        fc.constantFrom(anna.accountId, bert.accountId),
        fc.constantFrom(sap, siemens),
        amounts,
      )
      .map(([accountId, isin, amount]) => ({ accountId, isin, ...amount })),
    { selector: ({ accountId, isin }) => `${accountId} ${isin}`, maxLength: 4 },
  ),
});

/** Takes the snapshot into the model. @returns false, with nothing changed, when it is stale. */
function apply(model: Model, { minute, lines }: Snapshot): boolean {
  if (lines.some(({ accountId }) => minute < (model.movedAt.get(accountId) ?? -1))) return false;
  for (const { accountId, isin, quantity, locked } of lines) {
    const position = `${accountId} ${isin}`;
    const holding = [quantity, locked].map((amount) => plain(decimal(amount))).join(' ');
    if ((model.holdings.get(position) ?? '0 0') === holding) continue;
    model.holdings.set(position, holding);
    model.movedAt.set(accountId, minute);
    model.movements += 1;
  }
  return true;
}

test('the book holds what the snapshots say, and its movements add up to it', async (t) => {
  const { 'positions.csv': _, ...rest } = smallBook;
  const directory = await bookDirectory(t, rest);
  const property = fc.asyncProperty(fc.array(snapshots, { maxLength: 6 }), async (sequence) => {
    const bench = { sql, clock: testClock(), tenantId: await makeTenant(sql) };
    const { clock, tenantId } = bench;
    await importDirectory(sql, clock, { tenantId, directory });
    const model: Model = { holdings: new Map(), movedAt: new Map(), movements: 0 };
    for (const snapshot of sequence) {
      const time = `2026-01-04T00:0${snapshot.minute}:00Z`;
      const lines = snapshot.lines.map(({ accountId, isin, quantity, locked }) => {
        return [accountId, isin, quantity, locked, time];
      });
      const ofSnapshot = await bookDirectory(t, { 'positions.csv': positions(...lines) });
      const isRight = apply(model, snapshot);
      // Twice, because a repeat changes nothing.
      for (const _time of ['first', 'again']) {
        const { files } = await importDirectory(sql, clock, { tenantId, directory: ofSnapshot });
        assert.equal(files[0]?.outcome, isRight ? 'imported' : 'refused');
      }
    }
    const expected = [...model.holdings].map((holding) => holding.join(' ')).sort();
    assert.deepEqual(await holdingsOf(bench), expected);
    assert.equal((await movementsOf(bench)).length, model.movements);
  });
  await fc.assert(property, { numRuns: times({ short: 10, long: 30 }) });
  await assertBookAddsUp({ sql, clock: testClock(), tenantId: await makeTenant(sql) });
});
