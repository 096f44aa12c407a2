// Keeps the log in partitions: makes those of the next months in time, and retires a partition once
// everything in it is older than the log is kept. Readers and writers of the log wait for neither: a
// partition is attached and detached beside them, and one that a reader still uses is tried again.

import { later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLockTimeout } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import { instantOf, type LiquidationId } from '../ids.ts';
import { eventsKeptMs, partitionsAhead } from '../limits.ts';
import {
  claimRetired,
  detachPartition,
  dropPartition,
  findOldPartition,
  finishDetaching,
  hasUnpublished,
  keepPartition,
  makePartition,
  monthsWithoutPartition,
  type PartitionEnd,
  type RetiredPartition,
  readEndsOfPartition,
  renewPartitions,
  retirePartition,
} from './partitions-store.ts';

export interface LogKeeper {
  readonly sql: Sql;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

/** What is done to the log as a whole rather tries again than waits, in ms. */
const lockTimeoutMs = 500;
/**
 * From the commit that retires a partition to the first try to drop it, and
 * from one try to the next, in ms: who read where the log begins has read on by then.
 */
const restMs = 60_000;
/** Until a partition with an event that is not published, which waits for a person, is looked at again. */
const unpublishedRestMs = 3_600_000;
/** How long the service tries to drop a partition before it logs a warning, in ms. */
const stuckMs = 3_600_000;

/** One turn. @returns how many steps were taken; more may be possible. */
export async function keepLog(keeper: LogKeeper, now: Date): Promise<number> {
  const { sql } = keeper;
  let steps = 0;
  for (const month of await monthsWithoutPartition(sql, monthsFrom(now, partitionsAhead))) {
    const isMade = await inTransaction(sql, (tx) => makePartition(tx, month), { lockTimeoutMs });
    if (isMade) steps += 1;
  }
  return steps + (await dropRetired(keeper, now)) + (await retireOld(keeper, now));
}

/**
 * Makes the partition for a new liquidation where none was made in time: no process has kept the log for
 * months, or this one's clock is far ahead. Returns once writers see the partition, also where another process
 * has made it. Idempotent.
 *
 * @throws a lock timeout where another process takes long.
 */
export async function makePartitionOf(sql: Sql, liquidationId: LiquidationId): Promise<void> {
  const months = monthsFrom(instantOf(liquidationId), 0);
  await inTransaction(
    sql,
    async (tx) => {
      await renewPartitions(tx);
      for (const month of await monthsWithoutPartition(tx, months)) await makePartition(tx, month);
    },
    { lockTimeoutMs },
  );
}

/** Retires the oldest partition: the heads of its logs say so, so that a gap is seen before it is one. */
async function retireOld({ sql, log }: LogKeeper, now: Date): Promise<number> {
  const partition = await findOldPartition(sql, { before: later(now, -eventsKeptMs), now });
  if (partition === undefined) return 0;
  const isRetired = await inTransaction(
    sql,
    async (tx) => {
      const ends = await readEndsOfPartition(tx, partition);
      const keptTo = (await hasUnpublished(tx, partition))
        ? later(now, unpublishedRestMs)
        : later(youngestOf(ends), eventsKeptMs + 1);
      if (keptTo > now) {
        await keepPartition(tx, partition, keptTo);
        return false;
      }
      await retirePartition(tx, partition, { ends, now, dropFrom: later(now, restMs) });
      return true;
    },
    { lockTimeoutMs },
  );
  if (isRetired) log.info({ partition: partition.name }, 'log.partition_retired');
  return 1;
}

function youngestOf(ends: readonly PartitionEnd[]): Date {
  return new Date(Math.max(0, ...ends.map(({ at }) => at.getTime())));
}

async function dropRetired({ sql, log }: LogKeeper, now: Date): Promise<number> {
  const partition = await claimRetired(sql, { now, nextTryAt: later(now, restMs) });
  if (partition === undefined) return 0;
  if (await isDropped(sql, partition)) {
    log.info({ partition: partition.name }, 'log.partition_dropped');
    return 1;
  }
  if (later(partition.retiredAt, stuckMs) < now) {
    log.warn({ partition: partition.name, retiredAt: partition.retiredAt }, 'log.partition_in_use');
  }
  return 0;
}

/** @returns false where a reader still uses it; nothing waits for that meanwhile. */
async function isDropped(sql: Sql, partition: RetiredPartition): Promise<boolean> {
  try {
    if (partition.place === 'attached') await detachPartition(sql, partition);
    if (partition.place === 'detaching') await finishDetaching(sql, partition);
    await inTransaction(sql, (tx) => dropPartition(tx, partition), { lockTimeoutMs });
    return true;
  } catch (error) {
    if (isLockTimeout(error)) return false;
    throw error;
  }
}

/** The first days of the month of an instant and the next ones, in UTC. */
function monthsFrom(now: Date, ahead: number): readonly string[] {
  return Array.from({ length: ahead + 1 }, (_, month) => {
    const first = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, 1);
    return new Date(first).toISOString().slice(0, 10);
  });
}
