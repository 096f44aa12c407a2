// Releases an order that a control has stopped: a person lets it pass that control, and it is due at once. Other
// controls still check it.

import type { StopId } from '../controls/control.ts';
import { markReleased, type Stop, type StoppedOrder } from '../controls/stops-store.ts';
import type { Tx } from '../db/connect.ts';
import { delayOrders, lockOrders } from './order-store.ts';

/** @returns the stop as it is then; undefined where the order is not stopped by it any more. */
export async function releaseStop(
  tx: Tx,
  which: StoppedOrder & { readonly stopId: StopId },
  release: NonNullable<Stop['release']>,
): Promise<Stop | undefined> {
  const { tenantId, orderId } = which;
  await lockOrders(tx, [which]);
  const released = await markReleased(tx, which, release);
  if (released === undefined) return undefined;
  // Sent or ended meanwhile it is not due, and stays as it is.
  await delayOrders(tx, { tenantId, orderIds: [orderId], waitMs: 0, now: release.at });
  return released;
}
