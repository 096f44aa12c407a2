// The statements of tunnels. Each write to one locks its row, so that its bounds hold.

import type { Sql, Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import type { TunnelKey, TunnelRequest } from './tunnel.ts';

/** How many tunnels a tenant has; no other transaction of it opens one meanwhile. */
export async function lockTunnels(tx: Tx, tenantId: TenantId): Promise<number> {
  await tx`
    select
    from unwind.tenants t
    where t.tenant_id = ${tenantId}
    for no key update`;
  const rows = await tx<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.tunnels t
    where t.tenant_id = ${tenantId}`;
  return rows[0]?.count ?? 0;
}

export async function insertTunnel(
  tx: Tx,
  { tenantId, tunnelId, now }: TunnelKey & { readonly now: Date },
): Promise<void> {
  await tx`
    insert into unwind.tunnels (tenant_id, tunnel_id, created_at, polled_at)
    values (${tenantId}, ${tunnelId}, ${now}, ${now})`;
}

/** @returns whether there was such a tunnel. */
export async function deleteTunnel(tx: Tx, { tenantId, tunnelId }: TunnelKey): Promise<boolean> {
  const rows = await tx`
    delete from unwind.tunnels t
    where t.tenant_id = ${tenantId}
      and t.tunnel_id = ${tunnelId}`;
  return rows.count === 1;
}

/** Locks a tunnel that is written to. @returns whether there is such a tunnel. */
export async function lockTunnel(tx: Tx, { tenantId, tunnelId }: TunnelKey): Promise<boolean> {
  const rows = await tx`
    select
    from unwind.tunnels t
    where t.tenant_id = ${tenantId}
      and t.tunnel_id = ${tunnelId}
    for update`;
  return rows.count === 1;
}

/** Locks a tunnel that its client asks for, and notes when. @returns whether there is such a tunnel. */
export async function notePoll(
  tx: Tx,
  { tenantId, tunnelId, now }: TunnelKey & { readonly now: Date },
): Promise<boolean> {
  const rows = await tx`
    update unwind.tunnels t
    set polled_at = ${now}
    where t.tenant_id = ${tenantId}
      and t.tunnel_id = ${tunnelId}`;
  return rows.count === 1;
}

/** Keeps a request in a locked tunnel. @returns false where there is no room for it. */
export async function insertTunnelRequest(
  tx: Tx,
  { tenantId, tunnelId }: TunnelKey,
  request: TunnelRequest,
  max: { readonly requests: number; readonly bytes: number },
): Promise<boolean> {
  const headers = JSON.stringify(request.headers);
  const bytes = Buffer.byteLength(headers) + Buffer.byteLength(request.body);
  const rows = await tx`
    insert into unwind.tunnel_requests (
      tenant_id, tunnel_id, request_id, headers, body, bytes, received_at
    )
    select
      ${tenantId}, ${tunnelId}, ${request.requestId}, ${headers}, ${request.body}, ${bytes}::integer,
      ${request.receivedAt}
    from (
      select count(*) as requests, coalesce(sum(r.bytes), 0) as bytes
      from unwind.tunnel_requests r
      where r.tenant_id = ${tenantId}
        and r.tunnel_id = ${tunnelId}
    ) kept
    where kept.requests < ${max.requests}
      and kept.bytes + ${bytes}::integer <= ${max.bytes}`;
  return rows.count === 1;
}

/** Takes the first requests out of a locked tunnel, in the order in which they came: at least one. */
export async function takeTunnelRequests(
  tx: Tx,
  { tenantId, tunnelId }: TunnelKey,
  max: { readonly requests: number; readonly bytes: number },
): Promise<readonly TunnelRequest[]> {
  const rows = await tx<
    { request_id: TunnelRequest['requestId']; headers: string; body: string; received_at: Date }[]
  >`
    with first as (
      select
        r.request_id, row_number() over (order by r.request_id) as place,
        sum(r.bytes) over (order by r.request_id) as total
      from unwind.tunnel_requests r
      where r.tenant_id = ${tenantId}
        and r.tunnel_id = ${tunnelId}
      order by r.request_id
      limit ${max.requests}
    ),
    taken as (
      delete from unwind.tunnel_requests r
      using first f
      where r.tenant_id = ${tenantId}
        and r.tunnel_id = ${tunnelId}
        and r.request_id = f.request_id
        and (f.place = 1 or f.total <= ${max.bytes})
      returning r.request_id, r.headers, r.body, r.received_at
    )
    select t.request_id, t.headers, t.body, t.received_at
    from taken t
    order by t.request_id`;
  return rows.map((row) => ({
    requestId: row.request_id,
    headers: JSON.parse(row.headers),
    body: row.body,
    receivedAt: row.received_at,
  }));
}

/** Removes tunnels that were not asked for since an instant, with all they hold. @returns how many. */
export async function deleteIdleTunnels(sql: Sql, before: Date, limit: number): Promise<number> {
  const rows = await sql`
    delete from unwind.tunnels t
    using (
      select i.tenant_id, i.tunnel_id
      from unwind.tunnels i
      where i.polled_at < ${before}
      order by i.tenant_id, i.tunnel_id
      limit ${limit}
      for update skip locked
    ) idle
    where t.tenant_id = idle.tenant_id
      and t.tunnel_id = idle.tunnel_id`;
  return rows.count;
}
