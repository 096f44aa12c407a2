// Releases an order that a control has stopped: a person lets it pass that control, and it is due at once. Other
// controls still check it.

import type { StopId } from '../controls/control.ts';
import type { Stop } from '../controls/stops-store.ts';
import { markReleased } from '../controls/stops-store.ts';
import type { Tx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { postponeOrders } from './order-store.ts';

/** @returns the stop as it is then; undefined where the order is not stopped by it any more. */
export async function releaseStop(
  tx: Tx,
  which: { readonly tenantId: TenantId; readonly stopId: StopId },
  release: NonNullable<Stop['release']>,
): Promise<Stop | undefined> {
  const { tenantId } = which;
  const released = await markReleased(tx, which, release);
  if (released === undefined) return undefined;
  // Sent or ended meanwhile it is not due, and stays as it is.
  await postponeOrders(tx, { tenantId, orderIds: [released.orderId], waitMs: 0, now: release.at });
  return released;
}
