// Issues access tokens (opaque, 256 random bits, stored hashed, with the scopes asked for) and revokes
// them (RFC 7009).

import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { withMore } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import type { ClientCaller } from './authenticate.ts';
import { isScope, type Scope } from './scope.ts';
import { newSecret, sha256 } from './secret.ts';
import { deleteToken, insertToken, recordSignatureUse } from './store.ts';

/** Life of a token in seconds (decisions, point 12). */
const tokenLifeS = 1_800;

export interface IssuedToken {
  readonly accessToken: string;
  readonly expiresInS: number;
  readonly scope: string;
}

export interface ScopeRequest {
  readonly scope: string;
  /** RFC 6749 section 3.3: scopes may be ignored, and the response then says which the token has. */
  readonly ignoresUnknown: boolean;
}

/**
 * Issues a token to an authenticated client. Not idempotent: each call makes another token.
 * @param asked scopes, separated by spaces, and whether unknown ones among them are left out. Each other
 *   one has to be granted.
 * @throws Refusal `bad_request` for a scope, `unauthorized` when the signature was used before.
 */
export async function issueToken(
  sql: Sql,
  clock: Clock,
  caller: ClientCaller,
  asked: ScopeRequest,
): Promise<IssuedToken> {
  const scopes = grantedScopes(caller, asked);
  const accessToken = newSecret();
  const now = clock.now();
  const { tenantId, secretHash, certificateSha256 } = caller;
  await inTransaction(sql, async (tx) => {
    await useSignature(tx, caller);
    const tokenHash = sha256(accessToken);
    const expiresAt = later(now, tokenLifeS * 1_000);
    const bound = { secretHash, certificateSha256 };
    await insertToken(tx, { tenantId, tokenHash, scopes, ...bound, expiresAt, now });
    const detail = scopes.join(' ');
    await recordAct(tx, tenantId, caller.act && withMore(caller.act, { detail }));
  });
  return { accessToken, expiresInS: tokenLifeS, scope: scopes.join(' ') };
}

/**
 * Revokes a token of an authenticated client (RFC 7009 section 2). Idempotent: one that is not known, or
 * is another client's, is no error and stays as it is.
 * @returns by what the token was known.
 * @throws Refusal `unauthorized` when the signature was used before.
 */
export async function revokeToken(
  sql: Sql,
  caller: ClientCaller,
  token: string,
): Promise<{ tenantId: TenantId; tokenHash: Buffer }> {
  const which = { tenantId: caller.tenantId, tokenHash: sha256(token) };
  await inTransaction(sql, async (tx) => {
    await useSignature(tx, caller);
    if (await deleteToken(tx, which)) await recordAct(tx, which.tenantId, caller.act);
  });
  return which;
}

async function useSignature(tx: Tx, { tenantId, signature }: ClientCaller): Promise<void> {
  if (await recordSignatureUse(tx, { tenantId, ...signature })) return;
  throw new Refusal('unauthorized', 'This signature was used before.');
}

function grantedScopes(
  caller: ClientCaller,
  { scope, ignoresUnknown }: ScopeRequest,
): readonly Scope[] {
  const names = [...new Set(scope.split(' ').filter((name) => name !== ''))];
  if (names.length === 0) throw new Refusal('bad_request', 'The field scope names no scope.');
  const asked = ignoresUnknown ? names.filter(isScope) : names;
  if (asked.length === 0) {
    throw new Refusal('bad_request', 'The field scope names no scope that is known here.');
  }
  return asked.map((name) => {
    if (isScope(name) && caller.scopes.includes(name)) return name;
    const shown = name.slice(0, 64);
    throw new Refusal('bad_request', `The scope ${shown} is not known or not granted.`);
  });
}
