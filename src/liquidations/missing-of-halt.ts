// Whether what a halt names is there, so that a slip of the pen halts nothing in vain.

import { hasClient } from '../book/import-store.ts';
import { hasAccountOf, hasInstrument } from '../book/read-store.ts';
import type { SqlOrTx } from '../db/connect.ts';
import { everyTenant, type HaltTarget } from '../halts/halt.ts';
import { findTraded } from '../venue/calendar-store.ts';

export interface Missing {
  readonly member: 'client' | 'account' | 'instrument' | 'venue';
  readonly value: string;
  /** What else a person may want to know; begins with a colon, or is empty. */
  readonly hint: string;
}

/** The first thing that a halt names and that is not there. */
export async function findMissing(sql: SqlOrTx, target: HaltTarget): Promise<Missing | undefined> {
  const { accountId, isin, venue } = target;
  const tenantId = target.tenantId === everyTenant ? undefined : target.tenantId;
  if (tenantId !== undefined && !(await hasClient(sql, tenantId))) {
    return { member: 'client', value: tenantId, hint: '' };
  }
  if (tenantId !== undefined && accountId !== undefined) {
    const isThere = await hasAccountOf(sql, { tenantId, accountId });
    if (!isThere) return { member: 'account', value: accountId, hint: '' };
  }
  if (isin !== undefined && !(await hasInstrument(sql, { tenantId, isin }))) {
    return { member: 'instrument', value: isin, hint: '' };
  }
  if (venue === undefined) return undefined;
  const traded = await findTraded(sql);
  if (traded.includes(venue)) return undefined;
  return { member: 'venue', value: venue, hint: `: the service trades at ${traded.join(', ')}` };
}
