// What must be true of deliveries: every receiver has every event it asked for, first arrivals in the
// order in which things happened, the same bytes under one id, what was replayed once more, and what
// was not refused arrived although other things were. Each violation is one sentence.
import type { Sql } from '../../src/db/connect.ts';
import type { Arrival, Receiver } from './receivers.ts';

const shownMax = 5;

/** An event of the log. */
export interface EventRow {
  readonly tenant_id: string;
  readonly event_id: string;
  readonly account_id: string;
  readonly liquidation_id: string;
  readonly type: string;
  readonly object: string;
  /** Place in the tenant's log, from 1. */
  readonly position: number | null;
}

/** All events, those of an account in the order in which they happened. */
export function readEventRows(sql: Sql): Promise<readonly EventRow[]> {
  return sql<EventRow[]>`
    select
      e.tenant_id, e.event_id, e.account_id, e.liquidation_id, e.type, e.object,
      e.position::integer as position
    from unwind_v1.events e
    order by e.tenant_id, e.account_id, e.sequence, e.number`;
}

/** A subscription as the database has it. */
interface WebhookRow {
  readonly webhook_id: string;
  readonly position: number;
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly hold_due_at: Date | null;
  readonly url: string;
  readonly is_at_head: boolean;
  readonly enabled: boolean;
  readonly is_leased: boolean;
  readonly holds: number;
  /** Accounts that wait for a replay. */
  readonly set_aside: readonly string[];
}

async function readWebhookRows(sql: Sql): Promise<ReadonlyMap<string, WebhookRow>> {
  const rows = await sql<WebhookRow[]>`
    select
      w.webhook_id, w.url, d.acknowledged_offset::integer as position, d.attempts,
      d.next_attempt_at, d.blocked_due_at as hold_due_at, w.enabled,
      d.lease_holder is not null as is_leased,
      d.acknowledged_offset = coalesce(h.position, 0) as is_at_head,
      (
        select count(*)::integer
        from unwind.blocked_accounts o
        where o.tenant_id = w.tenant_id
          and o.webhook_id = w.webhook_id
      ) as holds,
      array(
        select o.account_id::text
        from unwind.blocked_accounts o
        where o.tenant_id = w.tenant_id
          and o.webhook_id = w.webhook_id
          and o.status = 'set_aside'
      ) as set_aside
    from unwind.webhooks w
    join unwind.deliveries d
      on d.tenant_id = w.tenant_id
      and d.webhook_id = w.webhook_id
    left join unwind.event_heads h on h.tenant_id = w.tenant_id`;
  return new Map(rows.map((row) => [new URL(row.url).hostname, row]));
}

/** What is to be delivered and is not: everything but what is refused for ever or set aside. */
export async function undelivered(
  sql: Sql,
  receivers: readonly Receiver[],
): Promise<readonly string[]> {
  const standing = await readWebhookRows(sql);
  const rows = await readEventRows(sql);
  return receivers.flatMap((receiver) => {
    const row = standing.get(receiver.host);
    if (row === undefined) return [];
    const taken = takenBy(receiver);
    const { temper, host } = receiver;
    const refused = temper.type === 'refuses for ever' ? temper.refused : undefined;
    const excused = new Set([refused?.accountId, ...row.set_aside]);
    const left = owedTo(receiver, rows).filter((one) => {
      return !taken.has(one.event_id) && !excused.has(one.account_id);
    });
    const shown = left.slice(0, shownMax).map((one) => `${one.event_id} at ${one.position}`);
    const state = `${host}, which ${temper.type}, waits ${JSON.stringify(row)} for`;
    return left.length === 0 ? [] : [`${state} ${left.length}: ${shown.join(', ')}`];
  });
}

/** The subscriptions that have not come to the end of their logs, or for which something is held. */
export async function notAtHead(sql: Sql): Promise<readonly string[]> {
  const standing = await readWebhookRows(sql);
  const left = [...standing.values()].filter((row) => {
    return !row.enabled || !row.is_at_head || row.holds > 0;
  });
  return left.map((row) => `not at the end of its log: ${JSON.stringify(row)}`);
}

export async function faultsOfDeliveries(
  sql: Sql,
  receivers: readonly Receiver[],
  { isUndisturbed }: { isUndisturbed: boolean },
): Promise<readonly string[]> {
  const rows = await readEventRows(sql);
  const standing = await readWebhookRows(sql);
  const faults = [...faultsOfPositions(rows), ...faultsOfCopies(receivers)];
  for (const receiver of receivers) {
    const row = standing.get(receiver.host);
    const own = rows.filter((one) => one.tenant_id === receiver.tenantId);
    const found = [
      ...(row === undefined ? faultsOfMissing(receiver) : faultsOfStanding(row)),
      ...(row === undefined ? [] : faultsOfLosses(receiver, own)),
      ...faultsOfArrivals(receiver, own),
      ...(isUndisturbed && !receiver.isReplayed ? faultsOfRepeats(receiver) : []),
    ];
    const { host, temper } = receiver;
    const name = `the receiver ${host}, which ${temper.type}`;
    faults.push(...found.slice(0, shownMax).map((fault) => `${name}: ${fault}`));
  }
  return faults;
}

function faultsOfMissing({ webhookId, isDeleted }: Receiver): readonly string[] {
  return webhookId === undefined || isDeleted ? [] : ['its subscription is gone'];
}

function faultsOfStanding(row: WebhookRow): readonly string[] {
  const faults: string[] = [];
  if (!row.enabled) faults.push('it is disabled');
  if (!row.is_at_head) faults.push('its mark is not at the end of the log');
  if (row.holds > 0) faults.push(`${row.holds} accounts are held`);
  return faults;
}

/** Places in a log are given once each, without a hole. */
function faultsOfPositions(rows: readonly EventRow[]): readonly string[] {
  return [...Map.groupBy(rows, (row) => row.tenant_id)].flatMap(([tenantId, own]) => {
    const places = own.map(({ position }) => position ?? 0).toSorted((a, b) => a - b);
    const wrong = places.findIndex((position, i) => position !== i + 1);
    return wrong < 0 ? [] : [`the log of ${tenantId} has ${places[wrong]} at place ${wrong + 1}`];
  });
}

/** One event is the same for every receiver, but for the subscription it names. */
function faultsOfCopies(receivers: readonly Receiver[]): readonly string[] {
  const faults: string[] = [];
  const bodies = new Map<string, string>();
  for (const { arrivals, host } of receivers) {
    for (const { eventId, body } of arrivals) {
      const common = body.replace(/"webhook_id":"[^"]*"}$/, '');
      if ((bodies.get(eventId) ?? common) !== common) {
        faults.push(`event ${eventId} came to ${host} with other bytes`);
      }
      bodies.set(eventId, common);
    }
  }
  return faults.slice(0, shownMax);
}

function isAskedFor({ types }: Receiver, type: string): boolean {
  const isOfBatch = type.startsWith('BATCH.');
  return types.some((one) => (one === 'ALL' && !isOfBatch) || type.startsWith(`${one}.`));
}

/** What was published since its subscription stands. */
function owedTo(receiver: Receiver, rows: readonly EventRow[]): readonly EventRow[] {
  const { tenantId, since } = receiver;
  return rows.filter((row) => {
    const isLater = (row.position ?? 0) > since.after;
    return row.tenant_id === tenantId && isLater && isAskedFor(receiver, row.type);
  });
}

function takenBy({ arrivals }: Receiver): ReadonlySet<string> {
  return new Set(arrivals.filter(({ isTaken }) => isTaken).map(({ eventId }) => eventId));
}

function faultsOfLosses(receiver: Receiver, rows: readonly EventRow[]): readonly string[] {
  const taken = takenBy(receiver);
  const owed = owedTo(receiver, rows);
  const faults = owed
    .filter((row) => !taken.has(row.event_id))
    .map((row) => `event ${row.event_id} at ${row.position} never came`);
  for (const { position, head, seen } of receiver.replays) {
    const again = new Set(receiver.arrivals.slice(seen).map(({ eventId }) => eventId));
    const skipped = rows.filter((row) => {
      const at = row.position ?? 0;
      return at >= position && at <= head && isAskedFor(receiver, row.type);
    });
    const missed = skipped.filter((row) => !again.has(row.event_id));
    faults.push(...missed.map((row) => `event ${row.event_id} was not replayed`));
  }
  return faults;
}

function faultsOfArrivals(receiver: Receiver, rows: readonly EventRow[]): readonly string[] {
  const { arrivals, since, isReplayed } = receiver;
  const faults: string[] = [];
  const bodies = new Map<string, string>();
  const firsts: string[] = [];
  for (const { eventId, body } of arrivals) {
    const before = bodies.get(eventId);
    if (before === undefined) firsts.push(eventId);
    else if (before !== body) faults.push(`event ${eventId} came again with other bytes`);
    bodies.set(eventId, body);
  }
  const known = new Map(rows.map((row) => [row.event_id, row]));
  for (const eventId of firsts) {
    const row = known.get(eventId);
    if (row === undefined) faults.push(`event ${eventId} is in no log`);
    else if (!isAskedFor(receiver, row.type)) faults.push(`nobody asked for ${row.type}`);
    else if (!isReplayed && (row.position ?? 0) <= since.before) {
      faults.push(`event ${eventId} is older than the subscription`);
    } else if (bodies.get(eventId)?.includes(`"object":${row.object},`) === false) {
      faults.push(`event ${eventId} came with another object`);
    }
  }
  return [
    ...faults,
    ...faultsOfOrder(receiver, firsts, rows),
    ...faultsOfPackages(arrivals, known),
  ];
}

/** Events of one account arrive first in the order in which they happened. */
function faultsOfOrder(
  receiver: Receiver,
  firsts: readonly string[],
  rows: readonly EventRow[],
): readonly string[] {
  const place = new Map(firsts.map((eventId, i) => [eventId, i]));
  const owed = Map.groupBy(owedTo(receiver, rows), (row) => row.account_id);
  return [...owed].flatMap(([accountId, own]) => {
    const places = own.map((row) => place.get(row.event_id)).filter((at) => at !== undefined);
    const isInOrder = places.every((at, i) => at > (places[i - 1] ?? -1));
    // What comes behind something that never came has overtaken it.
    const missing = own.findIndex((row) => !place.has(row.event_id));
    const isOvertaken = missing >= 0 && own.slice(missing).some((row) => place.has(row.event_id));
    return isInOrder && !isOvertaken ? [] : [`account ${accountId}: events came out of order`];
  });
}

/** The events of one request are ascending. */
function faultsOfPackages(
  arrivals: readonly Arrival[],
  known: ReadonlyMap<string, EventRow>,
): readonly string[] {
  const byRequest = Map.groupBy(arrivals, ({ request }) => request);
  return [...byRequest.values()].flatMap((own) => {
    const positions = own.map(({ eventId }) => known.get(eventId)?.position ?? 0);
    const isAscending = positions.every((at, i) => at > (positions[i - 1] ?? 0));
    return isAscending ? [] : [`a request carried the positions ${positions.join()}`];
  });
}

/** Where nothing went wrong but at receivers, what was taken is never sent again. */
function faultsOfRepeats({ arrivals }: Receiver): readonly string[] {
  const told = new Set<string>();
  const faults: string[] = [];
  for (const { eventId, isTold } of arrivals) {
    if (told.has(eventId)) faults.push(`event ${eventId} came again after it was taken`);
    if (isTold) told.add(eventId);
  }
  return faults;
}
