// The venues that a process trades at: those of the venues file, or the simulated one.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { FixLog } from './fix/connection.ts';
import { fixVenue } from './fix/fix-venue.ts';
import { simulatedVenue } from './simulated/simulated-venue.ts';
import type { Venue } from './venue.ts';
import type { VenueProfile } from './venues-file.ts';

export interface OpenVenues {
  /** In the order of the file. */
  readonly venues: readonly Venue[];
  /** Connects, where a venue has a connection to keep. */
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
  /** Undefined: the simulated venue alone. */
  readonly profiles: readonly VenueProfile[] | undefined;
  /** Within how many ms the simulated venue reports on an order. */
  readonly delayMs: number;
}

export function openVenues({ profiles, delayMs, ...options }: VenueOptions): OpenVenues {
  const opened = (profiles ?? [{ type: 'simulated' }]).map((profile) => {
    if (profile.type === 'fix') return fixVenue({ ...options, profile });
    return { venue: simulatedVenue(options.sql, options.clock, delayMs), keeper: undefined };
  });
  return {
    venues: opened.map(({ venue }) => venue),
    start: () => {
      for (const { keeper } of opened) keeper?.start();
    },
    stop: async () => {
      await Promise.all(opened.map(({ keeper }) => keeper?.stop()));
    },
  };
}
