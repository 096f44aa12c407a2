// Every check of the audit, in the order in which it is run and reported.

import type { Check } from './check.ts';
import { checksOfBatches } from './checks-of-batches.ts';
import { checksOfBook } from './checks-of-book.ts';
import { checksOfCorrections } from './checks-of-corrections.ts';
import { checksOfDeliveries } from './checks-of-deliveries.ts';
import { checksOfEvents } from './checks-of-events.ts';
import { checksOfHalts } from './checks-of-halts.ts';
import { checksOfLiquidations } from './checks-of-liquidations.ts';
import { checksOfLog } from './checks-of-log.ts';
import { checksOfOrders } from './checks-of-orders.ts';
import { checksOfProceeds } from './checks-of-proceeds.ts';
import { checksOfReservations } from './checks-of-reservations.ts';
import { checksOfSettlement } from './checks-of-settlement.ts';
import { checksOfSubmissions } from './checks-of-submissions.ts';
import { checksOfTrail } from './checks-of-trail.ts';
import { checksOfVenue } from './checks-of-venue.ts';

export const checks: readonly Check[] = [
  ...checksOfBook,
  ...checksOfProceeds,
  ...checksOfOrders,
  ...checksOfReservations,
  ...checksOfSettlement,
  ...checksOfSubmissions,
  ...checksOfHalts,
  ...checksOfLiquidations,
  ...checksOfCorrections,
  ...checksOfBatches,
  ...checksOfEvents,
  ...checksOfLog,
  ...checksOfDeliveries,
  ...checksOfVenue,
  ...checksOfTrail,
];
