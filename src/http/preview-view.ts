// A preview as it is on the wire. What is undefined is absent in JSON.

import {
  type Preview,
  type PreviewPosition,
  type PreviewRelease,
  totalsOf,
} from '../liquidations/preview-liquidation.ts';
import { accountCurrency, type Decimal, plain, sum } from '../money.ts';

export function previewView(preview: Preview) {
  const { positions, refusal, runningId, release, step } = preview;
  const byCurrency = totalsOf(positions);
  return {
    account_id: preview.accountId,
    as_of: preview.marketAt,
    refusal: refusal && { reason: refusal.code, detail: refusal.message, running_id: runningId },
    release: {
      due_at: release.dueAt,
      expected_at: release.expectedAt,
      waiting: release.waiting && waitingView(release.waiting),
    },
    outcome: step.type,
    note: step.type === 'end' ? step.note : undefined,
    positions: positions.map((position) => positionView(position, preview.now)),
    totals: {
      positions: positions.length,
      selling: byCurrency.reduce((count, one) => count + one.positions, 0),
      value: money(sum(byCurrency.map(({ value }) => value))),
      unpriced: byCurrency.reduce((count, one) => count + one.unpriced, 0),
      stopped: positions.filter(({ stops }) => stops.length > 0).length,
      cash_amount: preview.cashAmount,
      currency: accountCurrency,
      by_currency: byCurrency.map((one) => ({ ...one, value: money(one.value) })),
    },
  };
}

function waitingView(waiting: NonNullable<PreviewRelease['waiting']>) {
  if (waiting.reason === 'halted') return waiting;
  return { reason: waiting.reason, detail: `${waiting.venues.join(', ')}: none is open` };
}

function positionView(position: PreviewPosition, now: Date) {
  const { holding, opening, value } = position;
  const { price, pricedAt, route, lotSize } = holding;
  return {
    isin: holding.isin,
    name: holding.name,
    quantity: plain(holding.quantity),
    sells: plain(position.sold),
    unsold: position.unsold.map((part) => ({ ...part, quantity: plain(part.quantity) })),
    stopped_by: position.stops,
    venue: route?.venue,
    symbol: route?.symbol,
    currency: route?.currency,
    lot_size: lotSize && plain(lotSize),
    venue_open: opening?.isOpen,
    opens_at: opening?.opensAt,
    price: price && plain(price),
    priced_at: pricedAt,
    price_age_s: pricedAt && Math.max(0, Math.floor((now.getTime() - pricedAt.getTime()) / 1_000)),
    value: value && money(value),
  };
}

function money(value: Decimal): string {
  return value.toFixed(2);
}
