// The trail over HTTP: each operation that changes something stands in it once, as one act of who has signed it, and
// of what was refused or only read there is nothing.
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import {
  apiOf,
  giveAccounts,
  keyOf,
  liquidate,
  tokenRequest,
  toLiquidate,
  wishFor,
} from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);

interface ShownAct {
  readonly id: string;
  readonly operation: string;
  readonly target: string;
  readonly [name: string]: unknown;
}

async function acts(query = '', from = api): Promise<readonly ShownAct[]> {
  const reply = await from.call('GET', `/trail${query}`);
  assertSuccess(reply, 200);
  return reply.json['data'] as readonly ShownAct[];
}

const count = async () => (await acts('?limit=1000')).length;

for (const route of service.routes) {
  test(`${route.method} ${route.path} is ${route.method === 'GET' ? 'no act' : 'one act'}`, async () => {
    const { method, target, content } = await wishFor(sql, api, route);
    const before = await count();
    const message = await api.signed(method, target, content);
    const reply = await send(service, message);
    assert.ok(reply.status < 300, reply.text);
    if (route.method === 'GET') {
      assert.equal(await count(), before);
      return;
    }
    assert.equal(await count(), before + 1);
    const [act] = await acts('?limit=1');
    const body = Buffer.from(message.body ?? '');
    const sha256 = createHash('sha256').update(`${method} ${target}\n`).update(body).digest('hex');
    assert.equal(act?.operation, route.operation);
    assert.ok(String(act['target']).startsWith(target.split('?')[0] ?? ''), act.target);
    const { kind, actor, origin, request_sha256: hash } = act;
    const isHashed = !['create_user', 'issue_token', 'revoke_token'].includes(route.operation);
    const expected = ['client', client.keyId, '127.0.0.1', isHashed ? sha256 : undefined];
    assert.deepEqual([kind, actor, origin, hash], expected);
    const again = await send(service, message);
    assertProblem(again, 'unauthorized', /used before/);
    assert.equal(await count(), before + 1, 'refused, and no act');
  });
}

test('a request sent again under its key is one act', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const before = await count();
  const first = await api.call('POST', target, content);
  const again = await api.call('POST', target, content);
  assert.deepEqual([again.status, again.text], [first.status, first.text]);
  assert.equal(await count(), before + 1);
  const [act] = await acts(`?account_id=${account.accountId}`);
  assert.equal(act?.target, `${target}/${first.json['id']}`);
});

test('of a long list of accounts the act has their number, and all else that was asked for', async () => {
  const plan = { rate: 6_000, in_progress_max: 10, start_at: '2100-01-01T00:00:00Z' };
  const why = { reason: 'The product ends', person: 'A. Risk' };
  const keptOf = async (accounts: number) => {
    const list = Array.from({ length: accounts }, () => ({ account_id: randomUUID() }));
    const json = { accounts: list, ...plan, ...why };
    const made = await api.call('POST', '/batches', { json, headers: keyOf(randomUUID()) });
    assertSuccess(made, 201);
    const [act] = await acts('?limit=1');
    assert.equal(act?.target, `/batches/${made.json['id']}`);
    return { kept: JSON.parse(String(act['detail'])), list };
  };
  assert.deepEqual((await keptOf(1_000)).kept, { accounts: 1_000, ...plan, ...why });
  const short = await keptOf(3);
  assert.deepEqual(short.kept, { accounts: short.list, ...plan, ...why });
});

test('an account is found however its id was written in the address', async () => {
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  const { accountId } = account;
  const upper = target.replace(accountId, accountId.toUpperCase());
  assertSuccess(await api.call('POST', upper, content), 202);
  const [act] = await acts(`?account_id=${accountId}`);
  assert.ok(act?.target.startsWith(`${target}/`), act?.target);
});

test('what was done to a thing is found by its id, whatever it is', async () => {
  const json = { scope: 'tenant', reason: 'x', person: 'y' };
  const halt = await api.call('POST', '/halts', { json, headers: keyOf(randomUUID()) });
  assertSuccess(halt, 201);
  const id = String(halt.json['id']);
  const lifting = { json: { reason: 'z', person: 'y' }, headers: keyOf(randomUUID()) };
  assertSuccess(await api.call('POST', `/halts/${id}/lift`, lifting), 200);
  const named = await acts(`?names=${id.toUpperCase()}`);
  assert.deepEqual(
    named.map(({ operation }) => operation),
    ['lift_halt', 'set_halt'],
  );
  assert.deepEqual(await acts(`?names=${randomUUID()}`), []);
});

test('what is refused, and what is only tried out, is none', async () => {
  const [account] = await giveAccounts(sql, client);
  await liquidate(api, account);
  const before = await count();
  const { target, content } = toLiquidate(account);
  const refused = await api.call('POST', target, { ...content, headers: keyOf(randomUUID()) });
  assertProblem(refused, 'conflict', /is still running/);
  const json = { scope: 'tenant', reason: 'x', person: 'y', dry_run: true };
  assertSuccess(await api.call('POST', '/halts', { json, headers: keyOf(randomUUID()) }), 200);
  const gone = await api.call('DELETE', `/webhooks/${randomUUID()}`);
  assertProblem(gone, 'not_found', /no such webhook/);
  assert.equal(await count(), before);
});

test('tokens are acts as well; secrets and persons stand in none', async () => {
  const before = await acts('?operation=issue_token&limit=1000');
  const scope = 'webhooks:read trail:read';
  const reply = await send(service, await tokenRequest(service, client, { scope }));
  assert.equal(reply.status, 200, reply.text);
  const [act, ...others] = await acts('?operation=issue_token&limit=1000');
  assert.equal(others.length, before.length);
  assert.equal(act?.['detail'], scope);
  assert.equal(act?.['request_sha256'], undefined, 'by which the secret could be guessed');
  const rows = await sql<{ text: string }[]>`select a::text as text from unwind.acts a`;
  for (const { text } of rows) {
    assert.ok(!text.includes(client.clientSecret));
    assert.doesNotMatch(text, /Schwarz|marcel/i, 'of a user that was created');
  }
});

test('pages go on without a gap, and filters hold on each of them', async () => {
  const all = await acts('?limit=1000');
  assert.ok(all.length > 10);
  const paged: string[] = [];
  for (let query: string | undefined = '?limit=3'; query !== undefined; ) {
    const reply = await api.call('GET', `/trail${query}`);
    const { data, meta } = reply.json as { data: ShownAct[]; meta: { next: string | null } };
    paged.push(...data.map(({ id }) => id));
    query = meta.next === null ? undefined : `?limit=3&cursor=${meta.next}`;
  }
  assert.deepEqual(
    paged,
    all.map(({ id }) => id),
  );
  const halts = await acts('?operation=set_halt');
  assert.ok(halts.length > 0 && halts.every(({ operation }) => operation === 'set_halt'));
  const now = clock.now().toISOString();
  assert.deepEqual(await acts(`?before=2020-01-01T00:00:00Z`), []);
  assert.equal((await acts(`?since=${now}&limit=1000`)).length, all.length);
  assert.deepEqual(await acts('?kind=person'), []);
  assert.equal((await acts(`?actor=${client.keyId}&limit=1000`)).length, all.length);
  const both = `?account_id=${client.keyId}&names=${client.clientId}`;
  assertProblem(await api.call('GET', `/trail${both}`), 'bad_request', /account_id or names/);
  assertProblem(await api.call('GET', '/trail?cursor=k1'), 'bad_request', /cursor/);
  assertProblem(await api.call('GET', '/trail?since=yesterday'), 'bad_request', /since/);
});

test('a client sees its own acts alone', async () => {
  const other = await makeApiClient(sql, clock);
  const elsewhere = await apiOf(service, other);
  const [account] = await giveAccounts(sql, client);
  await liquidate(api, account);
  const theirs = await acts('?limit=1000', elsewhere);
  assert.deepEqual(
    theirs.map(({ operation }) => operation),
    ['issue_token'],
  );
  assert.deepEqual(await acts(`?account_id=${account.accountId}`, elsewhere), []);
  const [ours] = await acts('?limit=1');
  const [, order] =
    /^a([0-9]+)-/.exec(
      String(((await api.call('GET', '/trail?limit=1')).json['meta'] as { next: string }).next),
    ) ?? [];
  assert.ok(ours && order);
});

test('who may not read the trail does not', async () => {
  const poor = await makeApiClient(sql, clock, { scopes: ['account_liquidations:admin'] });
  const reply = await (await apiOf(service, poor)).call('GET', '/trail');
  assertProblem(reply, 'forbidden', /trail:read/);
});
