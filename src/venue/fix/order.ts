// An order at a FIX venue, and what the venue's statements make of it: its new state, and the reports
// that the service gets to see. Pure.

import { assertNever } from '../../assert.ts';
import type { TenantId } from '../../ids.ts';
import type { Decimal } from '../../money.ts';
import type { ReportEvent } from '../venue.ts';
import type { End, Finding, Reading } from './reading.ts';

/** QUEUED: to be numbered and sent. SENT: committed to the session. WORKING: known to the venue. */
export type FixOrderStatus = 'QUEUED' | 'SENT' | 'WORKING' | 'DONE';

/** Why the venue never worked it. */
export interface Rejection {
  readonly reason: string;
  /** It may be tried again under another client order id. */
  readonly isTemporary: boolean;
}

export interface FixOrder {
  readonly tenantId: TenantId;
  /** FIX 11. */
  readonly clientOrderId: string;
  readonly isin: string;
  /** FIX 55 where a listing names it. */
  readonly symbol?: string | undefined;
  /** FIX 15 where the order names it. */
  readonly currency?: string | undefined;
  readonly quantity: Decimal;
  readonly status: FixOrderStatus;
  /** The trading day of the session it was sent on, as `YYYYMMDD`; undefined before that. */
  readonly sentOn: string | undefined;
  readonly venueOrderId: string | undefined;
  readonly cumulativeQuantity: Decimal;
  readonly rejection: Rejection | undefined;
}

/** What a message changes. */
export interface Conclusion {
  readonly order: FixOrder;
  readonly reports: readonly NewReport[];
  /** What contradicts what is known: for a person. */
  readonly problems: readonly string[];
}

export interface NewReport {
  readonly event: ReportEvent;
  readonly transactionAt: Date;
  /** FIX 17 or 19 as the venue wrote it. */
  readonly execId: string | undefined;
}

/** What is known around an order. */
export interface Surroundings {
  /** The trading day of the session. */
  readonly day: string;
  /** The venue cancels orders where the connection breaks: what was not asked for is tried again. */
  readonly cancelsByItself: boolean;
  /** Ids that its executions were reported under, by FIX 17. */
  readonly executions: ReadonlyMap<string, string>;
}

/**
 * ExecIDs are unique for a trading day, and of engines that were restarted not even that: with the day
 * and the order they are for ever.
 */
export function executionIdOf(day: string, clientOrderId: string, execId: string): string {
  return `${day}-${clientOrderId}-${execId}`;
}

/** Folds a message into its order. Repeats change nothing. */
export function conclude(order: FixOrder, reading: Reading, around: Surroundings): Conclusion {
  let conclusion: Conclusion = { order: acknowledged(order, reading), reports: [], problems: [] };
  for (const finding of reading.findings) {
    const next = concludeOne(conclusion.order, { reading, finding, around, before: order });
    conclusion = {
      order: next.order,
      reports: [...conclusion.reports, ...next.reports],
      problems: [...conclusion.problems, ...next.problems],
    };
  }
  return conclusion;
}

/** A venue that has given the order an id works it, as long as it says nothing else. */
function acknowledged(order: FixOrder, { venueOrderId, findings }: Reading): FixOrder {
  const isRejected = findings.some(({ type }) => type === 'ended' || type === 'not_known');
  if (order.status !== 'SENT' && order.status !== 'QUEUED') return order;
  if (isRejected && !findings.some(({ type }) => type === 'traded')) return order;
  if (venueOrderId === undefined) return order;
  return { ...order, status: 'WORKING', venueOrderId };
}

interface Statement {
  readonly reading: Reading;
  readonly finding: Finding;
  readonly around: Surroundings;
  /** The order as it was before the message. */
  readonly before: FixOrder;
}

function concludeOne(order: FixOrder, statement: Statement): Conclusion {
  const { finding } = statement;
  switch (finding.type) {
    case 'acknowledged':
    case 'cancel_rejected':
      return unchanged(order);
    case 'traded':
      return traded(order, statement, finding);
    case 'busted': {
      const { execId } = finding;
      const { around, reading } = statement;
      const venueExecutionId =
        around.executions.get(execId) ?? executionIdOf(around.day, order.clientOrderId, execId);
      const { cumulativeQuantity } = reading;
      const event: ReportEvent = { type: 'bust', venueExecutionId, cumulativeQuantity };
      return reported({ ...order, cumulativeQuantity }, statement, event, execId);
    }
    case 'ended':
      return ended(order, statement, finding);
    case 'status':
      return asked(order, statement, finding);
    case 'not_known':
      return notKnown(order, statement, finding.reason);
    default:
      return assertNever(finding);
  }
}

function unchanged(order: FixOrder): Conclusion {
  return { order, reports: [], problems: [] };
}

function problem(order: FixOrder, text: string): Conclusion {
  return { order, reports: [], problems: [text] };
}

function reported(
  order: FixOrder,
  { reading }: Statement,
  event: ReportEvent,
  execId?: string,
): Conclusion {
  const { transactionAt } = reading;
  return { order, reports: [{ event, transactionAt, execId }], problems: [] };
}

function traded(
  order: FixOrder,
  statement: Statement,
  { execution, isFilled }: Extract<Finding, { type: 'traded' }>,
): Conclusion {
  const { around, reading } = statement;
  const { execId, quantity, price, currency } = execution;
  if (around.executions.has(execId)) return unchanged(order);
  const { cumulativeQuantity } = reading;
  const venueExecutionId = executionIdOf(around.day, order.clientOrderId, execId);
  const trade = { venueExecutionId, lastQuantity: quantity, lastPrice: price, currency };
  const isEnd = isFilled && order.status !== 'DONE';
  const event: ReportEvent = { type: isEnd ? 'filled' : 'trade', trade, cumulativeQuantity };
  const status = isEnd ? 'DONE' : order.status;
  return reported({ ...order, status, cumulativeQuantity }, statement, event, execId);
}

function ended(
  order: FixOrder,
  statement: Statement,
  { end: said, reason }: { readonly end: End; readonly reason: string },
): Conclusion {
  const { before, reading, around } = statement;
  const isUnasked = said === 'cancelled' && !reading.answersRequest;
  const isLeft = reading.cumulativeQuantity.lt(order.quantity);
  const end = isUnasked && isLeft && around.cancelsByItself ? 'suspended' : said;
  const { cumulativeQuantity, venueOrderId } = reading;
  if (order.status === 'DONE') {
    const isSame = order.cumulativeQuantity.eq(cumulativeQuantity);
    return isSame ? unchanged(order) : problem(order, `ended again, with ${reason}`);
  }
  const isWorked = before.status === 'WORKING' || order.status === 'WORKING';
  if (!isWorked && end !== 'cancelled') {
    // The venue never worked it: that is the outcome of the submission, not a report of it.
    const rejection = { reason, isTemporary: end === 'suspended' };
    return unchanged({ ...order, status: 'DONE', rejection });
  }
  const known = { ...order, venueOrderId: order.venueOrderId ?? venueOrderId };
  const next: FixOrder = { ...known, status: 'DONE', cumulativeQuantity };
  return reported(next, statement, { type: end, reason, cumulativeQuantity });
}

/** A state that was asked for: it ends what it ends, if no execution is missing. */
function asked(
  order: FixOrder,
  statement: Statement,
  { end, reason }: Extract<Finding, { type: 'status' }>,
): Conclusion {
  const { cumulativeQuantity } = statement.reading;
  if (!cumulativeQuantity.eq(order.cumulativeQuantity)) {
    const [theirs, ours] = [cumulativeQuantity.toFixed(), order.cumulativeQuantity.toFixed()];
    return problem(order, `the venue says ${theirs} was sold, its reports say ${ours}`);
  }
  if (end === undefined || order.status === 'DONE') return unchanged(order);
  // All executions of a filled one are here: the end is all that is missing.
  return ended(order, statement, { end: end === 'filled' ? 'cancelled' : end, reason });
}

function notKnown(order: FixOrder, { around }: Statement, reason: string): Conclusion {
  if (order.status !== 'SENT') return problem(order, `the venue does not know it: ${reason}`);
  if (order.sentOn === around.day) {
    return problem(order, `the venue was sent it today and does not know it: ${reason}`);
  }
  // Its trading day is over, and it never came to the venue.
  const rejection = {
    reason: `not sent before the trading day ended: ${reason}`,
    isTemporary: true,
  };
  return unchanged({ ...order, status: 'DONE', rejection });
}
