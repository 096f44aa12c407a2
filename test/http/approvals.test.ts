// Four eyes over HTTP: a halt that holds much is lifted by two persons, and by no fewer.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { approvalMs } from '../../src/approvals/approval.ts';
import { auditSnapshot } from '../../src/audit/run-audit.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, keyOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const asked = { reason: 'Prices are right', person: 'A. Risk' };
const second = { reason: 'Checked', person: 'B. Desk' };
const isin = 'FR0000120271';

/** A client of two keys whose halt holds one order of EUR 25 and, if asked, a liquidation of EUR 10. */
async function begin({ max = '24.99', price = true, unreleased = false } = {}) {
  const client = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'ed25519'] });
  let api = await apiOf(service, client);
  const signInAgain = async () => {
    api = await apiOf(service, client);
  };
  const { clientId: tenantId } = client;
  const [account, next] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '12.5' }],
    accounts: [
      { positions: [{ isin, quantity: '2' }] },
      { positions: [{ isin, quantity: '0.8' }] },
    ],
  });
  assert.ok(account && next);
  const post = (target: string, json: object, { key = 0, once = randomUUID() as string } = {}) => {
    const { key: signingKey, keyId } = client.signers[key] ?? client;
    const content = { json, headers: keyOf(once) };
    return api.call('POST', target, content, { key: signingKey, keyId });
  };
  /** The price of the instrument from now on; undefined: none. */
  const reprice = (to?: string) => {
    return to === undefined
      ? sql`delete from unwind.prices p where p.tenant_id = ${tenantId}`
      : sql`update unwind.prices p set price = ${to} where p.tenant_id = ${tenantId}`;
  };
  await askToLiquidate(sql, clock, account);
  await engineSteps(sql, clock, { delayMs: 0 }).release();
  if (unreleased) await askToLiquidate(sql, clock, next);
  if (!price) await reprice();
  const why = { reason: 'Prices are wrong', person: 'A. Risk' };
  const halt = await post('/halts', { scope: 'tenant', ...why });
  assertSuccess(halt, 201);
  let replaces: unknown;
  const limit = async (four_eyes_max?: string) => {
    const set = await post('/controls', { four_eyes_max, replaces, ...why });
    replaces = set.json['id'];
    return set;
  };
  assertSuccess(await limit(max), 200);
  const haltId = String(halt.json['id']);
  const lift = (json: object = asked, options = {}) => {
    return post(`/halts/${haltId}/lift`, json, options);
  };
  const decide = (id: unknown, verb = 'approve', json: object = second, options = { key: 1 }) => {
    return post(`/approvals/${id}/${verb}`, json, options);
  };
  const isLifted = async () => {
    return (await api.call('GET', `/halts/${haltId}`)).json['lifted_at'] !== undefined;
  };
  const list = async (query = '') => {
    const { json } = await api.call('GET', `/approvals${query}`);
    return (json as { data: readonly Record<string, unknown>[] }).data;
  };
  return { client, signInAgain, haltId, lift, decide, isLifted, list, limit, reprice };
}

async function refusedLifts(): Promise<readonly string[]> {
  const report = await inTransaction(sql, auditSnapshot);
  const [result] = report.results.filter(({ check }) => check.name === 'lifts_had_two_persons');
  assert.ok(result);
  return result.differences.map(({ subjectId }) => subjectId);
}

test('a halt that holds more than the limit is lifted by the approval of a second person', async () => {
  const { haltId, lift, decide, isLifted, list } = await begin();
  const once = randomUUID();
  const pending = await lift(asked, { once });
  assertSuccess(pending, 202);
  const { id, asked_at: at, expires_at: until, ...rest } = pending.json;
  assert.deepEqual(rest, {
    ...{ operation: 'lift_halt', halt_id: haltId, status: 'pending' },
    ...{ value: '25', four_eyes_max: '24.99', ...asked },
  });
  assert.equal(Date.parse(String(until)) - Date.parse(String(at)), approvalMs);
  assert.equal(await isLifted(), false);
  assert.equal((await lift(asked, { once })).text, pending.text, 'its key gets its answer again');
  assertProblem(await lift(), 'conflict', /waits for a second person/);
  assert.deepEqual(await list('?pending=true'), [pending.json]);
  const approved = await decide(id);
  assertSuccess(approved, 200);
  assert.equal(approved.json['status'], 'approved');
  assert.equal(approved.json['decided_by'], 'B. Desk');
  assert.equal(await isLifted(), true);
  assertProblem(await decide(id), 'conflict', /not pending any more/);
  assertProblem(await lift(), 'conflict', /lifted before/);
  assert.deepEqual(await list('?pending=true'), []);
  assert.deepEqual(await list(), [approved.json]);
});

for (const [what, scope] of [
  ['an instrument', { scope: 'instrument', isin }],
  ['a venue', { scope: 'venue', venue: 'XSIM' }],
  ['all, of what is released', { scope: 'tenant' }],
] as const) {
  test(`what liquidations have passed by counts: a halt of ${what}`, async () => {
    const client = await makeApiClient(sql, clock);
    const api = await apiOf(service, client);
    const post = (target: string, json: object) => {
      return api.call('POST', target, { json, headers: keyOf(randomUUID()) });
    };
    const positions = [
      { isin, quantity: '3', locked: '1' },
      { isin: 'FR0000120073', quantity: '1' },
    ];
    const [account] = await makeBook(sql, {
      tenantId: client.clientId,
      instruments: [
        { isin, price: '12.5' },
        { isin: 'FR0000120073', price: '100' },
      ],
      accounts: [{ positions }],
    });
    assert.ok(account);
    const why = { reason: 'Prices are wrong', person: 'A. Risk' };
    assertSuccess(await post('/halts', { scope: 'instrument', isin, ...why }), 201);
    await askToLiquidate(sql, clock, account);
    await engineSteps(sql, clock, { delayMs: 0 }).release();
    const halt = await post('/halts', { ...scope, ...why });
    assertSuccess(halt, 201);
    const [row] = await sql<{ status: string }[]>`
      select l.status from unwind.liquidations l where l.account_id = ${account.accountId}`;
    assert.equal(row?.status, 'PROCESSING');
    assertSuccess(await post('/controls', { four_eyes_max: '24.99', ...why }), 200);
    const asking = await post(`/halts/${halt.json['id']}/lift`, asked);
    assertSuccess(asking, 202);
    assert.equal(asking.json['value'], scope.scope === 'instrument' ? '25' : '125');
  });
}

test('who has asked cannot decide: not by another name, nor by another key', async () => {
  const { lift, decide, isLifted, list } = await begin();
  const { id } = (await lift()).json;
  const again = [
    decide(id, 'approve', second, { key: 0 }),
    decide(id, 'approve', { ...second, person: 'A. Risk' }),
    decide(id, 'approve', { ...second, person: ' a.  RISK' }),
    decide(id, 'decline', { ...second, person: 'a. risk' }),
  ];
  for (const answer of await Promise.all(again)) {
    assertProblem(answer, 'forbidden', /takes another person/);
  }
  assertProblem(await decide(id, 'approve', { reason: 'Checked' }), 'bad_request', /person/);
  assertProblem(await decide('this'), 'not_found', /./);
  assertProblem(await decide(randomUUID()), 'not_found', /no such approval/);
  const other = await begin();
  assertProblem(await other.decide(id), 'not_found', /no such approval/);
  assert.deepEqual(await other.list(), []);
  assert.equal(await isLifted(), false);
  assert.equal((await list('?pending=true')).length, 1);
});

test('what is declined or has expired is not lifted, and can be asked for again', async () => {
  const { lift, decide, isLifted, list, signInAgain } = await begin();
  const { id } = (await lift()).json;
  assert.equal((await decide(id, 'decline')).json['status'], 'declined');
  assertProblem(await decide(id), 'conflict', /not pending/);
  assertSuccess(await lift(), 202);
  clock.advance(approvalMs);
  await signInAgain();
  assert.deepEqual(await list('?pending=true'), []);
  const late = await list();
  assert.deepEqual(
    late.map(({ status }) => status),
    ['expired', 'declined'],
  );
  assert.equal(await isLifted(), false);
  assertSuccess(await lift(), 202);
});

test('an approval a moment before its end counts, and none from its end on', async () => {
  const [first, late] = [await begin(), await begin()];
  const ids = [(await first.lift()).json['id'], (await late.lift()).json['id']];
  clock.advance(approvalMs - 1);
  await first.signInAgain();
  await late.signInAgain();
  assertSuccess(await first.decide(ids[0]), 200);
  clock.advance(1);
  assertProblem(await late.decide(ids[1]), 'conflict', /expired/);
});

test('a limit that is kept, or that is not set, lets one person lift', async () => {
  for (const max of ['25', undefined]) {
    const { lift, limit, list } = await begin({ max: '25' });
    assertSuccess(await limit(max), 200);
    const lifted = await lift();
    assertSuccess(lifted, 200);
    assert.equal(lifted.json['lifted_by'], 'A. Risk');
    assert.deepEqual(await list(), []);
  }
});

test('what is not released counts as well, and what has no price needs a second person', async () => {
  const more = await begin({ max: '30', unreleased: true });
  assert.equal((await more.lift()).json['value'], '35');
  const unknown = await begin({ max: '1000000', price: false });
  const { status, json } = await unknown.lift();
  assert.deepEqual([status, json['value']], [202, undefined]);
});

test('an approval is void once its halt was lifted otherwise', async () => {
  const { lift, decide, limit, list } = await begin();
  const { id } = (await lift()).json;
  assertSuccess(await limit('1000'), 200);
  assertSuccess(await lift(), 200);
  const [{ status } = {}] = await list();
  assert.equal(status, 'void');
  assertProblem(await decide(id), 'conflict', /lifted otherwise/);
  assertProblem(await decide(id, 'decline'), 'conflict', /lifted otherwise/);
});

test('a halt that holds far more than was asked for is not lifted by an approval, and can be declined', async () => {
  const { lift, decide, isLifted, list, reprice } = await begin();
  const { id } = (await lift()).json;
  await reprice('13.750001');
  assertProblem(
    await decide(id),
    'conflict',
    /the halt held EUR 25; now it holds EUR 27\.500002, more than a tenth above that\. Decline it, and ask for the lift/,
  );
  await reprice();
  assertProblem(
    await decide(id),
    'conflict',
    /held EUR 25; now it holds a value that is not known/,
  );
  assert.equal(await isLifted(), false);
  assert.equal((await list('?pending=true')).length, 1, 'it still waits');
  assertSuccess(await decide(id, 'decline'), 200);
  // What has no price is asked for, and agreed to, as such.
  const anew = (await lift()).json;
  assert.equal(anew['value'], undefined);
  assertSuccess(await decide(anew['id']), 200);
  assert.equal(await isLifted(), true);
});

test('a halt that holds a tenth more, or less, is lifted by an approval', async () => {
  for (const price of ['13.75', '0.01']) {
    const { lift, decide, isLifted, reprice } = await begin();
    const { id } = (await lift()).json;
    await reprice(price);
    assertSuccess(await decide(id), 200);
    assert.equal(await isLifted(), true);
  }
});

test('of lifts, approvals and refusals at once exactly one of each kind is done', async () => {
  const { lift, decide, isLifted, list } = await begin();
  const asks = await Promise.all([lift(), lift(), lift()]);
  assert.deepEqual(asks.map(({ status }) => status).sort(), [202, 409, 409]);
  const [{ id } = {}] = await list('?pending=true');
  const verbs = ['approve', 'approve', 'decline', 'approve'];
  const answers = await Promise.all(verbs.map((verb) => decide(id, verb)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409, 409]);
  const [{ status } = {}] = await list();
  assert.equal(await isLifted(), status === 'approved');
});

test('the trail says who asked and who agreed, and the audit finds what one person has lifted', async () => {
  const { client, haltId, lift, decide } = await begin();
  const { id } = (await lift()).json;
  assertSuccess(await decide(id), 200);
  const acts = await sql<{ operation: string; actor: string }[]>`
    select a.operation, a.actor
    from unwind.acts a
    where a.tenant_id = ${client.clientId}
      and a.operation in ('lift_halt', 'approve')
    order by a.commit_order`;
  assert.deepEqual(
    acts.map(({ operation }) => operation),
    ['lift_halt', 'approve'],
  );
  assert.notEqual(acts[0]?.actor, acts[1]?.actor);
  await sql`
    update unwind.controls c
    set set_at = c.set_at - interval '1 hour'
    where c.tenant_id = ${client.clientId}`;
  assert.ok(!(await refusedLifts()).includes(haltId), 'two persons have lifted it');
  await sql`delete from unwind.approvals a where a.approval_id = ${String(id)}`;
  assert.ok((await refusedLifts()).includes(haltId), 'now one has');
});
