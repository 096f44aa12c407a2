// Gives events their position in the tenant's log. It is a step of its own since commits do not
// happen in the order of any number drawn before them: a reader of the log that goes by position
// misses nothing, and events of one account keep the order in which they happened.

import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { batchRowsMax } from '../limits.ts';
import { Turn } from '../turn.ts';
import { appendToLog, findTenantToPublish, lockLogHead } from './store.ts';

/** One turn: the events of the next tenant that has some. @returns how many were published. */
export function eventPublisher(sql: Sql): () => Promise<number> {
  const turn = new Turn();
  return () =>
    inTransaction(sql, async (tx) => {
      const [waiting] = await turn.next((after) => findTenantToPublish(tx, after));
      if (waiting === undefined) return 0;
      const { tenantId } = waiting;
      await lockLogHead(tx, tenantId);
      return appendToLog(tx, { tenantId, eventsMax: batchRowsMax });
    });
}
