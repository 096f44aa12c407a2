// A trail as a working service leaves it: sales, busts and imports by the engine, acts, and seals over them.
import { recordedMovements } from '../../src/book/store.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { recordedExecutions } from '../../src/executions/executions-store.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import type { Act } from '../../src/trail/act.ts';
import { recordAct } from '../../src/trail/acts-store.ts';
import { sealTrail } from '../../src/trail/seal-trail.ts';
import { makeHistory } from '../audit/history.ts';
import type { TestClock } from '../support/clock.ts';

export const tables = [recordedMovements, recordedExecutions];

export function actAt(at: Date, more: Partial<Act> = {}): Act {
  return {
    kind: 'client',
    name: newId(),
    role: undefined,
    origin: '203.0.113.7',
    at,
    operation: 'create_account_liquidation',
    target: `/accounts/${newId()}/liquidations/${newId()}`,
    reason: undefined,
    detail: undefined,
    requestSha256: Buffer.alloc(32, 7),
    ...more,
  };
}

export function act(sql: Sql, clock: TestClock, tenantId: TenantId): Promise<void> {
  return inTransaction(sql, (tx) => recordAct(tx, tenantId, actAt(clock.now())));
}

/** Fills a database. @returns the tenant with the longest chain, of at least four seals. */
export async function makeTrail(sql: Sql): Promise<{ clock: TestClock; tenantId: TenantId }> {
  const { clock } = await makeHistory(sql);
  await sealTrail({ sql, clock });
  const rows = await sql<{ tenant_id: TenantId }[]>`
    select e.tenant_id
    from unwind.executions e
    group by e.tenant_id
    order by count(*) filter (where e.busted_at is not null) desc, count(*) desc
    limit 1`;
  const tenantId = rows[0]?.tenant_id ?? newId<'tenant'>();
  for (let seal = 0; seal < 4; seal += 1) {
    clock.advance(60_000);
    for (let acts = 0; acts < 3; acts += 1) await act(sql, clock, tenantId);
    await sealTrail({ sql, clock });
  }
  return { clock, tenantId };
}
