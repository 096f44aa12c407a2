// When a halt may be acknowledged: it is committed, and no process is about to send what it covers. Claims that
// began before its commit may not have seen it: they are waited for first. From then on nothing that it covers
// is claimed; what was claimed before is sent within its lease, or not at all (orders/submit-orders.ts). So the
// wait ends with the answers of the venue, or with the leases.

import { setTimeout } from 'node:timers/promises';
import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { claimMsMax, clocksApartMsMax, haltLookMs, submissionLeaseMs } from '../limits.ts';
import type { HaltTarget } from './halt.ts';
import { findClaimsUnderWay, findSendsUntil } from './halts-store.ts';

/** How to rest between two looks. */
export type Rest = (ms: number) => Promise<void>;

const usualRest: Rest = (ms) => setTimeout(ms);

/**
 * Waits until nothing that a halt's target covers can be sent any more. The halt is committed: it is in force
 * whatever this answers.
 *
 * @returns whether that is certain; false where claims last for too long. It may be asked again.
 */
export async function untilAcknowledged(
  sql: Sql,
  clock: Clock,
  target: HaltTarget,
  rest: Rest = usualRest,
): Promise<boolean> {
  return (await untilClaimed(sql, rest)) && (await untilSent({ sql, clock, rest }, target));
}

/**
 * Waits for the claims that are under way now. Those that begin later see what is committed now.
 *
 * @returns whether they have ended; false where they last for too long.
 */
export async function untilClaimed(sql: Sql, rest: Rest = usualRest): Promise<boolean> {
  let left = await findClaimsUnderWay(sql);
  for (let looks = 0; left.size > 0; looks += 1) {
    if (looks >= claimMsMax / haltLookMs) return false;
    await rest(haltLookMs);
    left = left.intersection(await findClaimsUnderWay(sql));
  }
  return true;
}

/** Waits for what was claimed without seeing the halt: its leases have all been granted by now. */
async function untilSent(
  { sql, clock, rest }: { readonly sql: Sql; readonly clock: Clock; readonly rest: Rest },
  target: HaltTarget,
): Promise<boolean> {
  // A process whose clock is behind ours may take a lease for open that has ended for us.
  const since = later(clock.now(), -clocksApartMsMax);
  const leasesEnd = await findSendsUntil(sql, target, since);
  if (leasesEnd === undefined) return true;
  const end = later(leasesEnd, clocksApartMsMax);
  const looksMax = (submissionLeaseMs + 2 * clocksApartMsMax) / haltLookMs;
  for (let looks = 0; looks < looksMax; looks += 1) {
    if (clock.now() >= end) return true;
    await rest(haltLookMs);
    if ((await findSendsUntil(sql, target, since)) === undefined) return true;
  }
  return false;
}
