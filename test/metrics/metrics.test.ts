// The figures for Prometheus, from real rows and real requests.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { later } from '../../src/clock.ts';
import { metricsRoute } from '../../src/http/probes.ts';
import { Metrics } from '../../src/metrics/metrics.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToCancel, askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const loops = () => ({ release: true, apply: false });

async function read(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const { body } = await metrics.render();
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

test('whether the trail is signed, and since when', async () => {
  const signed = { lastAt: clock.now(), isFailing: false };
  const good = await read(new Metrics({ sql, clock, loops, signing: () => signed }));
  assert.equal(good.get('unwind_trail_unsigned'), 0);
  assert.equal(good.get('unwind_trail_checkpoint_age_seconds'), 0);
  const failing = { lastAt: undefined, isFailing: true };
  const bad = await read(new Metrics({ sql, clock, loops, signing: () => failing }));
  assert.equal(bad.get('unwind_trail_unsigned'), 1);
});

test('what is open, parked and failing is counted over all tenants', async () => {
  const metrics = new Metrics({ sql, clock, loops });
  const before = await read(metrics);
  assert.equal(before.get('unwind_open_liquidations{status="NEW"}'), 0);
  assert.equal(before.get('unwind_oldest_seconds{what="liquidation"}'), 0);
  assert.equal(before.get('unwind_webhook_longest_failure_seconds'), 0);
  for (let i = 0; i < 2; i += 1) {
    const tenantId = await makeTenant(sql);
    const [account] = await makeBook(sql, {
      tenantId,
      instruments: [{ isin: 'DE0007164600', price: '10' }],
      accounts: [{ positions: [{ isin: 'DE0007164600', quantity: '1' }] }],
    });
    assert.ok(account);
    await askToLiquidate(sql, clock, account);
  }
  await sql`
    insert into unwind.parked (
      tenant_id, step, subject, reason, tries, first_at, last_at, retry_at, parked_at
    )
    select t.tenant_id, 'release', 'x', 'a test', 5, ${clock.now()}, ${clock.now()}, ${clock.now()},
      ${clock.now()}
    from unwind.tenants t
    limit 1`;
  await sql`
    insert into unwind.webhooks (
      tenant_id, webhook_id, title, url, enabled, types, signature_version, signature_algorithm,
      created_at, updated_at
    )
    select
      t.tenant_id, gen_random_uuid(), 'Hook', 'https://hooks.example.test/', true, '{ALL}', '6',
      'ecdsa-p521', ${clock.now()}, ${clock.now()}
    from unwind.tenants t
    limit 1`;
  await sql`
    insert into unwind.deliveries (
      tenant_id, webhook_id, settings_at, acknowledged_offset, attempts, failing_since,
      next_attempt_at
    )
    select
      w.tenant_id, w.webhook_id, w.updated_at, 0, 3, ${later(clock.now(), -90_000)}, ${clock.now()}
    from unwind.webhooks w`;
  const early = await read(metrics);
  assert.equal(early.get('unwind_open_liquidations{status="NEW"}'), 0, 'read a moment ago');
  clock.advance(10_000);
  const told = await read(metrics);
  assert.equal(told.get('unwind_open_liquidations{status="NEW"}'), 2);
  assert.equal(told.get('unwind_open_liquidations{status="PROCESSING"}'), 0);
  assert.equal(told.get('unwind_oldest_seconds{what="liquidation"}'), 10);
  assert.equal(told.get('unwind_oldest_seconds{what="event_to_publish"}'), 10);
  assert.equal(told.get('unwind_oldest_seconds{what="order_to_submit"}'), 0);
  assert.equal(told.get('unwind_open{what="events_to_publish"}'), 2);
  assert.equal(told.get('unwind_parked_rows'), 1);
  assert.equal(told.get('unwind_webhooks_failing'), 1);
  assert.equal(told.get('unwind_webhook_longest_failure_seconds'), 100);
});

test('subscriptions for which events were dropped unread are counted until a day after they noticed', async () => {
  const metrics = new Metrics({ sql, clock, loops });
  const gaps = async () => (await read(metrics)).get('unwind_webhooks_with_gap');
  assert.equal(await gaps(), 0);
  await sql`
    insert into unwind.event_heads (tenant_id, position, dropped_to)
    select w.tenant_id, 20, 10
    from unwind.webhooks w
    on conflict (tenant_id) do update
    set
      position = excluded.position,
      dropped_to = excluded.dropped_to`;
  assert.equal(await gaps(), 1, 'not noticed yet');
  const notice = (at: Date) => sql`
    update unwind.deliveries d
    set
      acknowledged_offset = 20,
      gap_after = 0,
      gap_up_to = 10,
      gap_noticed_at = ${at}`;
  await notice(later(clock.now(), 1 - 86_400_000));
  assert.equal(await gaps(), 1);
  await notice(later(clock.now(), -86_400_000));
  assert.equal(await gaps(), 0);
});

test('loops and requests of the process are counted by name, route and status', async () => {
  const metrics = new Metrics({ sql, clock, loops });
  const route = '/accounts/:account_id/liquidations';
  metrics.answered({ method: 'POST', route, status: 202, durationMs: 3 });
  metrics.answered({ method: 'POST', route, status: 202, durationMs: 700 });
  const told = await read(metrics);
  assert.equal(told.get('unwind_loop_running{loop="release"}'), 1);
  assert.equal(told.get('unwind_loop_running{loop="apply"}'), 0);
  const labels = `method="POST",route="${route}",status="202"`;
  assert.equal(told.get(`unwind_http_request_duration_seconds_count{${labels}}`), 2);
  const within = `unwind_http_request_duration_seconds_bucket{le="0.005",${labels}}`;
  assert.equal(told.get(within), 1);
  assert.ok((told.get('process_cpu_seconds_total') ?? 0) > 0);
});

test('they are served as the text that Prometheus reads', async () => {
  const { work, path } = metricsRoute(new Metrics({ sql, clock, loops }));
  assert.equal(path, '/metrics');
  const answer = await work({} as never, {} as never);
  assert.equal(answer.status, 200);
  assert.match(answer.type ?? '', /^text\/plain; version=/);
});

test('liquidations, orders, proceeds and answers are counted as they are committed', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const wall = testClock(new Date().toISOString());
  const metrics = new Metrics({ sql: own, clock: wall, loops: () => ({}), pools: { own } });
  const steps = engineSteps(own, wall, { delayMs: 0, count: metrics.count });
  const tenantId = await makeTenant(own);
  const isins = ['DE0007164600', 'ZZREFUSED006', 'ZZRESTING006', 'ZZBUST000004'];
  const instruments = isins.map((isin) => ({ isin, price: '10.50' }));
  const positions = isins.map((isin) => ({ isin, quantity: '2' }));
  const accounts = [{ positions }, { positions: [] }];
  const [account, other] = await makeBook(own, { tenantId, instruments, accounts });
  assert.ok(account && other);
  await askToLiquidate(own, wall, account);
  const cancelled = await askToLiquidate(own, wall, { ...other, releaseDelayMs: 60_000 });
  await askToCancel(own, wall, { ...other, liquidationId: cancelled });
  await runUntilIdle(steps);
  wall.advance(11_000);
  await runUntilIdle(steps);
  const told = await read(metrics);
  const counted = (name: string) => told.get(`unwind_${name}`);
  assert.equal(counted('liquidations_total{status="NEW"}'), 2);
  assert.equal(counted('liquidations_total{status="PROCESSING"}'), 1);
  assert.equal(counted('liquidations_total{status="CANCELLED"}'), 1);
  assert.equal(counted('liquidations_total{status="FILLED"}'), undefined);
  assert.equal(counted('orders_total{outcome="filled"}'), 2);
  assert.equal(counted('orders_total{outcome="cancelled"}'), 1);
  assert.equal(counted('proceeds_total{currency="EUR",kind="sold"}'), 42);
  assert.equal(counted('proceeds_total{currency="EUR",kind="void"}'), 21);
  assert.equal(counted('venue_answers_total{venue="XSIM",outcome="accepted"}'), 3);
  assert.equal(counted('venue_answers_total{venue="XSIM",outcome="rejected"}'), 1);
  assert.equal(counted('open_liquidations{status="PROCESSING"}'), 1);
  assert.equal(counted('waiting_liquidations{reason="at_venue"}'), 1);
  assert.equal(counted('oldest_seconds{what="liquidation"}'), 11);
  assert.equal(counted('database_connections{pool="own",state="waiting"}'), 0);
  assert.ok((counted('database_connections{pool="own",state="busy"}') ?? 0) >= 0);
});

test('a reason that nothing has any more is not shown', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const wall = testClock(new Date().toISOString());
  const metrics = new Metrics({ sql: own, clock: wall, loops: () => ({}) });
  const tenantId = await makeTenant(own);
  const accounts = [{ positions: [] }];
  const [account] = await makeBook(own, { tenantId, instruments: [], accounts });
  assert.ok(account);
  const liquidationId = await askToLiquidate(own, wall, { ...account, releaseDelayMs: 3_600_000 });
  const name = 'unwind_waiting_liquidations{reason="release_delay"}';
  assert.equal((await read(metrics)).get(name), 1);
  await askToCancel(own, wall, { ...account, liquidationId });
  wall.advance(10_000);
  assert.equal((await read(metrics)).get(name), undefined);
});
