// A liquidation that is released at a time, or at the next opening of a venue: not before, also by a process that
// starts then; cancelled until then; and what is refused.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { later } from '../../src/clock.ts';
import { runSchedule } from '../../src/commands/schedule-command.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { type AccountId, type LiquidationId, newId } from '../../src/ids.ts';
import type { WaitingPosition } from '../../src/liquidations/waits-store.ts';
import { weekdays } from '../../src/venue/calendar.ts';
import { announceStatus, setCalendar } from '../../src/venue/calendar-store.ts';
import { Screen } from '../book/screen.ts';
import { apiOf, keyOf, toLiquidate } from '../http/api.ts';
import { assertProblem, assertSuccess } from '../http/expect.ts';
import { type BookAccount, makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle, usualEndLimits } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const sap = 'DE0007164600';
const hourMs = 3_600_000;

async function begin(t: TestContext) {
  const { sql } = await createTestDatabase(t);
  // The views ask the clock of the database.
  const start = new Date();
  const clock = testClock(start.toISOString());
  const service = await startHttp(t, { sql, clock });
  const client = await makeApiClient(sql, clock);
  const api = await apiOf(service, client);
  const { clientId: tenantId } = client;
  const ofBook = async (account: Partial<BookAccount> = {}) => {
    const known = await sql`select from unwind.instruments`;
    const [made] = await makeBook(sql, {
      tenantId,
      instruments: known.length > 0 ? [] : [{ isin: sap, price: '10' }],
      accounts: [{ positions: [{ isin: sap, quantity: '3' }], ...account }],
    });
    return made ?? assert.fail();
  };
  const account = await ofBook();
  const schedule = (release: object, more: object = {}, key: string = randomUUID()) => {
    const { accountId: account_id, userId: user_id } = account;
    const json = { account_id, user_id, release, ...more };
    return api.call('POST', '/liquidations', { json, headers: keyOf(key) });
  };
  const status = async (id: unknown) => {
    const reply = await api.call('GET', `/accounts/${account.accountId}/liquidations/${id}`);
    return reply.json['status'];
  };
  // A process of its own each time: what is due later is a row, and nothing else.
  const work = () => runUntilIdle(engineSteps(sql, clock, { delayMs: 0 }));
  const opensDaily = (venue: string, hoursAhead: number) => {
    const hour = String((start.getUTCHours() + hoursAhead) % 24).padStart(2, '0');
    const sessions = weekdays.map((weekday) => {
      return { weekday, opens: `${hour}:00`, closes: `${hour}:59` };
    });
    const calendar = { timeZone: 'UTC', sessions, holidays: [] };
    return inTransaction(sql, (tx) => setCalendar(tx, venue, calendar));
  };
  /** Moves the market clock. */
  const goTo = (at: Date) => {
    const offset = at.getTime() - clock.now().getTime();
    return sql`update unwind.market_clock set offset_ms = ${offset}`;
  };
  const story = async (id: unknown) => (await api.call('GET', `/liquidations/${id}`)).json;
  return {
    sql,
    start,
    clock,
    api,
    tenantId,
    account,
    ofBook,
    schedule,
    status,
    work,
    opensDaily,
    goTo,
    story,
  };
}

async function contractOf(sql: Sql, accountId: AccountId): Promise<string | undefined> {
  const [row] = await sql<{ contract: string }[]>`
    select l.contract from unwind.liquidations l where l.account_id = ${accountId}`;
  return row?.contract;
}

async function assertClean({ sql }: Pick<Awaited<ReturnType<typeof begin>>, 'sql'>) {
  const { results } = await runAudit(sql);
  assert.deepEqual(
    results.flatMap((result) => result.differences),
    [],
  );
}

test('it is released at its time, and not before, by whatever process', async (t) => {
  const scene = await begin(t);
  const { api, goTo, schedule, start, status, story, work } = scene;
  const at = later(start, 3 * hourMs);
  const reply = await schedule({ at: at.toISOString() }, { reason: 'The account is closed' });
  assertSuccess(reply, 202);
  const { id, release, ...published } = reply.json;
  assert.deepEqual(release, { at: at.toISOString(), reason: 'The account is closed' });
  const path = `/accounts/${scene.account.accountId}/liquidations/${id}`;
  assert.deepEqual((await api.call('GET', path)).json, { ...published, id });
  const told = await story(id);
  assert.deepEqual(told['schedule'], { at: at.toISOString(), reason: 'The account is closed' });
  const { data } = (await api.call('GET', '/liquidations?waiting=release_delay')).json;
  const [item] = data as { waiting: Pick<WaitingPosition, 'reason' | 'detail'>[] }[];
  assert.deepEqual(item?.waiting[0], {
    reason: 'release_delay',
    since: published['created_at'],
    until: at.toISOString(),
    detail: 'scheduled: The account is closed',
    positions: 1,
  });
  await work();
  await goTo(later(at, -1));
  await work();
  assert.equal(await status(id), 'NEW');
  await goTo(at);
  await work();
  assert.equal(await status(id), 'FILLED');
  assert.equal((await story(id))['released_at'], at.toISOString());
  await assertClean(scene);
});

test('it is released at the next opening; of a venue that is open, at the one after', async (t) => {
  const scene = await begin(t);
  const { goTo, opensDaily, schedule, start, status, story, work } = scene;
  await opensDaily('XSIM', 2);
  const first = await schedule({ opening_of: 'XSIM' });
  assertSuccess(first, 202);
  const opensAt = new Date((first.json['release'] as { at: string }).at);
  assert.ok(opensAt > later(start, hourMs) && opensAt <= later(start, 2 * hourMs));
  assert.equal(opensAt.getTime() % hourMs, 0);
  assert.deepEqual((await story(first.json['id']))['schedule'], {
    at: opensAt.toISOString(),
    opening_of: 'XSIM',
  });
  const told = (await story(first.json['id']))['liquidation'] as { waiting: { detail: string }[] };
  assert.equal(told.waiting[0]?.detail, 'scheduled for the opening of XSIM');
  await goTo(later(opensAt, -1));
  await work();
  assert.equal(await status(first.json['id']), 'NEW');
  await goTo(opensAt);
  await work();
  assert.equal(await status(first.json['id']), 'FILLED');
  const second = await schedule({ opening_of: 'XSIM' });
  assert.deepEqual(second.json['release'], {
    at: later(opensAt, 24 * hourMs).toISOString(),
    opening_of: 'XSIM',
  });
});

test('the opening is a time from then on: a venue that stays closed holds it as always', async (t) => {
  const { goTo, opensDaily, schedule, sql, status, work } = await begin(t);
  await opensDaily('XSIM', 2);
  const { json } = await schedule({ opening_of: 'XSIM' });
  const opensAt = new Date((json['release'] as { at: string }).at);
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', 'closed'));
  await goTo(later(opensAt, 60_000));
  await work();
  assert.equal(await status(json['id']), 'NEW');
  await inTransaction(sql, (tx) => announceStatus(tx, 'XSIM', undefined));
  await sql`update unwind.liquidations set waits_for_venue = false, waits_for_venues = null`;
  await work();
  assert.equal(await status(json['id']), 'FILLED');
});

test('until its time it can be cancelled, and blocks a second one', async (t) => {
  const scene = await begin(t);
  const { account, api, goTo, schedule, start, status, work } = scene;
  const { json } = await schedule({ at: later(start, hourMs).toISOString() });
  const { target, content } = toLiquidate(account);
  assertProblem(await api.call('POST', target, content), 'conflict', /is still running/);
  const again = await schedule({ at: later(start, 2 * hourMs).toISOString() });
  assertProblem(again, 'conflict', /is still running/);
  assert.equal((await api.call('DELETE', `${target}/${json['id']}`)).status, 204);
  await goTo(later(start, 2 * hourMs));
  await work();
  assert.equal(await status(json['id']), 'CANCELLED');
  assert.equal((await api.call('POST', target, content)).status, 202);
  await assertClean(scene);
});

test('its age counts from its time, so that what waited long is not ended by it', async (t) => {
  const { clock, goTo, schedule, sql, start, status } = await begin(t);
  const at = later(start, 80 * 24 * hourMs);
  const { json } = await schedule({ at: at.toISOString() });
  const steps = engineSteps(sql, clock, {
    delayMs: 0,
    endLimits: { roundsMax: 1, ageMsMax: hourMs },
  });
  await goTo(at);
  await runUntilIdle(steps);
  assert.equal(await status(json['id']), 'FILLED');
  assert.ok(usualEndLimits.ageMsMax < at.getTime() - start.getTime());
});

test('the delay that lets a client cancel is kept also before an earlier time', async (t) => {
  const { schedule, start } = await begin(t);
  const { json } = await schedule({ at: later(start, 5_000).toISOString() });
  assert.deepEqual(json['release'], { at: later(start, 60_000).toISOString() });
});

test('once for each key: also when the time is over, or the opening is another', async (t) => {
  const { api, clock, opensDaily, schedule, start, account } = await begin(t);
  await opensDaily('XSIM', 2);
  const [key, other] = [randomUUID(), randomUUID()];
  const first = await schedule({ opening_of: 'XSIM' }, {}, key);
  clock.advance(100_000);
  await opensDaily('XSIM', 5);
  const again = await schedule({ opening_of: 'XSIM' }, {}, key);
  assert.equal(again.text, first.text);
  assert.equal(again.headers['idempotency-replayed'], 'true');
  const { id } = first.json;
  await api.call('DELETE', `/accounts/${account.accountId}/liquidations/${id}`);
  const release = { at: later(start, 200_000).toISOString() };
  const timed = await schedule(release, {}, other);
  clock.advance(300_000);
  assert.equal((await schedule(release, {}, other)).text, timed.text);
  const changed = await schedule(release, { reason: 'Another' }, other);
  assertProblem(changed, 'unprocessable_content', /used for another request/);
});

test('a time that is over or too far, a venue that is none, and words that are none are refused', async (t) => {
  const { api, account, ofBook, opensDaily, schedule, sql, start, tenantId } = await begin(t);
  const at = later(start, hourMs).toISOString();
  const iso = (ms: number) => later(start, ms).toISOString();
  const cases: readonly [object, Parameters<typeof assertProblem>[1], RegExp][] = [
    [{ at: start.toISOString() }, 'bad_request', /is over: it is .* by the market clock/],
    [{ at: iso(90 * 24 * hourMs + 1) }, 'bad_request', /90 days ahead at most/],
    [{ at: 'tomorrow' }, 'bad_request', /\/release\/at is no RFC 3339 date or time/],
    [{}, 'bad_request', /either at or opening_of/],
    [{ at, opening_of: 'XSIM' }, 'bad_request', /either at or opening_of/],
    [{ opening_of: 'xsim' }, 'bad_request', /\/release\/opening_of/],
    [{ opening_of: 'XLON' }, 'not_found', /XLON is not traded at/],
    [{ opening_of: 'XSIM' }, 'conflict', /XSIM has no opening/],
    [{ at, until: at }, 'bad_request', /unknown members \(until\)/],
  ];
  for (const [release, code, detail] of cases) {
    assertProblem(await schedule(release), code, detail);
  }
  const reason = 'a\u202eb';
  assertProblem(await schedule({ at }, { reason }), 'bad_request', /control or direction/);
  assertProblem(await schedule({ at }, { reason: '' }), 'bad_request', /\/reason/);
  const stranger = await schedule({ at }, { user_id: newId() });
  assertProblem(stranger, 'not_found', /no such account of this user/);
  const unknown = await schedule({ at }, { account_id: newId() });
  assertProblem(unknown, 'not_found', /no such account of this user/);
  const locked = await ofBook({ status: 'LOCKED' });
  const ids = { account_id: locked.accountId, user_id: locked.userId };
  assertProblem(await schedule({ at }, ids), 'conflict', /The account is LOCKED/);
  assert.equal((await sql`select from unwind.liquidations`).length, 0);
  await opensDaily('XSIM', 3);
  const stdout = new Screen();
  const clock = testClock(start.toISOString());
  const on = { sql, clock, tenantId, stdout };
  const { accountId } = account;
  const settings = { releaseDelayMs: 0, idempotencyRetentionMs: hourMs };
  const what = { accountId, release: { openingOf: 'XSIM' }, reason: 'By the desk' };
  assert.equal(await runSchedule(on, what, settings), 0);
  assert.match(
    stdout.text,
    /^Liquidation [0-9a-f-]{36} is released at .*:00:00.000Z, by the market/,
  );
  assert.equal(await contractOf(sql, accountId), '2023');
  await sql`update unwind.tenants set contract = '2026' where tenant_id = ${tenantId}`;
  const later2026 = await ofBook();
  assert.equal(await runSchedule(on, { ...what, accountId: later2026.accountId }, settings), 0);
  assert.equal(await contractOf(sql, later2026.accountId), '2026');
  const [row] = await sql<{ liquidation_id: LiquidationId; reason: string }[]>`
    select l.liquidation_id, l.schedule_reason as reason
    from unwind_v1.liquidations l
    where l.account_id = ${accountId}`;
  assert.equal(row?.reason, 'By the desk');
  assert.equal(await runSchedule(on, what, settings), 1);
  assert.match(stdout.text, /is still running/);
  assert.equal(await runSchedule(on, { ...what, accountId: newId() }, settings), 1);
  assert.match(stdout.text, /has no account/);
  const narrow = await api.call('GET', `/liquidations/${row?.liquidation_id}`);
  assertSuccess(narrow, 200);
});
