// The keys that sign a tenant's webhook deliveries: one P-521 as existing receivers verify, one
// Ed25519 by choice. Private parts are sealed; public ones are served as JWK. A key that is replaced
// is served on until its end, so that what it has signed can be verified that long.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Clock, later } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import { inTransaction } from '../db/transaction.ts';
import { type KeyId, newId, type TenantId } from '../ids.ts';
import type { Act } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import type { Seal } from './seal.ts';

export type SigningAlgorithm = 'ecdsa-p521' | 'ed25519';

export const signingAlgorithms: readonly SigningAlgorithm[] = ['ecdsa-p521', 'ed25519'];

export interface DeliveryKey {
  readonly keyId: KeyId;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  /** The Ed25519 keys that receivers may know: the one that signs first, then others until their end. */
  readonly standardKeys: readonly KeyObject[];
}

/** Makes both keys of a new tenant. */
export async function makeSigningKeys(
  tx: Tx,
  keys: { tenantId: TenantId; seal: Seal; now: Date },
): Promise<void> {
  for (const algorithm of signingAlgorithms) {
    await makeSigningKey(tx, { ...keys, algorithm, signsFrom: keys.now });
  }
}

interface NewKey {
  readonly tenantId: TenantId;
  readonly algorithm: SigningAlgorithm;
  readonly seal: Seal;
  readonly now: Date;
  readonly signsFrom: Date;
}

async function makeSigningKey(tx: Tx, key: NewKey): Promise<KeyId> {
  const { tenantId, algorithm, seal, now, signsFrom } = key;
  const pair =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const keyId = newId<'key'>();
  const publicJwk = JSON.stringify({
    kid: keyId,
    use: 'sig',
    ...pair.publicKey.export({ format: 'jwk' }),
  });
  const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
  await tx`
    insert into unwind.signing_keys (
      tenant_id, key_id, algorithm, public_jwk, private_key_sealed, created_at, signs_from
    )
    values (
      ${tenantId}, ${keyId}, ${algorithm}, ${publicJwk}, ${seal.seal(keyId, pkcs8)}, ${now},
      ${signsFrom}
    )`;
  return keyId;
}

/** How a key is replaced, in ms. */
export interface Rotation {
  /** How long the new key is served before it signs, so that receivers which keep the set know it. */
  readonly leadMs: number;
  /** How long the old key is served on once it does not sign any more. */
  readonly overlapMs: number;
}

export interface Rotated {
  readonly algorithm: SigningAlgorithm;
  readonly keyId: KeyId;
  readonly signsFrom: Date;
  /** When what the key before it has signed stops being verifiable. */
  readonly oldKeyEndsAt: Date;
}

/**
 * Replaces signing keys of a tenant; a replacement that was planned before is none any more. Not
 * idempotent: each time makes new ones.
 * @returns one for each algorithm; none where there is no such tenant.
 */
export async function rotateSigningKeys(
  sql: Sql,
  clock: Clock,
  command: {
    tenantId: TenantId;
    seal: Seal;
    algorithms: readonly SigningAlgorithm[];
    rotation: Rotation;
    act?: Act;
  },
): Promise<readonly Rotated[]> {
  const { tenantId, seal, algorithms, rotation, act } = command;
  return inTransaction(sql, async (tx) => {
    const tenants = await tx`
      select t.tenant_id
      from unwind.tenants t
      where t.tenant_id = ${tenantId}
      for no key update`;
    if (tenants.count === 0) return [];
    const now = clock.now();
    const signsFrom = later(now, rotation.leadMs);
    const oldKeyEndsAt = later(signsFrom, rotation.overlapMs);
    const rotated: Rotated[] = [];
    for (const algorithm of algorithms) {
      await endSigningKeys(tx, { tenantId, algorithm, now, endsAt: oldKeyEndsAt });
      const keyId = await makeSigningKey(tx, { tenantId, algorithm, seal, now, signsFrom });
      rotated.push({ algorithm, keyId, signsFrom, oldKeyEndsAt });
    }
    await recordAct(tx, tenantId, act);
    return rotated;
  });
}

/**
 * Ends the key that signs now, and what was to follow it. That never signs then: the latest of those
 * that have begun does, and it has a time before all others. Both are served until the same end, since
 * a process may just have begun with it.
 */
async function endSigningKeys(
  tx: Tx,
  keys: { tenantId: TenantId; algorithm: SigningAlgorithm; now: Date; endsAt: Date },
): Promise<void> {
  const { tenantId, algorithm, now, endsAt } = keys;
  await tx`
    update unwind.signing_keys k
    set
      ends_at = ${endsAt},
      signs_from = case when k.signs_from > ${now} then '-infinity' else k.signs_from end
    where k.tenant_id = ${tenantId}
      and k.algorithm = ${algorithm}
      and (k.ends_at is null or k.ends_at > ${now})
      and k.signs_from >= (
        select coalesce(max(s.signs_from), '-infinity')
        from unwind.signing_keys s
        where s.tenant_id = ${tenantId}
          and s.algorithm = ${algorithm}
          and s.signs_from <= ${now}
          and (s.ends_at is null or s.ends_at > ${now})
      )`;
}

/** Types of keys as JWK names them: `EC` has the NIST curves (RFC 7518), `OKP` Ed25519 (RFC 8037). */
export const jwkTypes = ['EC', 'OKP'] as const;

export type JwkType = (typeof jwkTypes)[number];

/**
 * The public keys of a tenant that have not ended, as JSON texts of JWKs, oldest first.
 * @param kty only keys of this type; default all.
 */
export function findPublicJwks(
  sql: Sql,
  tenantId: TenantId,
  now: Date,
  kty?: JwkType,
): Promise<readonly string[]> {
  const isMeant = fragment`
    (k.ends_at is null or k.ends_at > ${now})
    and (${kty ?? null}::text is null or (k.algorithm = 'ed25519') = (${kty ?? null} = 'OKP'))`;
  return findJwks(sql, tenantId, isMeant);
}

/** The public Ed25519 keys of a tenant, also those that have ended, as JSON texts of JWKs, oldest first. */
export function findEveryPublicJwk(sql: Sql, tenantId: TenantId): Promise<readonly string[]> {
  return findJwks(sql, tenantId, fragment`k.algorithm = 'ed25519'`);
}

async function findJwks(
  sql: Sql,
  tenantId: TenantId,
  isMeant: Fragment,
): Promise<readonly string[]> {
  const rows = await sql<{ public_jwk: string }[]>`
    select k.public_jwk
    from unwind.signing_keys k
    where k.tenant_id = ${tenantId}
      and ${isMeant}
    order by k.created_at, k.key_id`;
  return rows.map((row) => row.public_jwk);
}

/** Of the keys of an algorithm that have not ended the first one signs. */
function signingOrder(now: Date): Fragment {
  return fragment`
    k.signs_from <= ${now} desc, k.ends_at is null desc, k.signs_from desc, k.key_id desc`;
}

/** A key that signs deliveries, for people: nothing private is in it. */
export interface ListedKey {
  readonly keyId: KeyId;
  readonly algorithm: SigningAlgorithm;
  readonly createdAt: Date;
  /** Undefined where it never signs: it was replaced before its time came. */
  readonly signsFrom: Date | undefined;
  /** Until when it is served; undefined until it is replaced. */
  readonly endsAt: Date | undefined;
  /** It signs now; will sign; is served so that what it has signed can be verified; is gone. */
  readonly status: 'signs' | 'next' | 'served' | 'ended';
}

type KeyRow = RowOf<Omit<ListedKey, 'status'>> & {
  readonly served: boolean;
  readonly signs: boolean;
};

/** Every signing key of a tenant, the newest first: also those that have ended. */
export async function listSigningKeys(
  sql: Sql,
  tenantId: TenantId,
  now: Date,
): Promise<readonly ListedKey[]> {
  const rows = await sql<KeyRow[]>`
    select
      k.key_id, k.algorithm, k.created_at,
      case when isfinite(k.signs_from) then k.signs_from end as signs_from,
      k.ends_at,
      k.ends_at is null or k.ends_at > ${now} as served,
      row_number() over (
        partition by k.algorithm, k.ends_at is null or k.ends_at > ${now}
        order by ${signingOrder(now)}
      ) = 1 as signs
    from unwind.signing_keys k
    where k.tenant_id = ${tenantId}
    order by k.created_at desc, k.key_id desc`;
  return rows.map(({ served, signs, ...row }) => {
    const key = thingOf<Omit<ListedKey, 'status'>>(row);
    const isNext = key.signsFrom !== undefined && key.signsFrom > now;
    const status = signs ? 'signs' : isNext ? 'next' : 'served';
    return { ...key, status: served ? status : 'ended' };
  });
}

/**
 * The key that signs for a tenant by this algorithm: of those whose time has come the one that was
 * not replaced, also where one that was replaced would have begun later.
 * @throws when the key file is another one.
 */
export async function findDeliveryKey(
  sql: Sql,
  seal: Seal,
  which: { tenantId: TenantId; algorithm: SigningAlgorithm; now: Date },
): Promise<DeliveryKey | undefined> {
  const rows = await sql<
    { key_id: KeyId; algorithm: SigningAlgorithm; private_key_sealed: Buffer; signs: boolean }[]
  >`
    select
      k.key_id, k.algorithm, k.private_key_sealed,
      row_number() over (
        partition by k.algorithm
        order by ${signingOrder(which.now)}
      ) = 1 as signs
    from unwind.signing_keys k
    where k.tenant_id = ${which.tenantId}
      and k.algorithm in (${which.algorithm}, 'ed25519')
      and (k.ends_at is null or k.ends_at > ${which.now})
    order by signs desc, k.signs_from desc, k.key_id desc`;
  const keys = rows.map((row) => {
    const key = seal.open(row.key_id, row.private_key_sealed);
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    return { keyId: row.key_id, algorithm: row.algorithm, privateKey, signs: row.signs };
  });
  const own = keys.find((key) => key.algorithm === which.algorithm && key.signs);
  if (own === undefined) return undefined;
  const standardKeys = keys
    .filter((key) => key.algorithm === 'ed25519')
    .map((key) => key.privateKey);
  return { keyId: own.keyId, algorithm: own.algorithm, privateKey: own.privateKey, standardKeys };
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
