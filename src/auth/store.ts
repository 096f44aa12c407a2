// The statements about who may call: tenants, their keys, tokens and used signatures.

import { first } from '../assert.ts';
import type { Sql, SqlOrTx, Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { KeyId, TenantId } from '../ids.ts';
import { namedKeysMax } from '../limits.ts';
import type { Bounds } from './origin.ts';
import type { Scope } from './scope.ts';
import type { SignatureUse } from './signature-use.ts';

export type SignaturePolicy = 'strict' | 'compatible';

/** The versions of the contract that a client may choose: the reference, or the later one, with SETTLED. */
export const contracts = ['2023', '2026'] as const;

export type Contract = (typeof contracts)[number];

export interface NewTenant {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly secretHash: Buffer;
  readonly scopes: readonly Scope[];
  readonly signaturePolicy: SignaturePolicy;
  readonly contract: Contract;
}

export interface Tenant extends NewTenant, Bounds {
  /** Since when the client has no access; undefined while it has. */
  readonly disabledAt: Date | undefined;
  /** The secret before the present one, which works until its end. */
  readonly oldSecret: { readonly hash: Buffer; readonly endsAt: Date } | undefined;
}

export interface ClientKey {
  readonly keyId: KeyId;
  readonly publicKeyPem: string;
  readonly live: boolean;
  readonly createdAt: Date;
}

export interface TenantWithKeys extends Tenant {
  /** Live and revoked, the oldest first. */
  readonly keys: readonly ClientKey[];
}

export async function insertTenant(tx: Tx, tenant: NewTenant & { now: Date }): Promise<void> {
  await tx`
    insert into unwind.tenants (
      tenant_id, name, secret_hash, scopes, signature_policy, contract, created_at
    )
    values (
      ${tenant.tenantId}, ${tenant.name}, ${tenant.secretHash}, ${tenant.scopes},
      ${tenant.signaturePolicy}, ${tenant.contract}, ${tenant.now}
    )`;
}

export async function insertClientKey(
  tx: Tx,
  key: { tenantId: TenantId; keyId: KeyId; publicKeyPem: string; now: Date },
): Promise<void> {
  await tx`
    insert into unwind.client_keys (tenant_id, key_id, public_key_pem, status, created_at)
    values (${key.tenantId}, ${key.keyId}, ${key.publicKeyPem}, 'live', ${key.now})`;
}

interface OldSecretColumns {
  readonly old_secret_hash: Buffer | null;
  readonly old_secret_ends_at: Date | null;
}

type TenantRow = RowOf<Omit<TenantWithKeys, 'oldSecret' | 'keys'>> &
  OldSecretColumns & {
    keys: { key_id: KeyId; public_key_pem: string; status: string; created_ms: number }[] | null;
  };

/** A tenant with all its keys, or undefined. */
export async function findTenant(
  sql: SqlOrTx,
  tenantId: TenantId,
): Promise<TenantWithKeys | undefined> {
  const rows = await sql<TenantRow[]>`
    select
      t.tenant_id, t.name, t.secret_hash, t.scopes, t.signature_policy, t.contract, t.disabled_at,
      t.old_secret_hash, t.old_secret_ends_at, t.certificates, t.networks,
      (
        select json_agg(
          json_build_object(
            'key_id', k.key_id, 'public_key_pem', k.public_key_pem, 'status', k.status,
            'created_ms', floor(extract(epoch from k.created_at) * 1000)
          )
          order by k.created_at, k.key_id
        )
        from unwind.client_keys k
        where k.tenant_id = t.tenant_id
      ) as keys
    from unwind.tenants t
    where t.tenant_id = ${tenantId}`;
  const [row] = rows;
  if (row === undefined) return undefined;
  const { old_secret_hash, old_secret_ends_at, keys, ...tenant } = row;
  return {
    ...thingOf<Omit<TenantWithKeys, 'oldSecret' | 'keys'>>(tenant),
    oldSecret: oldSecretOf(row),
    keys: (keys ?? []).map((key) => ({
      keyId: key.key_id,
      publicKeyPem: key.public_key_pem,
      live: key.status === 'live',
      createdAt: new Date(key.created_ms),
    })),
  };
}

/** A key of whichever client it is. */
export interface ForeignKey {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly publicKeyPem: string;
}

/**
 * Live keys of these ids, of whichever clients. Only for who explains signatures in a sandbox or beside its
 * database: what it finds authenticates no client.
 */
export async function findKeysNamed(
  sql: Sql,
  keyIds: readonly KeyId[],
): Promise<readonly ForeignKey[]> {
  if (keyIds.length === 0) return [];
  const rows = await sql<RowOf<ForeignKey>[]>`
    select k.tenant_id, k.key_id, k.public_key_pem
    from unwind.client_keys k
    where k.key_id = any (${keyIds}::uuid[])
      and k.status = 'live'
    limit ${namedKeysMax}`;
  return rows.map((row) => thingOf<ForeignKey>(row));
}

/** What says whether a secret of a client works. */
export type Secrets = Pick<Tenant, 'secretHash' | 'oldSecret' | 'disabledAt'>;

/**
 * The secrets of a tenant, or undefined. The statement returns one row of one form whether there is
 * such a tenant or not, so that an unknown client costs what a known one does.
 */
export async function findSecrets(sql: SqlOrTx, tenantId: TenantId): Promise<Secrets | undefined> {
  const rows = await sql<
    (OldSecretColumns & { secret_hash: Buffer | null; disabled_at: Date | null })[]
  >`
    select t.secret_hash, t.disabled_at, t.old_secret_hash, t.old_secret_ends_at
    from (select) as always
    left join unwind.tenants t on t.tenant_id = ${tenantId}`;
  const row = first(rows);
  const { secret_hash: secretHash, disabled_at: disabledAt } = row;
  if (secretHash === null) return undefined;
  return { secretHash, oldSecret: oldSecretOf(row), disabledAt: disabledAt ?? undefined };
}

function oldSecretOf({ old_secret_hash: hash, old_secret_ends_at: endsAt }: OldSecretColumns) {
  return hash === null || endsAt === null ? undefined : { hash, endsAt };
}

export interface AccessToken {
  readonly tenantId: TenantId;
  readonly scopes: readonly Scope[];
  /** Of the secret for which it was issued; with that it ends. */
  readonly secretHash: Buffer;
  /** SHA-256 of the certificate it is bound to (RFC 8705 section 3); with that it ends. */
  readonly certificateSha256: Buffer | undefined;
  readonly expiresAt: Date;
}

export async function insertToken(
  tx: Tx,
  token: AccessToken & { tokenHash: Buffer; now: Date },
): Promise<void> {
  await tx`
    insert into unwind.access_tokens (
      tenant_id, token_hash, scopes, secret_hash, certificate_sha256, created_at, expires_at
    )
    values (
      ${token.tenantId}, ${token.tokenHash}, ${token.scopes}, ${token.secretHash},
      ${token.certificateSha256 ?? null}, ${token.now}, ${token.expiresAt}
    )`;
}

export async function findToken(
  sql: Sql,
  which: { tenantId: TenantId; tokenHash: Buffer },
): Promise<AccessToken | undefined> {
  const rows = await sql<RowOf<AccessToken>[]>`
    select t.tenant_id, t.scopes, t.secret_hash, t.certificate_sha256, t.expires_at
    from unwind.access_tokens t
    where t.tenant_id = ${which.tenantId}
      and t.token_hash = ${which.tokenHash}`;
  return rows[0] && thingOf<AccessToken>(rows[0]);
}

/** Removes a token; one that is not there, or is another client's, stays out of it. @returns whether it was there. */
export async function deleteToken(
  tx: Tx,
  which: { tenantId: TenantId; tokenHash: Buffer },
): Promise<boolean> {
  const rows = await tx`
    delete from unwind.access_tokens t
    where t.tenant_id = ${which.tenantId}
      and t.token_hash = ${which.tokenHash}`;
  return rows.count > 0;
}

/** Records the use of a message's signatures. @returns false when one had been used before. */
export async function recordSignatureUse(
  tx: Tx,
  use: SignatureUse & { tenantId: TenantId },
): Promise<boolean> {
  const rows = await tx`${signatureUseSql(use)}`;
  return rows.count === use.basesSha256.length;
}

/** SQL: records the use of signatures, and returns a row for each that had not been used before. */
export function signatureUseSql(use: SignatureUse & { tenantId: TenantId }): Fragment {
  return fragment`
    insert into unwind.signature_replays (tenant_id, base_sha256, expires_at)
    select ${use.tenantId}, u.base_sha256, ${use.expiresAt}
    from unnest(${use.basesSha256}::bytea[]) as u (base_sha256)
    on conflict (tenant_id, base_sha256) do nothing
    returning base_sha256`;
}

/** Removes tokens, used signatures and idempotency records past their time, at most so many each. */
export async function removeExpired(sql: Sql, now: Date, limit: number): Promise<number> {
  const counts = await Promise.all([
    sql`
      delete from unwind.access_tokens
      where (tenant_id, token_hash) in (
        select t.tenant_id, t.token_hash
        from unwind.access_tokens t
        where t.expires_at < ${now}
        limit ${limit}
      )`,
    sql`
      delete from unwind.signature_replays
      where (tenant_id, base_sha256) in (
        select r.tenant_id, r.base_sha256
        from unwind.signature_replays r
        where r.expires_at < ${now}
        limit ${limit}
      )`,
    sql`
      delete from unwind.idempotency_keys
      where (tenant_id, idempotency_key) in (
        select k.tenant_id, k.idempotency_key
        from unwind.idempotency_keys k
        where k.expires_at < ${now}
        limit ${limit}
      )`,
  ]);
  return counts.reduce((total, rows) => total + rows.count, 0);
}
