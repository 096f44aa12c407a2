// The statements by which an operator sees clients and changes what they may. Each change is guarded by
// the lock that `lockClient` takes, and recorded in the same commit.

import type { Sql, Tx } from '../db/connect.ts';
import { type RowOf, thingOf } from '../db/row.ts';
import type { KeyId, TenantId } from '../ids.ts';
import type { Scope } from './scope.ts';
import type { Contract } from './store.ts';

/** What an operator changed of a client. */
export type ClientChange =
  | 'disabled'
  | 'enabled'
  | 'secret_rotated'
  | 'key_added'
  | 'key_revoked'
  | 'scopes_set'
  | 'tokens_revoked'
  | 'contract_set'
  | 'certificates_changed'
  | 'addresses_set';

export interface RecordedChange {
  readonly change: ClientChange;
  /** What else there is to say of it: a key, the scopes. May be empty. */
  readonly detail: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: Date;
}

export interface ListedClient {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly createdAt: Date;
  readonly disabledAt: Date | undefined;
  readonly liveKeys: number;
  readonly scopes: number;
  readonly contract: Contract;
}

/** The clients in the order of their ids, which is that of their making. */
export async function listClients(
  sql: Sql,
  page: { readonly after: TenantId | undefined; readonly limit: number },
): Promise<readonly ListedClient[]> {
  const rows = await sql<RowOf<ListedClient>[]>`
    select
      t.tenant_id, t.name, t.created_at, t.disabled_at, cardinality(t.scopes) as scopes, t.contract,
      (
        select count(*)::integer
        from unwind.client_keys k
        where k.tenant_id = t.tenant_id
          and k.status = 'live'
      ) as live_keys
    from unwind.tenants t
    where ${page.after ?? null}::uuid is null
      or t.tenant_id > ${page.after ?? null}
    order by t.tenant_id
    limit ${page.limit}`;
  return rows.map((row) => thingOf<ListedClient>(row));
}

/** How many clients have to call with a certificate. */
export async function countCertified(sql: Sql): Promise<number> {
  const rows = await sql<{ count: string }[]>`
    select count(*) as count
    from unwind.tenants t
    where t.disabled_at is null
      and cardinality(t.certificates) > 0`;
  return Number(rows[0]?.count ?? 0);
}

/** Tokens of a client that have not expired. */
export async function countTokens(sql: Sql, tenantId: TenantId, now: Date): Promise<number> {
  const rows = await sql<{ count: string }[]>`
    select count(*) as count
    from unwind.access_tokens t
    where t.tenant_id = ${tenantId}
      and t.expires_at > ${now}`;
  return Number(rows[0]?.count ?? 0);
}

/** The changes of a client, the newest first. */
export async function findClientChanges(
  sql: Sql,
  { tenantId, limit }: { readonly tenantId: TenantId; readonly limit: number },
): Promise<readonly RecordedChange[]> {
  const rows = await sql<RowOf<RecordedChange>[]>`
    select c.change, c.detail, c.actor, c.reason, c.changed_at as at
    from unwind.client_changes c
    where c.tenant_id = ${tenantId}
    order by c.change_id desc
    limit ${limit}`;
  return rows.map((row) => thingOf<RecordedChange>(row));
}

export async function insertClientChange(
  tx: Tx,
  change: RecordedChange & { readonly tenantId: TenantId; readonly changeId: string },
): Promise<void> {
  await tx`
    insert into unwind.client_changes (
      tenant_id, change_id, changed_at, change, detail, actor, reason
    )
    values (
      ${change.tenantId}, ${change.changeId}, ${change.at}, ${change.change}, ${change.detail},
      ${change.actor}, ${change.reason}
    )`;
}

/** Keeps other changes of a client waiting until the commit. @returns whether there is the client. */
export async function lockClient(tx: Tx, tenantId: TenantId): Promise<boolean> {
  const rows = await tx`
    select t.tenant_id
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
  return rows.count > 0;
}

/** Ends the access of a client, or with no instant gives it back. @returns whether that is a change. */
export async function setDisabled(
  tx: Tx,
  { tenantId, disabledAt }: { tenantId: TenantId; disabledAt: Date | undefined },
): Promise<boolean> {
  const rows = await tx`
    update unwind.tenants t
    set disabled_at = ${disabledAt ?? null}
    where t.tenant_id = ${tenantId}
      and (t.disabled_at is null) = (${disabledAt ?? null}::timestamptz is not null)`;
  return rows.count > 0;
}

/** The present secret becomes the old one; the one before it ends now. */
export async function replaceSecret(
  tx: Tx,
  secret: { tenantId: TenantId; secretHash: Buffer; oldSecretEndsAt: Date },
): Promise<void> {
  await tx`
    update unwind.tenants t
    set
      secret_hash = ${secret.secretHash},
      old_secret_hash = t.secret_hash,
      old_secret_ends_at = ${secret.oldSecretEndsAt}
    where t.tenant_id = ${secret.tenantId}`;
}

export async function setScopes(
  tx: Tx,
  { tenantId, scopes }: { tenantId: TenantId; scopes: readonly Scope[] },
): Promise<void> {
  await tx`
    update unwind.tenants t
    set scopes = ${scopes}
    where t.tenant_id = ${tenantId}`;
}

/** @returns whether that is a change. */
export async function setContract(
  tx: Tx,
  { tenantId, contract }: { tenantId: TenantId; contract: Contract },
): Promise<boolean> {
  const rows = await tx`
    update unwind.tenants t
    set contract = ${contract}
    where t.tenant_id = ${tenantId}
      and t.contract <> ${contract}`;
  return rows.count > 0;
}

export async function setCertificates(
  tx: Tx,
  { tenantId, certificates }: { tenantId: TenantId; certificates: readonly Buffer[] },
): Promise<void> {
  await tx`
    update unwind.tenants t
    set certificates = ${certificates}
    where t.tenant_id = ${tenantId}`;
}

export async function setNetworks(
  tx: Tx,
  { tenantId, networks }: { tenantId: TenantId; networks: readonly string[] },
): Promise<void> {
  await tx`
    update unwind.tenants t
    set networks = ${networks}
    where t.tenant_id = ${tenantId}`;
}

/** Ends the tokens that are bound to these. */
export async function deleteTokensBoundTo(
  tx: Tx,
  { tenantId, certificates }: { tenantId: TenantId; certificates: readonly Buffer[] },
): Promise<void> {
  await tx`
    delete from unwind.access_tokens t
    where t.tenant_id = ${tenantId}
      and t.certificate_sha256 = any (${certificates}::bytea[])`;
}

/** @returns false where the client has no such key that is live. */
export async function revokeKey(
  tx: Tx,
  { tenantId, keyId }: { tenantId: TenantId; keyId: KeyId },
): Promise<boolean> {
  const rows = await tx`
    update unwind.client_keys k
    set status = 'revoked'
    where k.tenant_id = ${tenantId}
      and k.key_id = ${keyId}
      and k.status = 'live'`;
  return rows.count > 0;
}

/** @returns how many tokens there were. */
export async function deleteTokensOf(tx: Tx, tenantId: TenantId): Promise<number> {
  const rows = await tx`
    delete from unwind.access_tokens t
    where t.tenant_id = ${tenantId}`;
  return rows.count;
}
