// The brake on repeated rejections: where a venue has rejected so many orders of a tenant within so long, the
// service halts the venue for the tenant, or the one instrument that all of them were about. A person lifts the
// halt, and the count begins anew. In the commit that records the rejections, so that none is missed.

import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import { insertHalt } from '../halts/halts-store.ts';
import { newId, type TenantId } from '../ids.ts';
import { servicePersons } from '../person-name.ts';
import type { RejectionLimit } from './control.ts';
import { findControls, lockCount } from './controls-store.ts';
import { countRejections } from './rejections-store.ts';

/** Characters of a reason. */
const reasonMax = 500;

/**
 * Looks at venues that have just rejected orders of a tenant, by its own limit and by that across all: each holds.
 * @returns how many it has halted.
 */
export async function brakeRejections(
  tx: Tx,
  of: { readonly tenantId: TenantId; readonly venues: readonly string[]; readonly now: Date },
): Promise<number> {
  const { tenantId, venues, now } = of;
  if (venues.length === 0) return 0;
  const limits = (await findControls(tx, tenantId)).flatMap(({ rejections }) => rejections ?? []);
  if (limits.length === 0) return 0;
  await lockCount(tx, tenantId);
  let halted = 0;
  for (const venue of venues) {
    for (const limit of limits) {
      if (await brake(tx, { tenantId, venue, now }, limit)) halted += 1;
    }
  }
  return halted;
}

/** @returns whether it has halted; false where nothing is to be, or it is already. */
async function brake(
  tx: Tx,
  of: { readonly tenantId: TenantId; readonly venue: string; readonly now: Date },
  { max, windowS }: RejectionLimit,
): Promise<boolean> {
  const { tenantId, venue, now } = of;
  const since = later(now, -windowS * 1_000);
  const counted = await countRejections(tx, {
    tenantId,
    venue,
    since,
    person: servicePersons.rejections,
  });
  if (counted.isHalted || counted.count < max) return false;
  const what = `${counted.count} rejections at ${venue} within ${windowS} s`;
  const reason = `${what}, the last: ${counted.lastReason}`.slice(0, reasonMax);
  await insertHalt(tx, {
    tenantId,
    haltId: newId<'halt'>(),
    accountId: undefined,
    isin: counted.onlyIsin,
    venue,
    strength: 'release',
    reason,
    person: servicePersons.rejections,
    setAt: now,
    lift: undefined,
  });
  return true;
}
