// How many signed GETs of one liquidation are answered a second, on 16 connections, beside what the
// machine allows: the same statements by the bare driver, the same signatures by a bare server.

import { findLiquidationObject } from '../../src/liquidations/store.ts';
import { runAll, statementOf } from '../bare-driver.ts';
import { fillBook } from '../book.ts';
import { type Figure, figure, median, seriesBound } from '../figures.ts';
import { sendAll, signAll, type ToSign } from '../load.ts';
import { makeClient, type Place } from '../place.ts';
import { startService, startVerifier } from '../processes.ts';
import { createAll } from '../take-orders.ts';

const connections = 16;
const rounds = 3;

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
  const verifier = await startVerifier(client);
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
  const taken = { driver: [] as number[], verifier: [] as number[], service: [] as number[] };
  for (let round = 0; round <= rounds; round += 1) {
    const driver = await runAll(database.url, statements, connections);
    const requests = await signAll(client, targets);
    const load = { requests, connections, status: 200 };
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
  const driver = median(taken.driver);
  const verified = median(taken.verifier);
  return [
    figure({
      scenario: 'read',
      value: median(taken.service),
      unit: 'requests/s',
      against: `bound of driver ${Math.round(driver)}/s and verifier ${Math.round(verified)}/s`,
      against_value: seriesBound(driver, verified),
      goal: 0.8,
    }),
  ];
}
