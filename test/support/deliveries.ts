// A delivery as a receiver reads it, without the receiver around it.
import type { WebhookEvent } from '@unwind/client/webhooks';
import {
  type Delivery,
  type DeliveryKeys,
  messageOf,
  verifyDelivery,
} from '../../packages/client/src/deliveries.ts';
import { readEvents } from '../../packages/client/src/events.ts';

/**
 * Verifies a delivery and gives its events, ascending. The same event may come again, with the same
 * id: handle it once.
 *
 * @throws SignatureError when it is not signed by one of the keys, was changed, or is too old;
 *   MalformedEventError.
 */
export async function readDelivery(
  delivery: Delivery,
  keys: DeliveryKeys,
  now: Date,
): Promise<readonly WebhookEvent[]> {
  await verifyDelivery(messageOf(delivery), keys, now);
  return readEvents(delivery.body);
}
