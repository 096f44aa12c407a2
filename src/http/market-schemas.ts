// The shapes of `/tests/market`: what a client of a sandbox may ask of its simulated market, and how the market is.

import { type Static, Type } from 'typebox';
import { deltasOfRequestMax } from '../limits.ts';
import { courses } from '../venue/simulated/behaviour.ts';
import { forcedOutcomes } from '../venue/simulated/force-order.ts';
import { flag, moment, only, part, shape, some, text, uuid, whole } from './members.ts';

const isin = text('The instrument.', { minLength: 12, maxLength: 12 });

const clock = only(
  {
    advance_ms: Type.Optional(whole('So much further.', { minimum: 0, maximum: 315_576_000_000 })),
    advance_to: Type.Optional(moment('To this instant; never back.')),
  },
  { description: 'Moves the market clock, one way or the other.' },
);

const session = only({
  days: Type.Array(Type.String(), {
    maxItems: 7,
    description: 'MON, TUE, WED, THU, FRI, SAT, SUN.',
  }),
  opens: text('Local time, `HH:MM`.'),
  closes: text('Local time, `HH:MM`; `24:00` is midnight.'),
});

const holiday = only({
  date: text('`YYYY-MM-DD`.'),
  name: Type.String(),
  closes: Type.Optional(text('Closes early; absent: closed all day.')),
});

export const calendarShape = only(
  {
    time_zone: Type.Optional(text('IANA name.')),
    hours: Type.Optional(Type.Array(session, { maxItems: 168 })),
    holidays: Type.Optional(Type.Array(holiday, { maxItems: 2_000 })),
    settlement_days: Type.Optional(
      whole('Trading days from an execution to its settlement; absent: 0.', {
        minimum: 0,
        maximum: 10,
      }),
    ),
  },
  { description: 'Opening hours and holidays; `{}` is always open.' },
);

const venue = only(
  {
    trading: Type.Optional(
      some(
        ['open', 'closed', 'calendar'],
        'Opens or closes it against its calendar, or lets it follow that again.',
      ),
    ),
    reachable: Type.Optional(flag('False: it goes away, and answers nothing.')),
    calendar: Type.Optional(calendarShape),
  },
  { description: 'The venue as a whole.' },
);

const instrument = only({ isin, halted: flag('True halts its trading, false resumes it.') });

/** Of requests and answers alike. */
export const behaviourShape = only(
  {
    isin: Type.Optional(text('Absent: every instrument.', { minLength: 12, maxLength: 12 })),
    course: Type.Optional(
      some(Object.keys(courses) as (keyof typeof courses)[], 'What happens to its orders.'),
    ),
    loses_answers: Type.Optional(flag('The venue takes orders, but its replies are lost.')),
    repeats_reports: Type.Optional(flag('Each report comes twice.')),
    shuffles_reports: Type.Optional(flag('Reports come in any order.')),
    delays_reports_ms: Type.Optional(
      whole('Reports come so much later.', { minimum: 0, maximum: 86_400_000 }),
    ),
    one_in: Type.Optional(
      whole('One of so many orders, at random.', { minimum: 1, maximum: 1_000 }),
    ),
  },
  { description: 'What is absent is as usual; an entry that asks for nothing ends it.' },
);

const order = only({
  order_id: uuid('An order of yours at the venue.'),
  outcome: some(forcedOutcomes, 'What becomes of it now.'),
  quantity: Type.Optional(
    text('Executed before it ends, or late; absent: all where it is filled, else none.', {
      pattern: '^[0-9]{1,20}(\\.[0-9]{1,15})?$',
      maxLength: 40,
    }),
  ),
});

const several = { minItems: 1, maxItems: 50 } as const;

export const controlMarketBody = only({
  reset: Type.Optional(
    flag('First forgets all that was asked for but clock, calendar and orders.'),
  ),
  seed: Type.Optional(text('Decides what looks random.', { pattern: '^[A-Za-z0-9_-]{0,64}$' })),
  venue: Type.Optional(venue),
  instruments: Type.Optional(Type.Array(instrument, several)),
  behaviours: Type.Optional(Type.Array(behaviourShape, several)),
  orders: Type.Optional(Type.Array(order, several)),
  clock: Type.Optional(clock),
});

export type ControlMarketBody = Static<typeof controlMarketBody>;

/** The state of the market, as every response shows it. */
export const marketShape = shape('Market', {
  clock: Type.Object({
    market_time: Type.String({ format: 'date-time' }),
    ahead_ms: Type.Integer({ description: 'Of the wall clock.' }),
  }),
  venue: Type.Object({
    mic: text('ISO 10383.'),
    open: flag('Whether it trades now.'),
    trading: Type.Enum(['open', 'closed', 'calendar'], { type: 'string' }),
    reachable: Type.Boolean(),
    calendar: calendarShape,
    session: Type.Optional(
      part('By the calendar, the one that runs or comes next; absent: always open.', {
        opens_at: Type.String({ format: 'date-time' }),
        closes_at: Type.String({ format: 'date-time' }),
      }),
    ),
  }),
  halted: Type.Array(isin),
  behaviours: Type.Array(behaviourShape),
  seed: Type.String(),
});

const delta = only({
  type: some(['credit', 'lock', 'unlock'], 'What it does.'),
  account_id: uuid('The account.'),
  isin: text('The instrument.', { minLength: 12, maxLength: 12 }),
  quantity: text('A decimal above zero.', { minLength: 1, maxLength: 40 }),
  reference: text('Your name of this change: it is applied once.', {
    minLength: 1,
    maxLength: 100,
  }),
});

export const applyDeltasBody = only({
  deltas: Type.Array(delta, { minItems: 1, maxItems: deltasOfRequestMax }),
});
