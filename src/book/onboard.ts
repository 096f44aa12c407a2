// Makes users and accounts by request, in a sandbox, so that a test builds its own book: each in the
// transaction of its caller. Imports bring those of live mode.

import type { Tx } from '../db/connect.ts';
import { newId, type TenantId, type UserId } from '../ids.ts';
import { type NewAccount, profileText, type UserProfile } from './user.ts';
import { insertAccount, insertUser, lockUser, offboardUser } from './users-store.ts';

/** Makes a user, ACTIVE at once: there is no check of identity. @returns it as responses carry it. */
export function createUser(
  tx: Tx,
  { tenantId, profile, now }: { tenantId: TenantId; profile: UserProfile; now: Date },
): Promise<string> {
  return insertUser(tx, { tenantId, userId: newId<'user'>(), profile: profileText(profile), now });
}

/** What became of an account that was asked for. */
export type OpenedAccount =
  | { readonly outcome: 'opened'; readonly object: string }
  | { readonly outcome: 'user_unknown' | 'user_offboarded' };

/** Opens an account of a user. */
export async function openAccount(
  tx: Tx,
  wanted: Omit<NewAccount, 'accountId'> & { tenantId: TenantId; now: Date },
): Promise<OpenedAccount> {
  const user = await lockUser(tx, wanted);
  if (user === undefined) return { outcome: 'user_unknown' };
  if (user.status !== 'ACTIVE') return { outcome: 'user_offboarded' };
  const object = await insertAccount(tx, { ...wanted, accountId: newId<'account'>() });
  return { outcome: 'opened', object };
}

export type Offboarding = 'offboarded' | 'user_unknown' | 'has_accounts';

/** Ends a user that has no open accounts. Idempotent. */
export async function offboard(
  tx: Tx,
  which: { tenantId: TenantId; userId: UserId; now: Date },
): Promise<Offboarding> {
  const user = await lockUser(tx, which);
  if (user === undefined) return 'user_unknown';
  if (user.openAccounts > 0) return 'has_accounts';
  await offboardUser(tx, which); // false: it was offboarded before
  return 'offboarded';
}
