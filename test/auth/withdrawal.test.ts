// What is withdrawn of a client's access by SQL ends as soon as a process has forgotten what it read,
// which is within 5 seconds; what is not withdrawn goes on.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { type Api, apiOf, askForToken } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { type ApiClient, makeApiClient, type Reply, send, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
let elapsedMs = 1;
const stopwatch = {
  elapsedMs: () => elapsedMs,
  every: () => assert.fail('nothing here is done again and again'),
};
const service = await startHttp({ after }, { sql, clock, stopwatch });

interface Withdrawal {
  readonly what: string;
  run(client: ApiClient): Promise<unknown>;
  /** What the token, signed with the first key, is answered then. */
  readonly token: (reply: Reply) => void;
  /** What a request for another token is answered then. */
  readonly anotherToken: (reply: Reply) => void;
}

const isWithdrawn = (reply: Reply) => assertProblem(reply, 'unauthorized', /was withdrawn/);
const isUnknown = (reply: Reply) => assertProblem(reply, 'unauthorized', /not known/);
const isForbidden = (reply: Reply) => assertProblem(reply, 'forbidden', /lacks the scope/);
const isIssued = (reply: Reply) => assertSuccess(reply, 200);
const isNotGranted = (reply: Reply) => assertProblem(reply, 'bad_request', /not granted/);

const withdrawals: readonly Withdrawal[] = [
  {
    what: 'a secret that was replaced',
    run: ({ clientId }) => sql`
      update unwind.tenants
      set secret_hash = ${randomBytes(32)}
      where tenant_id = ${clientId}`,
    token: isWithdrawn,
    anotherToken: isUnknown,
  },
  {
    what: 'a client that was disabled',
    run: ({ clientId }) => sql`
      update unwind.tenants
      set disabled_at = ${clock.now()}
      where tenant_id = ${clientId}`,
    token: isWithdrawn,
    anotherToken: isUnknown,
  },
  {
    what: 'scopes',
    run: ({ clientId }) => sql`
      update unwind.tenants
      set scopes = array['accounts:read']
      where tenant_id = ${clientId}`,
    token: isForbidden,
    anotherToken: isNotGranted,
  },
  {
    what: 'a key that was revoked',
    run: ({ keyId }) => sql`
      update unwind.client_keys
      set status = 'revoked'
      where key_id = ${keyId}`,
    token: (reply) => assertProblem(reply, 'unauthorized', /key/),
    anotherToken: isUnknown,
  },
  {
    what: 'a key that was deleted',
    run: ({ keyId }) => sql`
      delete from unwind.client_keys
      where key_id = ${keyId}`,
    token: (reply) => assertProblem(reply, 'unauthorized', /key/),
    anotherToken: isUnknown,
  },
  {
    what: 'a token that was deleted',
    run: ({ clientId }) => sql`
      delete from unwind.access_tokens
      where tenant_id = ${clientId}`,
    token: isUnknown,
    anotherToken: isIssued,
  },
];

const read = (api: Api) => api.call('GET', '/webhooks');

for (const { what, run, token, anotherToken } of withdrawals) {
  test(`${what}, by SQL, ends within 5 seconds on a process that knew it`, async () => {
    const client = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'P-256'] });
    const neighbour = await apiOf(service, await makeApiClient(sql, clock));
    const api = await apiOf(service, client);
    assertSuccess(await read(api), 200);
    await run(client);
    elapsedMs += 5_000;
    token(await read(api));
    anotherToken(await askForToken(service, client));
    assertSuccess(await read(neighbour), 200);
  });
}

test('the age of what is remembered counts from before it was read', async (t) => {
  // Time passes while the database works, so the answer is old when it comes.
  const slow = new Proxy(sql, {
    apply: async (target, receiver, args) => {
      const rows = await Reflect.apply(target, receiver, args);
      elapsedMs += 1_900;
      return rows;
    },
  });
  const late = await startHttp(t, { sql: slow, clock, stopwatch });
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const readLate = async () => send(late, await api.signed('GET', '/webhooks'));
  assertSuccess(await readLate(), 200);
  await sql`
    delete from unwind.access_tokens
    where tenant_id = ${client.clientId}`;
  isUnknown(await readLate());
});

test('what is known is asked for once, not with every request', async () => {
  const api = await apiOf(service, await makeApiClient(sql, clock));
  assertSuccess(await read(api), 200);
  await sql`
    delete from unwind.access_tokens
    where tenant_id = ${api.client.clientId}`;
  elapsedMs += 1_000;
  assertSuccess(await read(api), 200);
  elapsedMs += 1_001;
  isUnknown(await read(api));
});
