// The statements of idempotency records: the stored answer of a request that succeeded, by tenant
// and key. Creating a liquidation has the writing one inside its own.

import type { Tx } from '../db/connect.ts';
import { type Fragment, fragment } from '../db/sql.ts';
import type { TenantId } from '../ids.ts';

export interface StoredResponse {
  /** What "the same request" means: SHA-256 over method, path and body. */
  readonly requestHash: Buffer;
  readonly status: number;
  readonly body: string;
}

export async function findStoredResponse(
  tx: Tx,
  which: { tenantId: TenantId; idempotencyKey: string },
): Promise<StoredResponse | undefined> {
  const rows = await tx<{ request_hash: Buffer; status: number; body: string }[]>`
    select k.request_hash, k.status, k.body
    from unwind.idempotency_keys k
    where k.tenant_id = ${which.tenantId}
      and k.idempotency_key = ${which.idempotencyKey}`;
  const [row] = rows;
  return row && { requestHash: row.request_hash, status: row.status, body: row.body };
}

/** @throws a unique violation when a concurrent request of the same key was first. */
export async function insertStoredResponse(
  tx: Tx,
  { body, ...answer }: StoredResponse & ResponseKey,
): Promise<void> {
  await tx`${storedResponseSql(answer, fragment`select ${body}::text`)}`;
}

/** Under which key a response is stored, and for how long. */
export interface ResponseKey {
  readonly tenantId: TenantId;
  readonly idempotencyKey: string;
  readonly now: Date;
  readonly expiresAt: Date;
}

/** SQL: stores the response whose body is what a select of one column returns; nothing without a row. */
export function storedResponseSql(
  answer: Omit<StoredResponse, 'body'> & ResponseKey,
  body: Fragment,
): Fragment {
  return fragment`
    insert into unwind.idempotency_keys (
      tenant_id, idempotency_key, request_hash, status, body, created_at, expires_at
    )
    select
      ${answer.tenantId}, ${answer.idempotencyKey}, ${answer.requestHash}, ${answer.status}, r.body,
      ${answer.now}, ${answer.expiresAt}
    from (${body}) as r (body)`;
}
