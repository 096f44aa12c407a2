// Every transition of every table, allowed and refused: by the code that follows the tables, and by the
// triggers of the database; and the drawings are made of them.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { ImpossibleState } from '../../src/assert.ts';
import { batchTransitions } from '../../src/batches/batch.ts';
import type { Sql } from '../../src/db/connect.ts';
import { raw } from '../../src/db/sql.ts';
import { newId } from '../../src/ids.ts';
import { liquidationTransitions } from '../../src/liquidations/liquidation.ts';
import { orderTransitions, submissionTransitions } from '../../src/orders/order.ts';
import { follow, type Transitions } from '../../src/state-machine.ts';
import { arrowsOf, stateMachinesPage } from '../../tools/state-machines.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { createTestDatabase } from '../support/database.ts';
import { isCheckViolation } from '../support/errors.ts';

/** One state machine: its table, what it must allow, and how a row looks in each state. */
interface Machine {
  readonly name: 'liquidations' | 'orders' | 'submissions' | 'batches';
  readonly table: Transitions<string>;
  /** Each arrow that may be there, and no other. */
  readonly allowed: readonly string[];
  /** SQL: the columns that differ by state, in one order, with their values. */
  readonly columns: readonly string[];
  readonly states: Readonly<Record<string, readonly string[]>>;
}

const machines: readonly Machine[] = [
  {
    name: 'liquidations',
    table: liquidationTransitions,
    allowed: [
      'NEW released PROCESSING',
      'NEW flat FILLED',
      'NEW rejected CANCELLED',
      'NEW client CANCELLED',
      'NEW limit CANCELLED',
      'NEW abandoned CANCELLED',
      'PROCESSING flat FILLED',
      'PROCESSING rejected CANCELLED',
      'PROCESSING limit CANCELLED',
      'PROCESSING abandoned CANCELLED',
      'FILLED settled SETTLED',
    ],
    columns: [
      'contract',
      'released_at',
      'advance_at',
      'ended_at',
      'end_reason',
      'settle_at',
      'settled_at',
    ],
    states: {
      NEW: ["'2026'", 'null', 'null', 'null', 'null', 'null', 'null'],
      PROCESSING: ["'2026'", 'now()', 'now()', 'null', 'null', 'null', 'null'],
      FILLED: ["'2026'", 'now()', 'null', 'now()', "'flat'", 'now()', 'null'],
      SETTLED: ["'2026'", 'now()', 'null', 'now()', "'flat'", 'now()', 'now()'],
      CANCELLED: ["'2026'", 'null', 'null', 'now()', "'client'", 'null', 'null'],
    },
  },
  {
    name: 'orders',
    table: orderTransitions,
    allowed: [
      'NEW sent PROCESSING',
      'NEW stopped CANCELLED',
      'PROCESSING sent PROCESSING',
      'PROCESSING tried_again PROCESSING',
      'PROCESSING filled FILLED',
      'PROCESSING cancelled CANCELLED',
      'PROCESSING stopped CANCELLED',
    ],
    columns: ['submissions', 'submit_at', 'filled_quantity', 'ended_at', 'cancellation_reason'],
    states: {
      NEW: ['0', 'now()', '0', 'null', 'null'],
      PROCESSING: ['1', 'null', '0', 'null', 'null'],
      FILLED: ['1', 'null', '5', 'now()', 'null'],
      CANCELLED: ['1', 'null', '0', 'now()', "'halted for good'"],
    },
  },
  {
    name: 'submissions',
    table: submissionTransitions,
    allowed: ['SENDING answered WORKING', 'SENDING reported DONE', 'WORKING reported DONE'],
    columns: ['lease_holder', 'lease_expires_at', 'outcome', 'final_quantity'],
    states: {
      SENDING: ['gen_random_uuid()', 'now()', 'null', 'null'],
      WORKING: ['null', 'null', 'null', 'null'],
      DONE: ['null', 'null', "'cancelled'", '0'],
    },
  },
  {
    name: 'batches',
    table: batchTransitions,
    allowed: [
      'PENDING_APPROVAL approved SCHEDULED',
      'PENDING_APPROVAL declined CANCELLING',
      'PENDING_APPROVAL expired CANCELLING',
      'PENDING_APPROVAL cancel CANCELLING',
      'SCHEDULED due RUNNING',
      'SCHEDULED pause PAUSED',
      'SCHEDULED cancel CANCELLING',
      'RUNNING pause PAUSED',
      'RUNNING cancel CANCELLING',
      'RUNNING ended COMPLETED',
      'PAUSED resume RUNNING',
      'PAUSED reschedule SCHEDULED',
      'PAUSED cancel CANCELLING',
      'CANCELLING ended CANCELLED',
    ],
    columns: ['next_at', 'started_at', 'paused_at', 'ended_at', 'refused', 'approval_id'],
    states: {
      PENDING_APPROVAL: ['now()', 'null', 'null', 'null', '0', 'gen_random_uuid()'],
      SCHEDULED: ['now()', 'null', 'null', 'null', '0', 'null'],
      RUNNING: ['now()', 'now()', 'null', 'null', '1', 'null'],
      PAUSED: ['null', 'now()', 'now()', 'null', '0', 'null'],
      CANCELLING: ['now()', 'now()', 'null', 'null', '1', 'null'],
      CANCELLED: ['null', 'now()', 'null', 'now()', '1', 'null'],
      COMPLETED: ['null', 'now()', 'null', 'now()', '1', 'null'],
    },
  },
];

/** Inserts one row of each table, in the given state where it is the one of the machine. */
async function insertRow(sql: Sql, { name, columns, states }: Machine, state: string) {
  const tenantId = await makeTenant(sql);
  const instruments = [{ isin: 'DE0007164600', price: '10' }];
  const accounts = [{ positions: [] }];
  const [account] = await makeBook(sql, { tenantId, instruments, accounts });
  assert.ok(account);
  const values = states[state] ?? [];
  const own = (table: string, otherwise: Record<string, string>) => {
    const entries =
      table === name
        ? [['status', `'${state}'`], ...columns.map((column, i) => [column, values[i] ?? ''])]
        : Object.entries(otherwise);
    return {
      names: raw(entries.map(([column]) => column).join(', ')),
      values: raw(entries.map(([, value]) => value).join(', ')),
    };
  };
  const liquidation = own('liquidations', {
    status: "'PROCESSING'",
    released_at: 'now()',
    open_orders: '1',
  });
  const order = own('orders', { status: "'PROCESSING'", submissions: '1' });
  const batch = own('batches', {});
  if (name === 'batches') {
    await sql`
      insert into unwind.batches (
        tenant_id, batch_id, reason, person, accounts, start_at, created_at, updated_at, event_count,
        ${batch.names}
      )
      select
        ${tenantId}, ${newId()}, 'A test', 'Tester', 1, now(), now(), now(), 1, ${batch.values}`;
    return;
  }
  const [liquidationId, orderId] = [newId(), newId()];
  await sql`
    insert into unwind.liquidations (
      tenant_id, liquidation_id, account_id, user_id, sequence, cash_amount, event_count,
      release_at, created_at, updated_at, ${liquidation.names}
    )
    select
      ${tenantId}, ${liquidationId}, ${account.accountId}, ${account.userId}, 1, 0, 1,
      now(), now(), now(), ${liquidation.values}`;
  if (name === 'liquidations') return;
  await sql`
    insert into unwind.orders (
      tenant_id, order_id, liquidation_id, account_id, isin, round, quantity, created_at,
      updated_at, status_at, ${order.names}
    )
    select
      ${tenantId}, ${orderId}, ${liquidationId}, ${account.accountId}, 'DE0007164600', 1, 5, now(),
      now(), now(), ${order.values}`;
  if (name === 'orders') return;
  const submission = own('submissions', {});
  await sql`
    insert into unwind.submissions (
      tenant_id, client_order_id, order_id, liquidation_id, venue, quantity, lease_epoch,
      sent_at, updated_at, ${submission.names}
    )
    select
      ${tenantId}, 'A', ${orderId}, ${liquidationId}, 'XSIM', 5, 1, now(), now(),
      ${submission.values}`;
}

/** SQL: what is set to bring a row into a state, right in everything but the way there. */
function changeTo({ columns, states }: Machine, state: string): string {
  const values = states[state] ?? [];
  return [`status = '${state}'`, ...columns.map((column, i) => `${column} = ${values[i]}`)].join();
}

for (const machine of machines) {
  const { name, table, allowed, states } = machine;
  const statuses = Object.keys(states);
  const causes = new Set(arrowsOf(table).map(({ cause }) => cause));

  test(`the code takes ${name} along the arrows of their table and no others`, () => {
    const found: string[] = [];
    for (const from of statuses) {
      for (const cause of causes) {
        const step = () => follow(table, { from, cause });
        if (allowed.some((arrow) => arrow.startsWith(`${from} ${cause} `))) {
          found.push(`${from} ${cause} ${step()}`);
        } else {
          assert.throws(step, ImpossibleState, `${from} ${cause}`);
        }
      }
    }
    assert.deepEqual(found.sort(), [...allowed].sort());
    assert.deepEqual(Object.keys(table).sort(), [...statuses].sort());
  });

  test(`the database takes ${name} along the same arrows and no others`, async (t) => {
    const { sql } = await createTestDatabase(t);
    const arrows = new Set(allowed.map((arrow) => arrow.replace(/ \w+ /, ' ')));
    for (const from of statuses) {
      for (const to of statuses) {
        await sql`delete from unwind.submissions`;
        await sql`delete from unwind.orders`;
        await sql`delete from unwind.liquidations`;
        await sql`delete from unwind.batches`;
        await insertRow(sql, machine, from);
        const change = raw(`update unwind.${name} set ${changeTo(machine, to)}`);
        if (from === to || arrows.has(`${from} ${to}`)) {
          assert.equal((await sql`${change}`).count, 1, `${from} to ${to}`);
        } else {
          const isRefused = (error: unknown) => isCheckViolation(error, `${name}_transitions`);
          await assert.rejects(sql`${change}`, isRefused, `${from} to ${to}`);
        }
      }
    }
  });
}

test('docs/state-machines.md is drawn from the tables', async () => {
  const page = await readFile(new URL('../../docs/state-machines.md', import.meta.url), 'utf8');
  assert.equal(
    page,
    stateMachinesPage(),
    'run: node tools/state-machines.ts > docs/state-machines.md',
  );
});
