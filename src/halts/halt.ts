// A halt: what a person has stopped, until a person lifts it. Pure.

import type { AccountId, Id, TenantId } from '../ids.ts';
import { nilId } from '../ids.ts';

export type HaltId = Id<'halt'>;

/** The tenant of a halt across all tenants; no tenant has this id. */
export const everyTenant = nilId as TenantId;

/** What a halt covers: what all of its members name; undefined is any. */
export interface HaltTarget {
  /** `everyTenant` for all of them. */
  readonly tenantId: TenantId;
  readonly accountId: AccountId | undefined;
  readonly isin: string | undefined;
  /** Market identifier code. */
  readonly venue: string | undefined;
}

/**
 * `release`: nothing new is released or sent. `cancel`: and what is at a venue is cancelled there; the rest of it
 * waits, and is sent again when the halt is lifted.
 */
export const strengths = ['release', 'cancel'] as const;

export interface Halt extends HaltTarget {
  readonly haltId: HaltId;
  readonly strength: (typeof strengths)[number];
  readonly reason: string;
  readonly person: string;
  readonly setAt: Date;
  readonly lift: { readonly at: Date; readonly by: string; readonly reason: string } | undefined;
}

export const scopes = ['everything', 'tenant', 'account', 'instrument', 'venue'] as const;

/** The narrowest word for what a halt covers. */
export function scopeOf({ tenantId, accountId, isin, venue }: HaltTarget): (typeof scopes)[number] {
  if (isin !== undefined) return 'instrument';
  if (venue !== undefined) return 'venue';
  if (accountId !== undefined) return 'account';
  return tenantId === everyTenant ? 'everything' : 'tenant';
}
