// The plans of the loops' statements while the statistics of the database know nothing of a large
// tenant, since it came after they were taken: no statement may read all its rows to find some of
// them. Planned so, the time of a batch grows with all that the tenant has ever done.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { raw } from '../../src/db/sql.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { type SentStatement, sentDuring, withValues } from '../support/statements.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const isins = ['DE0007164600', 'DE0008404005', 'DE0007236101'];
const instruments = isins.map((isin) => ({ isin, price: '10' }));
const positions = isins.map((isin) => ({ isin, quantity: '3' }));

/** Tables that grow with every liquidation, and the columns in which each row has values of its own. */
const grows: Readonly<Record<string, readonly string[]>> = {
  accounts: ['account_id'],
  positions: ['account_id'],
  liquidations: ['liquidation_id', 'account_id'],
  orders: ['order_id', 'liquidation_id', 'account_id'],
  submissions: ['client_order_id', 'order_id', 'liquidation_id'],
  executions: ['execution_id', 'venue_execution_id', 'order_id', 'liquidation_id', 'account_id'],
  movements: ['movement_id', 'execution_id', 'account_id'],
};

/** Indexes of what waits: they are read from their beginning, up to a limit. */
const queues = new Set([
  'liquidations_to_release',
  'liquidations_due',
  'liquidations_to_advance',
  'liquidations_to_stop',
  'orders_to_submit',
  'submissions_leased',
  'submissions_in_flight',
]);

const steps = engineSteps(sql, clock, { delayMs: 0 });

/** Asks for the liquidation of so many accounts of a tenant of their own. */
async function ask(accounts: number): Promise<void> {
  const made = await makeBook(sql, {
    tenantId: await makeTenant(sql),
    instruments,
    accounts: Array.from({ length: accounts }, () => ({ positions })),
  });
  for (const account of made) await askToLiquidate(sql, clock, account);
}

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly Plan[];
}

/** What in a plan reads all that a tenant has: no condition, or none but on the tenant. */
function readsAll(plan: Plan, table?: string): readonly string[] {
  const relation = plan['Relation Name'] ?? table ?? '';
  const inside = (plan.Plans ?? []).flatMap((child) => readsAll(child, relation));
  if (!Object.hasOwn(grows, relation)) return inside;
  const { 'Node Type': type, 'Index Name': index = '', 'Index Cond': condition = '' } = plan;
  const columns = condition.match(/\w+(?= (?:=|>|<|>=|<=) )/g) ?? [];
  const isByKey = columns.some((column) => column !== 'tenant_id');
  const isWrong = type === 'Seq Scan' || (type.includes('Index') && !queues.has(index) && !isByKey);
  return isWrong ? [`${type} of ${relation} ${index} ${condition}`, ...inside] : inside;
}

async function planOf(statement: SentStatement): Promise<Plan> {
  const rows = await sql<{ 'QUERY PLAN': readonly { Plan: Plan }[] }[]>`
    explain (format json) ${raw(withValues(statement))}`;
  return rows[0]?.['QUERY PLAN'][0]?.Plan ?? assert.fail();
}

/** Makes tables as large as a year does, by copies of what is there under ids of their own. */
async function multiply(times: number): Promise<void> {
  await inTransaction(sql, async (tx) => {
    await tx.script("set local session_replication_role = 'replica'");
    for (const [table, columns] of Object.entries(grows)) {
      const names = await tx<{ name: string }[]>`
        select a.attname as name
        from pg_attribute a
        where a.attrelid = ${`unwind.${table}`}::regclass
          and a.attnum > 0
          and not a.attisdropped
          and a.attgenerated = ''`;
      const values = names.map(({ name }) => {
        if (!columns.includes(name)) return `t.${name}`;
        if (name === 'client_order_id') return 'left(md5(random()::text), 20)';
        if (name === 'venue_execution_id') return 'gen_random_uuid()::text';
        return `case when t.${name} is not null then gen_random_uuid() end`;
      });
      const into = names.map(({ name }) => name).join(', ');
      await tx.script(`
        insert into unwind.${table} (${into})
        select ${values.join(', ')}
        from unwind.${table} t
        cross join generate_series(1, ${times})`);
    }
  });
}

test('a batch is found by its keys, however little is known of the tenant and much is there', async () => {
  await ask(20);
  await runUntilIdle(steps);
  for (const table of Object.keys(grows)) {
    await sql.script(`alter table unwind.${table} set (autovacuum_enabled = false)`);
  }
  await sql.script('analyze');
  await ask(20);
  await runUntilIdle(steps);
  await multiply(200);
  await ask(10);
  const { statements } = await sentDuring(() => runUntilIdle(steps));
  const ofBatches = new Map(
    statements
      .filter(({ text }) => /^\s*(select|with|update|insert|delete)\b/.test(text))
      .map((statement) => [statement.text, statement]),
  );
  const wrong: string[] = [];
  for (const statement of ofBatches.values()) {
    const shown = statement.text.replaceAll(/\s+/g, ' ').slice(0, 200);
    for (const node of readsAll(await planOf(statement))) wrong.push(`${node}: ${shown}`);
  }
  assert.deepEqual(wrong, []);
  assert.ok(ofBatches.size > 30, 'the statements of all steps were seen');
});
