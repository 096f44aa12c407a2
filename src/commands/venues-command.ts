// `unwind venues list` and `check`: how venues stand, and whether they can be logged on to.

import type { Logger } from 'pino';
import { newId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import { findMarketTime, findTraded, findTrading } from '../venue/calendar-store.ts';
import { checkVenue } from '../venue/fix/check-venue.ts';
import { findSessionStatuses } from '../venue/fix/operate-store.ts';
import type { FixProfile } from '../venue/fix/profile.ts';
import { type OnDatabase, printJson } from './run.ts';
import { tableText } from './table.ts';
import { UsageError } from './usage-error.ts';

/** Lists venues. @returns 0, also where there are none yet. */
export async function listVenues(
  { sql, clock, stdout }: OnDatabase,
  json: boolean,
): Promise<number> {
  const now = clock.now();
  const marketTime = await findMarketTime(sql, now);
  const sessions = await findSessionStatuses(sql, now);
  const all = await findTraded(sql);
  const venues = await Promise.all(
    all.map(async (mic) => {
      const { isOpen, halted, session } = await findTrading(sql, mic, marketTime);
      return {
        mic,
        open: isOpen,
        fix_session: sessions[mic] ?? null,
        halted: [...halted],
        opens_at: isOpen ? null : (session?.opensAt.toISOString() ?? null),
        closes_at: isOpen ? (session?.closesAt.toISOString() ?? null) : null,
      };
    }),
  );
  if (json) return printJson(stdout, { market_time: marketTime.toISOString(), venues });
  const head = ['venue', 'market', 'until', 'FIX session', 'instruments halted'];
  const rows = venues.map((venue) => [
    venue.mic,
    venue.open ? 'open' : 'closed',
    venue.opens_at ?? venue.closes_at ?? '',
    venue.fix_session ?? '',
    venue.halted.join(' '),
  ]);
  if (rows.length === 0) stdout.write('No venue is known yet: "unwind start" makes them known.\n');
  else stdout.write(tableText([head, ...rows]));
  stdout.write(`market time ${marketTime.toISOString()}\n`);
  return 0;
}

interface CheckCommand extends OnDatabase {
  readonly profiles: readonly FixProfile[];
  readonly log: Logger;
}

/** @returns 0 when each could be logged on to. */
export async function checkVenues(command: CheckCommand): Promise<number> {
  const { sql, clock, stdout, profiles, log } = command;
  if (profiles.length === 0)
    throw new UsageError('UNWIND_VENUES_FILE names no FIX venue to check.');
  let isWell = true;
  for (const profile of profiles) {
    const checked = await checkVenue({ sql, clock, profile, log, holder: newId<'process'>() });
    isWell &&= checked.isWell;
    stdout.write(
      `${checked.isWell ? '✓' : '✗'} ${profile.mic} at ${profile.host}:${profile.port}\n`,
    );
    for (const line of checked.seen) stdout.write(`  ${printableLine(line)}\n`);
  }
  return isWell ? 0 : 1;
}
