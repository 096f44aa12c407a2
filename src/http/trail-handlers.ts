// The operation on the trail: what has been changed of the caller's own. No decisions here.

import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { actsLookedMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { findActs, type RecordedAct } from '../trail/acts-store.ts';
import { listActsQuery } from './control-schemas.ts';
import { operatorActView } from './control-views.ts';
import { actPlaceOf, toActCursor } from './cursor.ts';
import { keyPageResponse } from './page.ts';
import type { Handler } from './pipeline.ts';
import { queryReaderOf, readId, readQueryInstant } from './schemas.ts';

const readListQuery = queryReaderOf(listActsQuery);

export function trailHandlers({ sql }: { readonly sql: Sql }) {
  return {
    list: async (call) => {
      const { tenantId } = call.caller;
      const { acts, next, limit } = await readActs(sql, { tenantId, search: call.search });
      const objects = acts.map((act) => JSON.stringify(actView(act))).join(',');
      return keyPageResponse(call, { objects, count: acts.length, next }, limit, (text) => text);
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type TrailHandlers = ReturnType<typeof trailHandlers>;

/** The page of acts that a query asks for, and the cursor of the next one. @throws Refusal `bad_request`. */
export async function readActs(
  sql: Sql,
  { tenantId, search }: { readonly tenantId: TenantId; readonly search: string },
): Promise<{
  readonly acts: readonly RecordedAct[];
  readonly next: string | undefined;
  readonly limit: number;
}> {
  const query = readListQuery(search);
  const {
    kind,
    actor,
    operation,
    cursor,
    limit = 100,
    account_id: account,
    names = account,
  } = query;
  if (account !== undefined && names !== account) {
    throw new Refusal('bad_request', 'Give account_id or names, not both.');
  }
  const { acts, next } = await findActs(sql, {
    ...{ tenantId, kind, actor, operation, limit },
    names: names === undefined ? undefined : readId(names, 'names'),
    since: readQueryInstant(query.since, 'since'),
    before: readQueryInstant(query.before, 'before'),
    below: cursor === undefined ? undefined : actPlaceOf(cursor),
    lookedMax: actsLookedMax,
  });
  return { acts, next: next && toActCursor(next), limit };
}

/** An act as clients see it: the machines of the operator are not theirs to know. */
function actView(act: RecordedAct) {
  return { ...operatorActView(act), origin: act.kind === 'client' ? act.origin : undefined };
}
