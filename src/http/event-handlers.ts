// The event log over HTTP: the source of truth when deliveries were missed.

import type { Sql } from '../db/connect.ts';
import { readEvents } from '../events/read-store.ts';
import { Refusal } from '../refusal.ts';
import { positionOf, toCursor } from './cursor.ts';
import { listEventsQuery } from './delivery-schemas.ts';
import { nextLink } from './page.ts';
import type { Handler } from './pipeline.ts';
import { queryReaderOf, readId } from './schemas.ts';

export interface EventHandlers {
  readonly list: Handler;
}

const readQuery = queryReaderOf(listEventsQuery);

export function eventHandlers({ sql }: { readonly sql: Sql }): EventHandlers {
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
  };
}
