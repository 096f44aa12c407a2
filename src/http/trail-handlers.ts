// The operation on the trail: what has been changed of the caller's own. No decisions here.

import type { Sql } from '../db/connect.ts';
import { actsLookedMax } from '../limits.ts';
import type { RecordedAct } from '../trail/acts-store.ts';
import { findActs } from '../trail/acts-store.ts';
import { actPlaceOf, toActCursor } from './cursor.ts';
import { keyPageAnswer } from './page.ts';
import type { Handler } from './pipeline.ts';
import { queryReaderOf, readId, readQueryInstant } from './schemas.ts';
import { listActsQuery } from './trail-schemas.ts';

export interface TrailHandlers {
  readonly list: Handler;
}

const readListQuery = queryReaderOf(listActsQuery);

export function trailHandlers({ sql }: { readonly sql: Sql }): TrailHandlers {
  return {
    list: async (call) => {
      const query = readListQuery(call.search);
      const { kind, actor, operation, cursor, limit = 100, account_id: account } = query;
      const { acts, next } = await findActs(sql, {
        ...{ kind, actor, operation, limit },
        tenantId: call.caller.tenantId,
        names: account === undefined ? undefined : readId<'account'>(account, 'account_id'),
        since: readQueryInstant(query.since, 'since'),
        before: readQueryInstant(query.before, 'before'),
        below: cursor === undefined ? undefined : actPlaceOf(cursor),
        lookedMax: actsLookedMax,
      });
      const objects = acts.map((act) => JSON.stringify(actView(act))).join(',');
      const page = { objects, count: acts.length, next: next && toActCursor(next) };
      return keyPageAnswer(call, page, limit, (text) => text);
    },
  };
}

/** An act as clients see it: the machines of the operator are not theirs to know. */
function actView(act: RecordedAct) {
  return {
    id: act.place.id,
    at: act.at,
    kind: act.kind,
    actor: act.name,
    role: act.role,
    subject: act.subject,
    origin: act.kind === 'client' ? act.origin : undefined,
    operation: act.operation,
    target: act.target,
    reason: act.reason,
    detail: act.detail,
    request_sha256: act.requestSha256?.toString('hex'),
  };
}
