// Creates a liquidation that is released at a time, or when a venue opens next. It is an ordinary liquidation whose
// release is due later: until then it is NEW, and can be cancelled.

import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { findMarketTime, findNextOpening } from '../venue/calendar-store.ts';
import {
  type CreateRequest,
  type CreateResponse,
  type CreateSettings,
  createLiquidation,
} from './create-liquidation.ts';
import type { Schedule } from './store.ts';

/** How far ahead, in ms of market time: a quarter. The account can have no other liquidation until then. */
const scheduledAheadMsMax = 90 * 24 * 3_600_000;

/** When it is to be released: at an instant of the market clock, or at the next opening of a venue, by MIC. */
export type ReleaseTime = { readonly at: Date } | { readonly openingOf: string };

export interface ScheduleRequest extends Omit<CreateRequest, 'schedule'> {
  readonly release: ReleaseTime;
  readonly reason: string | undefined;
}

/**
 * Creates it, by the rules of `createLiquidation`. The opening is looked up once, and is a time from then on.
 *
 * @throws Refusal as `createLiquidation` does, and: `bad_request` (the time is over, or too far ahead),
 *   `not_found` (the service does not trade at the venue), `conflict` (no opening is known).
 */
export async function scheduleLiquidation(
  sql: Sql,
  clock: Clock,
  { release, reason, ...request }: ScheduleRequest,
  settings: CreateSettings,
): Promise<CreateResponse> {
  const schedule = await scheduleOf(sql, clock.now(), release, reason);
  return createLiquidation(sql, clock, { ...request, schedule }, settings);
}

async function scheduleOf(
  sql: Sql,
  now: Date,
  release: ReleaseTime,
  reason: string | undefined,
): Promise<Schedule | Refusal> {
  if ('at' in release) {
    const marketAt = await findMarketTime(sql, now);
    return checked(marketAt, { at: release.at, openingOf: undefined, reason });
  }
  const { openingOf } = release;
  const { isTraded, opensAt, marketAt } = await findNextOpening(sql, { venue: openingOf, now });
  if (!isTraded) {
    return new Refusal('not_found', `There is no such venue: ${openingOf} is not traded at.`);
  }
  if (opensAt === undefined) {
    const detail = `${openingOf} has no opening: no calendar, or no session within a month. Name a time instead.`;
    return new Refusal('conflict', detail);
  }
  return checked(marketAt, { at: opensAt, openingOf, reason });
}

function checked(marketAt: Date, schedule: Schedule): Schedule | Refusal {
  if (schedule.at <= marketAt) {
    const detail = `The time of release is over: it is ${marketAt.toISOString()} by the market clock.`;
    return new Refusal('bad_request', detail);
  }
  if (schedule.at > later(marketAt, scheduledAheadMsMax)) {
    return new Refusal('bad_request', 'A release can be scheduled 90 days ahead at most.');
  }
  return schedule;
}
