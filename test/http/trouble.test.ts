// When the service itself is in trouble: what clients are told, what is logged, and the probes.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, type Reply, send, startHttp } from '../support/http.ts';
import {
  apiOf,
  askForToken,
  giveAccounts,
  hook,
  keyOf,
  subscribe,
  toCredit,
  toLiquidate,
} from './api.ts';
import { assertProblem, assertRequestId, assertSuccess, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

/** The one fault that was logged, which has to be that of a response. */
function assertLogged(faults: readonly object[], reply: Reply): unknown {
  const [fault, ...others] = faults as readonly { request_id: string; err: unknown }[];
  assert.deepEqual(others, []);
  assert.equal(fault?.request_id, assertRequestId(reply));
  return fault.err;
}

test('point 10: a fault is answered as one, without its cause; the log has it', async () => {
  await sql`alter table unwind.webhooks rename to elsewhere`;
  const reply = await api.call('GET', '/webhooks');
  await sql`alter table unwind.elsewhere rename to webhooks`;
  const said = 'The service failed; the error was recorded.';
  assertProblem(reply, 'internal_server_error', said);
  const error = assertLogged(service.takeFaults(), reply);
  assert.match(String(error), /webhooks/);
  assertSuccess(await api.call('GET', '/webhooks'), 200);
});

test('point 11: without its database the service is 503, and says when to come again', async (t) => {
  const nowhere = connect({
    url: 'postgres://nobody@127.0.0.1:1/none',
    max: 1,
    applicationName: '',
  });
  t.after(() => nowhere.end());
  const cutOff = await startHttp(t, { sql: nowhere, clock });
  const again = 'The database cannot serve this now; try again with the same idempotency key.';
  const signed = await api.signed('GET', '/webhooks');
  for (const ask of [() => send(cutOff, signed), () => askForToken(cutOff, client)]) {
    const reply = await ask();
    assertProblem(reply, 'service_unavailable', again);
    assert.equal(reply.headers['retry-after'], '1');
    assertLogged(cutOff.takeFaults(), reply);
  }
  assert.equal(cutOff.authenticator.verifications, 0);
});

test('the probes separate alive from ready', async (t) => {
  const readiness = { ready: false, checks: { database: 'not reached' } };
  const waiting = await startHttp(t, { sql, clock, readiness: async () => readiness });
  const probe = (of: typeof service, target: string) => send(of, outgoing('GET', target));
  assertSuccess(await probe(service, '/healthz'), 200);
  const ready = await probe(service, '/readyz');
  assertSuccess(ready, 200);
  assert.equal(ready.text, '{"status":"ready","checks":{}}');
  assertSuccess(await probe(waiting, '/healthz'), 200);
  const notReady = await probe(waiting, '/readyz');
  assert.equal(notReady.status, 503);
  assert.equal(notReady.text, '{"status":"not_ready","checks":{"database":"not reached"}}');
  assertRequestId(notReady);
});

/** Has a table fail with a SQLSTATE: its rows when they are written, or when they are read. */
async function failing(code: string, work: () => Promise<void>): Promise<void> {
  await sql.script(`
    create or replace function public.fail() returns trigger language plpgsql as $$
      begin raise exception 'in trouble' using errcode = '${code}'; end $$;
    create or replace function public.fails() returns boolean language plpgsql as $$
      begin raise exception 'in trouble' using errcode = '${code}'; end $$;
    create trigger fail before insert on unwind.signature_replays
      for each row execute function public.fail();
    alter table unwind.webhooks rename to kept;
    create view unwind.webhooks as select k.* from unwind.kept k where public.fails();`);
  try {
    await work();
  } finally {
    await sql.script(`
      drop view unwind.webhooks;
      alter table unwind.kept rename to webhooks;
      drop trigger fail on unwind.signature_replays;`);
  }
}

const passing = ['53000', '53100', '53200', '53400', '57000', '57014', '58000', '58030', '25006'];
const others = ['40001', '40P01', '08006', '57P03', '26000', '25P04'];

test('point 11: trouble of the database that passes is 503 with retry-after, whatever was asked', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const asks: readonly (() => Promise<Reply>)[] = [
    () => api.call('POST', target, content),
    () => api.call('DELETE', `${target}/${randomUUID()}`),
    () => api.call('POST', '/webhooks', { json: hook }),
    () =>
      api.call('POST', '/tests/positions', { ...toCredit(account), headers: keyOf(randomUUID()) }),
    () => askForToken(service, client),
    () => api.call('GET', '/webhooks'),
  ];
  await subscribe(api);
  const before = await tablesOf(sql);
  for (const code of [...passing, ...others]) {
    await failing(code, async () => {
      for (const [at, ask] of asks.entries()) {
        const reply = await ask();
        assert.equal(reply.status, 503, `${code}, ask ${at}: ${reply.text}`);
        assert.equal(reply.headers['retry-after'], '1');
        assertLogged(service.takeFaults(), reply);
      }
    });
  }
  for (const code of ['22012', 'XX001']) {
    await failing(code, async () => {
      const reply = await api.call('GET', '/webhooks');
      assertProblem(reply, 'internal_server_error', 'The service failed; the error was recorded.');
      assertLogged(service.takeFaults(), reply);
    });
  }
  assert.deepEqual(await tablesOf(sql), before, 'nothing was changed');
  assertSuccess(await api.call('POST', target, content), 202);
});
