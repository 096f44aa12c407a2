// What a scenario waits for, with a bound.

import { setTimeout as wait } from 'node:timers/promises';
import type { Sql } from '../src/db/connect.ts';
import type { TenantId } from '../src/ids.ts';

const pollMs = 10;

/** Asks until it is so. @throws after so many ms, naming what was waited for. */
export async function until(
  what: string,
  patienceMs: number,
  ask: () => Promise<boolean>,
): Promise<void> {
  const begunAt = performance.now();
  while (!(await ask())) {
    if (performance.now() - begunAt > patienceMs)
      throw new Error(`not in ${patienceMs} ms: ${what}`);
    await wait(pollMs);
  }
}

/** How far a tenant's log reaches. */
export async function publishedOf(sql: Sql, tenantId: TenantId): Promise<number> {
  const rows = await sql<{ position: string }[]>`
    select h.position
    from unwind.event_heads h
    where h.tenant_id = ${tenantId}`;
  return Number(rows[0]?.position ?? 0);
}
