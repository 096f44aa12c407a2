// The receivers of a simulated run: they verify every delivery with the tenant's published keys, keep
// what came in the order it came, and fail as the troubles say.
import assert from 'node:assert/strict';
import { type DeliveryKeys, readDelivery } from '../../src/client/deliveries.ts';
import type { TenantId } from '../../src/ids.ts';
import type { History } from './history.ts';
import type { Network, Post } from './network.ts';

/** An event as it arrived. */
export interface Arrival {
  readonly eventId: string;
  readonly accountId: string;
  /** The event's bytes. */
  readonly body: string;
}

export interface Receiver {
  readonly tenantId: TenantId;
  readonly url: string;
  readonly keys: DeliveryKeys;
  /** Repeats included. */
  readonly arrivals: Arrival[];
}

/** Takes one delivery. @throws when it is not one that the receiver can trust. */
export async function receiveAt(
  receivers: readonly Receiver[],
  post: Post,
  { network, history }: { network: Network; history: History },
): Promise<number> {
  const { scheduler, troubles, lot } = network;
  const receiver = receivers.find((one) => one.url === String(post.url));
  assert.ok(receiver !== undefined, `nobody receives at ${post.url}`);
  const delivery = {
    method: 'POST',
    url: post.url.pathname + post.url.search,
    rawHeaders: Object.entries(post.headers).flat(),
    body: post.body,
  };
  const isFailing = troubles.happens('receiver_fails');
  // It may fail before it has kept the event, or after.
  if (isFailing && lot.next() < 0.5) return 503;
  const events = await readDelivery(delivery, receiver.keys, scheduler.clock.now());
  const text = post.body.toString();
  for (const event of events) {
    const body = JSON.stringify(event);
    const accountId = String((event.object as { account_id: unknown }).account_id);
    assert.ok(text.includes(body), 'an event is written as JSON.stringify writes it');
    receiver.arrivals.push({ eventId: event.id, accountId, body });
    history.note(`${post.url.host} received ${event.id} ${event.type}`);
  }
  return isFailing ? 500 : 204;
}
