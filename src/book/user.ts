// What a client says of a user, and in which form the book keeps it. Who may say it is for http/.

import type { AccountId, UserId } from '../ids.ts';

export const userStatuses = ['ACTIVE', 'INACTIVE', 'OFFBOARDING', 'OFFBOARDED'] as const;

export type UserStatus = (typeof userStatuses)[number];

export const accountTypes = ['TRADING', 'PORTFOLIO'] as const;

export type AccountType = (typeof accountTypes)[number];

/** A value of JSON. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/** The members that a request gave, without id, status and times. */
export interface UserProfile {
  readonly address: Json;
  readonly postal_address?: Json;
  readonly [member: string]: Json | undefined;
}

/**
 * The profile as text: members by name at every depth, so that the same user is the same text. The postal
 * address is the address where none is given.
 */
export function profileText(profile: UserProfile): string {
  return JSON.stringify(
    byName({ ...profile, postal_address: profile.postal_address ?? profile.address }),
  );
}

function byName(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(byName);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, one]) => [name, byName(one)]));
}

/** An account to be opened. */
export interface NewAccount {
  readonly accountId: AccountId;
  readonly userId: UserId;
  readonly type: AccountType;
  readonly name: string;
}
