// The application messages of this side: NewOrderSingle (D), OrderCancelRequest (F),
// OrderStatusRequest (H) and OrderMassStatusRequest (AF), as the profile of a venue wants them. Pure.
// Source: FIX 4.4 volume 4.

import { shortIdOf } from '../../ids.ts';
import { accountCurrency, type Decimal, plain } from '../../money.ts';
import type { Field } from './codec.ts';
import { timestampOf } from './header.ts';
import type { FixOrder } from './order.ts';
import { type FixProfile, fieldsIn, versions } from './profile.ts';

/** An order as its messages name it. */
export type Named = Pick<
  FixOrder,
  'clientOrderId' | 'isin' | 'symbol' | 'currency' | 'quantity' | 'venueOrderId'
>;

const sell = '2';
const orderTypes = { market: '1', limit: '2' } as const;
const isinSource = '4';

/** An order to sell the whole quantity: at the market, or not below a limit. */
export function newOrderSingle(
  order: Named,
  profile: FixProfile,
  { now, limit }: { now: Date; limit?: Decimal | undefined },
): readonly Field[] {
  const { order_fields, time_in_force = '0', version } = profile;
  const currency = currencyOf(order, profile);
  const { needsHandlInst } = versions[version];
  return [
    [35, 'D'],
    [11, order.clientOrderId],
    ...(needsHandlInst ? [[21, '1'] as const] : []),
    ...instrument(order, profile),
    [54, sell],
    [60, timestampOf(now)],
    [38, plain(order.quantity)],
    [40, limit === undefined ? orderTypes.market : orderTypes.limit],
    ...(limit === undefined ? [] : [[44, plain(limit)] as const]),
    ...(currency === undefined ? [] : [[15, currency] as const]),
    [59, time_in_force],
    ...fieldsIn(order_fields),
  ];
}

/** `attempt` from 1 on: each request has a name of its own. */
export function orderCancelRequest(
  order: Named,
  profile: FixProfile,
  { attempt, now }: { attempt: number; now: Date },
): readonly Field[] {
  return [
    [35, 'F'],
    [41, order.clientOrderId],
    [11, requestIdOf('F', order.clientOrderId, attempt)],
    ...venueOrderId(order),
    ...instrument(order, profile),
    [54, sell],
    [60, timestampOf(now)],
    [38, plain(order.quantity)],
  ];
}

export function orderStatusRequest(order: Named, profile: FixProfile): readonly Field[] {
  return [
    [35, 'H'],
    [11, order.clientOrderId],
    ...venueOrderId(order),
    ...instrument(order, profile),
    [54, sell],
  ];
}

/** Asks for all orders of this session. */
export function orderMassStatusRequest(id: string): readonly Field[] {
  return [
    [35, 'AF'],
    [584, id],
    [585, '7'],
  ];
}

/** 20 characters of base 32, like a client order id, and never the same as one. */
function requestIdOf(type: string, clientOrderId: string, attempt: number): string {
  return shortIdOf(`${type}/${clientOrderId}/${attempt}`);
}

function venueOrderId({ venueOrderId: id }: Named): readonly Field[] {
  return id === undefined ? [] : [[37, id]];
}

/** Where the profile names none, EUR goes without saying. */
function currencyOf(order: Named, profile: FixProfile): string | undefined {
  const currency = tradedIn(order, profile);
  return profile.currency === undefined && currency === accountCurrency ? undefined : currency;
}

/** The currency in which an order is priced: of its listing, else of its venue. */
export function tradedIn(order: Named, profile: FixProfile): string {
  return order.currency ?? profile.currency ?? accountCurrency;
}

/** Symbol (55) is required in every version; where the ISIN names the instrument it repeats it. */
function instrument(order: Named, profile: FixProfile): readonly Field[] {
  const { isin } = order;
  const { symbology = 'isin', symbols = {} } = profile;
  const symbol = order.symbol ?? symbols[isin] ?? isin;
  if (symbology === 'symbol') return [[55, symbol]];
  return [
    [55, symbol],
    [48, isin],
    [22, isinSource],
  ];
}
