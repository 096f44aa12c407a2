// The keeper of the holdings of a crash run: it outlives the processes, grants what an account may sell, and now and
// then is busy, late, or gone before it answers. Its ledger is compared with what was executed.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { FetchKeys } from '@unwind/client/webhooks';
import { SignatureError } from '@unwind/signatures';
import Big from 'big.js';
import { type Asked, answer, Ledger, type Limit } from '../../examples/keeper/keeper.ts';
import type { Sql } from '../../src/db/connect.ts';
import { faultsOfLedger } from '../simulation/keeper.ts';
import { eventually, portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import type { Lot } from './random.ts';

/** Longer than a process waits for an answer, so that some that are right come too late. */
const lateMsMax = 5_000;
const oneIn = { late: 15, busy: 15, gone: 15 };
const patienceMs = 300_000;

export interface Keeper {
  readonly url: string;
  /** Waits until it was told of all, and says where that differs from what was executed. */
  faults(sql: Sql): Promise<readonly string[]>;
}

/** Starts one on loopback; it ends with the run. */
export async function startKeeper(
  t: AfterTest,
  { lot, limit, fetchKeys }: { lot: Lot; limit: Limit; fetchKeys: FetchKeys },
): Promise<Keeper> {
  const ledger = new Ledger(limit);
  const carryOut = async (asked: Asked): Promise<{ status: number; body: string }> => {
    const signal = AbortSignal.timeout(lateMsMax);
    // Keys are served by the processes that are killed, and are replaced meanwhile.
    const keysOf = async () => (await fetchKeys(signal)) as never;
    try {
      return await answer(ledger, { keysOf, now: () => new Date() }, asked);
    } catch (error) {
      return { status: error instanceof SignatureError ? 401 : 503, body: '' };
    }
  };
  const server = createServer(async (request, response) => {
    try {
      const { method = '', url = '', rawHeaders } = request;
      const body = Buffer.concat(await request.toArray());
      if (lot.between(1, oneIn.busy) === 1) {
        response.writeHead(503, { 'retry-after': '1' }).end();
        return;
      }
      const answered = await carryOut({ method, url, rawHeaders, body });
      if (lot.between(1, oneIn.gone) === 1) {
        response.destroy();
        return;
      }
      if (lot.between(1, oneIn.late) === 1) await wait(lot.between(0, lateMsMax));
      response
        .writeHead(answered.status, { 'content-type': 'application/json' })
        .end(answered.body);
    } catch {
      response.destroy(); // who asked was killed in the middle of the question
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    faults: async (sql) => {
      await eventually('the keeper was told of all', () => isToldOfAll(sql), patienceMs);
      return faultsOfLedger(ledger, await soldIn(sql));
    },
  };
}

async function isToldOfAll(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ left: number }[]>`
    select count(*)::integer as left
    from unwind_v1.reservations r
    where r.next_at is not null`;
  return row?.left === 0;
}

async function soldIn(sql: Sql): Promise<ReadonlyMap<string, Big>> {
  const rows = await sql<{ key: string; units: string }[]>`
    select concat(e.account_id, '/', e.isin) as key, sum(e.quantity) as units
    from unwind_v1.executions e
    where e.busted_at is null
    group by e.account_id, e.isin`;
  return new Map(rows.map(({ key, units }) => [key, new Big(units)]));
}
