// Makes an API client: a tenant with its secret, scopes, public keys and the keys that will sign its
// webhooks.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { type KeyId, newId, type TenantId } from '../ids.ts';
import { parsePublicKey } from '../signatures/keys.ts';
import type { Scope } from './scope.ts';
import type { Seal } from './seal.ts';
import { newSecret, sha256 } from './secret.ts';
import { makeSigningKeys } from './signing-keys.ts';
import { insertClientKey, insertTenant, type SignaturePolicy } from './store.ts';

export interface NewClient {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly signaturePolicy: SignaturePolicy;
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

/** Makes a client, all or nothing. @throws UnusableKeyError for a key that cannot verify. */
export async function createClient(
  sql: Sql,
  clock: Clock,
  seal: Seal,
  client: NewClient,
): Promise<CreatedClient> {
  const keys = client.publicKeysPem.map((publicKeyPem) => {
    parsePublicKey(publicKeyPem);
    return { keyId: newId<'key'>(), publicKeyPem };
  });
  const tenantId = newId<'tenant'>();
  const clientSecret = newSecret();
  const now = clock.now();
  await inTransaction(sql, async (tx) => {
    const { name, scopes, signaturePolicy } = client;
    const secretHash = sha256(clientSecret);
    await insertTenant(tx, { tenantId, name, secretHash, scopes, signaturePolicy, now });
    for (const key of keys) await insertClientKey(tx, { tenantId, ...key, now });
    await makeSigningKeys(tx, { tenantId, seal, now });
  });
  return { clientId: tenantId, clientSecret, keyIds: keys.map((key) => key.keyId) };
}
