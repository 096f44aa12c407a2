// The sealing step: chains what was committed since the last seal of each tenant. It is a step of its own, since
// a chain that every request moves on would let requests of a tenant run one after the other (decision 40).
// Safe to stop anywhere, and at several processes at once: of two that make the same seal one is first.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { sealedEntriesMax, sealedTenantsMax } from '../limits.ts';
import { findChainEnd, findUnsealed, insertSeal } from './seals-store.ts';
import { grownTo } from './snapshot.ts';

export interface Sealer {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Default as in limits.ts. */
  readonly entriesMax?: number;
  readonly tenantsMax?: number;
  /** The last tenant of the turn before, behind which the next one goes on; undefined: from the first. */
  after?: TenantId | undefined;
}

/**
 * Seals what is committed and not sealed yet, a seal for each tenant that has something; so many tenants in one
 * turn, the others in the next ones, so that none waits for those that always have something.
 * @returns whether some is left, so that the next turn must not wait.
 * @throws the trouble of the first tenant that had any, once all others are sealed.
 */
export async function sealTrail(sealer: Sealer): Promise<boolean> {
  const { sql, after, tenantsMax = sealedTenantsMax } = sealer;
  const tenants = await findUnsealed(sql, { after, limit: tenantsMax });
  const isFull = tenants.length === tenantsMax;
  sealer.after = isFull ? tenants.at(-1) : undefined;
  // Behind the last one it goes on with the first.
  let isMore = isFull || after !== undefined;
  let trouble: { readonly error: unknown } | undefined;
  for (const tenantId of tenants) {
    try {
      isMore = (await sealTenant(sealer, tenantId)) || isMore;
    } catch (error) {
      trouble ??= { error };
    }
  }
  if (trouble !== undefined) throw trouble.error;
  return isMore;
}

/** @returns whether some is left. */
async function sealTenant(sealer: Sealer, tenantId: TenantId): Promise<boolean> {
  const { sql, clock, entriesMax = sealedEntriesMax } = sealer;
  const end = await findChainEnd(sql, { tenantId, entriesMax });
  // What one transaction wrote is in one seal, however much it is.
  const cut = end.cut?.order === end.cut?.first ? end.cut && end.cut.order + 1n : end.cut?.order;
  const snapshot = grownTo(end.snapshot, end.now, cut);
  const now = clock.now();
  // Clocks of processes differ a little; times of a chain never go back.
  const sealedAt = end.sealedAt !== undefined && end.sealedAt > now ? end.sealedAt : now;
  await insertSeal(sql, { tenantId, end, snapshot, sealedAt });
  return cut !== undefined;
}
