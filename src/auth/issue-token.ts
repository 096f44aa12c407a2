// Issues access tokens: opaque, 256 random bits, stored hashed, with the scopes asked for.

import { type Clock, later } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './authenticate.ts';
import { isScope, type Scope } from './scope.ts';
import { newSecret, sha256 } from './secret.ts';
import { insertToken, recordSignatureUse } from './store.ts';

/** Life of a token in seconds (decisions, point 12). */
const tokenLifeS = 1_800;

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly scope: string;
}

/**
 * Issues a token to an authenticated client. Not idempotent: each call makes another token.
 * @param scope names separated by spaces; each has to be known and granted.
 * @throws Refusal `bad_request` for a scope, `unauthorized` when the signature was used before.
 */
export async function issueToken(
  sql: Sql,
  clock: Clock,
  caller: Caller,
  scope: string,
): Promise<IssuedToken> {
  const scopes = grantedScopes(caller, scope);
  const accessToken = newSecret();
  const now = clock.now();
  const { tenantId } = caller;
  await inTransaction(sql, async (tx) => {
    const isFirstUse = await recordSignatureUse(tx, { tenantId, ...caller.signature });
    if (!isFirstUse) throw new Refusal('unauthorized', 'This signature was used before.');
    const tokenHash = sha256(accessToken);
    const expiresAt = later(now, tokenLifeS * 1_000);
    await insertToken(tx, { tenantId, tokenHash, scopes, expiresAt, now });
  });
  return { accessToken, expiresInS: tokenLifeS, scope: scopes.join(' ') };
}

function grantedScopes(caller: Caller, scope: string): readonly Scope[] {
  const names = [...new Set(scope.split(' ').filter((name) => name !== ''))];
  if (names.length === 0) throw new Refusal('bad_request', 'The field scope names no scope.');
  return names.map((name) => {
    if (isScope(name) && caller.scopes.includes(name)) return name;
    const shown = name.slice(0, 64);
    throw new Refusal('bad_request', `The scope ${shown} is not known or not granted.`);
  });
}
