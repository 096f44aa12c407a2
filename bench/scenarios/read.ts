// How many signed GETs of one liquidation are answered a second, on 16 connections, beside what the
// machine allows: the same statements by the bare driver, the same signatures by a bare server.

import { findLiquidationObject } from '../../src/liquidations/read-store.ts';
import { measureAgainstBound } from '../against-bound.ts';
import { statementOf } from '../bare-driver.ts';
import { fillBook } from '../book.ts';
import type { Figure } from '../figures.ts';
import { signAll, type ToSign } from '../load.ts';
import { makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';
import { createAll } from '../take-orders.ts';

export async function read(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const each = isTiny ? 40 : 6_000;
  const database = await place.makeDatabase();
  const client = await makeClient(database.sql, place.home);
  const { tenantId } = client;
  const accounts = await fillBook(database.sql, {
    tenantId,
    positionsEach: 10,
    accounts: isTiny ? 20 : 2_000,
  });
  const created = await createAll(database.url, tenantId, accounts);
  const service = await startService(
    { url: database.url, home: place.home },
    { UNWIND_RELEASE_DELAY_MS: '86400000', UNWIND_ROLES: 'api' },
  );
  const chosen = Array.from({ length: each }, (_, i) => created[i % created.length]).flatMap(
    (one) => one ?? [],
  );
  const targets = chosen.map(({ accountId, liquidationId }): ToSign => {
    return { method: 'GET', target: `/accounts/${accountId}/liquidations/${liquidationId}` };
  });
  const statements = await Promise.all(
    chosen.map(({ accountId, liquidationId }) => {
      return statementOf((sql) => {
        return findLiquidationObject(sql, { tenantId, accountId, liquidationId });
      });
    }),
  );
  const measured = await measureAgainstBound({
    scenario: 'read',
    databaseUrl: database.url,
    // With next to no data many connections would be most of the work, on a busy machine too much of it.
    ...(isTiny ? { connections: 2 } : {}),
    client,
    service,
    status: 200,
    statements: async () => statements,
    requests: () => signAll(client, targets),
  });
  await service.stop();
  await database.close();
  return measured;
}
