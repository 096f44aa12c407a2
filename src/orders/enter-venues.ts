// What a process that trades says first: where it trades now, and what it has left at venues where it does not any more.

import type { Sql } from '../db/connect.ts';
import { recordTrading } from '../venue/calendar-store.ts';
import type { Venue } from '../venue/venue.ts';
import { countInFlight } from './submission-store.ts';

/** Records where the service trades now, and reports orders at venues where it does not any more. */
export async function enterVenues(
  sql: Sql,
  trading: {
    readonly venues: readonly Venue[];
    readonly rateAgeMsMax: number | undefined;
    readonly now: Date;
  },
  log: { warn(fields: object, message: string): void },
): Promise<void> {
  const mics = trading.venues.map(({ mic }) => mic);
  await recordTrading(sql, trading);
  for (const [venue, orders] of await countInFlight(sql)) {
    if (!mics.includes(venue)) log.warn({ venue, orders }, 'venue.not_traded');
  }
}
