// When a halt may be acknowledged: it is committed, and no process is about to send what it covers. From its
// commit on nothing that it covers is claimed; what was claimed before is sent within its lease, or not at all
// (orders/submit-orders.ts). So the wait ends with the answers of the venue, or with the leases.

import { setTimeout as wait } from 'node:timers/promises';
import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { haltLookMs, submissionLeaseMs } from '../limits.ts';
import type { Halt } from './halt.ts';
import { hasOpenSends } from './halts-store.ts';

/** Waits until nothing that a halt covers can be sent any more: as long as a lease lasts at most. */
export async function untilAcknowledged(sql: Sql, clock: Clock, halt: Halt): Promise<void> {
  const claimedUntil = later(halt.setAt, submissionLeaseMs);
  for (let looks = 0; looks < submissionLeaseMs / haltLookMs; looks += 1) {
    const now = clock.now();
    if (now >= claimedUntil || !(await hasOpenSends(sql, halt, { now, claimedUntil }))) return;
    await wait(haltLookMs);
  }
}
