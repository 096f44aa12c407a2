// Opens, serves and closes the tunnels of a sandbox, and receives what is posted to their addresses. Rows
// join the process that delivers with the one that is asked, whichever they are.

import { setTimeout as wait } from 'node:timers/promises';
import type { Caller } from '../auth/authenticate.ts';
import { changeSigned } from '../auth/change-once.ts';
import { type Clock, later, type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Sql, Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { InnerReceiver } from '../egress/post.ts';
import { newId } from '../ids.ts';
import {
  pageBytesMax,
  tunnelIdleMsMax,
  tunnelKeptMax,
  tunnelLookMs,
  tunnelsOfTenantMax,
} from '../limits.ts';
import { Refusal } from '../refusal.ts';
import {
  canonicalHeaders,
  isTunnelUrl,
  type TunnelId,
  type TunnelKey,
  type TunnelRequest,
  tunnelIdOf,
} from './tunnel.ts';
import {
  deleteIdleTunnels,
  deleteTunnel,
  insertTunnel,
  insertTunnelRequest,
  lockTunnel,
  lockTunnels,
  notePoll,
  takeTunnelRequests,
} from './tunnel-store.ts';

export interface TunnelOptions {
  readonly sql: Sql;
  readonly clock: Clock;
}

const noSuchTunnel =
  'There is no such endpoint: it was closed, or nobody asked for it for 10 minutes. Open another one.';

/** Opens a tunnel. Not idempotent. @throws Refusal `conflict` (too many), `unauthorized`. */
export async function openTunnel({ sql, clock }: TunnelOptions, caller: Caller): Promise<TunnelId> {
  const { tenantId } = caller;
  const open = async (tx: Tx) => {
    if ((await lockTunnels(tx, tenantId)) >= tunnelsOfTenantMax) {
      const detail =
        `There can be at most ${tunnelsOfTenantMax} endpoints. Close one; those that nobody asks for ` +
        'are closed after 10 minutes.';
      return new Refusal('conflict', detail);
    }
    const tunnelId = newId<'tunnel'>();
    await insertTunnel(tx, { tenantId, tunnelId, now: clock.now() });
    return tunnelId;
  };
  return changeSigned<TunnelId>(sql, caller, open, (tunnelId) => tunnelId);
}

/** Closes a tunnel; what it still holds is dropped. @throws Refusal `not_found`, `unauthorized`. */
export async function closeTunnel(
  { sql }: TunnelOptions,
  caller: Caller,
  tunnelId: TunnelId,
): Promise<void> {
  const { tenantId } = caller;
  await changeSigned(sql, caller, async (tx) => {
    const isClosed = await deleteTunnel(tx, { tenantId, tunnelId });
    return isClosed ? undefined : new Refusal('not_found', noSuchTunnel);
  });
}

export interface Poll {
  readonly tunnelId: TunnelId;
  /** How long to wait for a request, in ms. */
  readonly waitMs: number;
  /** Only asks whether the tunnel is there. */
  readonly takesNothing: boolean;
  /** Whether the caller still waits for the answer. */
  readonly isAwaited: () => boolean;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
}

/**
 * Takes what came through a tunnel, and waits for it. What is taken is not there any more: the log of events
 * has everything. @throws Refusal `not_found`, `unauthorized`.
 */
export async function pollTunnel(
  { sql, clock }: TunnelOptions,
  caller: Caller,
  { tunnelId, waitMs, takesNothing, isAwaited, stopwatch = systemStopwatch }: Poll,
): Promise<readonly TunnelRequest[]> {
  const key = { tenantId: caller.tenantId, tunnelId };
  const until = stopwatch.elapsedMs() + waitMs;
  const limits = takesNothing ? { requests: 0, bytes: 0 } : takenMax;
  const look = (tx: Tx) => take(tx, { ...key, now: clock.now() }, limits);
  let taken = await changeSigned(sql, caller, look);
  if (takesNothing) return taken;
  while (taken.length === 0 && stopwatch.elapsedMs() < until && isAwaited()) {
    await wait(tunnelLookMs);
    const next = isAwaited() ? await inTransaction(sql, look) : [];
    if (next instanceof Refusal) throw next;
    taken = next;
  }
  return taken;
}

const takenMax = { requests: 100, bytes: pageBytesMax };

async function take(
  tx: Tx,
  tunnel: TunnelKey & { readonly now: Date },
  limits: typeof takenMax,
): Promise<readonly TunnelRequest[] | Refusal> {
  const isThere = await notePoll(tx, tunnel);
  return isThere ? takeTunnelRequests(tx, tunnel, limits) : new Refusal('not_found', noSuchTunnel);
}

/**
 * The receiver behind the addresses of tunnels. A tunnel that is gone answers 410, so that its subscription
 * is disabled; one that is full 503, so that the events wait in the log.
 */
export function tunnelReceiver({ sql, clock }: TunnelOptions): InnerReceiver {
  return {
    serves: isTunnelUrl,
    receive: async ({ tenantId, url, headers, body }) => {
      const tunnelId = tunnelIdOf(url);
      if (tunnelId === undefined) return { status: 410, answer: 'There is no such endpoint.' };
      const key = { tenantId, tunnelId };
      const request = {
        requestId: newId<'tunnel request'>(),
        headers: canonicalHeaders(headers),
        body,
        receivedAt: clock.now(),
      };
      return inTransaction(sql, async (tx) => {
        if (!(await lockTunnel(tx, key))) return { status: 410, answer: 'The endpoint is closed.' };
        const isKept = await insertTunnelRequest(tx, key, request, tunnelKeptMax);
        return isKept
          ? { status: 200, answer: '' }
          : { status: 503, answer: 'The endpoint is full: nobody asks for what it holds.' };
      });
    },
  };
}

/** Closes tunnels that their clients do not ask for. @returns how many. */
export function closeIdleTunnels(sql: Sql, now: Date, limit: number): Promise<number> {
  return deleteIdleTunnels(sql, later(now, -tunnelIdleMsMax), limit);
}
