// Keeps the log in parts: makes those of the next months in time, and drops a part once everything in
// it is older than the log is kept. Nobody who reads or writes the log waits for either: a part is
// attached and detached beside them, and where somebody still looks at an old one, it is tried again.

import { later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isLockTimeout } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import { instantOf, type LiquidationId } from '../ids.ts';
import { eventsKeptMs, partsAhead } from '../limits.ts';
import {
  claimGivenUp,
  detachPart,
  dropPart,
  findOldPart,
  finishDetaching,
  type GivenUpPart,
  giveUpPart,
  hasUnpublished,
  keepPart,
  makePart,
  monthsWithoutPart,
  type PartEnd,
  readEndsOfPart,
} from './parts-store.ts';

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
 * From the commit that says that a part is not promised any more to the first try to drop it, and
 * from one try to the next, in ms: who read where the log begins has read on by then.
 */
const restMs = 60_000;
/** Until a part with an event that is not published, which waits for a person, is looked at again. */
const unpublishedRestMs = 3_600_000;
/** How long a part is tried to be dropped before whoever runs the service is told, in ms. */
const stuckMs = 3_600_000;

/** One turn. @returns how many steps were taken; more may be possible. */
export async function keepLog(keeper: LogKeeper, now: Date): Promise<number> {
  const { sql } = keeper;
  let steps = 0;
  for (const month of await monthsWithoutPart(sql, monthsFrom(now, partsAhead))) {
    if (await makeOne(sql, month)) steps += 1;
  }
  return steps + (await dropGivenUp(keeper, now)) + (await giveUpOld(keeper, now));
}

/**
 * Makes the part for a new liquidation where none was made in time: no process has kept the log for
 * months, or this one's clock is far ahead. Idempotent.
 */
export async function makePartOf(sql: Sql, liquidationId: LiquidationId): Promise<void> {
  const months = monthsFrom(instantOf(liquidationId), 0);
  for (const month of await monthsWithoutPart(sql, months)) await makeOne(sql, month);
}

function makeOne(sql: Sql, month: string): Promise<boolean> {
  return inTransaction(sql, (tx) => makePart(tx, month), { lockTimeoutMs });
}

/** Says in the logs concerned that the oldest part is over, so that a gap is seen before it is one. */
async function giveUpOld({ sql, log }: LogKeeper, now: Date): Promise<number> {
  const part = await findOldPart(sql, { before: later(now, -eventsKeptMs), now });
  if (part === undefined) return 0;
  const isGivenUp = await inTransaction(
    sql,
    async (tx) => {
      const ends = await readEndsOfPart(tx, part);
      const keptTo = (await hasUnpublished(tx, part))
        ? later(now, unpublishedRestMs)
        : later(youngestOf(ends), eventsKeptMs + 1);
      if (keptTo > now) {
        await keepPart(tx, part, keptTo);
        return false;
      }
      await giveUpPart(tx, part, { ends, now, dropFrom: later(now, restMs) });
      return true;
    },
    { lockTimeoutMs },
  );
  if (isGivenUp) log.info({ part: part.name }, 'log.part_given_up');
  return 1;
}

function youngestOf(ends: readonly PartEnd[]): Date {
  return new Date(Math.max(0, ...ends.map(({ at }) => at.getTime())));
}

async function dropGivenUp({ sql, log }: LogKeeper, now: Date): Promise<number> {
  const part = await claimGivenUp(sql, { now, nextTryAt: later(now, restMs) });
  if (part === undefined) return 0;
  if (await isDropped(sql, part)) {
    log.info({ part: part.name }, 'log.part_dropped');
    return 1;
  }
  if (later(part.givenUpAt, stuckMs) < now) {
    log.warn({ part: part.name, givenUpAt: part.givenUpAt }, 'log.part_in_use');
  }
  return 0;
}

/** @returns false where somebody still reads it: nobody waits for that meanwhile. */
async function isDropped(sql: Sql, part: GivenUpPart): Promise<boolean> {
  try {
    if (part.place === 'attached') await detachPart(sql, part);
    if (part.place === 'detaching') await finishDetaching(sql, part);
    await inTransaction(sql, (tx) => dropPart(tx, part), { lockTimeoutMs });
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
