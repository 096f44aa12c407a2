// Makes an API client: a tenant with its secret, scopes, public keys and the keys that will sign its
// webhooks.

import { parsePublicKey } from '@unwind/signatures';
import { assert } from '../assert.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isUniqueViolation } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import { type KeyId, newId, type TenantId } from '../ids.ts';
import type { Act } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { ClientChangeError } from './change-client.ts';
import type { Scope } from './scope.ts';
import type { Seal } from './seal.ts';
import { newSecret, sha256 } from './secret.ts';
import { makeSigningKeys } from './signing-keys.ts';
import { type Contract, insertClientKey, insertTenant, type SignaturePolicy } from './store.ts';

export interface NewClient {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly signaturePolicy: SignaturePolicy;
  /** Default the reference. */
  readonly contract?: Contract;
  /** PEM, SubjectPublicKeyInfo. */
  readonly publicKeysPem: readonly string[];
}

export interface CreatedClient {
  readonly clientId: TenantId;
  /** Shown here and never again. */
  readonly clientSecret: string;
  /** In the order of the public keys. */
  readonly keyIds: readonly KeyId[];
}

/** A client's id, secret and key ids, not recorded yet. */
export function newIdentity(keyCount: number): CreatedClient {
  return {
    clientId: newId(),
    clientSecret: newSecret(),
    keyIds: Array.from({ length: keyCount }, () => newId<'key'>()),
  };
}

/**
 * Makes a client, all or nothing.
 *
 * @param brought what it has already, such as with another service; the rest is made.
 * @param actOf what the trail keeps of it.
 * @throws UnusableKeyError for a key that cannot verify, ClientChangeError when there is such a client.
 */
export async function createClient(
  sql: Sql,
  clock: Clock,
  seal: Seal,
  client: NewClient,
  brought: Partial<CreatedClient> = {},
  actOf: (tenantId: TenantId) => Act | undefined = () => undefined,
): Promise<CreatedClient> {
  const identity = { ...newIdentity(client.publicKeysPem.length), ...brought };
  const isNew = await enterClient(
    sql,
    clock,
    seal,
    { ...client, ...identity },
    actOf(identity.clientId),
  );
  if (!isNew) throw new ClientChangeError(`there is a client ${identity.clientId} already.`);
  return identity;
}

/**
 * Enters a client that has its identity already, all or nothing. Idempotent: of several at once, one
 * enters it.
 *
 * @returns false when there was such a client, which stays as it is.
 * @throws UnusableKeyError for a key that cannot verify.
 */
export async function enterClient(
  sql: Sql,
  clock: Clock,
  seal: Seal,
  client: NewClient & CreatedClient,
  act?: Act,
): Promise<boolean> {
  const { clientId: tenantId, clientSecret, name, scopes, signaturePolicy } = client;
  const { contract = '2023' } = client;
  const keys = client.publicKeysPem.map((publicKeyPem, i) => {
    parsePublicKey(publicKeyPem);
    const keyId = client.keyIds[i];
    assert(keyId !== undefined, 'an identity has an id for each key');
    return { keyId, publicKeyPem };
  });
  const now = clock.now();
  try {
    await inTransaction(sql, async (tx) => {
      const secretHash = sha256(clientSecret);
      const tenant = { tenantId, name, secretHash, scopes, signaturePolicy, contract };
      await insertTenant(tx, { ...tenant, now });
      for (const key of keys) await insertClientKey(tx, { tenantId, ...key, now });
      await makeSigningKeys(tx, { tenantId, seal, now });
      await recordAct(tx, tenantId, act);
    });
    return true;
  } catch (error) {
    if (isUniqueViolation(error, 'tenants_pkey')) return false;
    throw error;
  }
}
