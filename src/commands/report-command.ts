// `unwind report`: how much was sold since midnight, or since another time, what is open, and what it waits for.

import { listClients } from '../auth/clients-store.ts';
import { findTenant } from '../auth/store.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { readToday, type Today } from '../metrics/today-store.ts';
import { decimal, sum } from '../money.ts';
import { type OnDatabase, printJson } from './run.ts';
import { tableText } from './table.ts';
import { RefusedError } from './usage-error.ts';

export interface ReportOptions {
  readonly client?: TenantId;
  readonly since?: Date;
  readonly json?: true;
}

/** Clients that are read at once. */
const clientsAtOnceMax = 500;

interface OfClient {
  readonly client: TenantId;
  readonly name: string;
  readonly today: Today;
}

/** Midnight in UTC: what the day is, everybody reads the same. */
export function beginOfDay(at: Date): Date {
  return new Date(`${at.toISOString().slice(0, 10)}T00:00:00.000Z`);
}

/** Prints the report, of all clients where none is named. @returns 0. @throws RefusedError: no such client. */
export async function runReport(
  { sql, clock, stdout }: OnDatabase,
  { client, since, json }: ReportOptions,
): Promise<number> {
  const from = since ?? beginOfDay(clock.now());
  const all: OfClient[] = [];
  for await (const { tenantId, name } of wanted(sql, client)) {
    const today = await readToday(sql, { tenantId, from, minutesFrom: clock.now() });
    all.push({ client: tenantId, name, today });
  }
  if (json) printJson(stdout, { from: from.toISOString(), clients: all.map(documentOf) });
  else stdout.write(textOf(from, all));
  return 0;
}

async function* wanted(sql: Sql, client: TenantId | undefined) {
  if (client !== undefined) {
    const tenant = await findTenant(sql, client);
    if (tenant === undefined) throw new RefusedError(`there is no client ${client}.`);
    yield { tenantId: client, name: tenant.name };
    return;
  }
  for (let after: TenantId | undefined; ; ) {
    const page = await listClients(sql, { after, limit: clientsAtOnceMax });
    yield* page;
    if (page.length < clientsAtOnceMax) return;
    after = page.at(-1)?.tenantId;
  }
}

function documentOf({ client, name, today }: OfClient): object {
  return {
    client_id: client,
    name,
    asked: today.asked.all,
    filled: today.asked.FILLED,
    cancelled: today.asked.CANCELLED,
    executions: today.sold.executions,
    proceeds: today.sold.proceeds,
    open: { new: today.open.NEW, processing: today.open.PROCESSING },
    oldest_at: today.oldestAt?.toISOString() ?? null,
    waiting: today.waiting,
    parked: today.parked,
  };
}

function textOf(from: Date, all: readonly OfClient[]): string {
  const head = ['client', 'asked', 'filled', 'cancelled', 'executions', 'EUR', 'open', 'parked'];
  const rows = all.map(({ name, today }) => rowOf(name, today));
  const total = [
    'all',
    ...[1, 2, 3, 4].map((i) => String(rows.reduce((n, row) => n + Number(row[i]), 0))),
    sum(all.map(({ today }) => decimal(today.sold.proceeds))).toFixed(2),
    ...[6, 7].map((i) => String(rows.reduce((n, row) => n + Number(row[i]), 0))),
  ];
  const table = tableText([head, ...rows, ...(rows.length > 1 ? [total] : [])]);
  return `since ${from.toISOString()}\n\n${table}${waitsOf(all)}`;
}

function rowOf(name: string, { asked, sold, open, parked }: Today): readonly string[] {
  const counts = [asked.all, asked.FILLED, asked.CANCELLED, sold.executions].map(String);
  return [name, ...counts, sold.proceeds, String(open.NEW + open.PROCESSING), String(parked)];
}

function waitsOf(all: readonly OfClient[]): string {
  const rows = all.flatMap(({ name, today }) => {
    return today.waiting.map(({ reason, count }) => [name, reason, String(count)]);
  });
  if (rows.length === 0) return '\nNothing is open.\n';
  const counted = all.some(
    ({ today }) => today.open.NEW + today.open.PROCESSING > today.waitingCounted,
  );
  const note = counted ? 'Reasons of the oldest 500 of each client are counted.\n' : '';
  return `\n${tableText([['client', 'waits for', 'liquidations'], ...rows])}${note}`;
}
