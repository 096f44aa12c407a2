// A tunnel: an address for webhooks that leads nowhere but into the database of a sandbox, where the client
// that opened it asks for what came. So a client behind a firewall gets its webhooks all the same.

import type { Id, TenantId } from '../ids.ts';
import { parseId } from '../ids.ts';

export type TunnelId = Id<'tunnel'>;

export interface TunnelKey {
  readonly tenantId: TenantId;
  readonly tunnelId: TunnelId;
}

/** A request that came through a tunnel. */
export interface TunnelRequest {
  readonly requestId: Id<'tunnel request'>;
  /** By name as `Content-Type`, with all values. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  readonly receivedAt: Date;
}

/** No name server knows a name that ends like this (RFC 6761, 6.4), so nothing leaves this service. */
const host = 'events-acceptor.invalid';

/** The address of a tunnel, as a subscription names it. */
export function tunnelUrl(tunnelId: TunnelId): string {
  return `https://${host}/${tunnelId}`;
}

export function isTunnelUrl(url: URL): boolean {
  return url.protocol === 'https:' && url.host === host;
}

/** Which tunnel an address names; undefined where it names none. */
export function tunnelIdOf(url: URL): TunnelId | undefined {
  return isTunnelUrl(url) ? parseId<'tunnel'>(url.pathname.slice(1)) : undefined;
}

/** Headers with the names that clients of the tunnel look for: `content-type` as `Content-Type`. */
export function canonicalHeaders(
  headers: Readonly<Record<string, string>>,
): TunnelRequest['headers'] {
  const entries = Object.entries(headers).map(([name, value]) => {
    return [name.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase()), [value]] as const;
  });
  return Object.fromEntries(entries);
}
