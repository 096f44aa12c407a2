// The operations by which people see what all liquidations of a tenant do: the list, and the story of one.
// No decisions here.

import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { findOverview } from '../liquidations/overview-store.ts';
import { findStory } from '../liquidations/story-store.ts';
import { Refusal } from '../refusal.ts';
import { laterListAllLiquidationsQuery } from './control-schemas.ts';
import { storyText } from './control-views.ts';
import { idOf } from './cursor.ts';
import { keyPageResponse } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { queryReaderOf, readId, readNoQuery, readQueryInstant } from './schemas.ts';

const readListQuery = queryReaderOf(laterListAllLiquidationsQuery);

export function controlHandlers({ sql, clock }: { readonly sql: Sql; readonly clock: Clock }) {
  return {
    listLiquidations: async (call) => {
      const query = readListQuery(call.search);
      const { cursor, limit = 100, account_id: account } = query;
      const page = await findOverview(sql, {
        tenantId: call.caller.tenantId,
        status: query.status,
        accountId: account === undefined ? undefined : readId<'account'>(account, 'account_id'),
        reason: query.waiting,
        isStuck: query.stuck === true,
        createdBefore: createdBeforeOf(query, clock),
        below: cursor === undefined ? undefined : idOf<'liquidation'>(cursor),
        limit,
      });
      return keyPageResponse(call, page, limit);
    },

    retrieveLiquidation: async (call) => {
      const liquidationId = idParam<'liquidation'>(call, 'account_liquidation_id', 'not_found');
      readNoQuery(call.search);
      const story = await findStory(sql, { tenantId: call.caller.tenantId, liquidationId });
      if (story === undefined) throw new Refusal('not_found', 'There is no such liquidation.');
      return { status: 200, body: storyText(story) };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type ControlHandlers = ReturnType<typeof controlHandlers>;

/** The earlier of the two bounds of age. */
function createdBeforeOf(
  query: { older_than_minutes?: number; created_before?: string },
  clock: Clock,
): Date | undefined {
  const { older_than_minutes: minutes, created_before: instant } = query;
  const given = readQueryInstant(instant, 'created_before');
  if (minutes === undefined) return given;
  const aged = later(clock.now(), -minutes * 60_000 + 1);
  return given === undefined || aged < given ? aged : given;
}
