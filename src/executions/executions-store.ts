// The statements of executions: which are known, which are void, and the movements they make in the
// book. Called under the locks of the orders they belong to.

import { movementsSql, type Rate, recordedMovements } from '../book/store.ts';
import type { Tx } from '../db/connect.ts';
import { type RowOf, rowsOf, thingOf } from '../db/row.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, LiquidationId, OrderId, TenantId } from '../ids.ts';
import { type Decimal, decimal, zero } from '../money.ts';
import { type RecordedRows, recordedSql, recordSql } from '../trail/records-store.ts';

/** An execution as its venue names it. */
export interface ExecutionName {
  readonly venue: string;
  readonly venueExecutionId: string;
}

/** An execution that is recorded. */
export interface KnownExecution extends ExecutionName {
  readonly executionId: string;
  readonly clientOrderId: string;
  readonly quantity: Decimal;
  readonly proceeds: Decimal;
  /** Units it sold that the account did not have. */
  readonly uncovered: Decimal;
}

/** That the venue declared an execution void, wherever that execution is. */
export interface Bust extends ExecutionName {
  readonly clientOrderId: string;
  readonly transactionAt: Date;
}

/** Which of these executions are recorded already. */
export async function findKnownExecutions(
  tx: Tx,
  which: { tenantId: TenantId; names: readonly ExecutionName[] },
): Promise<readonly KnownExecution[]> {
  const { tenantId, names } = which;
  const rows = await tx<RowOf<KnownExecution>[]>`
    select
      e.venue, e.venue_execution_id, e.execution_id, e.client_order_id, e.quantity, e.proceeds,
      (
        select m.uncovered
        from unwind.movements m
        where m.tenant_id = e.tenant_id
          and m.execution_id = e.execution_id
          and m.reason = 'execution'
      ) as uncovered
    from ${rowsOf(names, { tenantId }).as('n (tenant_id uuid, venue text, venue_execution_id text)')}
    join unwind.executions e using (tenant_id, venue, venue_execution_id)`;
  const decimals = { quantity: decimal, proceeds: decimal, uncovered: decimal };
  return rows.map((row) => thingOf<KnownExecution>(row, decimals));
}

/** Which of these executions are void already, recorded or not. */
export async function findBusts(
  tx: Tx,
  which: { tenantId: TenantId; names: readonly ExecutionName[] },
): Promise<readonly Bust[]> {
  const { tenantId, names } = which;
  const rows = await tx<RowOf<Bust>[]>`
    select b.venue, b.venue_execution_id, b.client_order_id, b.transaction_at
    from ${rowsOf(names, { tenantId }).as('n (tenant_id uuid, venue text, venue_execution_id text)')}
    join unwind.busts b using (tenant_id, venue, venue_execution_id)`;
  return rows.map((row) => thingOf<Bust>(row));
}

export interface NewExecution {
  readonly executionId: string;
  readonly movementId: string;
  readonly venue: string;
  readonly venueExecutionId: string;
  readonly clientOrderId: string;
  readonly orderId: OrderId;
  readonly liquidationId: LiquidationId;
  readonly accountId: AccountId;
  readonly isin: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  /** In the currency of the account. */
  readonly proceeds: Decimal;
  /** Of the price. */
  readonly currency: string;
  /** What converted it; undefined: it is that of the account. */
  readonly rate: Rate | undefined;
  readonly executedAt: Date;
}

/** Units by execution that the account did not have; none where not listed. */
export type Uncovered = ReadonlyMap<string, Decimal>;

/** Records executions, each with the movement it makes in the book. */
export async function insertExecutions(
  tx: Tx,
  batch: {
    tenantId: TenantId;
    executions: readonly NewExecution[];
    uncovered: Uncovered;
    now: Date;
  },
): Promise<void> {
  const { tenantId, executions, uncovered, now } = batch;
  if (executions.length === 0) return;
  const moves = executions.map(({ executionId, movementId }) => {
    return { executionId, movementId, uncovered: uncovered.get(executionId) ?? zero };
  });
  const sales = fragment`
    select
      r.tenant_id, n.movement_id, r.account_id, r.isin,
      n.uncovered - r.quantity as quantity,
      0 as locked,
      r.proceeds as cash,
      'execution' as reason,
      r.execution_id,
      null as reference,
      r.executed_at as effective_at,
      n.uncovered
    from recorded r
    join ${rowsOf(moves).as('n (execution_id uuid, movement_id uuid, uncovered numeric)')}
      on n.execution_id = r.execution_id`;
  // Most of a batch is of one venue and one quarter of an hour, for which the calendar is asked once: no time zone
  // changes the day within one.
  await tx`
    with days as materialized (
      select
        q.venue, q.quarter,
        unwind.settlement_date(q.venue, unwind.trade_date(q.venue, q.quarter)) as settlement_date
      from (
        select distinct n.venue, date_bin('15 minutes', n.executed_at, 'epoch') as quarter
        from ${rowsOf(executions).as('n (venue text, executed_at timestamptz)')}
      ) q
    ),
    recorded as (
      insert into unwind.executions as e (
        tenant_id, execution_id, venue, venue_execution_id, client_order_id, order_id,
        liquidation_id, account_id, isin, quantity, price, proceeds, executed_at, currency, rate,
        rate_as_of, recorded_at, settlement_date
      )
      select
        ${tenantId}, n.execution_id, n.venue, n.venue_execution_id, n.client_order_id, n.order_id,
        n.liquidation_id, n.account_id, n.isin, n.quantity, n.price, n.proceeds, n.executed_at,
        n.currency, n.rate, n.as_of, ${now}, d.settlement_date
      from ${rowsOf(executions.map(({ rate, ...one }) => ({ ...one, ...rate }))).as(`n (
        execution_id uuid, venue text, venue_execution_id text, client_order_id text, order_id uuid,
        liquidation_id uuid, account_id uuid, isin text, quantity numeric, price numeric,
        proceeds numeric, executed_at timestamptz, currency text, rate numeric, as_of timestamptz
      )`)}
      join days d on d.venue = n.venue and d.quarter = date_bin('15 minutes', n.executed_at, 'epoch')
      returning
        e.tenant_id, e.execution_id, e.account_id, e.isin, e.quantity, e.proceeds, e.executed_at,
        ${recordedSql(recordedExecutions)}
    ),
    moved as (${movementsSql(sales, now)}),
    executions_kept as (${recordSql(recordedExecutions, fragment`select * from recorded`)})
    ${recordSql(recordedMovements, fragment`select * from moved`)}`;
}

/** What the trail holds of executions: all but when one was declared void, which follows from a movement. */
export const recordedExecutions: RecordedRows = {
  kind: 'execution/1',
  noun: 'execution',
  from: fragment`unwind.executions e`,
  tenantId: fragment`e.tenant_id`,
  id: fragment`e.execution_id`,
  recordedAt: fragment`e.recorded_at`,
  bytes: fragment`
    record_send(row(
      e.tenant_id, e.execution_id, e.venue, e.venue_execution_id, e.client_order_id, e.order_id,
      e.liquidation_id, e.account_id, e.isin, e.quantity, e.price, e.proceeds, e.currency, e.rate,
      e.rate_as_of, e.executed_at,
      e.recorded_at, e.settlement_date
    ))`,
  contradictions: (tenantId) => fragment`
    select e.execution_id as id, 'is void, or not, against its movements' as message
    from unwind.executions e
    left join unwind.movements m
      on m.tenant_id = e.tenant_id
      and m.execution_id = e.execution_id
      and m.reason = 'bust'
    where e.tenant_id = ${tenantId}
      and e.busted_at is distinct from m.recorded_at`,
};

/** Records what the venue declared void; what is known already changes nothing. */
export async function insertBusts(
  tx: Tx,
  batch: { tenantId: TenantId; busts: readonly Bust[]; now: Date },
): Promise<void> {
  const { tenantId, busts, now } = batch;
  if (busts.length === 0) return;
  await tx`
    insert into unwind.busts (
      tenant_id, venue, venue_execution_id, client_order_id, transaction_at, recorded_at
    )
    select
      ${tenantId}, n.venue, n.venue_execution_id, n.client_order_id, n.transaction_at, ${now}
    from ${rowsOf(busts).as(`n (
      venue text, venue_execution_id text, client_order_id text, transaction_at timestamptz
    )`)}
    on conflict (tenant_id, venue, venue_execution_id) do nothing`;
}

/** An execution that is void: what it sold returns, what it earned goes. */
export interface BustedExecution {
  readonly executionId: string;
  readonly movementId: string;
  readonly at: Date;
}

/** Marks executions as void, each with the movement that is the reverse of its own. */
export async function bustExecutions(
  tx: Tx,
  batch: { tenantId: TenantId; busted: readonly BustedExecution[]; now: Date },
): Promise<number> {
  const { tenantId, busted, now } = batch;
  if (busted.length === 0) return 0;
  const reverse = fragment`
    select
      m.tenant_id, v.movement_id, m.account_id, m.isin,
      -m.quantity as quantity,
      0 as locked,
      -m.cash as cash,
      'bust' as reason,
      m.execution_id,
      null as reference,
      v.at as effective_at,
      -m.uncovered as uncovered
    from void v
    join unwind.movements m
      on m.tenant_id = v.tenant_id
      and m.execution_id = v.execution_id
      and m.reason = 'execution'`;
  const rows = await tx`
    with void as (
      update unwind.executions e
      set busted_at = ${now}
      from ${rowsOf(busted, { tenantId }).as(`n (
        tenant_id uuid, execution_id uuid, movement_id uuid, at timestamptz
      )`)}
      where e.tenant_id = n.tenant_id
        and e.execution_id = n.execution_id
        and e.busted_at is null
      returning e.tenant_id, e.execution_id, n.movement_id, n.at
    ),
    moved as (${movementsSql(reverse, now)}),
    kept as (${recordSql(recordedMovements, fragment`select * from moved`)})
    select
    from moved`;
  return rows.count;
}
