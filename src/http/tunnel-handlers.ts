// The operations of the tunnel, under the paths that a public signing proxy asks for (`--listen`). Only a
// sandbox has them; elsewhere they are answered 404, by which the proxy knows that there is no tunnel.

import { FairSlots } from '../deliveries/sharing.ts';
import { tunnelPollsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import {
  closeTunnel,
  openTunnel,
  pollTunnel,
  type TunnelOptions,
} from '../tunnels/serve-tunnels.ts';
import { type TunnelRequest, tunnelUrl } from '../tunnels/tunnel.ts';
import type { OpenRoute } from './open-route.ts';
import { json } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { readNoQuery } from './schemas.ts';

export interface TunnelHandlersOptions extends TunnelOptions {
  /** How long a poll waits for a request, in ms. */
  readonly waitMs: number;
}

export function tunnelHandlers(options: TunnelHandlersOptions) {
  const polls = new FairSlots(tunnelPollsMax);
  return {
    open: async (call) => {
      readNoQuery(call.search);
      const tunnelId = await openTunnel(options, call.caller);
      return json(201, { id: tunnelId, url: tunnelUrl(tunnelId) });
    },
    poll: (call) => poll(options, polls, call),
    close: async (call) => {
      const tunnelId = idParam<'tunnel'>(call, 'endpoint_id', 'not_found');
      readNoQuery(call.search);
      await closeTunnel(options, call.caller, tunnelId);
      return { status: 204 };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type TunnelHandlers = ReturnType<typeof tunnelHandlers>;

async function poll(
  options: TunnelHandlersOptions,
  polls: FairSlots,
  call: Call,
): Promise<HttpResponse> {
  const tunnelId = idParam<'tunnel'>(call, 'endpoint_id', 'not_found');
  readNoQuery(call.search);
  const { tenantId } = call.caller;
  if (!polls.take(tenantId)) {
    throw new Refusal('too_many_requests', 'Too many requests wait for events.', {
      headers: { 'retry-after': '1' },
    });
  }
  try {
    const { isAwaited, isHead: takesNothing } = call;
    const { waitMs } = options;
    const asked = { tunnelId, waitMs, takesNothing, isAwaited };
    const requests = await pollTunnel(options, call.caller, asked);
    return json(200, requests.map(toView));
  } finally {
    polls.give(tenantId);
  }
}

function toView({ headers, body, receivedAt }: TunnelRequest): object {
  return { headers, payload: body, created_at: receivedAt.toISOString() };
}

/** The proxy asks for this before it has a token. */
export const tunnelHealthRoute: OpenRoute = {
  method: 'GET',
  path: '/events-acceptor-service/health',
  operation: 'check_events_acceptor',
  work: async () => ({ status: 200, body: '{"status":"alive"}' }),
};
