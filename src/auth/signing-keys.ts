// The keys that sign a tenant's webhook deliveries: one P-521 as existing receivers verify, one
// Ed25519 by choice. Private parts are sealed; public ones are served as JWK.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Sql, Tx } from '../db/connect.ts';
import { type KeyId, newId, type TenantId } from '../ids.ts';
import type { Seal } from './seal.ts';

export type SigningAlgorithm = 'ecdsa-p521' | 'ed25519';

export interface DeliveryKey {
  readonly keyId: KeyId;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

/** Makes both keys of a new tenant. */
export async function makeSigningKeys(
  tx: Tx,
  keys: { tenantId: TenantId; seal: Seal; now: Date },
): Promise<void> {
  const { tenantId, seal, now } = keys;
  const pairs = {
    'ecdsa-p521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    ed25519: generateKeyPairSync('ed25519'),
  };
  for (const [algorithm, pair] of Object.entries(pairs)) {
    const keyId = newId<'key'>();
    const publicJwk = JSON.stringify({
      kid: keyId,
      use: 'sig',
      ...pair.publicKey.export({ format: 'jwk' }),
    });
    const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
    await tx`
      insert into unwind.signing_keys (
        tenant_id, key_id, algorithm, public_jwk, private_key_sealed, created_at
      )
      values (
        ${tenantId}, ${keyId}, ${algorithm}, ${publicJwk}, ${seal.seal(keyId, pkcs8)}, ${now}
      )`;
  }
}

/** The public keys of a tenant as JSON texts of JWKs, oldest first. */
export async function findPublicJwks(sql: Sql, tenantId: TenantId): Promise<readonly string[]> {
  const rows = await sql<{ public_jwk: string }[]>`
    select k.public_jwk
    from unwind.signing_keys k
    where k.tenant_id = ${tenantId}
    order by k.created_at, k.key_id`;
  return rows.map((row) => row.public_jwk);
}

/** Whether the keys in this database, if there are any, were sealed with this key file. */
export async function canOpenKeys(sql: Sql, seal: Seal): Promise<boolean> {
  const rows = await sql<{ key_id: KeyId; private_key_sealed: Buffer }[]>`
    select k.key_id, k.private_key_sealed
    from unwind.signing_keys k
    order by k.created_at desc
    limit 1`;
  const [row] = rows;
  if (row === undefined) return true;
  try {
    seal.open(row.key_id, row.private_key_sealed);
    return true;
  } catch {
    return false; // the authentication tag is of another key
  }
}

/** The key that signs for a tenant by this algorithm. @throws when the key file is another one. */
export async function findDeliveryKey(
  sql: Sql,
  seal: Seal,
  which: { tenantId: TenantId; algorithm: SigningAlgorithm },
): Promise<DeliveryKey | undefined> {
  const rows = await sql<{ key_id: KeyId; private_key_sealed: Buffer }[]>`
    select k.key_id, k.private_key_sealed
    from unwind.signing_keys k
    where k.tenant_id = ${which.tenantId}
      and k.algorithm = ${which.algorithm}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const key = seal.open(row.key_id, row.private_key_sealed);
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
  return { keyId: row.key_id, algorithm: which.algorithm, privateKey };
}
