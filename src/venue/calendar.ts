// The calendar of a venue as data: sessions of the week, holidays, and the time zone they are meant
// in. Pure: reads it from a document and names every mistake. When a venue is open at an instant is
// asked of the database, which keeps calendars (calendar-store.ts) and knows what the time zones do.

import { parseDate } from '../instant.ts';

export const weekdays = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const;

export type Weekday = (typeof weekdays)[number];

/** A session in local time, `HH:MM`; `24:00` is the midnight at the end of the day. */
export interface Session {
  readonly weekday: Weekday;
  readonly opens: string;
  readonly closes: string;
}

export interface Holiday {
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly name: string;
  /** Closes early, `HH:MM`; undefined: closed all day. */
  readonly closes: string | undefined;
}

export interface Calendar {
  /** IANA name. */
  readonly timeZone: string;
  readonly sessions: readonly Session[];
  readonly holidays: readonly Holiday[];
  /** Trading days from an execution to its settlement: 1 is T+1. Undefined: as is usual there. */
  readonly settlementDays?: number | undefined;
}

/** A document that is no calendar: one sentence for each mistake. */
export class CalendarError extends Error {
  override readonly name = 'CalendarError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** More than a century of holidays, and a session an hour. */
const holidaysMax = 2_000;
const sessionsMax = 7 * 24;
const settlementDaysMax = 10;
const faultsShownMax = 20;

/**
 * Reads a calendar from a JSON value: `time_zone`, `hours` (`days`, `opens`, `closes`) and `holidays`
 * (`date`, `name`, and `closes` where it only closes early), and maybe `settlement_days`. @throws CalendarError
 */
export function readCalendar(value: unknown): Calendar {
  const faults = new Faults();
  const known = ['time_zone', 'hours', 'holidays', 'settlement_days'];
  const root = faults.members(value, 'the calendar', known);
  const timeZone = readTimeZone(root['time_zone'], faults);
  const sessions = faults
    .list(root['hours'], '/hours', sessionsMax)
    .flatMap((item, i) => readSessions(item, `/hours/${i}`, faults));
  const holidays = faults
    .list(root['holidays'] ?? [], '/holidays', holidaysMax)
    .map((item, i) => readHoliday(item, `/holidays/${i}`, faults));
  const settlementDays = readSettlementDays(root['settlement_days'], faults);
  checkSessions(sessions, faults);
  checkHolidays(holidays, faults);
  faults.throwIfAny();
  const place = ({ weekday, opens }: Session) => `${weekdays.indexOf(weekday)} ${opens}`;
  return {
    timeZone,
    sessions: sessions.toSorted((a, b) => (place(a) < place(b) ? -1 : 1)),
    holidays: holidays.toSorted((a, b) => (a.date < b.date ? -1 : 1)),
    settlementDays,
  };
}

/** Collects mistakes, so that all of them are reported at once. */
class Faults {
  readonly #all: string[] = [];

  add(place: string, fault: string): void {
    this.#all.push(`${place} ${fault}.`);
  }

  throwIfAny(): void {
    if (this.#all.length > 0) throw new CalendarError(this.#all.slice(0, faultsShownMax));
  }

  /** The members of an object that has no others than these. */
  members(
    value: unknown,
    place: string,
    known: readonly string[],
  ): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.add(place, 'is no object');
      return {};
    }
    const unknown = Object.keys(value).filter((name) => !known.includes(name));
    if (unknown.length > 0) this.add(place, `has unknown members (${unknown.join(', ')})`);
    return value as Readonly<Record<string, unknown>>;
  }

  list(value: unknown, place: string, longest: number): readonly unknown[] {
    if (Array.isArray(value) && value.length <= longest) return value;
    this.add(place, `is no list of at most ${longest}`);
    return [];
  }

  /** A text of a form, or the empty one where it is none. */
  text(value: unknown, place: string, { form, says }: { form: RegExp; says: string }): string {
    if (typeof value === 'string' && form.test(value)) return value;
    this.add(place, `is not ${says}`);
    return '';
  }
}

const zoneName = { form: /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/, says: 'a time zone' };
const opening = { form: /^([01]\d|2[0-3]):[0-5]\d$/, says: 'a time from 00:00 to 23:59' };
const closing = { form: /^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, says: 'a time from 00:00 to 24:00' };
const dateForm = { form: /^\d{4}-\d{2}-\d{2}$/, says: 'a date YYYY-MM-DD' };
const nameForm = { form: /^[^\p{Cc}\p{Cs}]{1,100}$/u, says: 'a name of 1 to 100 characters' };

/** Names of zones only: signs of offsets mean the opposite to some who read them. */
function readTimeZone(value: unknown, faults: Faults): string {
  const timeZone = faults.text(value, '/time_zone', zoneName);
  if (timeZone === '') return timeZone;
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    faults.add('/time_zone', 'is no time zone of the IANA list');
  }
  return timeZone;
}

function readSettlementDays(value: unknown, faults: Faults): number | undefined {
  if (value === undefined) return undefined;
  const days = Number(value);
  if (
    typeof value === 'number' &&
    Number.isInteger(days) &&
    days >= 0 &&
    days <= settlementDaysMax
  ) {
    return days;
  }
  faults.add('/settlement_days', `is no whole number from 0 to ${settlementDaysMax}`);
  return undefined;
}

function readSessions(item: unknown, place: string, faults: Faults): readonly Session[] {
  const fields = faults.members(item, place, ['days', 'opens', 'closes']);
  const opens = faults.text(fields['opens'], `${place}/opens`, opening);
  const closes = faults.text(fields['closes'], `${place}/closes`, closing);
  if (opens !== '' && closes !== '' && opens >= closes) faults.add(place, 'closes before it opens');
  const days = faults.list(fields['days'], `${place}/days`, weekdays.length);
  if (days.length === 0) faults.add(`${place}/days`, 'names no day');
  return days.flatMap((day) => {
    const weekday = weekdays.find((known) => known === day);
    if (weekday !== undefined) return { weekday, opens, closes };
    faults.add(`${place}/days`, `knows only ${weekdays.join(', ')}`);
    return [];
  });
}

function readHoliday(item: unknown, place: string, faults: Faults): Holiday {
  const fields = faults.members(item, place, ['date', 'name', 'closes']);
  const date = faults.text(fields['date'], `${place}/date`, dateForm);
  if (date !== '' && parseDate(date) === undefined)
    faults.add(`${place}/date`, 'is no day of the calendar');
  const closes = fields['closes'];
  return {
    date,
    name: faults.text(fields['name'], `${place}/name`, nameForm),
    closes: closes === undefined ? undefined : faults.text(closes, `${place}/closes`, closing),
  };
}

function checkSessions(sessions: readonly Session[], faults: Faults): void {
  if (sessions.length === 0) faults.add('/hours', 'names no session');
  for (const [weekday, ofDay] of Map.groupBy(sessions, (session) => session.weekday)) {
    const sorted = ofDay.toSorted((a, b) => (a.opens < b.opens ? -1 : 1));
    const overlaps = sorted.some((session, i) => session.opens < (sorted[i - 1]?.closes ?? ''));
    if (overlaps) faults.add('/hours', `has sessions that overlap on ${weekday}`);
  }
}

function checkHolidays(holidays: readonly Holiday[], faults: Faults): void {
  const dates = holidays.map((holiday) => holiday.date).filter((date) => date !== '');
  const twice = new Set(dates.filter((date, i) => dates.indexOf(date) !== i));
  for (const date of twice) faults.add('/holidays', `names ${date} twice`);
}
