// How many signed POSTs of a liquidation are taken a second, on 16 connections, beside what the
// machine allows: the same statements by the bare driver, and the same signatures verified by a bare
// server, paid one after the other.

import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/clock.ts';
import { newId } from '../../src/ids.ts';
import { positionsMax } from '../../src/limits.ts';
import { insertLiquidation } from '../../src/liquidations/store.ts';
import { runAll, statementOf } from '../bare-driver.ts';
import { type BenchAccount, fillBook } from '../book.ts';
import { type Figure, figure, median, seriesBound } from '../figures.ts';
import { sendAll, signAll, type ToSign } from '../load.ts';
import { type BenchClient, makeClient, type Place } from '../place.ts';
import { startService, startVerifier } from '../processes.ts';

const connections = 16;
const rounds = 3;
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
    accounts: each * 2 * (rounds + 1),
  });
  const service = await startService(
    { url: database.url, home: place.home },
    { UNWIND_RELEASE_DELAY_MS: String(releaseDelayMs), UNWIND_ROLES: 'api' },
  );
  const verifier = await startVerifier(client);
  const taken = { driver: [] as number[], verifier: [] as number[], service: [] as number[] };
  let from = 0;
  const nextAccounts = () => {
    from += each;
    return accounts.slice(from - each, from);
  };
  // The first round warms up and is thrown away.
  for (let round = 0; round <= rounds; round += 1) {
    const statements = await Promise.all(nextAccounts().map((one) => statementFor(client, one)));
    const driver = await runAll(database.url, statements, connections);
    const requests = await signAll(client, nextAccounts().map(toLiquidate));
    const load = { requests, connections, status: 202 };
    const verified = await sendAll({ ...load, url: verifier.url });
    const served = await sendAll({ ...load, url: service.url });
    if (round === 0) continue;
    taken.driver.push(driver);
    taken.verifier.push(verified.perSecond);
    taken.service.push(served.perSecond);
  }
  await service.stop();
  await verifier.stop();
  await database.close();
  const value = median(taken.service);
  const driver = median(taken.driver);
  const verified = median(taken.verifier);
  return [
    figure({
      scenario: 'create',
      value,
      unit: 'requests/s',
      against: `bound of driver ${Math.round(driver)}/s and verifier ${Math.round(verified)}/s`,
      against_value: seriesBound(driver, verified),
      goal: 0.8,
    }),
  ];
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
      liquidationId: newId<'liquidation'>(),
      eventId: newId<'event'>(),
      now,
      releaseDelayMs,
      signature: { basesSha256: [randomBytes32()], expiresAt: now },
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
