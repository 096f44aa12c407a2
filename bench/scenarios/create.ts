// How many signed POSTs of a liquidation are taken a second, on 16 connections, beside what the
// machine allows: the same statements by the bare driver, and the same signatures verified by a bare
// server, paid one after the other.

import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { newId } from '../../src/ids.ts';
import { positionsMax } from '../../src/limits.ts';
import { insertLiquidation } from '../../src/liquidations/store.ts';
import { measureAgainstBound, roundsRun } from '../against-bound.ts';
import { statementOf } from '../bare-driver.ts';
import { type BenchAccount, fillBook } from '../book.ts';
import type { Figure } from '../figures.ts';
import { signAll, type ToSign } from '../load.ts';
import { type BenchClient, benchAct, makeClient, type Place } from '../place.ts';
import { startService } from '../processes.ts';

const positionsEach = 10;

/** So long that nothing is released while it runs. */
const releaseDelayMs = 86_400_000;

export async function create(place: Place, isTiny: boolean): Promise<readonly Figure[]> {
  const each = isTiny ? 40 : 4_000;
  const database = await place.makeDatabase();
  const client = await makeClient(database.sql, place.home);
  const { tenantId } = client;
  const accounts = await fillBook(database.sql, {
    tenantId,
    positionsEach,
    accounts: each * 2 * roundsRun,
  });
  const service = await startService(
    { url: database.url, home: place.home },
    { UNWIND_RELEASE_DELAY_MS: String(releaseDelayMs), UNWIND_ROLES: 'api' },
  );
  let from = 0;
  const nextAccounts = () => {
    from += each;
    return accounts.slice(from - each, from);
  };
  const measured = await measureAgainstBound({
    scenario: 'create',
    databaseUrl: database.url,
    // With next to no data many connections would be most of the work, on a busy machine too much of it.
    ...(isTiny ? { connections: 2 } : {}),
    client,
    service,
    status: 202,
    statements: () => Promise.all(nextAccounts().map((one) => statementFor(client, one))),
    requests: () => signAll(client, nextAccounts().map(toLiquidate)),
  });
  await service.stop();
  await database.close();
  return measured;
}

function toLiquidate({ accountId, userId }: BenchAccount): ToSign {
  return {
    method: 'POST',
    target: `/accounts/${accountId}/liquidations`,
    json: { user_id: userId },
  };
}

function statementFor({ tenantId }: BenchClient, { accountId, userId }: BenchAccount) {
  const now = systemClock.now();
  return statementOf((sql) =>
    insertLiquidation(sql, {
      tenantId,
      accountId,
      userId,
      contract: '2023',
      liquidationId: newId<'liquidation'>(),
      eventId: newId<'event'>(),
      now,
      releaseDelayMs,
      signature: { basesSha256: [randomBytes32()], expiresAt: now },
      act: benchAct(`/accounts/${accountId}/liquidations`),
      signatureIsNew: true,
      idempotencyKey: randomUUID(),
      requestHash: randomBytes32(),
      idempotencyExpiresAt: now,
      hasRoom: true,
      positionsMax,
    }),
  );
}

function randomBytes32(): Buffer {
  return Buffer.from(`${randomUUID()}${randomUUID()}`.replaceAll('-', ''), 'hex');
}
