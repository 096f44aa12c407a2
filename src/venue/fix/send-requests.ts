// Sends what the session owes: queued requests under new numbers, and, when the venue asks, what was
// sent before. A number and its message are committed before a byte of them is written.

import type { Sql } from '../../db/connect.ts';
import { againAfterConflict, inTransaction } from '../../db/transaction.ts';
import { holdOffHalts } from '../../halts/halts-store.ts';
import { zero } from '../../money.ts';
import { encodeFields, encodeMessage, type Field, fieldsOf } from './codec.ts';
import { timestampOf } from './header.ts';
import { limitPriceOf } from './limit-price.ts';
import { findSent, type OutMessage, recordOut, type SentMessage } from './message-store.ts';
import type { FixOrder } from './order.ts';
import { findOrdersNamed, updateOrders } from './order-store.ts';
import {
  findHalted,
  findStopped,
  markSent,
  markSentAgain,
  type QueuedRequest,
  takeRequests,
} from './outbox-store.ts';
import { type FixProfile, fieldsIn, versions } from './profile.ts';
import { newOrderSingle, orderCancelRequest, orderStatusRequest, tradedIn } from './requests.ts';
import { fenceSession, type Writer } from './session-store.ts';

/** Messages of one commit, of one page of a replay. */
export const sentAtOnceMax = 500;

/** The bytes of a message under its number. */
function wireOf(
  profile: FixProfile,
  message: { fields: readonly Field[]; number: number; at: Date; firstSentAt?: Date },
): Buffer {
  const { fields, number, at, firstSentAt } = message;
  const [type, ...rest] = fields;
  const header: readonly Field[] = [
    type ?? [35, '0'],
    [49, profile.sender_comp_id],
    [56, profile.target_comp_id],
    [34, String(number)],
    ...(firstSentAt === undefined ? [] : [[43, 'Y'] as const]),
    [52, timestampOf(at)],
    ...(firstSentAt === undefined ? [] : [[122, timestampOf(firstSentAt)] as const]),
    ...fieldsIn(profile.header_fields),
  ];
  return encodeMessage(versions[profile.version].beginString, [...header, ...rest]);
}

/** Commits messages of the session itself under the next numbers. @returns their bytes. */
export async function numberMessages(
  sql: Sql,
  writer: Writer,
  batch: { profile: FixProfile; from: number; messages: readonly (readonly Field[])[]; now: Date },
): Promise<Buffer> {
  const { profile, from, messages, now } = batch;
  const out = messages.map((fields) => toOut(withoutSecrets(fields)));
  await againAfterConflict(sql, () => recordOut(sql, writer, { from, messages: out, now }));
  const wires = messages.map((fields, i) => wireOf(profile, { fields, number: from + i, at: now }));
  return Buffer.concat(wires);
}

/** RawData (96), Password (554), NewPassword (925): what is kept is not for everybody to read. */
const secretTags: ReadonlySet<number> = new Set([554, 925]);

function withoutSecrets(fields: readonly Field[]): readonly Field[] {
  return fields
    .filter(([tag]) => tag !== 95 && tag !== 96)
    .map(([tag, value]) => [tag, secretTags.has(tag) ? '***' : value]);
}

function toOut(fields: readonly Field[], request?: QueuedRequest): OutMessage {
  return {
    type: fields[0]?.[1] ?? '',
    fields: encodeFields(fields),
    tenantId: request?.tenantId,
    clientOrderId: request?.clientOrderId,
  };
}

/** Commits queued requests under the next numbers. @returns their bytes, and how many were taken and sent. */
export async function numberRequests(
  sql: Sql,
  writer: Writer,
  batch: { profile: FixProfile; from: number; limit: number; now: Date },
): Promise<{ readonly wire: Buffer; readonly count: number; readonly taken: number }> {
  const { profile, from, limit, now } = batch;
  const { sent, taken } = await inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    const all = await takeRequests(tx, { venue: writer.venue, limit });
    const stopped = await findStopped(tx, all.filter(isNew), now);
    const made = all.map((request) => {
      const isStopped = isNew(request) && stopped.has(request.clientOrderId);
      return { request, made: isStopped ? stoppedBefore : fieldsFor(request, profile, now) };
    });
    const rejected = made.flatMap(({ request, made: why }) => {
      return typeof why === 'string' ? rejectedHere(request, why) : [];
    });
    const ready = made.flatMap(({ request, made: fields }) => {
      return typeof fields === 'string' ? [] : { request, fields };
    });
    await updateOrders(tx, rejected);
    if (ready.length > 0) {
      const requests = ready.map(({ request }) => request);
      const out = ready.map(({ request, fields }) => toOut(fields, request));
      await recordOut(tx, writer, { from, messages: out, now });
      await markSent(tx, { requests, day: writer.day, now });
    }
    return { sent: ready, taken: all.length };
  });
  const wires = sent.map(({ fields }, i) => wireOf(profile, { fields, number: from + i, at: now }));
  return { wire: Buffer.concat(wires), count: sent.length, taken };
}

const stoppedBefore = 'a control stopped it before it was sent';

function isNew({ type }: QueuedRequest): boolean {
  return type === 'D';
}

/** @returns the message, or why there is none to send yet. */
function fieldsFor(
  request: QueuedRequest,
  profile: FixProfile,
  now: Date,
): readonly Field[] | string {
  switch (request.type) {
    case 'D': {
      if (request.isHalted) return 'it was halted before it was sent';
      const { limit_orders: limits } = profile;
      if (limits === undefined) return newOrderSingle(request, profile, { now });
      const order = { isin: request.isin, currency: tradedIn(request, profile), now };
      const limit = limitPriceOf(request.lastPrice, limits, order);
      return typeof limit === 'string' ? limit : newOrderSingle(request, profile, { now, limit });
    }
    case 'F':
      return orderCancelRequest(request, profile, { attempt: request.cancelRequests + 1, now });
    case 'H':
      return orderStatusRequest(request, profile);
  }
}

/** An order that never left: it is tried again under another client order id. */
function rejectedHere(request: QueuedRequest, reason: string): FixOrder {
  const rejection = { reason, isTemporary: true };
  return { ...request, status: 'DONE', sentOn: undefined, cumulativeQuantity: zero, rejection };
}

/**
 * What the venue asks for again, a page of it: orders that are still wanted, marked as repeats; one gap
 * fill for each run of the rest. An order that is too old to be sent now is marked as not sent, in a
 * commit before its gap fill.
 *
 * @returns the bytes, and the number behind the page.
 */
export async function replayPage(
  sql: Sql,
  writer: Writer,
  page: { profile: FixProfile; from: number; to: number; staleMs: number; now: Date },
): Promise<{ readonly wire: Buffer; readonly next: number }> {
  const { profile, from, to, staleMs, now } = page;
  const sent = await findSent(sql, writer, { from, to, limit: sentAtOnceMax });
  const next = sent.length < sentAtOnceMax ? to + 1 : (sent.at(-1)?.number ?? to) + 1;
  const wanted = await stillWanted(sql, writer, { sent, staleMs, now });
  const wires: Buffer[] = [];
  let open = from;
  const fillUpTo = (number: number) => {
    if (number > open) wires.push(gapFill(profile, { from: open, to: number, now }));
  };
  for (const message of sent) {
    const fields = wanted.has(message.number) ? fieldsOf(message.fields) : undefined;
    if (fields === undefined) continue;
    const { number, at: firstSentAt } = message;
    fillUpTo(number);
    wires.push(wireOf(profile, { fields, number, at: now, firstSentAt }));
    open = number + 1;
  }
  fillUpTo(next);
  return { wire: Buffer.concat(wires), next };
}

function gapFill(profile: FixProfile, fill: { from: number; to: number; now: Date }): Buffer {
  const { from, to, now } = fill;
  const fields: readonly Field[] = [
    [35, '4'],
    [123, 'Y'],
    [36, String(to)],
  ];
  return wireOf(profile, { fields, number: from, at: now, firstSentAt: now });
}

/**
 * Numbers that are sent again. An order is, as long as the venue has not answered it, it is young and neither halted nor stopped;
 * any other has not come to the venue, and never will.
 */
async function stillWanted(
  sql: Sql,
  writer: Writer,
  { sent, staleMs, now }: { sent: readonly SentMessage[]; staleMs: number; now: Date },
): Promise<ReadonlySet<number>> {
  const names = sent.flatMap(({ clientOrderId }) => clientOrderId ?? []);
  if (names.length === 0) return new Set();
  const { venue } = writer;
  return inTransaction(sql, async (tx) => {
    await holdOffHalts(tx);
    await fenceSession(tx, writer);
    const known = await findOrdersNamed(tx, { venue, names });
    const orders = new Map([...known].map(([name, { order }]) => [name, order]));
    const halted = await findHalted(tx, { venue, names });
    const stopped = await findStopped(tx, [...orders.values()], now);
    const wanted = new Set<number>();
    const again: string[] = [];
    const stale: FixOrder[] = [];
    for (const { number, type, at, clientOrderId = '' } of sent) {
      const order = orders.get(clientOrderId);
      if (order === undefined || order.status === 'DONE') continue;
      const isOld = now.getTime() - at.getTime() > staleMs;
      const isHalted = halted.has(clientOrderId);
      const isStopped = stopped.has(clientOrderId);
      if (type === 'F') {
        wanted.add(number);
      } else if (type === 'D' && order.status === 'SENT' && !(isOld || isHalted || isStopped)) {
        wanted.add(number);
        again.push(clientOrderId);
      } else if (type === 'D' && order.status === 'SENT') {
        const reason = isHalted
          ? 'it was halted before it came to the venue'
          : isStopped
            ? 'a control stopped it before it came to the venue'
            : 'it did not come to the venue in time';
        const rejected: FixOrder = {
          ...order,
          status: 'DONE',
          rejection: { reason, isTemporary: true },
        };
        orders.set(clientOrderId, rejected);
        stale.push(rejected);
      }
    }
    await updateOrders(tx, stale);
    if (again.length > 0) await markSentAgain(tx, { venue, names: again, now });
    return wanted;
  });
}
