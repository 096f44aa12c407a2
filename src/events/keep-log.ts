// Keeps the log in parts: makes those of the next months in time, and drops a part once everything in
// it is older than the log is kept. Both take milliseconds and wait for a lock only for a moment.

import { later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { eventsKeptMs, partsAhead } from '../limits.ts';
import { dropPart, findOldPart, hasPart, makePart, readEndsOfPart } from './parts-store.ts';

/** Making and dropping stop the log for a moment: rather try again than let others wait. */
const lockTimeoutMs = 500;
/** Reading through a part of some million events. */
const readingTimeoutMs = 60_000;

/** One turn. @returns how many parts were made or dropped. */
export async function keepLog(sql: Sql, now: Date): Promise<number> {
  let changed = 0;
  for (const month of monthsFrom(now, partsAhead)) {
    if (await hasPart(sql, month)) continue;
    const made = await inTransaction(sql, (tx) => makePart(tx, month), { lockTimeoutMs });
    if (made) changed += 1;
  }
  return changed + (await dropOldPart(sql, later(now, -eventsKeptMs)));
}

async function dropOldPart(sql: Sql, before: Date): Promise<number> {
  const part = await findOldPart(sql, before);
  if (part === undefined) return 0;
  return inTransaction(
    sql,
    async (tx) => {
      const ends = await readEndsOfPart(tx, part, before);
      if (ends === undefined) return 0;
      await dropPart(tx, part, ends);
      return 1;
    },
    { lockTimeoutMs, statementTimeoutMs: readingTimeoutMs },
  );
}

/** The first days of this month and the next ones, in UTC. */
function monthsFrom(now: Date, count: number): readonly string[] {
  return Array.from({ length: count + 1 }, (_, ahead) => {
    const first = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1);
    return new Date(first).toISOString().slice(0, 10);
  });
}
