// Calendars of venues: what a document may say, and when a venue is open by the database, held against
// another reckoning of local time.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import { type Calendar, CalendarError, readCalendar, weekdays } from '../../src/venue/calendar.ts';
import {
  announceStatus,
  findCalendar,
  findTrading,
  setCalendar,
} from '../../src/venue/calendar-store.ts';
import { createTestDatabase } from '../support/database.ts';
import { fc } from '../support/properties.ts';

const { sql } = await createTestDatabase({ after });
const file = new URL('../../examples/calendars/german-exchange.json', import.meta.url);
const german = readCalendar(JSON.parse(await readFile(file, 'utf8')));
const venue = 'XTST';

const give = (calendar: Calendar | undefined) => {
  return inTransaction(sql, (tx) => setCalendar(tx, venue, calendar));
};

/** `open` or `closed`, with the next instant at which that changes by the calendar. */
async function lookAt(instant: string): Promise<string> {
  const { isOpen, session } = await findTrading(sql, venue, new Date(instant));
  const until = isOpen ? session?.closesAt : session?.opensAt;
  return `${isOpen ? 'open' : 'closed'} until ${until?.toISOString() ?? 'for ever'}`;
}

const table: readonly { what: string; at: string; shown: string }[] = [
  {
    what: 'a Monday morning in winter',
    at: '2026-01-05T09:00:00Z',
    shown: 'open until 2026-01-05T21:00:00.000Z',
  },
  {
    what: 'a millisecond before it opens',
    at: '2026-01-05T06:59:59.999Z',
    shown: 'closed until 2026-01-05T07:00:00.000Z',
  },
  {
    what: 'the instant of opening',
    at: '2026-01-05T07:00:00Z',
    shown: 'open until 2026-01-05T21:00:00.000Z',
  },
  {
    what: 'the last millisecond',
    at: '2026-01-05T20:59:59.999Z',
    shown: 'open until 2026-01-05T21:00:00.000Z',
  },
  {
    what: 'the instant of closing',
    at: '2026-01-05T21:00:00Z',
    shown: 'closed until 2026-01-06T07:00:00.000Z',
  },
  {
    what: 'a Friday night',
    at: '2026-01-09T22:00:00Z',
    shown: 'closed until 2026-01-12T07:00:00.000Z',
  },
  {
    what: 'a Saturday noon',
    at: '2026-01-10T12:00:00Z',
    shown: 'closed until 2026-01-12T07:00:00.000Z',
  },
  {
    what: 'the eve of the change to summer time',
    at: '2026-03-27T21:00:00Z',
    shown: 'closed until 2026-03-30T06:00:00.000Z',
  },
  {
    what: 'a summer morning that would be closed in winter',
    at: '2026-03-30T06:30:00Z',
    shown: 'open until 2026-03-30T20:00:00.000Z',
  },
  {
    what: 'the eve of the change to winter time',
    at: '2026-10-23T20:00:00Z',
    shown: 'closed until 2026-10-26T07:00:00.000Z',
  },
  {
    what: 'Maundy Thursday, before the long weekend',
    at: '2026-04-02T20:00:00Z',
    shown: 'closed until 2026-04-07T06:00:00.000Z',
  },
  {
    what: 'Good Friday noon',
    at: '2026-04-03T12:00:00Z',
    shown: 'closed until 2026-04-07T06:00:00.000Z',
  },
  {
    what: 'Christmas Eve in the evening',
    at: '2026-12-24T21:00:00Z',
    shown: 'closed until 2026-12-28T07:00:00.000Z',
  },
  {
    what: 'New Year on a Friday',
    at: '2027-01-01T10:00:00Z',
    shown: 'closed until 2027-01-04T07:00:00.000Z',
  },
];

for (const { what, at, shown } of table) {
  test(`the German exchange, ${what}: ${shown}`, async () => {
    await give(german);
    assert.equal(await lookAt(at), shown);
  });
}

test('a venue without a calendar is always open', async () => {
  await give(undefined);
  assert.equal(await lookAt('2026-01-10T12:00:00Z'), 'open until for ever');
  const other = await findTrading(sql, 'XNEW', new Date('2026-01-10T12:00:00Z'));
  assert.deepEqual(other, { isOpen: true, announced: undefined, session: undefined, halted: [] });
});

test('what a venue announces counts more than its calendar, until it follows that again', async () => {
  await give(german);
  const announce = (status: 'open' | 'closed' | undefined) => {
    return inTransaction(sql, (tx) => announceStatus(tx, venue, status));
  };
  const [monday, saturday] = ['2026-01-05T09:00:00Z', '2026-01-10T12:00:00Z'];
  await announce('open');
  assert.match(await lookAt(saturday), /^open/);
  await announce('closed');
  assert.match(await lookAt(monday), /^closed/);
  await announce(undefined);
  assert.match(await lookAt(monday), /^open/);
  assert.match(await lookAt(saturday), /^closed/);
});

test('a lunch break, an early close and a session through midnight', async () => {
  const calendar = readCalendar({
    time_zone: 'America/New_York',
    hours: [
      { days: ['MON', 'TUE'], opens: '09:30', closes: '12:00' },
      { days: ['MON', 'TUE'], opens: '13:00', closes: '24:00' },
      { days: ['WED'], opens: '00:00', closes: '01:00' },
    ],
    holidays: [{ date: '2026-01-05', name: 'Early close', closes: '10:00' }],
  });
  await give(calendar);
  assert.equal(await lookAt('2026-01-05T14:30:00Z'), 'open until 2026-01-05T15:00:00.000Z');
  assert.equal(await lookAt('2026-01-05T15:00:00Z'), 'closed until 2026-01-06T14:30:00.000Z');
  assert.equal(await lookAt('2026-01-06T17:30:00Z'), 'closed until 2026-01-06T18:00:00.000Z');
  assert.equal(await lookAt('2026-01-07T05:00:00Z'), 'open until 2026-01-07T06:00:00.000Z');
  assert.deepEqual(await findCalendar(sql, venue), calendar);
});

test('giving a calendar twice changes nothing, and another replaces all of it', async () => {
  await give(german);
  await give(german);
  assert.deepEqual(await findCalendar(sql, venue), german);
  await give({ ...german, holidays: [] });
  assert.match(await lookAt('2026-12-25T12:00:00Z'), /^open/);
  await give(undefined);
  assert.equal(await findCalendar(sql, venue), undefined);
});

/** Weekday, date and time of day in a zone, reckoned by the ICU of Node. */
function localOf(timeZone: string, at: Date) {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return {
    weekday: part('weekday').toUpperCase(),
    date: `${part('year')}-${part('month')}-${part('day')}`,
    time: `${part('hour')}:${part('minute')}`,
  };
}

const times = fc.integer({ min: 4, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:00`);
const sessions = fc
  .tuple(fc.constantFrom(...weekdays), times, times)
  .filter(([, opens, closes]) => opens < closes)
  .map(([weekday, opens, closes]) => ({ weekday, opens, closes }));
const calendars: fc.Arbitrary<Calendar> = fc.record({
  timeZone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC'),
  sessions: fc.uniqueArray(sessions, {
    selector: (one) => one.weekday,
    minLength: 1,
    maxLength: 7,
  }),
  holidays: fc.uniqueArray(
    fc.record({
      date: fc
        .date({ min: new Date('2026-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
        .map((day) => day.toISOString().slice(0, 10)),
      name: fc.constant('Holiday'),
      closes: fc.option(times, { nil: undefined }),
    }),
    { selector: (one) => one.date, maxLength: 40 },
  ),
});
const instants = fc.date({
  min: new Date('2026-01-01'),
  max: new Date('2026-12-31'),
  noInvalidDate: true,
});

// Sessions begin at 4 or later: within the hours that clocks skip or repeat, local times mean nothing.
test('a venue is open exactly when its calendar says so in local time, all the year round', async () => {
  await fc.assert(
    fc.asyncProperty(
      calendars,
      fc.array(instants, { minLength: 5, maxLength: 30 }),
      async (calendar, ats) => {
        await give(calendar);
        for (const at of ats) {
          const { isOpen, session } = await findTrading(sql, venue, at);
          assert.equal(isOpen, isOpenBy(calendar, at), at.toISOString());
          if (session === undefined) continue;
          const { opensAt, closesAt } = session;
          assert.ok(isOpen ? opensAt <= at && at < closesAt : at < opensAt);
          assert.ok(
            isOpenBy(calendar, opensAt) && !isOpenBy(calendar, new Date(opensAt.getTime() - 1)),
          );
          assert.ok(
            !isOpenBy(calendar, closesAt) && isOpenBy(calendar, new Date(closesAt.getTime() - 1)),
          );
        }
      },
    ),
    { numRuns: 40 },
  );
});

function isOpenBy({ timeZone, sessions: all, holidays }: Calendar, at: Date): boolean {
  const { weekday, date, time } = localOf(timeZone, at);
  const holiday = holidays.find((one) => one.date === date);
  if (holiday !== undefined && holiday.closes === undefined) return false;
  return all.some((one) => {
    const closes = [one.closes, holiday?.closes ?? one.closes].toSorted()[0] ?? '';
    return one.weekday === weekday && one.opens <= time && time < closes;
  });
}

test('the example has the German holidays of ten years', () => {
  const days = german.holidays.map((holiday) => holiday.date);
  assert.equal(days.length, 60);
  for (let year = 2026; year <= 2035; year += 1) {
    const easter = easterOf(year);
    const movable = [-2, 1].map((shift) => new Date(easter + shift * 86_400_000).toISOString());
    const fixed = ['01-01', '05-01', '12-25', '12-26'].map((day) => `${year}-${day}`);
    for (const day of [...movable.map((text) => text.slice(0, 10)), ...fixed]) {
      assert.ok(days.includes(day), day);
    }
  }
});

/** Easter Sunday by the rule of Gauss, with its two exceptions, which are not in these years. */
function easterOf(year: number): number {
  const d = (19 * (year % 19) + 24) % 30;
  const e = (2 * (year % 4) + 4 * (year % 7) + 6 * d + 5) % 7;
  return Date.UTC(year, 2, 22 + d + e);
}

const hours = [{ days: ['MON'], opens: '08:00', closes: '22:00' }];
const wrong: readonly { what: string; value: unknown; says: RegExp }[] = [
  { what: 'no object', value: [], says: /^the calendar is no object\./ },
  {
    what: 'an unknown member',
    value: { time_zone: 'UTC', hours, open: 1 },
    says: /unknown members \(open\)/,
  },
  { what: 'no time zone', value: { hours }, says: /^\/time_zone is not a time zone\.$/ },
  {
    what: 'an unknown time zone',
    value: { time_zone: 'Europe/Atlantis', hours },
    says: /no time zone of the IANA list/,
  },
  {
    what: 'an offset for a time zone',
    value: { time_zone: '+01:00', hours },
    says: /\/time_zone is not a time zone/,
  },
  { what: 'no hours', value: { time_zone: 'UTC' }, says: /\/hours is no list/ },
  { what: 'empty hours', value: { time_zone: 'UTC', hours: [] }, says: /\/hours names no session/ },
  {
    what: 'an unknown day',
    value: { time_zone: 'UTC', hours: [{ ...hours[0], days: ['MO'] }] },
    says: /\/hours\/0\/days knows only MON, TUE/,
  },
  {
    what: 'no days',
    value: { time_zone: 'UTC', hours: [{ ...hours[0], days: [] }] },
    says: /\/hours\/0\/days names no day/,
  },
  {
    what: 'a time that is none',
    value: { time_zone: 'UTC', hours: [{ ...hours[0], opens: '8:00' }] },
    says: /\/hours\/0\/opens is not a time from 00:00 to 23:59/,
  },
  {
    what: 'closing before opening',
    value: { time_zone: 'UTC', hours: [{ ...hours[0], closes: '08:00' }] },
    says: /\/hours\/0 closes before it opens/,
  },
  {
    what: 'overlapping sessions',
    value: {
      time_zone: 'UTC',
      hours: [...hours, { days: ['SUN', 'MON'], opens: '21:59', closes: '23:00' }],
    },
    says: /overlap on MON/,
  },
  {
    what: 'a day that is none',
    value: { time_zone: 'UTC', hours, holidays: [{ date: '2026-02-30', name: 'x' }] },
    says: /\/holidays\/0\/date is no day of the calendar/,
  },
  {
    what: 'a day twice',
    value: {
      time_zone: 'UTC',
      hours,
      holidays: [
        { date: '2026-05-01', name: 'x' },
        { date: '2026-05-01', name: 'y' },
      ],
    },
    says: /names 2026-05-01 twice/,
  },
  {
    what: 'a holiday without a name',
    value: { time_zone: 'UTC', hours, holidays: [{ date: '2026-05-01' }] },
    says: /\/holidays\/0\/name is not a name/,
  },
  {
    what: 'several mistakes',
    value: { time_zone: 1, hours: [{ days: ['MON'], opens: 1, closes: 2 }] },
    says: /time_zone.*\n.*opens.*\n.*closes/,
  },
];

for (const { what, value, says } of wrong) {
  test(`a calendar with ${what} is refused, and nothing changes`, () => {
    assert.throws(
      () => readCalendar(value),
      (error) => error instanceof CalendarError && says.test(error.message),
    );
  });
}
