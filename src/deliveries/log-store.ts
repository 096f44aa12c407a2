// Reads what is to be delivered: the log behind an offset, in pages that all subscriptions of a process
// share, and what blocked accounts have missed of it.

import { LRUCache } from 'lru-cache';
import type { Sql } from '../db/connect.ts';
import { fragment } from '../db/sql.ts';
import type { AccountId, EventId, LiquidationId, TenantId } from '../ids.ts';
import { packageEventsMax } from '../limits.ts';
import { isPackaged, type LoggedEvent, loggedEvent, type Webhook } from '../webhooks/webhook.ts';
import type { Block } from './delivery.ts';
import { logPagesBytesMax, logReadBytesMax, logReadMax } from './limits.ts';

interface EventRow {
  n: number;
  position: string | null;
  event_id: EventId;
  account_id: AccountId;
  liquidation_id: LiquidationId;
  type: string;
  object: string;
  created_at: string;
}

const eventColumns = fragment`
  e.position, e.event_id, e.account_id, e.liquidation_id, e.type, e.object, unwind.instant(e.created_at) as created_at`;

/** Bytes of what is read before an event, without reading an object. */
const bytesBefore = fragment`
  sum(octet_length(e.object)) over (order by e.position rows unbounded preceding)
    - octet_length(e.object)`;

function toEvents(rows: readonly EventRow[]): readonly LoggedEvent[] {
  const events: LoggedEvent[] = [];
  for (const row of rows) {
    if (row.position === null) continue;
    const { event_id: eventId, account_id: accountId, type, object, created_at: createdAt } = row;
    const { liquidation_id: liquidationId } = row;
    const offset = Number(row.position);
    const event = { offset, eventId, accountId, liquidationId, type, object, createdAt };
    events.push(loggedEvent(event));
  }
  return events;
}

/** Where a log ends, and up to where nothing in it is promised any more. */
export interface LogEnds {
  readonly head: number;
  readonly droppedTo: number;
}

/** The ends of the logs of tenants. */
export async function readHeads(
  sql: Sql,
  tenantIds: readonly TenantId[],
): Promise<ReadonlyMap<TenantId, LogEnds>> {
  const rows = await sql<{ tenant_id: TenantId; position: string; dropped_to: string }[]>`
    select h.tenant_id, h.position, h.dropped_to
    from unwind.event_heads h
    where h.tenant_id = any (${tenantIds}::uuid[])`;
  return new Map(
    rows.map((row) => {
      const ends = { head: Number(row.position), droppedTo: Number(row.dropped_to) };
      return [row.tenant_id, ends];
    }),
  );
}

/** The log of a tenant behind an offset, so many events at most. */
export interface LogAsked {
  readonly tenantId: TenantId;
  readonly after: number;
  readonly limit: number;
}

export interface LogRead {
  /** Ascending, and not more bytes than about `logReadBytesMax`, but for a single event. */
  readonly events: readonly LoggedEvent[];
  /** There is nothing else up to here. */
  readonly readTo: number;
  /** Where the log ended. */
  readonly head: number;
}

/** The next events behind offsets of logs, in the order asked. */
export async function readLogs(sql: Sql, asked: readonly LogAsked[]): Promise<readonly LogRead[]> {
  const given = asked.map(({ tenantId, ...one }) => ({ tenant_id: tenantId, ...one }));
  const rows = await sql<(EventRow & { head: string })[]>`
    select g.n, h.position as head, ${eventColumns}
    from json_to_recordset(${recordsOf(given)}::json)
      as g (n integer, tenant_id uuid, after bigint, "limit" integer)
    join unwind.event_heads h on h.tenant_id = g.tenant_id
    left join lateral (
      select e.*, ${bytesBefore} as before
      from (
        select
          e.position, e.event_id, e.account_id, e.liquidation_id, e.type, e.object, e.created_at
        from unwind.events e
        where e.tenant_id = g.tenant_id
          and e.position > g.after
        order by e.position
        limit g.limit
      ) e
    ) e on e.before < ${logReadBytesMax}
    order by g.n, e.position`;
  const byPage = Map.groupBy(rows, (row) => row.n);
  return asked.map(({ limit }, n) => {
    const own = byPage.get(n) ?? [];
    const events = toEvents(own);
    const head = Number(own[0]?.head ?? 0);
    return {
      events,
      readTo: isCut(events, limit) ? (events.at(-1)?.offset ?? head) : head,
      head,
    };
  });
}

/** Whether reading stopped at its limit; if in doubt it did, so that nothing is passed over. */
function isCut(events: readonly LoggedEvent[], limit: number): boolean {
  return events.length >= limit || sizeOf(events) >= logReadBytesMax;
}

/** Bytes of events. */
export function sizeOf(events: readonly LoggedEvent[]): number {
  let bytes = 0;
  for (const event of events) bytes += event.bytes;
  return bytes;
}

/** Events of blocked accounts read at once: those of one request. */
function blockReadMax(webhook: Webhook): number {
  return isPackaged(webhook) ? packageEventsMax : 1;
}

/** Whether events that were read for a block are all that there is. */
export function isAllOfBlock(webhook: Webhook, events: readonly LoggedEvent[]): boolean {
  return !isCut(events, blockReadMax(webhook));
}

/** The next events of blocked accounts behind what they have, up to an offset, for one request. */
export async function readBlocked(
  sql: Sql,
  pages: readonly (Webhook & { readonly block: Block; readonly upTo: number })[],
): Promise<readonly (readonly LoggedEvent[])[]> {
  const given = pages.map(({ block, upTo, ...webhook }) => ({
    tenant_id: webhook.tenantId,
    types: webhook.types,
    excluded: webhook.excludedTypes,
    limit: blockReadMax(webhook),
    up_to: upTo,
    accounts: [...block.acknowledged].map(([account_id, after]) => ({ account_id, after })),
  }));
  const rows = await sql<EventRow[]>`
    select g.n, ${eventColumns}
    from json_to_recordset(${recordsOf(given)}::json)
      as g (
        n integer, tenant_id uuid, types text[], excluded text[], "limit" integer, up_to bigint,
        accounts json
      )
    cross join lateral (
      select e.*, ${bytesBefore} as before
      from (
        select
          e.position, e.event_id, e.account_id, e.liquidation_id, e.type, e.object, e.created_at
        from json_to_recordset(g.accounts) as a (account_id uuid, after bigint)
        join unwind.events e
          on e.tenant_id = g.tenant_id
          and e.account_id = a.account_id
          and e.position > a.after
          and e.position <= g.up_to
        where (
            ('ALL' = any (g.types) and not starts_with(e.type, 'BATCH.'))
            or split_part(e.type, '.', 1) = any (g.types)
          )
          and split_part(e.type, '.', 1) <> all (g.excluded)
        order by e.position
        limit g.limit
      ) e
    ) e
    where e.before < ${logReadBytesMax}
    order by g.n, e.position`;
  const byPage = Map.groupBy(rows, (row) => row.n);
  return pages.map((_, n) => toEvents(byPage.get(n) ?? []));
}

/**
 * Pages of the log, read once for all subscriptions, also where one of them is behind the others by a page
 * or two.
 */
export class LogPages {
  readonly #read: (asked: LogAsked) => Promise<LogRead>;
  readonly #length: number;
  readonly #underWay = new Map<string, Promise<LogRead>>();
  /** Pages that end before the log did: nothing is ever added to them. */
  readonly #whole: LRUCache<string, LogRead>;

  /** @param length events of a page at most. */
  constructor(read: (asked: LogAsked) => Promise<LogRead>, length = logReadMax) {
    this.#read = read;
    this.#length = length;
    this.#whole = new LRUCache({
      maxSize: logPagesBytesMax,
      sizeCalculation: ({ events }) => Math.max(sizeOf(events), 1),
    });
  }

  /** The next page behind an offset; it may be some time old, but then it is whole. */
  async next(tenantId: TenantId, after: number): Promise<LogRead> {
    const name = `${tenantId}/${after}`;
    const known = this.#whole.get(name) ?? this.#underWay.get(name);
    if (known !== undefined) return known;
    // Pages end at multiples of their length, so that subscriptions come into step from anywhere.
    const limit = this.#length - (after % this.#length);
    const reading = this.#read({ tenantId, after, limit });
    this.#underWay.set(name, reading);
    try {
      const page = await reading;
      if (page.events.length >= limit || page.readTo < page.head) this.#whole.set(name, page);
      return page;
    } finally {
      this.#underWay.delete(name);
    }
  }
}

/** Rows as a JSON text, each with its number `n`. */
function recordsOf(rows: readonly object[]): string {
  return JSON.stringify(rows.map((row, n) => ({ n, ...row })));
}
