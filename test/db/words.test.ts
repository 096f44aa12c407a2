// Migration 0024: what 0.2.0 has written has the words of today, and no row is another one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrate } from '../../src/db/migrate.ts';
import { raw, type Sql } from '../../src/db/sql.ts';
import { createTestDatabase } from '../support/database.ts';
import { firstSteps } from './migrations-folder.ts';

const id = '019a0000-0000-7000-8000-000000000001';

/** Rows of 0.2.0; no parents, since what is looked at is each table alone. */
const rowsOfBefore = `
  set session_replication_role = replica;
  insert into unwind.submissions (
    tenant_id, client_order_id, order_id, liquidation_id, venue, quantity, status, lease_epoch, sent_at,
    updated_at, final_quantity, outcome
  )
  select '${id}', o, '${id}', '${id}', 'XSIM', 1, 'DONE', 0, now(), now(), 0, o
  from unnest(array['filled', 'cancelled', 'refused', 'postponed']) o;
  insert into unwind.liquidations (
    tenant_id, liquidation_id, account_id, user_id, sequence, status, cash_amount, event_count,
    release_at, created_at, updated_at, ended_at, end_reason
  )
  select '${id}', gen_random_uuid(), '${id}', '${id}', n, 'CANCELLED', 0, 2, now(), now(), now(), now(), r
  from unnest(array['client', 'refused', 'limit']) with ordinality u (r, n);
  insert into unwind.venue_reports (
    tenant_id, venue, report_id, client_order_id, type, cumulative_quantity, transaction_at, received_at
  )
  select '${id}', 'XSIM', r, r, r, 0, now(), now()
  from unnest(array['cancelled', 'rejected', 'postponed']) r;
  insert into unwind.fix_orders (
    tenant_id, client_order_id, venue, isin, quantity, status, queued_at, cumulative_quantity,
    cancel_requests, refusal, is_refusal_temporary
  )
  values
    ('${id}', 'a', 'XFIX', 'DE0007164600', 1, 'DONE', now(), 0, 0, 'unknown account', false),
    ('${id}', 'b', 'XFIX', 'DE0007164600', 1, 'WORKING', now(), 0, 0, null, null);
  insert into unwind.fix_reports (
    venue, number, tenant_id, client_order_id, type, cumulative_quantity, transaction_at
  )
  select 'XFIX', n, '${id}', 'b', r, 0, now()
  from unnest(array['cancelled', 'postponed']) with ordinality u (r, n);
  insert into simulated_venue.reports (
    firm, report, client_order_id, venue_order_id, due_at, type, cumulative_quantity, transaction_at
  )
  select '${id}', gen_random_uuid(), r, r, now(), r, 0, now()
  from unnest(array['cancelled', 'rejected', 'postponed']) r;
  insert into simulated_venue.behaviours (isin, course, one_in)
  values ('DE0007164600', 'refused', 1), ('DE0008404005', 'resting', 1);
  insert into simulated_venue.journal (
    firm, client_order_id, isin, side, quantity, outcome, reason, received_at, temporary
  )
  select '${id}', o, 'DE0007164600', 'SELL', 1, o, case o when 'refused' then 'halted' end, now(), o = 'refused'
  from unnest(array['refused', 'repeated']) o;
  insert into unwind.delivery_attempts (
    tenant_id, webhook_id, place, attempt_id, kind, attempted_at, duration_ms, outcome, answer, attempt, events
  )
  values ('${id}', '${id}', 1, '${id}', 'delivery', now(), 1, 'answered 500', 'try later', 1, 1);
  insert into unwind.batches (
    tenant_id, batch_id, status, reason, person, accounts, start_at, created_at, updated_at, event_count,
    next_at, told, told_at
  )
  values ('${id}', '${id}', 'SCHEDULED', 'r', 'p', 1, now(), now(), now(), 1, now(), 'half', now());
  set session_replication_role = origin;
`;

async function valuesOf(sql: Sql, table: string, column: string): Promise<readonly unknown[]> {
  const rows = await sql<{ value: string | null }[]>`
    select t.${raw(column)} as value from ${raw(table)} t order by t.${raw(column)} collate "C" nulls last`;
  return rows.map(({ value }) => value);
}

test('what an older version has written has the words of today', async (t) => {
  const { sql } = await createTestDatabase(t, { migrated: false });
  await migrate(sql, await firstSteps(t, 23));
  await sql.script(rowsOfBefore);
  const applied = await migrate(sql);
  assert.equal(applied[0]?.name, 'words-of-the-field');
  const expected = {
    'unwind.submissions outcome': ['cancelled', 'filled', 'rejected', 'suspended'],
    'unwind.liquidations end_reason': ['client', 'limit', 'rejected'],
    'unwind.venue_reports type': ['cancelled', 'rejected', 'suspended'],
    'unwind.fix_orders rejection': ['unknown account', null],
    'unwind.fix_reports type': ['cancelled', 'suspended'],
    'simulated_venue.reports type': ['cancelled', 'rejected', 'suspended'],
    'simulated_venue.behaviours course': ['rejected', 'resting'],
    'simulated_venue.journal outcome': ['rejected', 'repeated'],
    'unwind_v1.venue_journal outcome': ['accepted', 'rejected', 'rejected', 'repeated'],
    'unwind.delivery_attempts response': ['try later'],
    'unwind.batches progress': ['half'],
  };
  for (const [place, values] of Object.entries(expected)) {
    const [table = '', column = ''] = place.split(' ');
    assert.deepEqual(await valuesOf(sql, table, column), values, place);
  }
});
