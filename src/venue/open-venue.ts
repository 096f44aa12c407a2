// Which venue a process trades at: the one of the venues file, or the simulated one.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { FixLog } from './fix/connection.ts';
import { fixVenue } from './fix/fix-venue.ts';
import type { FixProfile } from './fix/profile.ts';
import { simulatedVenue } from './simulated/simulated-venue.ts';
import type { Venue } from './venue.ts';

export interface OpenVenue {
  readonly venue: Venue;
  /** Connects, where the venue has a connection to keep. */
  start(): void;
  /** Logs out. Idempotent. */
  stop(): Promise<void>;
}

export interface VenueOptions {
  /** Connections of the venue's own. */
  readonly sql: Sql;
  readonly clock: Clock;
  /** This process, as holder of leases. */
  readonly holder: string;
  readonly log: FixLog;
  /** Undefined: the simulated venue. */
  readonly profile: FixProfile | undefined;
  /** Within how many ms the simulated venue reports on an order. */
  readonly delayMs: number;
}

export function openVenue({ profile, delayMs, ...options }: VenueOptions): OpenVenue {
  if (profile === undefined) {
    const venue = simulatedVenue(options.sql, options.clock, delayMs);
    return { venue, start: () => {}, stop: async () => {} };
  }
  const { venue, keeper } = fixVenue({ ...options, profile });
  return { venue, start: () => keeper.start(), stop: () => keeper.stop() };
}
