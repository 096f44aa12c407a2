// The simulated market as `/tests/market` shows it.

import type { Static } from 'typebox';
import type { SqlOrTx } from '../db/connect.ts';
import { type Calendar, weekdays } from '../venue/calendar.ts';
import { findCalendar, findTrading } from '../venue/calendar-store.ts';
import type { AskedBehaviour } from '../venue/simulated/behaviour.ts';
import {
  everyInstrument,
  findAskedBehaviours,
  findMarket,
  simulatedMic,
} from '../venue/simulated/market-store.ts';
import type { behaviourShape, calendarShape, marketShape } from './market-schemas.ts';

export async function showMarket(sql: SqlOrTx, now: Date): Promise<Static<typeof marketShape>> {
  const { at, isDown, seed } = await findMarket(sql, now);
  const trading = await findTrading(sql, simulatedMic, at);
  const calendar = await findCalendar(sql, simulatedMic);
  const asked = await findAskedBehaviours(sql);
  const { isOpen, announced, session, halted } = trading;
  return {
    clock: { market_time: at.toISOString(), ahead_ms: at.getTime() - now.getTime() },
    venue: {
      mic: simulatedMic,
      open: isOpen,
      trading: announced ?? 'calendar',
      reachable: !isDown,
      calendar: calendar === undefined ? {} : calendarView(calendar),
      ...(session && {
        session: {
          opens_at: session.opensAt.toISOString(),
          closes_at: session.closesAt.toISOString(),
        },
      }),
    },
    halted: [...halted],
    behaviours: [...asked].map(([isin, one]) => behaviourView(isin, one)),
    seed,
  };
}

/** Days of the same hours stand together. */
function calendarView({
  timeZone,
  sessions,
  holidays,
  settlementDays,
}: Calendar): Static<typeof calendarShape> {
  const byHours = Map.groupBy(sessions, ({ opens, closes }) => `${opens} ${closes}`);
  return {
    time_zone: timeZone,
    hours: [...byHours.values()].map((same) => ({
      days: weekdays.filter((day) => same.some(({ weekday }) => weekday === day)),
      opens: same[0]?.opens ?? '',
      closes: same[0]?.closes ?? '',
    })),
    holidays: holidays.map(({ date, name, closes }) => {
      return { date, name, ...(closes !== undefined && { closes }) };
    }),
    ...(settlementDays !== undefined && { settlement_days: settlementDays }),
  };
}

function behaviourView(isin: string, asked: AskedBehaviour): Static<typeof behaviourShape> {
  const { course, losesAnswers, repeatsReports, shufflesReports, delaysReportsMs, oneIn } = asked;
  return {
    ...(isin !== everyInstrument && { isin }),
    ...(course !== undefined && { course }),
    ...(losesAnswers !== undefined && { loses_answers: losesAnswers }),
    ...(repeatsReports !== undefined && { repeats_reports: repeatsReports }),
    ...(shufflesReports !== undefined && { shuffles_reports: shufflesReports }),
    ...(delaysReportsMs !== undefined && { delays_reports_ms: delaysReportsMs }),
    one_in: oneIn,
  };
}
