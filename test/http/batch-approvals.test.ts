// Four eyes of batches over HTTP: one that could sell much waits for a second person, and starts nothing before.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { approvalMs } from '../../src/approvals/approval.ts';
import { batchLookMs } from '../../src/batches/limits.ts';
import { later } from '../../src/clock.ts';
import { decide } from '../../src/commands/approvals-command.ts';
import { newId } from '../../src/ids.ts';
import { eventsOf, outcomesOf, type Which } from '../batches/world.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf, keyOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const steps = engineSteps(sql, clock, { delayMs: 0 });
const asked = { reason: 'The product ends', person: 'A. Risk' };
const second = { reason: 'Checked', person: 'B. Desk' };
const isin = 'FR0000120271';

interface Wish {
  readonly max?: string | undefined;
  readonly price?: boolean;
  readonly startAt?: Date;
}

/** A client of two keys, with accounts of EUR 25 and EUR 12.5, of which a fraction is not sold. */
async function begin({ max = '37.49', price = true, startAt }: Wish = {}) {
  const client = await makeApiClient(sql, clock, { keyTypes: ['ed25519', 'ed25519'] });
  let api = await apiOf(service, client);
  const signInAgain = async () => {
    api = await apiOf(service, client);
  };
  const { clientId: tenantId } = client;
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '12.5', fractional: false }],
    accounts: [
      { positions: [{ isin, quantity: '2.9' }] },
      { positions: [{ isin, quantity: '1' }] },
    ],
  });
  /** The price of the instrument from now on; undefined: none. */
  const reprice = (to?: string) => {
    return to === undefined
      ? sql`delete from unwind.prices p where p.tenant_id = ${tenantId}`
      : sql`update unwind.prices p set price = ${to} where p.tenant_id = ${tenantId}`;
  };
  if (!price) await reprice();
  const post = (target: string, json: object, { key = 0, once = randomUUID() as string } = {}) => {
    const { key: signingKey, keyId } = client.signers[key] ?? client;
    return api.call('POST', target, { json, headers: keyOf(once) }, { key: signingKey, keyId });
  };
  let replaces: unknown;
  const limit = async (four_eyes_max?: string) => {
    const set = await post('/controls', { four_eyes_max, replaces, ...asked });
    replaces = set.json['id'];
    return set;
  };
  assertSuccess(await limit(max), 200);
  const named = accounts.map((one) => ({ account_id: one.accountId, user_id: one.userId }));
  const make = (json: object = {}, options = {}) => {
    const start = startAt && { start_at: startAt.toISOString() };
    return post('/batches', { accounts: named, ...start, ...asked, ...json }, options);
  };
  const approve = (id: unknown, json: object = second, options = { key: 1 }) => {
    return post(`/approvals/${id}/approve`, json, options);
  };
  const decline = (id: unknown, json: object = second, options = { key: 1 }) => {
    return post(`/approvals/${id}/decline`, json, options);
  };
  const steer = (id: unknown, act: string) => post(`/batches/${id}/${act}`, asked);
  const show = async (id: unknown) => (await api.call('GET', `/batches/${id}`)).json;
  const list = async (query = '') => {
    const { json } = await api.call('GET', `/approvals${query}`);
    return (json as { data: readonly Record<string, unknown>[] }).data;
  };
  const which = (id: unknown) => ({ tenantId, batchId: String(id) }) as Which;
  return {
    ...{ client, tenantId, signInAgain, limit, named, make, approve, decline, steer, show, list },
    ...{ which, reprice },
  };
}

async function runToEnd(): Promise<void> {
  await runUntilIdle(steps);
  clock.advance(batchLookMs);
  await runUntilIdle(steps);
}

test('a batch that could sell more than the limit starts nothing before a second person agrees', async () => {
  const { make, approve, show, list, which } = await begin();
  const once = randomUUID();
  const made = await make({}, { once });
  assertSuccess(made, 201);
  const { id, approval_id: approvalId, created_at: at } = made.json;
  assert.deepEqual([made.json['status'], made.json['value']], ['PENDING_APPROVAL', '37.50']);
  assert.equal((await make({}, { once })).text, made.text, 'its key gets its answer again');
  await runToEnd();
  assert.deepEqual(await show(id), made.json, 'nothing has changed');
  assert.deepEqual(await list('?pending=true'), [
    {
      ...{ id: approvalId, operation: 'start_batch', batch_id: id, status: 'pending' },
      ...{ value: '37.5', four_eyes_max: '37.49', ...asked, asked_at: at },
      expires_at: later(new Date(String(at)), approvalMs).toISOString(),
    },
  ]);
  const approved = await approve(approvalId);
  assertSuccess(approved, 200);
  assert.deepEqual([approved.json['status'], approved.json['decided_by']], ['approved', 'B. Desk']);
  const { status, steered_by: by, steer_reason: why } = await show(id);
  assert.deepEqual([status, by, why], ['SCHEDULED', 'B. Desk', 'Checked']);
  assertProblem(await approve(approvalId), 'conflict', /not pending any more/);
  await runToEnd();
  assert.equal((await show(id))['status'], 'COMPLETED');
  assert.deepEqual(await outcomesOf(sql, which(id)), ['STARTED', 'STARTED']);
  assert.deepEqual(await eventsOf(sql, which(id)), ['CREATED', 'APPROVED', 'STARTED', 'COMPLETED']);
  assert.deepEqual(await list('?pending=true'), []);
});

test('one person starts what keeps the limit, and all where there is none', async () => {
  for (const max of ['37.5', undefined]) {
    const { make, limit, list } = await begin({ max: '37.5' });
    assertSuccess(await limit(max), 200);
    const { json } = await make();
    const value = max === undefined ? undefined : '37.50';
    assert.deepEqual(
      [json['status'], json['value'], json['approval_id']],
      ['SCHEDULED', value, undefined],
    );
    assert.deepEqual(await list(), []);
  }
});

test('what has no price needs a second person, and accounts of others do not count', async () => {
  const unknown = await begin({ max: '1000000', price: false });
  const { status, value } = (await unknown.make()).json;
  assert.deepEqual([status, value], ['PENDING_APPROVAL', undefined]);
  const other = await begin({ max: '37.5' });
  const [first, last] = other.named;
  const accounts = [first, { ...last, user_id: newId<'user'>() }, ...unknown.named];
  const made = (await other.make({ accounts })).json;
  assert.deepEqual([made['status'], made['value']], ['SCHEDULED', '25.00']);
});

test('who has asked cannot approve: not by another name, nor by another key', async () => {
  const { client, make, approve, decline, show, list } = await begin();
  const { id, approval_id: approvalId } = (await make()).json;
  const again = [
    approve(approvalId, second, { key: 0 }),
    approve(approvalId, { ...second, person: 'A. Risk' }),
    approve(approvalId, { ...second, person: ' a.  RISK' }),
    decline(approvalId, { ...second, person: 'a. risk' }),
  ];
  for (const answer of await Promise.all(again)) {
    assertProblem(answer, 'forbidden', /takes another person/);
  }
  const other = await begin();
  assertProblem(await other.approve(approvalId), 'not_found', /no such approval/);
  assert.deepEqual(await other.list(), []);
  const { key, keyId } = client.signers[1] ?? client;
  const content = { json: second, headers: keyOf(randomUUID()) };
  const ofHalts = await apiOf(service, client, ['halts:admin']);
  const refused = await ofHalts.call('POST', `/approvals/${approvalId}/approve`, content, {
    ...{ key, keyId },
  });
  assertProblem(refused, 'forbidden', /the scope batches:admin/);
  assert.deepEqual((await ofHalts.call('GET', '/approvals')).json['data'], []);
  const ofBatches = await apiOf(service, client, ['batches:read']);
  const seen = (await ofBatches.call('GET', '/approvals')).json as { data: readonly object[] };
  assert.deepEqual(seen.data, await list());
  assert.equal((await show(id))['status'], 'PENDING_APPROVAL');
});

test('a declined batch is cancelled, and so is one that was not approved in time', async () => {
  const [declined, late, inTime] = [await begin(), await begin(), await begin()];
  const made = [];
  for (const one of [declined, late, inTime]) made.push((await one.make()).json);
  const [first, next, last] = made;
  assert.equal((await declined.decline(first?.['approval_id'])).json['status'], 'declined');
  assertProblem(await declined.approve(first?.['approval_id']), 'conflict', /not pending/);
  await runToEnd();
  const { status, steered_by: by, accounts } = await declined.show(first?.['id']);
  assert.deepEqual([status, by], ['CANCELLED', 'B. Desk']);
  assert.deepEqual(accounts, { total: 2, waiting: 0, started: 0, refused: 0, cancelled: 2 });
  const events = await eventsOf(sql, declined.which(first?.['id']));
  assert.deepEqual(events, ['CREATED', 'CANCELLING', 'CANCELLED']);

  const expiresAt = Date.parse(String(next?.['created_at'])) + approvalMs;
  clock.advance(expiresAt - 1 - clock.now().getTime());
  await runUntilIdle(steps);
  await inTime.signInAgain();
  assertSuccess(await inTime.approve(last?.['approval_id']), 200);
  clock.advance(1);
  await late.signInAgain();
  const statuses = async () => (await late.list()).map((one) => one['status']);
  assert.deepEqual(await statuses(), ['expired'], 'at once, before a turn has seen it');
  assertProblem(await late.approve(next?.['approval_id']), 'conflict', /expired/);
  await runToEnd();
  assert.deepEqual(await statuses(), ['expired']);
  const ended = await late.show(next?.['id']);
  assert.deepEqual(
    [ended['status'], ended['steered_by'], ended['steer_reason']],
    ['CANCELLED', 'control four_eyes', 'No second person has approved it in time.'],
  );
  assert.equal((await inTime.show(last?.['id']))['status'], 'COMPLETED');
});

test('a batch that could sell far more than was asked for is not approved, and can be declined', async () => {
  const { tenantId, make, approve, decline, show, reprice } = await begin();
  const { id, approval_id: approvalId } = (await make()).json;
  await reprice('13.76');
  const grown =
    /the batch could sell EUR 37\.5; now it could sell EUR 41\.28, more than a tenth above/;
  assertProblem(await approve(approvalId), 'conflict', grown);
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  const on = { sql, clock, stdout: { write } };
  const which = { id: approvalId as never, as: 'approved' } as const;
  assert.equal(await decide(on, which, { reason: 'Checked', actor: 'C. Desk' }), 1);
  assert.match(
    printed,
    /^Not approved\. When it was asked for, .*Decline it, and make another batch\.\n$/,
  );
  await reprice();
  assertProblem(
    await approve(approvalId),
    'conflict',
    /now it could sell a value that is not known/,
  );
  await runToEnd();
  assert.equal((await show(id))['status'], 'PENDING_APPROVAL');
  const acts = await sql`
    select
    from unwind.acts a
    where a.tenant_id = ${tenantId}
      and a.operation = 'approve'`;
  assert.equal(acts.count, 0, 'what is refused is no act');
  assertSuccess(await decline(approvalId), 200);
  await runToEnd();
  assert.equal((await show(id))['status'], 'CANCELLED');
});

test('an approval after a cancel is refused, and a batch that waits is neither paused nor resumed', async () => {
  const { make, approve, decline, steer, show, list } = await begin();
  const { id, approval_id: approvalId } = (await make()).json;
  assertProblem(await steer(id, 'pause'), 'conflict', /The batch is PENDING_APPROVAL; only one/);
  assertProblem(await steer(id, 'resume'), 'conflict', /The batch is PENDING_APPROVAL; only one/);
  assert.equal((await steer(id, 'cancel')).json['status'], 'CANCELLING');
  assertProblem(await approve(approvalId), 'conflict', /its batch was cancelled/);
  assertProblem(await decline(approvalId), 'conflict', /its batch was cancelled/);
  assert.deepEqual(
    (await list()).map((one) => one['status']),
    ['void'],
  );
  await runToEnd();
  assert.equal((await show(id))['status'], 'CANCELLED');
  assert.deepEqual(
    (await list()).map((one) => one['status']),
    ['void'],
  );
});

test('an approved batch waits for its start, and is paused and resumed as any other', async () => {
  const { make, approve, steer, show } = await begin({ startAt: later(clock.now(), 60_000) });
  const { id, approval_id: approvalId } = (await make()).json;
  assertSuccess(await approve(approvalId), 200);
  await runToEnd();
  assert.equal((await show(id))['status'], 'SCHEDULED');
  assert.equal((await steer(id, 'pause')).json['status'], 'PAUSED');
  assert.equal((await steer(id, 'resume')).json['status'], 'SCHEDULED');
  clock.advance(60_000);
  await runToEnd();
  assert.equal((await show(id))['status'], 'COMPLETED');
});

test('of approvals, refusals and a cancel at once exactly one is done', async () => {
  const { make, approve, decline, steer, show, list } = await begin();
  const { id, approval_id: approvalId } = (await make()).json;
  const answers = await Promise.all([
    ...[approve(approvalId), approve(approvalId), decline(approvalId), approve(approvalId)],
    steer(id, 'cancel'),
  ]);
  const [cancelled] = answers.slice(-1);
  const [{ status } = {}] = await list();
  const decided = answers.slice(0, -1).filter((answer) => answer.status === 200).length;
  assert.equal(decided, status === 'void' ? 0 : 1);
  // One that was approved first is cancelled after that.
  assert.equal(cancelled?.status, status === 'declined' ? 409 : 200);
  await runToEnd();
  assert.equal((await show(id))['status'], 'CANCELLED');
});

test('the trail names the batch and the approval, and a command approves as well', async () => {
  const { tenantId, make, approve, show } = await begin();
  const [first, next] = [(await make()).json, (await make()).json];
  assertSuccess(await approve(first['approval_id']), 200);
  let printed = '';
  const write = (text: string) => {
    printed += text;
  };
  const on = { sql, clock, stdout: { write } };
  const which = { id: next['approval_id'] as never, as: 'approved' } as const;
  assert.equal(await decide(on, which, { reason: 'Checked', actor: 'a. risk' }), 1);
  assert.equal(await decide(on, which, { reason: 'Checked', actor: 'C. Desk' }), 0);
  assert.match(printed, new RegExp(`Approved: batch ${next['id']} starts when it is due\\.\n$`));
  assert.equal((await show(next['id']))['steered_by'], 'C. Desk');
  const acts = await sql<{ target: string }[]>`
    select a.target
    from unwind.acts a
    where a.tenant_id = ${tenantId}
      and a.operation in ('create_batch', 'approve')
    order by a.commit_order`;
  assert.deepEqual(
    acts.map(({ target }) => target),
    [
      ...[first, next].map((one) => `/batches/${one['id']}`),
      ...[first, next].map((one) => `/approvals/${one['approval_id']}/approve`),
    ],
  );
});
