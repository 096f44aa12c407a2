// Creates liquidations by the service's own verb, for scenarios that begin behind the POST.

import { randomUUID } from 'node:crypto';
import { systemClock } from '../src/clock.ts';
import { connect } from '../src/db/connect.ts';
import { type AccountId, type LiquidationId, parseId, type TenantId } from '../src/ids.ts';
import { createLiquidation } from '../src/liquidations/create-liquidation.ts';
import type { BenchAccount } from './book.ts';
import { benchAct } from './place.ts';

export interface Created {
  readonly accountId: AccountId;
  readonly liquidationId: LiquidationId;
}

const connections = 16;

/** One liquidation of each account, due for release at once. */
export async function createAll(
  url: string,
  tenantId: TenantId,
  accounts: readonly BenchAccount[],
): Promise<readonly Created[]> {
  const sql = connect({ url, max: connections, applicationName: 'unwind bench' });
  const created: Created[] = [];
  let next = 0;
  const creator = async () => {
    for (let at = next++; at < accounts.length; at = next++) {
      const account = accounts[at];
      if (account === undefined) return;
      const { accountId, userId } = account;
      const answer = await createLiquidation(
        sql,
        systemClock,
        {
          tenantId,
          accountId,
          userId,
          contract: '2023',
          signature: { basesSha256: [], expiresAt: systemClock.now() },
          act: benchAct(`/accounts/${accountId}/liquidations`),
          idempotencyKey: randomUUID(),
          requestHash: Buffer.alloc(32, at),
        },
        { releaseDelayMs: 0, idempotencyRetentionMs: 86_400_000 },
      );
      const { id } = JSON.parse(answer.body) as { id: string };
      const liquidationId = parseId<'liquidation'>(id);
      if (liquidationId !== undefined) created.push({ accountId, liquidationId });
    }
  };
  await Promise.all(Array.from({ length: connections }, creator));
  await sql.end();
  return created;
}
