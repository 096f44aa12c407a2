// Settles what is FILLED: once the settlement dates of all its executions have come, a liquidation whose contract
// knows that state is SETTLED, with its event, in one commit. What the venue has reported since then counts: a
// late fill that settles later puts it off, and what is void settles nothing. What comes after SETTLED is a
// correction, as after FILLED.

import { recordLiquidationEvents } from '../events/store.ts';
import { batchRowsMax } from '../limits.ts';
import { batchWorker, type Worker } from '../work/work-batches.ts';
import { claimToSettle, type DueLiquidation } from './due-store.ts';
import { settleLiquidations } from './progress-store.ts';

/** One turn: settles liquidations of the next tenant that has some due. @returns how many it looked at. */
export function liquidationSettler(worker: Worker): () => Promise<number> {
  const turn = batchWorker<DueLiquidation>(worker, {
    step: 'settle',
    claim: claimToSettle,
    limit: batchRowsMax,
    subjectOf: (due) => due.liquidationId,
    work: async (tx, { tenantId, rows, now }) => {
      const due = rows.map((row) => row.liquidationId);
      const liquidationIds = await settleLiquidations(tx, { tenantId, liquidationIds: due, now });
      await recordLiquidationEvents(tx, { tenantId, liquidationIds, now });
      return [];
    },
  });
  return async () => (await turn()).count;
}
