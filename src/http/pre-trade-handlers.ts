// The operations on pre-trade controls: read and set, orders that they have stopped listed and released. Controls
// are answered once no order can reach a venue that was not checked by them.

import type { ControlsId, Limits, StopId } from '../controls/control.ts';
import { type Controls, findControls, replaceControls } from '../controls/controls-store.ts';
import { findStoppedOrder, findStops } from '../controls/stops-store.ts';
import type { Tx } from '../db/connect.ts';
import { untilAcknowledged } from '../halts/acknowledge-halt.ts';
import { everyTenant } from '../halts/halt.ts';
import { newId, type TenantId } from '../ids.ts';
import { decimal } from '../money.ts';
import { releaseStop } from '../orders/release-stop.ts';
import { Refusal } from '../refusal.ts';
import { idOf } from './cursor.ts';
import type { StopOptions } from './halt-handlers.ts';
import { decidedBody, respondOnce } from './once.ts';
import { json, keyPageResponse } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import {
  listStoppedQuery,
  releaseOrderBody,
  type SetControls,
  setControlsBody,
} from './pre-trade-schemas.ts';
import { controlsView, stopView } from './pre-trade-views.ts';
import { queryReaderOf, readerOf, readId, readNoQuery } from './schemas.ts';

const readListQuery = queryReaderOf(listStoppedQuery);
const readSet = readerOf(setControlsBody);
const readRelease = readerOf(releaseOrderBody);

const noSuchStop = 'There is no such stopped order.';
const inForceOnly =
  'The controls are in force, but a process may still be sending what it checked before; try again with the ' +
  'same idempotency key, until it is certain that all is checked by them.';

export function preTradeHandlers(options: StopOptions) {
  const { sql, clock, rest } = options;
  return {
    retrieve: async (call) => {
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const found = await findControls(sql, tenantId);
      const own = found.find((one) => one.tenantId === tenantId);
      const ofAll = found.find((one) => one.tenantId === everyTenant);
      const shown = (one: Controls | undefined) => (one === undefined ? null : controlsView(one));
      return json(200, { own: shown(own), across_clients: shown(ofAll) });
    },

    set: async (call) => {
      readNoQuery(call.search);
      const body = decidedBody(call, readSet);
      const limits = limitsIn(body);
      const replaces =
        body.replaces === undefined ? undefined : readId<'controls'>(body.replaces, '/replaces');
      const { tenantId } = call.caller;
      const response = await respondOnce(options, call, async (tx, setAt) => {
        const { reason, person } = body;
        const controlsId: ControlsId = newId<'controls'>();
        const controls = { ...limits, tenantId, controlsId, reason, person, setAt };
        if (!(await replaceControls(tx, controls, replaces))) return otherInForce(tx, tenantId);
        return { status: 200, body: JSON.stringify(controlsView(controls)) };
      });
      const all = { tenantId, accountId: undefined, isin: undefined, venue: undefined };
      if (!(await untilAcknowledged(sql, clock, all, rest))) {
        throw new Refusal('service_unavailable', inForceOnly, { headers: { 'retry-after': '1' } });
      }
      return response;
    },

    listStopped: async (call) => {
      const { cursor, limit = 100 } = readListQuery(call.search);
      const { tenantId } = call.caller;
      const below = cursor === undefined ? undefined : idOf<'stop'>(cursor);
      const { things: stops, next } = await findStops(sql, { tenantId, below, limit });
      const objects = stops.map((stop) => JSON.stringify(stopView(stop))).join(',');
      return keyPageResponse(call, { objects, count: stops.length, next }, limit);
    },

    release: async (call) => {
      const stopId: StopId = idParam<'stop'>(call, 'stop_id', 'not_found');
      readNoQuery(call.search);
      const body = decidedBody(call, readRelease);
      const { reason, person: by } = body;
      const { tenantId } = call.caller;
      return respondOnce(options, call, async (tx, at) => {
        const order = await findStoppedOrder(tx, { tenantId, stopId });
        if (order === undefined) return new Refusal('not_found', noSuchStop);
        const released = await releaseStop(tx, { ...order, stopId }, { at, by, reason });
        if (released !== undefined) {
          return { status: 200, body: JSON.stringify(stopView(released)) };
        }
        return new Refusal('conflict', 'The order is not stopped by this control any more.');
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type PreTradeHandlers = ReturnType<typeof preTradeHandlers>;

/** Another person has set controls since the caller looked: theirs would be lost without a word. */
async function otherInForce(tx: Tx, tenantId: TenantId): Promise<Refusal> {
  const own = (await findControls(tx, tenantId)).find((one) => one.tenantId === tenantId);
  if (own === undefined) {
    const detail = 'No controls of this client are in force: leave out replaces, or look again.';
    return new Refusal('conflict', detail);
  }
  const { controlsId, person, setAt } = own;
  const set = `${controlsId}, set ${setAt.toISOString()} by ${person}`;
  const remedy = 'Look at them (GET /controls), and send their id as replaces.';
  return new Refusal(
    'conflict',
    `Controls are in force that these do not replace: ${set}. ${remedy}`,
  );
}

type AmountName =
  | 'order_quantity_max'
  | 'order_value_max'
  | 'day_value_max'
  | 'price_collar_percent'
  | 'four_eyes_max';

/** @throws Refusal `bad_request`. */
function limitsIn(body: SetControls): Limits {
  const amount = (name: AmountName) => {
    const text = body[name];
    if (text === undefined) return undefined;
    const value = decimal(text);
    if (value.gt('0')) return value;
    throw new Refusal('bad_request', `/${name} is 0: leave it out where nothing is limited.`);
  };
  const { rejections } = body;
  return {
    orderQuantityMax: amount('order_quantity_max'),
    orderValueMax: amount('order_value_max'),
    dayValueMax: amount('day_value_max'),
    priceAgeMaxS: body.price_age_max_s,
    priceCollarPercent: amount('price_collar_percent'),
    rejections: rejections && { max: rejections.max, windowS: rejections.window_s },
    fourEyesMax: amount('four_eyes_max'),
  };
}
