// Instants and dates as RFC 3339 writes them, for everything that reads one: queries, bodies, files,
// commands and calendars.

const fullDate = /^(\d{4})-(\d{2})-(\d{2})$/;
// `T` and `Z` in either case (section 5.6).
const dateTime =
  /^(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** What both a year of four digits and the database can say. */
const earliest = Date.parse('0001-01-01T00:00:00.000Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

const minuteMs = 60_000;

export interface Instant {
  /** Cut to the millisecond. */
  readonly at: Date;
  /** Whether something was cut off. */
  readonly isFiner: boolean;
}

/**
 * A date-time with its offset, of the years 1 to 9999 in UTC; undefined for anything else. Second 60 is
 * a leap second, the last of a month in UTC (section 5.7), and comes out as the second after it.
 */
export function parseInstant(text: string): Instant | undefined {
  const [, date = '', hour, minute, second, digits = '', sign, offsetHour, offsetMinute] =
    dateTime.exec(text) ?? [];
  const day = parseDate(date);
  if (day === undefined) return undefined;
  const offset = Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0);
  const minutes = Number(hour) * 60 + Number(minute) - (sign === '-' ? -offset : offset);
  const wholeMs = day.getTime() + minutes * minuteMs + Number(second) * 1_000;
  if (second === '60' && !isFirstOfMonth(wholeMs)) return undefined;
  const at = wholeMs + Number(digits.slice(0, 3).padEnd(3, '0'));
  if (at < earliest || at > latest) return undefined;
  return { at: new Date(at), isFiner: /[1-9]/.test(digits.slice(3)) };
}

function isFirstOfMonth(ms: number): boolean {
  const at = new Date(ms);
  return at.getUTCDate() === 1 && at.getUTCHours() === 0 && at.getUTCMinutes() === 0;
}

/** A day of the years 1 to 9999, as its first instant in UTC; undefined for anything else. */
export function parseDate(text: string): Date | undefined {
  const [, year, month, day] = fullDate.exec(text) ?? [];
  if (year === undefined || year === '0000') return undefined;
  const at = new Date(`${text}T00:00:00.000Z`);
  // `Date` takes 30 February for 2 March.
  const isDay = at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(day);
  return isDay ? at : undefined;
}

/** Whether a text would be a date-time, had its plus not become a space, as it does in a query. */
export function hasLostPlus(text: string): boolean {
  return text.includes(' ') && parseInstant(text.replace(' ', '+')) !== undefined;
}
