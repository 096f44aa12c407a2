// Gives events their position in the tenant's log. It is a step of its own since commits do not
// happen in the order of any number drawn before them: a reader of the log that goes by position
// misses nothing, and events of one account keep the order in which they happened.

import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { nilId } from '../ids.ts';
import { batchRowsMax } from '../limits.ts';
import { appendToLog, lockLogHead, nextTenantToPublish } from './store.ts';

/** One turn: the events of the next tenant that has some. @returns how many were published. */
export function eventPublisher(sql: Sql): () => Promise<number> {
  let turn: string = nilId;
  return async () => {
    const published = await inTransaction(sql, async (tx) => {
      const tenantId =
        (await nextTenantToPublish(tx, turn)) ?? (await nextTenantToPublish(tx, nilId));
      if (tenantId === undefined) return 0;
      turn = tenantId;
      await lockLogHead(tx, tenantId);
      return appendToLog(tx, { tenantId, eventsMax: batchRowsMax });
    });
    return published;
  };
}
