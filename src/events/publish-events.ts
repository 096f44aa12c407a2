// Gives events their position in the tenant's log. It is a step of its own since commits do not
// happen in the order of any number drawn before them: a reader of the log that goes by position
// misses nothing, and events of one account keep the order in which they happened.

import { batchRowsMax } from '../limits.ts';
import { batchWorker, type Worker } from '../work/work-batches.ts';
import { appendToLog, claimToPublish } from './store.ts';

/**
 * One turn: the oldest events of the next tenant that has some, with all others of their accounts.
 * What cannot be published is parked by the account, whose later events have to wait as well.
 *
 * @returns how many events were published.
 */
export function eventPublisher(worker: Worker): () => Promise<number> {
  const turn = batchWorker(worker, {
    step: 'publish',
    limit: batchRowsMax,
    claim: claimToPublish,
    subjectOf: ({ accountId }) => accountId,
    work: async (tx, { tenantId, rows }) => {
      const accountIds = rows.map(({ accountId }) => accountId);
      return appendToLog(tx, { tenantId, accountIds });
    },
    afterCommit: async (types) => {
      for (const [type, own] of Map.groupBy(types, (one) => one)) {
        const [kind, status = type] = type.split('.');
        if (kind === 'BATCH') continue;
        worker.count?.('liquidations', { status }, own.length);
      }
    },
  });
  return async () => {
    const { count, done } = await turn();
    return Math.max(count, done.length);
  };
}
