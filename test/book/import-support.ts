// What the tests of the import share: directories with the files of a book, and questions to the
// book that has come of them.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importDirectory } from '../../src/book/import-directory.ts';
import type { BookFileName } from '../../src/book/import-file.ts';
import type { FileReport, ImportReport } from '../../src/book/import-report.ts';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { parseId, type TenantId } from '../../src/ids.ts';
import { type AccountOfUser, makeTenant } from '../support/book.ts';
import { type TestClock, testClock } from '../support/clock.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { type EngineSteps, engineSteps } from '../support/engine.ts';

/** The lines of each file, header first; or the whole content. */
export type BookFiles = Partial<Record<BookFileName, string | Buffer | readonly string[]>>;

export const headers = {
  users: 'user_id',
  accounts: 'account_id,user_id,status,currency',
  instruments: 'isin,name,trading_status,fractional',
  listings: 'isin,mic,symbol,currency,lot_size',
  rates: 'currency,rate,as_of',
  prices: 'isin,price,currency',
  positions: 'account_id,isin,quantity,locked,as_of',
};

/** Two users with an account each, and two instruments, one of them in whole units only. */
export const anna = {
  userId: '0194a000-0000-7000-8000-00000000000a',
  accountId: '0194a000-0000-7000-8000-0000000000aa',
};
export const bert = {
  userId: '0194b000-0000-7000-8000-00000000000b',
  accountId: '0194b000-0000-7000-8000-0000000000bb',
};
export const stranger = '0194c000-0000-7000-8000-00000000000c';
export const sap = 'DE0007164600';
export const siemens = 'DE0007236101';
/** A true instrument that the book does not have. */
export const allianz = 'DE0008404005';

export const asOf = '2026-01-02T17:30:00Z';

export const smallBook: BookFiles = {
  'users.csv': [headers.users, anna.userId, bert.userId],
  'accounts.csv': [
    headers.accounts,
    `${anna.accountId},${anna.userId},ACTIVE,EUR`,
    `${bert.accountId},${bert.userId},ACTIVE,EUR`,
  ],
  'instruments.csv': [
    headers.instruments,
    `${sap},SAP SE,ACTIVE,true`,
    `${siemens},"Siemens, Munich",ACTIVE,false`,
  ],
  'prices.csv': [headers.prices, `${sap},208.35,EUR`, `${siemens},239.85,EUR`],
  'positions.csv': positions(
    [anna.accountId, sap, '12.5', '2'],
    [anna.accountId, siemens, '3', '0'],
    [bert.accountId, sap, '7', '0'],
  ),
};

/** Lines of positions.csv: account, instrument, quantity, locked and, but for `asOf`, the time. */
export function positions(...lines: readonly (readonly string[])[]): readonly string[] {
  return [
    headers.positions,
    ...lines.map((line) => [...line, ...(line.length < 5 ? [asOf] : [])].join(',')),
  ];
}

/** Writes a directory that is removed after the test. */
export async function bookDirectory(t: AfterTest, files: BookFiles): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-book-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const bytes =
      typeof content === 'string' || Buffer.isBuffer(content)
        ? content
        : content.map((line) => `${line}\n`).join('');
    await writeFile(join(directory, name), bytes);
  }
  return directory;
}

export interface Bench {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly tenantId: TenantId;
}

export interface AccountBench extends Bench {
  /** Anna's, as the small book has it. */
  readonly account: AccountOfUser;
  readonly clock: TestClock;
  readonly steps: EngineSteps;
}

/** A database of its own with the small book imported, and the engine stopped. */
export async function accountBench(t: AfterTest): Promise<AccountBench> {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const bench = { sql, clock, tenantId: await makeTenant(sql) };
  await importRight(t, bench, smallBook);
  const [accountId, userId] = [parseId<'account'>(anna.accountId), parseId<'user'>(anna.userId)];
  assert.ok(accountId !== undefined && userId !== undefined);
  const account = { tenantId: bench.tenantId, accountId, userId };
  return { ...bench, account, steps: engineSteps(sql, clock, { delayMs: 0 }) };
}

/** Imports these files and returns the report. */
export async function importFiles(
  t: AfterTest,
  { sql, clock, tenantId }: Bench,
  files: BookFiles,
): Promise<ImportReport> {
  const directory = await bookDirectory(t, files);
  return importDirectory(sql, clock, { tenantId, directory });
}

/** Imports these files, all of which must be right. */
export async function importRight(t: AfterTest, bench: Bench, files: BookFiles): Promise<void> {
  const { files: reports } = await importFiles(t, bench, files);
  assert.deepEqual(
    reports.filter((report) => report.outcome === 'refused'),
    [],
  );
}

/** Imports one file that must be refused. @returns its bad lines as `line: reason`. */
export async function badLinesOf(
  t: AfterTest,
  bench: Bench,
  files: BookFiles,
): Promise<readonly string[]> {
  const { files: reports } = await importFiles(t, bench, files);
  const [report] = reports;
  assert.equal(reports.length, 1);
  assert.equal(report?.outcome, 'refused');
  assert.equal(report.badLineCount, report.badLines.length);
  return report.badLines.map(({ line, reason }) => `${line}: ${reason}`);
}

/** The counts of an imported file as `inserted/changed/unchanged`, or that it was refused. */
export function countsOf(report: FileReport | undefined): string {
  if (report?.outcome !== 'imported') return report?.outcome ?? 'absent';
  assert.equal(report.inserted + report.changed + report.unchanged, report.lines);
  return `${report.inserted}/${report.changed}/${report.unchanged}`;
}

/** What a client's accounts hold, as `account isin quantity locked`, sorted. */
export async function holdingsOf({ sql, tenantId }: Bench): Promise<readonly string[]> {
  const rows = await sql<{ holding: string }[]>`
    select
      concat_ws(' ', p.account_id, p.isin, trim_scale(p.quantity), p.locked) as holding
    from unwind.positions p
    where p.tenant_id = ${tenantId}
    order by p.account_id, p.isin`;
  return rows.map((row) => row.holding);
}

/** A client's movements in their order, as `account isin quantity locked reason effective_at`. */
export async function movementsOf({ sql, tenantId }: Bench): Promise<readonly string[]> {
  const rows = await sql<{ movement: string }[]>`
    select
      concat_ws(
        ' ', m.account_id, m.isin, m.quantity, m.locked, m.reason, unwind.instant(m.effective_at)
      ) as movement
    from unwind.movements m
    where m.tenant_id = ${tenantId}
    order by m.movement_id`;
  return rows.map((row) => row.movement);
}

/** Fails unless every position is the sum of its account's movements, and each has some. */
export async function assertBookAddsUp({ sql }: Bench): Promise<void> {
  const wrong = await sql`
    select *
    from unwind.positions p
    full join (
      select
        m.tenant_id, m.account_id, m.isin, sum(m.quantity) as quantity, sum(m.locked) as locked
      from unwind.movements m
      group by m.tenant_id, m.account_id, m.isin
    ) as moved using (tenant_id, account_id, isin)
    where p.quantity is distinct from moved.quantity
      or p.locked is distinct from moved.locked`;
  assert.deepEqual([...wrong], []);
}

/** How often the positions of each account have changed, by account. */
export async function versionsOf({ sql, tenantId }: Bench): Promise<Record<string, string>> {
  const rows = await sql<{ account_id: string; version: string }[]>`
    select a.account_id, a.version
    from unwind.accounts a
    where a.tenant_id = ${tenantId}
    order by a.account_id`;
  return Object.fromEntries(rows.map((row) => [row.account_id, row.version]));
}
