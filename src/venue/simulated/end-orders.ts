// Ends orders at the simulated venue before their time: what was planned for later never happens.

import type { Tx } from '../../db/connect.ts';
import { newId } from '../../ids.ts';
import type { ReportEvent } from '../venue.ts';
import { dropPlans, type OrderState } from './order-state-store.ts';
import { type OwedReport, scheduleReports } from './store.ts';

/** Ends orders at an instant, each with what it has sold; the caller holds the session. */
export async function endOrders(
  tx: Tx,
  batch: {
    orders: readonly OrderState[];
    end: { type: 'cancelled' | 'suspended'; reason: string };
    at: Date;
  },
): Promise<void> {
  const { orders, end, at } = batch;
  if (orders.length === 0) return;
  await dropPlans(tx, { orders, after: at });
  const owed = orders.map((order) => {
    return reportNow(order, { ...end, cumulativeQuantity: order.soldQuantity });
  });
  await scheduleReports(tx, { owed, from: at });
}

/** A report of something that happens now, sent at once. */
export function reportNow(order: OrderState, event: ReportEvent): OwedReport {
  const { tenantId, clientOrderId, venueOrderId } = order;
  const report = { happensMs: 0, sentMs: 0, copy: 0, event };
  return { reportId: newId<'report'>(), tenantId, clientOrderId, venueOrderId, report };
}
