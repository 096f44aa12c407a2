// How long one liquidation of a tenant takes from POST to its last published event while another
// tenant has 100,000 of them waiting; beside it the same with nobody else there.

import type { Sql } from '../../src/db/connect.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { type BenchAccount, fillBook } from '../book.ts';
import { type Figure, figure } from '../figures.ts';
import { makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';
import { createAll } from '../take-orders.ts';
import { publishedOf, until } from '../wait.ts';

const patienceMs = 120_000;
/** "Within a second or so". */
const goalS = 1.5;

export async function fairness(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const waiting = isTiny ? 200 : 100_000;
  const database = await place.makeDatabase();
  const { sql, url } = database;
  const large = await makeClient(sql, place.home);
  const small = await makeClient(sql, place.home);
  const crowd = await fillBook(sql, {
    tenantId: large.tenantId,
    positionsEach: 1,
    accounts: waiting,
  });
  const [alone, among] = await fillBook(sql, {
    tenantId: small.tenantId,
    positionsEach: 20,
    accounts: 2,
  });
  if (alone === undefined || among === undefined) throw new Error('two accounts were made');
  const running = await startService(
    { url, home: place.home },
    { UNWIND_VENUE_DELAY_MS: '0', UNWIND_ROLES: 'worker' },
  );
  const calm = await sellOne({ sql, url, tenantId: small.tenantId, account: alone, events: 3 });
  await insertWaiting(sql, large.tenantId, crowd);
  await until('the crowd is being sold', patienceMs, () => hasBegun(sql, large.tenantId));
  const busy = await sellOne({ sql, url, tenantId: small.tenantId, account: among, events: 6 });
  const isOver = (await publishedOf(sql, large.tenantId)) === waiting * 3;
  await running.stop();
  await database.close();
  if (isOver && !isTiny) throw new Error('the crowd was sold before the single one');
  return [
    figure({
      scenario: 'fairness',
      value: busy,
      unit: 's (at most)',
      against: 'the same with nobody else there',
      against_value: calm,
      goal: goalS,
    }),
  ];
}

interface One {
  readonly sql: Sql;
  readonly url: string;
  readonly tenantId: TenantId;
  readonly account: BenchAccount;
  /** Events of the tenant once it is done. */
  readonly events: number;
}

/** @returns seconds from the create to the last published event. */
async function sellOne({ sql, url, tenantId, account, events }: One): Promise<number> {
  const begunAt = performance.now();
  await createAll(url, tenantId, [account]);
  await until('the single one is sold', patienceMs, async () => {
    return (await publishedOf(sql, tenantId)) === events;
  });
  return (performance.now() - begunAt) / 1_000;
}

async function hasBegun(sql: Sql, tenantId: TenantId): Promise<boolean> {
  const rows = await sql`
    select l.liquidation_id
    from unwind.liquidations l
    where l.tenant_id = ${tenantId}
      and l.status = 'FILLED'
    limit 1`;
  return rows.length > 0;
}

/** NEW liquidations with their events, as the POSTs would have left them, in a few statements. */
async function insertWaiting(
  sql: Sql,
  tenantId: TenantId,
  accounts: readonly BenchAccount[],
): Promise<void> {
  const slice = 10_000;
  for (let from = 0; from < accounts.length; from += slice) {
    const part = accounts.slice(from, from + slice);
    await sql`
      with created as (
        insert into unwind.liquidations as l (
          tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount,
          event_count, release_at, created_at, updated_at
        )
        select
          ${tenantId}, n.liquidation_id, n.account_id, n.user_id, 1, 'NEW', 210, 1, now(), now(), now()
        from unnest(
          ${part.map(() => newId<'liquidation'>())}::uuid[],
          ${part.map((account) => account.accountId)}::uuid[],
          ${part.map((account) => account.userId)}::uuid[]
        ) as n (liquidation_id, account_id, user_id)
        returning
          l.tenant_id, l.liquidation_id, l.account_id, l.user_id, l.status, l.cash_amount,
          l.created_at, l.updated_at
      )
      insert into unwind.events (
        tenant_id, event_id, account_id, liquidation_id, sequence, number, type, object, created_at
      )
      select
        ${tenantId}, gen_random_uuid(), c.account_id, c.liquidation_id, 1, 1,
        'ACCOUNT_LIQUIDATION.NEW', o.object, now()
      from created c
      cross join lateral unwind.liquidation_objects(
        c.tenant_id, c.liquidation_id, c.account_id, c.user_id, c.status, c.cash_amount,
        c.created_at, c.updated_at
      ) as o`;
  }
}
