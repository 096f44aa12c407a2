// `unwind calendar`: shows when a venue is open, or gives it another calendar from a file, all of it or
// nothing.

import { readFile } from 'node:fs/promises';
import { inTransaction } from '../db/transaction.ts';
import { whyUnreadable } from '../file-fault.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { type Calendar, CalendarError, readCalendar } from '../venue/calendar.ts';
import {
  findCalendar,
  findMarketTime,
  findTrading,
  findVenues,
  setCalendar,
} from '../venue/calendar-store.ts';
import { simulatedMic } from '../venue/simulated/market-store.ts';
import { actOfCommand } from './acting.ts';
import { notDone, type OnDatabase } from './run.ts';

/** @returns the exit code: 0 done, 1 refused; then nothing was changed. */
export async function runCalendar(
  { sql, clock, stdout }: OnDatabase,
  command: { venue: string; file?: string; alwaysOpen?: true },
): Promise<number> {
  const { venue, file, alwaysOpen = false } = command;
  const venues = new Set([simulatedMic, ...(await findVenues(sql))]);
  if (!venues.has(venue)) {
    return notDone(stdout, `there is no venue ${venue}; there is ${[...venues].join(', ')}`);
  }
  try {
    if (file !== undefined || alwaysOpen) {
      const calendar = file === undefined ? undefined : await readFromFile(file);
      const act = actOfCommand(clock.now(), {
        ...{ operation: 'set_calendar', target: `/venues/${venue}/calendar` },
        detail: calendar === undefined ? 'always open' : JSON.stringify(calendar),
      });
      await inTransaction(sql, async (tx) => {
        await setCalendar(tx, venue, calendar);
        await recordAct(tx, allTenants, act);
      });
    }
  } catch (error) {
    if (!(error instanceof CalendarError)) throw error;
    stdout.write(`Nothing was changed. ${file}:\n`);
    for (const fault of error.faults) stdout.write(`  ${fault}\n`);
    return 1;
  }
  const at = await findMarketTime(sql, clock.now());
  const { isOpen, announced, session } = await findTrading(sql, venue, at);
  stdout.write(`${describe(venue, await findCalendar(sql, venue))}\n`);
  const until = isOpen ? session?.closesAt : session?.opensAt;
  const byCalendar = until === undefined ? '' : `, until ${until.toISOString()}`;
  const then = announced === undefined ? byCalendar : ', as it has announced';
  stdout.write(`At ${at.toISOString()} it is ${isOpen ? 'open' : 'closed'}${then}.\n`);
  return 0;
}

/** @throws CalendarError also for a file that cannot be read, or is not JSON. */
async function readFromFile(file: string): Promise<Calendar> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CalendarError([`the file cannot be read: ${whyUnreadable(error)}.`]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CalendarError(['the file is not JSON.']);
  }
  return readCalendar(value);
}

function describe(venue: string, calendar: Calendar | undefined): string {
  if (calendar === undefined) return `${venue} is always open.`;
  const { timeZone, sessions, holidays, settlementDays } = calendar;
  const settlement =
    settlementDays === undefined ? [] : [`  and trades settle T+${settlementDays}`];
  const lines = sessions.map(({ weekday, opens, closes }) => `  ${weekday} ${opens} to ${closes}`);
  const [first] = holidays;
  const last = holidays.at(-1);
  const days = first && last ? `, ${first.date} to ${last.date}` : '';
  return [
    `${venue} is open, in the time zone ${timeZone}:`,
    ...lines,
    `  but for ${holidays.length} holidays${days}`,
    ...settlement,
  ].join('\n');
}
