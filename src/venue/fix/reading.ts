// What a venue's messages say about orders: ExecutionReport (8), OrderCancelReject (9), Reject (3) and
// Business Message Reject (j), of every version, as one set of findings. Pure. What a finding changes
// is decided in apply.ts, where the order is known.
// Source: FIX 4.4 volume 4, "Execution Report" and its state matrices; FIX 4.2, ExecTransType (20).

import { type Decimal, decimal } from '../../money.ts';
import { type FixMessage, fieldOf } from './codec.ts';
import { type Fault, instantIn, numberIn, rejectReasons } from './header.ts';
import type { VersionTerms } from './profile.ts';

/** Why an order came to its end without its whole quantity. */
export type End = 'cancelled' | 'rejected' | 'suspended';

export interface Execution {
  /** FIX 17. */
  readonly execId: string;
  /** FIX 32 and 31. */
  readonly quantity: Decimal;
  readonly price: Decimal;
  /** FIX 15. */
  readonly currency?: string | undefined;
}

/** One statement of the venue about one order. */
export type Finding =
  /** It is known to the venue; nothing else has changed. */
  | { readonly type: 'acknowledged' }
  | { readonly type: 'traded'; readonly execution: Execution; readonly isFilled: boolean }
  | { readonly type: 'ended'; readonly end: End; readonly reason: string }
  /** The execution is void (FIX 19). */
  | { readonly type: 'busted'; readonly execId: string }
  /** What the venue says when asked: its state now, whatever was reported before. */
  | { readonly type: 'status'; readonly end: End | 'filled' | undefined; readonly reason: string }
  /** The venue does not know the order it was asked about. */
  | { readonly type: 'not_known'; readonly reason: string }
  /** A request to cancel was not granted; the order goes on as it was. */
  | { readonly type: 'cancel_rejected'; readonly reason: string };

/** What one message says of one order. */
export interface Reading {
  /** FIX 11 and 41: which of them names the order is known to the part that keeps the orders. */
  readonly names: readonly string[];
  /** It answers a request of ours about the order (FIX 41). */
  readonly answersRequest: boolean;
  /** FIX 37; undefined where the venue has none. */
  readonly venueOrderId: string | undefined;
  /** FIX 14. */
  readonly cumulativeQuantity: Decimal;
  /** FIX 60, else 52. */
  readonly transactionAt: Date;
  readonly findings: readonly Finding[];
}

/** What a session message says of a message of ours: its number (FIX 45) was rejected. */
export interface Rejected {
  readonly number: number;
  readonly reason: string;
}

/** Types of application messages that are taken. */
const applicationTypes: ReadonlySet<string> = new Set(['8', '9', 'j']);

/** What is wrong with an application message; undefined: it can be read. */
export function faultIn(message: FixMessage, terms: VersionTerms): Fault | undefined {
  const { type } = message;
  if (!applicationTypes.has(type)) {
    const isType = /^([A-Z0-9a-z]|[A-Z]{2})$/.test(type);
    if (!isType) return { tag: 35, reason: rejectReasons.invalidMessageType };
    return { reason: rejectReasons.valueIncorrect, isUnsupported: true };
  }
  if (type === 'j') return numberFault(message, 45, /^\d+$/);
  const named = requiredFault(message, type === '9' ? [11, 37, 41] : [37, 17, 150, 39, 14]);
  if (named !== undefined) return named;
  if (type === '9') return undefined;
  return numberFault(message, 14, quantityForm) ?? executionFault(message, terms);
}

const quantityForm = /^\d{1,18}(\.\d{1,18})?$/;

function requiredFault(message: FixMessage, tags: readonly number[]): Fault | undefined {
  const tag = tags.find((one) => fieldOf(message, one) === undefined);
  return tag === undefined ? undefined : { tag, reason: rejectReasons.requiredTagMissing };
}

function numberFault(message: FixMessage, tag: number, form: RegExp): Fault | undefined {
  const missing = requiredFault(message, [tag]);
  if (missing !== undefined) return missing;
  const isNumber = form.test(fieldOf(message, tag) ?? '');
  return isNumber ? undefined : { tag, reason: rejectReasons.incorrectFormat };
}

function executionFault(message: FixMessage, terms: VersionTerms): Fault | undefined {
  const kind = kindOf(message, terms);
  if (kind === 'unknown') return { tag: 150, reason: rejectReasons.valueIncorrect };
  const refersBack = kind === 'bust' || kind === 'correction';
  const reference = refersBack ? requiredFault(message, [19]) : undefined;
  if (reference !== undefined) return reference;
  if (kind !== 'trade' && kind !== 'correction') return undefined;
  return numberFault(message, 32, quantityForm) ?? numberFault(message, 31, quantityForm);
}

type Kind =
  | 'acknowledged'
  | 'trade'
  | 'correction'
  | 'bust'
  | 'status'
  | 'cancelled'
  | 'rejected'
  | 'expired'
  | 'done_for_day'
  | 'unchanged'
  | 'unknown';

/** ExecType (150). Fills of FIX 4.2 are 1 and 2, later F. */
const kinds: Readonly<Record<string, Kind>> = {
  '0': 'acknowledged',
  '1': 'trade',
  '2': 'trade',
  '3': 'done_for_day',
  '4': 'cancelled',
  '5': 'unchanged',
  '6': 'unchanged',
  '7': 'unchanged',
  '8': 'rejected',
  '9': 'unchanged',
  A: 'unchanged',
  B: 'unchanged',
  C: 'expired',
  D: 'unchanged',
  E: 'unchanged',
  F: 'trade',
  G: 'correction',
  H: 'bust',
  I: 'status',
};
/** ExecTransType (20) of FIX 4.2: 0 is new. */
const transactionKinds: Readonly<Record<string, Kind>> = {
  '1': 'bust',
  '2': 'correction',
  '3': 'status',
};

function kindOf(message: FixMessage, { hasExecTransType }: VersionTerms): Kind {
  const transaction = hasExecTransType ? transactionKinds[fieldOf(message, 20) ?? ''] : undefined;
  const kind = transaction ?? kinds[fieldOf(message, 150) ?? ''] ?? 'unknown';
  // QuickFIX/J's Executor accepts an order with a fill of nothing.
  const isNew = fieldOf(message, 39) === '0' && fieldOf(message, 32) === undefined;
  return kind === 'trade' && isNew ? 'acknowledged' : kind;
}

/** OrdStatus (39) values that end an order. */
const ends: Readonly<Record<string, End | 'filled'>> = {
  '2': 'filled',
  '3': 'suspended',
  '4': 'cancelled',
  '8': 'rejected',
  C: 'suspended',
};
/** OrdRejReason (103): exchange closed, too late to enter. */
const temporaryReasons: ReadonlySet<string> = new Set(['2', '4']);
const unknownOrder = '5';

/** Reads a message that has no fault. @returns undefined where it speaks of no order. */
export function readMessage(message: FixMessage, terms: VersionTerms): Reading | undefined {
  const venueOrderId = fieldOf(message, 37);
  const names = [41, 11].flatMap((tag) => fieldOf(message, tag) ?? []);
  const sentAt = instantIn(fieldOf(message, 60) ?? '') ?? instantIn(fieldOf(message, 52) ?? '');
  const common = {
    names,
    answersRequest: fieldOf(message, 41) !== undefined,
    // Before an order is known, venues write NONE or the like.
    venueOrderId: venueOrderId === 'NONE' ? undefined : venueOrderId,
    cumulativeQuantity: decimal(fieldOf(message, 14) ?? '0'),
    transactionAt: sentAt ?? new Date(0),
  };
  if (message.type === '9') {
    return { ...common, venueOrderId: undefined, findings: [cancelReject(message)] };
  }
  if (message.type !== '8') return undefined;
  return { ...common, findings: findingsIn(message, kindOf(message, terms)) };
}

/** The message of ours that the venue rejected. */
export function readRejection(message: FixMessage): Rejected | undefined {
  const number = numberIn(message, 45);
  if ((message.type !== '3' && message.type !== 'j') || number === undefined) return undefined;
  const tag = fieldOf(message, 371);
  const about = tag === undefined ? '' : ` (field ${tag})`;
  return { number, reason: `${reasonIn(message, 'the venue rejected the message')}${about}` };
}

function findingsIn(message: FixMessage, kind: Kind): readonly Finding[] {
  const status = fieldOf(message, 39) ?? '';
  switch (kind) {
    case 'acknowledged':
    case 'unchanged':
    case 'unknown':
      return [{ type: 'acknowledged' }];
    case 'trade':
      return tradesIn(message, status);
    case 'correction': {
      const busted: Finding = { type: 'busted', execId: fieldOf(message, 19) ?? '' };
      return [busted, { type: 'traded', execution: executionIn(message), isFilled: false }];
    }
    case 'bust':
      return [{ type: 'busted', execId: fieldOf(message, 19) ?? '' }];
    case 'status':
      return [statusIn(message, status)];
    case 'cancelled':
      return [{ type: 'ended', end: 'cancelled', reason: reasonIn(message, 'cancelled') }];
    case 'rejected':
      return [rejection(message)];
    case 'expired':
      return [{ type: 'ended', end: 'suspended', reason: reasonIn(message, 'expired') }];
    case 'done_for_day':
      return [{ type: 'ended', end: 'suspended', reason: reasonIn(message, 'done for the day') }];
  }
}

/** A fill; where it also ends the order short of its quantity, that too. */
function tradesIn(message: FixMessage, status: string): readonly Finding[] {
  const end = ends[status];
  const execution = executionIn(message);
  const traded: Finding = { type: 'traded', execution, isFilled: end === 'filled' };
  if (end === undefined || end === 'filled') return [traded];
  return [traded, { type: 'ended', end, reason: reasonIn(message, end) }];
}

function executionIn(message: FixMessage): Execution {
  return {
    execId: fieldOf(message, 17) ?? '',
    quantity: decimal(fieldOf(message, 32) ?? '0'),
    price: decimal(fieldOf(message, 31) ?? '0'),
    currency: fieldOf(message, 15),
  };
}

function statusIn(message: FixMessage, status: string): Finding {
  const reason = reasonIn(message, `status ${status}`);
  if (status === '8' && fieldOf(message, 103) === unknownOrder)
    return { type: 'not_known', reason };
  return { type: 'status', end: ends[status], reason };
}

function rejection(message: FixMessage): Finding {
  const isTemporary = temporaryReasons.has(fieldOf(message, 103) ?? '');
  const reason = reasonIn(message, 'rejected');
  return { type: 'ended', end: isTemporary ? 'suspended' : 'rejected', reason };
}

function cancelReject(message: FixMessage): Finding {
  return { type: 'cancel_rejected', reason: reasonIn(message, 'the cancel request was rejected') };
}

/** Text (58), of a length that a person reads. */
function reasonIn(message: FixMessage, otherwise: string): string {
  return (fieldOf(message, 58) ?? otherwise).slice(0, 200);
}
