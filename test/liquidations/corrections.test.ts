// Fills and busts that come after the end: booked once, whatever the order in which they arrive, with no
// second final event, and told to a person.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runAudit } from '../../src/audit/run-audit.ts';
import { close, listParked } from '../../src/commands/parked-command.ts';
import type { Sql } from '../../src/db/connect.ts';
import { reportApplier } from '../../src/executions/apply-reports.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { importPositions, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, quietWorker, runUntilIdle } from '../support/engine.ts';
import { gated } from '../support/gated.ts';
import { times } from '../support/length.ts';
import { fc } from '../support/properties.ts';

/** Its trading partner cancels before the last part, so the order ends short. */
const endsShort = 'IE00BF2GFH28';
const sap = 'DE0007164600';

async function begin(t: TestContext, isin: string, quantity = '5') {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const [account] = await makeBook(sql, {
    tenantId,
    instruments: [{ isin, price: '200' }],
    accounts: [{ positions: [{ isin, quantity }] }],
  });
  assert.ok(account);
  const steps = engineSteps(sql, clock, { delayMs: 0, venue: simulatedVenue(sql, clock, 0) });
  const liquidationId = await askToLiquidate(sql, clock, account);
  const finish = () => runUntilIdle(steps);
  return { sql, clock, account, steps, liquidationId, finish, isin };
}

type Scene = Awaited<ReturnType<typeof begin>>;

async function look({ sql, liquidationId }: Pick<Scene, 'sql' | 'liquidationId'>) {
  const [row] = await sql<{ shown: string }[]>`
    select concat_ws(' | ',
      l.status || ' ' || round(l.cash_amount, 2) || ' ' || round(l.corrected_proceeds, 2),
      (
        select string_agg(
          concat(o.status, ' ', trim_scale(o.filled_quantity), '/', trim_scale(o.quantity),
            ' off ', trim_scale(o.corrected_quantity)), ', ' order by o.round)
        from unwind_v1.orders o
        where o.liquidation_id = l.liquidation_id
      ),
      (
        select concat(trim_scale(p.quantity), ' held ', trim_scale(p.held))
        from unwind_v1.positions p
        where p.account_id = l.account_id
      ),
      (
        select concat('uncovered ', trim_scale(sum(m.uncovered)), ', cash ', round(sum(m.cash), 2))
        from unwind_v1.movements m
        where m.account_id = l.account_id
      ),
      (
        select concat(count(distinct e.event_id), ' events, ', max(e.number), ' ', count(p.*), ' notes')
        from unwind_v1.events e
        left join unwind_v1.parked p on p.step = 'correction' and e.number = 1
        where e.liquidation_id = l.liquidation_id
      )
    ) as shown
    from unwind_v1.liquidations l
    where l.liquidation_id = ${liquidationId}`;
  return row?.shown ?? 'nothing';
}

/** The venue reports once more, about the only order there is. */
async function report(sql: Sql, id: string, what: { fill?: string; bust?: string }): Promise<void> {
  const bust = what.bust ?? null;
  const fill = what.fill ?? null;
  await sql`
    insert into unwind.venue_reports (
      tenant_id, venue, report_id, client_order_id, type, venue_execution_id, last_quantity,
      last_price, cumulative_quantity, transaction_at, received_at
    )
    select
      s.tenant_id, s.venue, ${id}, s.client_order_id,
      case when ${fill}::text is null then 'bust' else 'trade' end,
      coalesce(${bust}, 'LATE-' || ${fill}::text), ${fill}::numeric,
      case when ${fill}::text is not null then 200 end, 0, s.sent_at, s.sent_at
    from unwind.submissions s
    order by s.sent_at
    limit 1`;
}

async function executionNames(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select e.venue_execution_id as name
    from unwind.executions e
    order by e.venue_execution_id`;
  return rows.map((row) => row.name);
}

/** The audit, without what it says of the venue, which knows nothing of reports made here. */
async function assertConsistent(sql: Sql): Promise<void> {
  const { results } = await runAudit(sql);
  const own = results.filter(({ check }) => !/^(venue|no_report)/.test(check.name));
  assert.deepEqual(
    own.flatMap((result) => result.differences),
    [],
  );
}

test('a fill after the end is booked, corrects the amount and changes no state', async (t) => {
  const scene = await begin(t, endsShort);
  const { sql, clock, steps, finish } = scene;
  await finish();
  const short = 'CANCELLED 800.00 0.00 | CANCELLED 4/5 off 0 | 1 held 0';
  assert.equal(await look(scene), `${short} | uncovered 0, cash 800.00 | 3 events, 3 0 notes`);
  clock.advance(60_000);
  await report(sql, 'late', { fill: '0.75' });
  await finish();
  const late = 'CANCELLED 950.00 150.00 | CANCELLED 4.75/5 off 0.75 | 0.25 held 0';
  assert.equal(await look(scene), `${late} | uncovered 0, cash 950.00 | 3 events, 3 1 notes`);
  const [row] = await sql<{ at: Date }[]>`
    select l.updated_at as at from unwind.liquidations l`;
  assert.ok(row && row.at >= clock.now(), 'updated_at moves with the amount');
  await report(sql, 'late again', { fill: '0.75' });
  await steps.apply();
  assert.equal(await look(scene), `${late} | uncovered 0, cash 950.00 | 3 events, 3 1 notes`);
  assert.equal((await sql`select from unwind.venue_reports`).length, 0);
  await assertConsistent(sql);
});

test('a bust after the end returns the units and takes the cash', async (t) => {
  const scene = await begin(t, sap);
  const { sql, finish } = scene;
  await finish();
  const [name = ''] = await executionNames(sql);
  await report(sql, 'bust', { bust: name });
  await report(sql, 'bust again', { bust: name });
  await finish();
  await report(sql, 'bust later', { bust: name });
  await finish();
  const busted = 'FILLED 0.00 -1000.00 | FILLED 0/5 off -5 | 5 held 0';
  assert.equal(await look(scene), `${busted} | uncovered 0, cash 0.00 | 3 events, 3 1 notes`);
  await assertConsistent(sql);
  // The account may be liquidated again: what came back is there to be sold.
  const again = await askToLiquidate(sql, scene.clock, scene.account);
  await finish();
  assert.match(await look({ sql, liquidationId: again }), /^FILLED 1000.00 0.00 \| FILLED 5\/5/);
  await assertConsistent(sql);
});

test('units that are gone or spoken for are owed, and a bust of their sale owes them no more', async (t) => {
  const scene = await begin(t, endsShort);
  const { sql, finish, account, isin, clock } = scene;
  await finish();
  const changes = [{ accountId: account.accountId, isin, quantity: '-0.5', locked: '0.25' }];
  await importPositions(sql, { tenantId: account.tenantId, changes, importedAt: clock.now() });
  await report(sql, 'late', { fill: '1' });
  await finish();
  const short = 'CANCELLED 1000.00 200.00 | CANCELLED 5/5 off 1 | 0.25 held 0';
  assert.equal(await look(scene), `${short} | uncovered 0.75, cash 1000.00 | 3 events, 3 1 notes`);
  let list = '';
  const stdout = { write: (text: string) => (list += text) };
  assert.equal(await listParked({ sql, clock, stdout }, false), 1);
  assert.match(
    list,
    /sold 1 IE00BF2GFH28 for EUR 200 after the end.* 0\.75 of these units are not/,
  );
  await assertConsistent(sql);
  await report(sql, 'bust', { bust: 'LATE-1' });
  await finish();
  const undone = 'CANCELLED 800.00 0.00 | CANCELLED 4/5 off 0 | 0.5 held 0';
  assert.equal(await look(scene), `${undone} | uncovered 0, cash 800.00 | 3 events, 3 2 notes`);
  await assertConsistent(sql);
  const [note] = await sql<{ id: string }[]>`select parked_id as id from unwind_v1.parked`;
  const choice = { id: note?.id ?? '', tenantId: undefined, actor: 'Ada', reason: 'bought back' };
  assert.equal(await close({ sql, clock, stdout }, choice), 0);
  assert.equal((await sql`select from unwind_v1.parked`).length, 1);
  const closed = await sql`
    select c.parked_id, c.closed_at, c.closed_by, c.closed_reason
    from unwind_v1.corrections c
    where c.closed_at is not null`;
  const { id, actor, reason } = choice;
  const expected = {
    parked_id: id,
    closed_at: clock.now(),
    closed_by: actor,
    closed_reason: reason,
  };
  assert.deepEqual([...closed], [expected]);
  await assertConsistent(sql);
});

test('while the liquidation runs, what a bust returns is sold again', async (t) => {
  const scene = await begin(t, sap);
  const { sql, steps, finish } = scene;
  for (const step of [steps.release, steps.submit, steps.receive, steps.apply]) await step();
  const [name = ''] = await executionNames(sql);
  await report(sql, 'bust', { bust: name });
  await steps.apply();
  assert.match(await look(scene), /^PROCESSING 1000.00 0.00 \| FILLED 0\/5 off -5 \| 5 held 0/);
  await assertConsistent(sql);
  await finish();
  const twice = 'FILLED 1000.00 0.00 | FILLED 0/5 off -5, FILLED 5/5 off 0 | 0 held 0';
  assert.equal(await look(scene), `${twice} | uncovered 0, cash 1000.00 | 3 events, 3 1 notes`);
  await assertConsistent(sql);
});

test('an execution of another order is not taken back', async (t) => {
  const scene = await begin(t, sap);
  const { sql, finish, clock, account, isin } = scene;
  await finish();
  const changes = [{ accountId: account.accountId, isin, quantity: '2' }];
  await importPositions(sql, { tenantId: account.tenantId, changes, importedAt: clock.now() });
  clock.advance(1_000);
  const second = await askToLiquidate(sql, clock, account);
  await finish();
  const [{ name } = { name: '' }] = await sql<{ name: string }[]>`
    select e.venue_execution_id as name
    from unwind.executions e
    where e.liquidation_id = ${second}`;
  await report(sql, 'bust', { bust: name });
  await finish();
  assert.match(await look({ sql, liquidationId: second }), /^FILLED 400.00 0.00/);
  const [parked] = await sql<{ parked_reason: string }[]>`
    select parked_reason from unwind.venue_reports`;
  assert.equal(parked?.parked_reason, 'the execution belongs to another order');
});

test('whatever the order and grouping of reports, the end is the same', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const arrival = fc.array(fc.nat({ max: 1_000 }), { minLength: 12, maxLength: 12 });
  const known = { instruments: [{ isin: endsShort, price: '200' }] };
  let isFirst = true;
  await fc.assert(
    fc.asyncProperty(arrival, fc.integer({ min: 1, max: 4 }), async (places, groupSize) => {
      const [account] = await makeBook(sql, {
        tenantId,
        instruments: isFirst ? known.instruments : [],
        accounts: [{ positions: [{ isin: endsShort, quantity: '5' }] }],
      });
      isFirst = false;
      assert.ok(account);
      const liquidationId = await askToLiquidate(sql, clock, account);
      for (const step of [steps.release, steps.submit, steps.receive]) await step();
      // The parts, the end, a late fill, the bust of a part, the bust of the late fill; all twice.
      const [one] = await sql<{ order: string; last: string }[]>`
        select r.client_order_id as order, min(r.venue_execution_id) as last
        from unwind.venue_reports r
        where r.parked_reason is null
        group by r.client_order_id`;
      assert.ok(one);
      await sql`
        insert into unwind.venue_reports (
          tenant_id, venue, report_id, client_order_id, type, venue_execution_id, last_quantity,
          last_price, cumulative_quantity, transaction_at, received_at
        )
        select
          ${tenantId}::uuid, 'XSIM', n.type || one.name, ${one.order}, n.type, one.name, n.quantity,
          n.price, 0, ${clock.now()}::timestamptz, ${clock.now()}::timestamptz
        from (
          values ('trade', 0.5, 200), ('bust', null::numeric, null::numeric)
        ) as n (type, quantity, price)
        cross join (select ${one.order} || '-late' as name) one
        union all
        select
          ${tenantId}, 'XSIM', 'bust' || ${one.last}, ${one.order}, 'bust', ${one.last}, null::numeric, null::numeric,
          0, ${clock.now()}, ${clock.now()}`;
      await sql`
        insert into unwind.venue_reports
        select
          r.tenant_id, r.venue, r.report_id || ' again', r.client_order_id, r.type,
          r.venue_execution_id, r.last_quantity, r.last_price, r.cumulative_quantity, r.reason,
          r.transaction_at, r.received_at
        from unwind.venue_reports r`;
      const waiting = await sql<{ report_id: string }[]>`
        update unwind.venue_reports set parked_reason = 'later' returning report_id`;
      const ids = waiting
        .map((row, i) => ({ id: row.report_id, place: places[i % places.length] ?? 0 }))
        .sort((a, b) => a.place - b.place || (a.id < b.id ? -1 : 1))
        .map((row) => row.id);
      for (let i = 0; i < ids.length; i += groupSize) {
        const group = ids.slice(i, i + groupSize);
        await sql`
          update unwind.venue_reports
          set parked_reason = null
          where report_id = any (${group}::text[])`;
        await runUntilIdle({ ...steps, receive: async () => 0 });
      }
      assert.equal(
        (await look({ sql, liquidationId })).split(' | ').slice(1, 3).join(' | '),
        'CANCELLED 3/5 off -1 | 2 held 0',
        ids.join(' '),
      );
      const [row] = await sql<{ status: string; proceeds: string; told: string; left: string }[]>`
        select
          l.status, l.proceeds,
          (
            select e.object::json ->> 'cash_amount'
            from unwind.events e
            where e.liquidation_id = l.liquidation_id
              and e.number = 3
          ) as told,
          (select count(*) from unwind.venue_reports) as left
        from unwind.liquidations l
        where l.liquidation_id = ${liquidationId}`;
      assert.deepEqual([row?.status, Number(row?.proceeds), row?.left], ['CANCELLED', 600, '0']);
    }),
    { numRuns: times({ short: 5, long: 25 }) },
  );
  await assertConsistent(sql);
});

test('two workers with a fill, its bust and the end at once', async (t) => {
  const { sql } = await createTestDatabase(t);
  const clock = testClock();
  const tenantId = await makeTenant(sql);
  const accounts = await makeBook(sql, {
    tenantId,
    instruments: [{ isin: endsShort, price: '200' }],
    accounts: Array.from({ length: 14 }, () => ({
      positions: [{ isin: endsShort, quantity: '5' }],
    })),
  });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  for (const [i, account] of accounts.entries()) {
    const liquidationId = await askToLiquidate(sql, clock, account);
    for (const step of [steps.release, steps.submit, steps.receive]) await step();
    await sql`
      insert into unwind.venue_reports (
        tenant_id, venue, report_id, client_order_id, type, venue_execution_id, last_quantity,
        last_price, cumulative_quantity, transaction_at, received_at
      )
      select
        r.tenant_id, r.venue, n.type || r.report_id, r.client_order_id, n.type,
        r.client_order_id || '-late', n.quantity, n.price, 0, r.transaction_at, r.received_at
      from (values ('trade', 0.5, 200), ('bust', null::numeric, null::numeric)) as n (type, quantity, price)
      cross join (
        select * from unwind.venue_reports where type = 'cancelled' and parked_reason is null
      ) r`;
    // The first worker sees only the busts and the end; the second one, in the middle of it, the rest.
    await sql`
      update unwind.venue_reports
      set parked_reason = 'later'
      where type = 'trade'`;
    const parted = Promise.withResolvers<void>();
    const met = Promise.withResolvers<void>();
    const first = reportApplier(
      quietWorker(
        gated(sql, async (statement) => {
          if (statement !== i && statement !== 'commit') return;
          parted.resolve();
          await met.promise;
        }),
        clock,
      ),
    )();
    await parted.promise;
    await sql`update unwind.venue_reports set parked_reason = null where type = 'trade'`;
    const second = reportApplier(quietWorker(sql, clock))();
    const soon = new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.race([second, soon]);
    met.resolve();
    await Promise.all([first, second]);
    await runUntilIdle(steps);
    assert.equal(
      (await look({ sql, liquidationId })).split(' | ').slice(0, 3).join(' | '),
      'CANCELLED 800.00 0.00 | CANCELLED 4/5 off 0 | 1 held 0',
      `run ${i}`,
    );
  }
  await assertConsistent(sql);
});
