// Sealing: nothing that is committed is passed over, whatever commits when, and nothing is sealed twice.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Sql, Tx } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrate.ts';
import { fragment } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { recordAct } from '../../src/trail/acts-store.ts';
import { moveOrderOn } from '../../src/trail/chain-store.ts';
import { type Sealer, sealTrail } from '../../src/trail/seal-trail.ts';
import { unsealedSql } from '../../src/trail/seals-store.ts';
import { grownTo, holds, noneYet, parseSnapshot, snapshotText } from '../../src/trail/snapshot.ts';
import { verifyTrail } from '../../src/trail/verify-trail.ts';
import { makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase, testDirectory } from '../support/database.ts';
import { fc } from '../support/properties.ts';
import { actAt, tables } from './world.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();

async function sealed(tenantId: TenantId): Promise<readonly (readonly string[])[]> {
  const rows = await sql<{ targets: string[] }[]>`
    select array(
      select a.target
      from unwind.acts a
      where a.tenant_id = s.tenant_id
        and a.act_id = any (s.act_ids)
      order by a.target
    ) as targets
    from unwind.seals s
    where s.tenant_id = ${tenantId}
    order by s.number`;
  return rows.map(({ targets }) => targets);
}

function act(tx: Tx, tenantId: TenantId, target: string): Promise<void> {
  return recordAct(tx, tenantId, actAt(clock.now(), { target }));
}

const seal = (on: Sql = sql) => sealTrail({ sql: on, clock });

async function assertWhole(): Promise<void> {
  assert.deepEqual((await verifyTrail(sql, { tables, now: clock.now() })).findings.listed, []);
}

test('a transaction that commits late is in a later seal; those that began after it do not wait', async () => {
  const tenantId = await makeTenant(sql);
  const isBegun = Promise.withResolvers<void>();
  const mayCommit = Promise.withResolvers<void>();
  const late = inTransaction(sql, async (tx) => {
    await act(tx, tenantId, 'late');
    isBegun.resolve();
    await mayCommit.promise;
  });
  await isBegun.promise;
  await inTransaction(sql, (tx) => act(tx, tenantId, 'quick'));
  await seal();
  assert.deepEqual(await sealed(tenantId), [['quick']]);
  mayCommit.resolve();
  await late;
  await seal();
  assert.deepEqual(await sealed(tenantId), [['quick'], ['late']]);
  await seal();
  assert.deepEqual(await sealed(tenantId), [['quick'], ['late']], 'once');
  await assertWhole();
});

test('what is rolled back leaves nothing, and holds nothing up', async () => {
  const tenantId = await makeTenant(sql);
  const undone = inTransaction(sql, async (tx) => {
    await act(tx, tenantId, 'undone');
    throw new RangeError('no');
  });
  await assert.rejects(undone, RangeError);
  await inTransaction(sql, async (tx) => {
    await act(tx, tenantId, 'whole');
    await tx.savepoint((part) => act(part, tenantId, 'part'));
  });
  await seal();
  assert.deepEqual(await sealed(tenantId), [['part', 'whole']]);
  await assertWhole();
});

test('several processes that act and seal at once make one chain that has everything once', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenantIds = [await makeTenant(own), await makeTenant(own)];
  let left = 60;
  const actor = async () => {
    while (left-- > 0) {
      const tenantId = tenantIds[left % 2] as TenantId;
      await inTransaction(own, (tx) => act(tx, tenantId, `${left}`));
    }
  };
  const acting = Promise.all([actor(), actor(), actor()]);
  const isOver = acting.then(() => true);
  const sealer = async () => {
    do {
      await sealTrail({ sql: own, clock, entriesMax: 7 });
    } while ((await Promise.race([isOver, Promise.resolve(false)])) === false);
  };
  await Promise.all([sealer(), sealer(), acting]);
  while (await sealTrail({ sql: own, clock, entriesMax: 7 }));
  const { counts, findings } = await verifyTrail(own, { tables, now: clock.now() });
  assert.deepEqual(findings.listed, []);
  assert.equal(counts.acts, 60);
  assert.equal(counts.unsealed, 0);
});

test('a seal has so much at most, and a transaction is never divided', async () => {
  const tenantId = await makeTenant(sql);
  for (const name of ['a', 'b', 'c']) await inTransaction(sql, (tx) => act(tx, tenantId, name));
  await inTransaction(sql, async (tx) => {
    for (const name of ['d', 'e', 'f']) await act(tx, tenantId, name);
  });
  await inTransaction(sql, (tx) => act(tx, tenantId, 'g'));
  let turns = 1;
  while (await sealTrail({ sql, clock, entriesMax: 2 })) turns += 1;
  assert.deepEqual(await sealed(tenantId), [['a', 'b'], ['c'], ['d', 'e', 'f'], ['g']]);
  assert.equal(turns, 4);
  await assertWhole();
});

test('times of a chain never go back, though clocks of processes differ', async () => {
  const tenantId = await makeTenant(sql);
  await inTransaction(sql, (tx) => act(tx, tenantId, 'first'));
  await seal();
  const behind = { now: () => new Date(clock.now().getTime() - 500) };
  await inTransaction(sql, (tx) => act(tx, tenantId, 'second'));
  await sealTrail({ sql, clock: behind });
  const rows = await sql<{ at: Date }[]>`
    select s.sealed_at as at from unwind.seals s where s.tenant_id = ${tenantId}`;
  assert.deepEqual(
    rows.map(({ at }) => at),
    [clock.now(), clock.now()],
  );
});

test('what was committed goes on being sealed where transactions are counted anew', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenantId = await makeTenant(own);
  await inTransaction(own, (tx) => act(tx, tenantId, 'before'));
  await sealTrail({ sql: own, clock });
  assert.equal(await moveOrderOn(own), false, 'on the server where it was made');
  // As restored from a server that has counted much further.
  await own`update unwind.acts set commit_order = commit_order + 1000000000`;
  await own`delete from unwind.seals`;
  await own`
    update unwind.trail_chain set order_offset = 1000000000`;
  await sealTrail({ sql: own, clock });
  await own`update unwind.trail_chain set order_offset = 0`;
  assert.equal(await moveOrderOn(own), true);
  assert.equal(await moveOrderOn(own), false, 'once');
  await inTransaction(own, (tx) => act(tx, tenantId, 'after'));
  await sealTrail({ sql: own, clock });
  const { counts, findings } = await verifyTrail(own, { tables, now: clock.now() });
  assert.deepEqual([findings.listed, counts.acts, counts.unsealed], [[], 2, 0]);
});

test('of processes that start at once after a restore one moves the order on, once', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenantId = await makeTenant(own);
  await own`update unwind.trail_chain set order_offset = 1000000000`;
  await inTransaction(own, (tx) => act(tx, tenantId, 'before'));
  await sealTrail({ sql: own, clock });
  await own`update unwind.trail_chain set order_offset = 0`;
  const moved = await Promise.all([1, 2, 3, 4].map(() => moveOrderOn(own)));
  assert.deepEqual(moved.filter((one) => one).length, 1);
  const [chain] = await own<{ order_offset: string }[]>`
    select c.order_offset from unwind.trail_chain c`;
  assert.ok(Number(chain?.order_offset) <= 1_000_000_000);
});

test('an entry from ahead of all seals does not move the order on, and is found', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenantId = await makeTenant(own);
  await inTransaction(own, (tx) => act(tx, tenantId, 'sealed'));
  await sealTrail({ sql: own, clock });
  const [server] = await own<{ next: string }[]>`
    select pg_snapshot_xmax(pg_current_snapshot()) as next`;
  // It counts the transactions of all other tests as well.
  const next = BigInt(server?.next ?? assert.fail());
  for (const ahead of [next + 1_000_000n, 2n ** 63n - 1n]) {
    await own`delete from unwind.acts where target = 'ahead'`;
    await inTransaction(own, (tx) => act(tx, tenantId, 'ahead'));
    await own`update unwind.acts set commit_order = ${ahead} where target = 'ahead'`;
    assert.equal(await moveOrderOn(own), false);
    await sealTrail({ sql: own, clock });
    const { findings } = await verifyTrail(own, { tables, now: clock.now() });
    assert.deepEqual(
      findings.listed.map(({ kind }) => kind),
      ['act_inserted'],
    );
  }
});

test('no tenant waits for those before it that always have something', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenants = (await Promise.all([1, 2, 3].map(() => makeTenant(own)))).toSorted();
  const [first, , last] = tenants as [TenantId, TenantId, TenantId];
  await inTransaction(own, (tx) => act(tx, last, 'waits'));
  const sealer: Sealer = { sql: own, clock, tenantsMax: 1 };
  for (let turn = 0; turn < 2; turn += 1) {
    await inTransaction(own, (tx) => act(tx, first, 'busy'));
    assert.equal(await sealTrail(sealer), true);
  }
  const rows = await own`select from unwind.seals s where s.tenant_id = ${last}`;
  assert.equal(rows.length, 1);
  while (await sealTrail(sealer));
  const { counts, findings } = await verifyTrail(own, { tables, now: clock.now() });
  assert.deepEqual([findings.listed, counts.unsealed], [[], 0]);
});

test('beside a long transaction only what is new is looked at', async (t) => {
  const { sql: own } = await createTestDatabase(t);
  const tenantId = await makeTenant(own);
  await own`
    insert into unwind.acts (
      tenant_id, commit_order, act_id, acted_at, kind, actor, operation, target
    )
    select
      ${tenantId}, 5000 + n, gen_random_uuid(), now(), 'client', 'somebody', 'operation', 'target'
    from generate_series(1, 2000) n`;
  await own`analyze unwind.acts`;
  const snapshot = fragment`'5000:7001:5000,5007'::pg_snapshot`;
  const rows = await own<{ 'QUERY PLAN': readonly object[] }[]>`
    explain (analyze, format json)
    select a.act_id
    from unwind.acts a
    where a.tenant_id = ${tenantId}
      and ${unsealedSql(fragment`a`, snapshot)}`;
  const plan = JSON.stringify(rows[0]?.['QUERY PLAN']);
  assert.match(plan, /"Actual Rows":1(\.0+)?,/);
  const looked = [...plan.matchAll(/"Rows Removed by (?:Filter|Index Recheck)":([0-9]+)/g)];
  assert.ok(
    looked.every(([, count]) => Number(count) < 10),
    plan,
  );
});

test('the upgrade waits for older processes that write, and records what they have written', async (t) => {
  const { sql: own } = await createTestDatabase(t, { migrated: false });
  const all = new URL('../../src/db/migrations/', import.meta.url);
  const older = await mkdtemp(join(testDirectory(), 'older-'));
  t.after(() => rm(older, { recursive: true }));
  for (const name of await readdir(all)) {
    if (name < '0012') await cp(new URL(name, all), join(older, name), { recursive: true });
  }
  await migrate(own, pathToFileURL(`${older}/`));
  const movementId = newId();
  let upgraded: Promise<unknown> = Promise.resolve();
  await inTransaction(own, async (tx) => {
    // Neither tenant nor account is of matter here.
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into unwind.movements (
        tenant_id, movement_id, account_id, isin, quantity, locked, cash, reason, effective_at, recorded_at
      )
      values (${newId()}, ${movementId}, ${newId()}, 'DE0008404005', 1, 0, 0, 'import', now(), now())`;
    upgraded = migrate(own);
    const isDone = upgraded.then(() => true);
    const isWaiting = async () => {
      const rows = await own`
        select from pg_locks l
        where not l.granted and l.relation = 'unwind.movements'::regclass`;
      return rows.length > 0;
    };
    while (!(await isWaiting())) {
      const isOver = await Promise.race([isDone, new Promise((go) => setImmediate(go, false))]);
      assert.equal(isOver, false, 'it does not wait');
    }
  });
  await upgraded;
  const rows = await own`
    select from unwind.trail_records r where ${movementId} = any (r.ids)`;
  assert.equal(rows.length, 1);
});

test('a snapshot that has grown holds what the one before held and what the later one holds below the cut', () => {
  const order = fc.bigInt({ min: 1n, max: 40n });
  const snapshot = fc.tuple(fc.uniqueArray(order, { maxLength: 8 }), order).map(([some, xmax]) => {
    const underWay = some
      .filter((one) => one < xmax)
      .toSorted((one, other) => (one < other ? -1 : 1));
    return { xmin: underWay[0] ?? xmax, xmax, underWay };
  });
  /** A later one holds all that an earlier one does. */
  const two = fc.tuple(snapshot, snapshot).map(([before, now]) => {
    const xmax = before.xmax > now.xmax ? before.xmax : now.xmax;
    const underWay = now.underWay.filter((one) => !holds(before, one));
    return { before, now: { xmin: underWay[0] ?? xmax, xmax, underWay } };
  });
  fc.assert(
    fc.property(two, fc.option(order, { nil: undefined }), ({ before, now }, cut) => {
      const grown = grownTo(before, now, cut);
      for (let one = 1n; one <= 41n; one += 1n) {
        const isBelow = cut === undefined || one < cut;
        assert.equal(
          holds(grown, one),
          holds(before, one) || (isBelow && holds(now, one)),
          `${one}`,
        );
      }
      assert.ok(grown.xmin <= grown.xmax);
      assert.deepEqual(parseSnapshot(snapshotText(grown)), grown);
    }),
  );
  assert.equal(holds(noneYet, 1n), false);
});
