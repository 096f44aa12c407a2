// The event log over HTTP: the source of truth when deliveries were missed.

import type { Static } from 'typebox';
import { findBatch } from '../batches/batch-store.ts';
import type { Sql } from '../db/connect.ts';
import { readHeads } from '../deliveries/log-store.ts';
import { readEvents } from '../events/read-store.ts';
import type { TenantId } from '../ids.ts';
import { hasLiquidation } from '../liquidations/overview-store.ts';
import { Refusal } from '../refusal.ts';
import { cursorForm, positionOf, toCursor } from './cursor.ts';
import { listEventsQuery, streamQuery } from './delivery-schemas.ts';
import type { EventStreams } from './event-streams.ts';
import { nextLink } from './page.ts';
import type { Handler } from './pipeline.ts';
import { queryReaderOf, readId } from './schemas.ts';
import type { StreamAsked } from './stream-reader.ts';

const readQuery = queryReaderOf(listEventsQuery);
const readStreamQuery = queryReaderOf(streamQuery);

export function eventHandlers({
  sql,
  streams,
}: {
  readonly sql: Sql;
  readonly streams: EventStreams;
}) {
  return {
    list: async (call) => {
      const { after: cursor, limit = 100, type, account_id: account } = readQuery(call.search);
      const after = cursor === undefined ? 0 : positionOf(cursor);
      const accountId =
        account === undefined ? undefined : readId<'account'>(account, 'account_id');
      const { tenantId } = call.caller;
      const wanted = { tenantId, after, limit, type, accountId };
      const { events, readTo, head, droppedTo } = await readEvents(sql, wanted);
      if (after > head) {
        // Going on from there would pass over whatever is logged up to it.
        throw new Refusal('bad_request', `The log has no ${cursor}: it ends at ${toCursor(head)}.`);
      }
      const data = events.map((event) => {
        return (
          `{"created_at":"${event.createdAt.toISOString()}","id":"${event.eventId}",` +
          `"object":${event.object},"type":"${event.type}"}`
        );
      });
      const isAfterGap = cursor !== undefined && after < droppedTo;
      const meta = {
        count: events.length,
        limit,
        next: toCursor(readTo),
        has_more: readTo < head,
        gap: isAfterGap ? { after: cursor, up_to: toCursor(droppedTo) } : null,
      };
      const body = `{"data":[${data.join(',')}],"meta":${JSON.stringify(meta)}}`;
      return {
        status: 200,
        body,
        headers: meta.has_more ? nextLink(call, { after: meta.next }) : {},
      };
    },

    stream: async (call) => {
      const asked = readStreamQuery(call.search);
      const { tenantId } = call.caller;
      const { after: given, changes = false } = asked;
      const cursor = call.lastEventId ?? given;
      if (cursor !== undefined && !cursorForm.test(cursor)) {
        throw new Refusal('bad_request', 'The header last-event-id is no id of an event stream.');
      }
      const subject = await subjectOf(sql, tenantId, asked);
      const known = await readHeads(sql, [tenantId]);
      const { head, droppedTo } = known.get(tenantId) ?? { head: 0, droppedTo: 0 };
      const after = cursor === undefined ? head : positionOf(cursor);
      if (after > head) {
        throw new Refusal('bad_request', `The log has no ${cursor}: it ends at ${toCursor(head)}.`);
      }
      const gap =
        after < droppedTo ? { after: toCursor(after), up_to: toCursor(droppedTo) } : undefined;
      const wanted = { tenantId, subject, after, gap, changes, holds: call.holds };
      return { status: 200, type: 'text/event-stream', stream: () => streams.open(wanted) };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type EventHandlers = ReturnType<typeof eventHandlers>;

/** Whose events a stream leaves. @throws Refusal `bad_request`, `not_found`. */
async function subjectOf(
  sql: Sql,
  tenantId: TenantId,
  { account_liquidation_id: liquidation, batch_id: batch }: Static<typeof streamQuery>,
): Promise<StreamAsked['subject']> {
  if (liquidation !== undefined && batch !== undefined) {
    throw new Refusal('bad_request', 'account_liquidation_id and batch_id do not go together.');
  }
  if (batch !== undefined) {
    const batchId = readId<'batch'>(batch, 'batch_id');
    if ((await findBatch(sql, { tenantId, batchId })) !== undefined) return batchId;
    throw new Refusal('not_found', 'There is no such batch.');
  }
  if (liquidation === undefined) return undefined;
  const liquidationId = readId<'liquidation'>(liquidation, 'account_liquidation_id');
  if (await hasLiquidation(sql, { tenantId, liquidationId })) return liquidationId;
  throw new Refusal('not_found', 'There is no such liquidation.');
}
