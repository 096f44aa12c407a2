// The one way in which steps work on batches, so that a row whose processing fails every time does not
// stop the others. A batch that fails by a mistake of ours is worked again in halves, each undone by
// itself when it fails, until the row is alone; after some tries it is parked. Trouble of operation
// is thrown, to be waited out by the loop.

import type { Clock } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import type { Count } from './figures.ts';
import { isMistake, type ParkedStep, reasonOf, triesMax } from './parked.ts';
import { countTry } from './parked-store.ts';
import { type ClaimTurn, Turn, type Visit } from './turn.ts';

export interface ParkedLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a step works with. */
export interface Worker {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly log: ParkedLog;
  /** Told of what is committed. */
  readonly count?: Count | undefined;
}

interface Row {
  readonly tenantId: TenantId;
}

/** Rows of one tenant, and the instant at which the work on them began. */
export interface Batch<Claimed> {
  readonly tenantId: TenantId;
  readonly rows: readonly Claimed[];
  readonly now: Date;
}

export interface BatchStep<Claimed extends Row, Done> {
  readonly step: ParkedStep;
  readonly limit: number;
  /** Locks the next rows of the first tenant of a span that has some, without reading more. */
  readonly claim: (tx: Tx, turn: ClaimTurn) => Promise<readonly Claimed[]>;
  /** Names a row within its tenant. */
  readonly subjectOf: (row: Claimed) => string;
  /** Works on rows; what of them it throws for is undone. */
  readonly work: (tx: Tx, batch: Batch<Claimed>) => Promise<readonly Done[]>;
  /** What has to wait for the commit, such as a call outside. */
  readonly afterCommit?: (done: readonly Done[]) => Promise<void>;
}

export interface Worked<Done> {
  /** Rows that were claimed. */
  readonly count: number;
  readonly done: readonly Done[];
}

/** Rows claimed at once after a batch failed: what is worked in halves holds its locks for longer. */
const carefulRowsMax = 50;

/**
 * One turn of a step: the next batch, in one transaction, or in halves where it fails as a whole. Turns
 * that are under way at once work for different tenants.
 */
export function batchWorker<Claimed extends Row, Done = never>(
  worker: Worker,
  step: BatchStep<Claimed, Done>,
): () => Promise<Worked<Done>> {
  const { sql, clock } = worker;
  const turn = new Turn();
  const run = (visit: Visit, limit: number, work: BatchStep<Claimed, Done>['work']) => {
    return inTransaction(sql, async (tx): Promise<Worked<Done>> => {
      const now = clock.now();
      const rows = await visit.claim((span) => step.claim(tx, { ...span, now, limit }));
      const [one] = rows;
      if (one === undefined) return { count: 0, done: [] };
      return { count: rows.length, done: await work(tx, { tenantId: one.tenantId, rows, now }) };
    });
  };
  const runCarefully = async (visit: Visit): Promise<Worked<Done>> => {
    try {
      return await run(visit, step.limit, step.work);
    } catch (error) {
      if (!isMistake(error)) throw error;
      worker.log.warn({ step: step.step, err: error }, 'batch.failed');
      const limit = Math.min(step.limit, carefulRowsMax);
      return run(visit, limit, (tx, batch) => workInHalves(tx, worker, step, batch));
    }
  };
  return async () => {
    const visit = turn.visit();
    try {
      const worked = await runCarefully(visit);
      if (worked.done.length > 0) await step.afterCommit?.(worked.done);
      return worked;
    } finally {
      visit.end();
    }
  };
}

type Halves<Claimed extends Row, Done> = Pick<
  BatchStep<Claimed, Done>,
  'step' | 'subjectOf' | 'work'
> & {
  /** Default the usual number; 1 where trying again cannot help. */
  readonly triesMax?: number;
};

/** Works on a batch; where that fails, on its halves. A row that fails alone is counted. */
export async function workInHalves<Claimed extends Row, Done>(
  tx: Tx,
  worker: Pick<Worker, 'log'>,
  step: Halves<Claimed, Done>,
  batch: Batch<Claimed>,
): Promise<readonly Done[]> {
  const { rows } = batch;
  const [one] = rows;
  if (one === undefined) return [];
  try {
    return await tx.savepoint((inner) => step.work(inner, batch));
  } catch (error) {
    if (!isMistake(error)) throw error;
    if (rows.length === 1) {
      await park(tx, worker, { step, row: one, error, now: batch.now });
      return [];
    }
  }
  const middle = rows.length >> 1;
  const first = await workInHalves(tx, worker, step, { ...batch, rows: rows.slice(0, middle) });
  const second = await workInHalves(tx, worker, step, { ...batch, rows: rows.slice(middle) });
  return [...first, ...second];
}

async function park<Claimed extends Row, Done>(
  tx: Tx,
  { log }: Pick<Worker, 'log'>,
  failed: { step: Halves<Claimed, Done>; row: Claimed; error: unknown; now: Date },
): Promise<void> {
  const { step, row, error, now } = failed;
  const { tenantId } = row;
  const which = { tenantId, step: step.step, subject: step.subjectOf(row) };
  const reason = reasonOf(error);
  const counted = await countTry(tx, {
    ...which,
    reason,
    now,
    triesMax: step.triesMax ?? triesMax,
  });
  const fields = { ...which, tries: counted.tries, err: error };
  if (counted.isParked) log.error(fields, 'row.parked');
  else log.warn(fields, 'row.failed');
}
