// One turn of cleaning: removes what has expired, makes and drops parts of the log, and finds what is too old.

import { removeExpired } from './auth/store.ts';
import { removeExpiredSessions } from './console/session-store.ts';
import type { Sql } from './db/connect.ts';
import { removeFailingWebhooks } from './deliveries/manage-webhooks.ts';
import { keepLog, type LogKeeper } from './events/keep-log.ts';
import type { EndLimits } from './liquidations/release-liquidations.ts';
import { stopAged } from './liquidations/stop-store.ts';
import { adoptOrders } from './orders/order-store.ts';
import { closeIdleTunnels } from './tunnels/serve-tunnels.ts';
import type { Venue } from './venue/venue.ts';
import { forgetEnded, forgetOldTries } from './work/parked-store.ts';

/** Rows that one turn removes at most. */
const cleanedRowsMax = 1_000;

interface Cleaned {
  readonly sql: Sql;
  readonly log: LogKeeper['log'];
  readonly endLimits: Pick<EndLimits, 'ageMsMax'>;
  readonly venues: readonly Pick<Venue, 'mic'>[];
  /** Whether subscriptions that have failed for a month are removed, as in a sandbox. */
  readonly removesFailingWebhooks?: boolean;
}

/** @returns how much it has found to do. */
export async function clean(options: Cleaned, now: Date): Promise<number> {
  const { sql, log, endLimits, venues, removesFailingWebhooks = false } = options;
  const rows = cleanedRowsMax;
  const expired = await removeExpired(sql, now, rows);
  const sessions = await removeExpiredSessions(sql, now, rows);
  const forgotten = (await forgetOldTries(sql, now, rows)) + (await forgetEnded(sql, rows));
  const stopped = await stopAged(sql, { ageMsMax: endLimits.ageMsMax, rows, now });
  const [usual] = venues;
  if (usual !== undefined) await adoptOrders(sql, usual.mic, rows);
  const webhooks = removesFailingWebhooks ? await removeFailingWebhooks(sql, now, log) : 0;
  const tunnels = await closeIdleTunnels(sql, now, rows);
  const ended = expired + sessions + tunnels;
  return ended + forgotten + stopped + webhooks + (await keepLog({ sql, log }, now));
}
