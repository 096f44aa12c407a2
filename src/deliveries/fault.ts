// Faults that a client of a sandbox asks of the deliveries of a subscription, to see what its receiver makes
// of them: what is held back, and what is done to a request. Pure; live mode reads none.

import { createHash } from 'node:crypto';
import { later } from '../clock.ts';
import type { Attempt } from '../egress/post.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';

export type SignatureFault = 'wrong' | 'old_key';

/** What is asked for. */
export interface AskedFaults {
  /** Each event comes so many s after it happened. */
  readonly lateS: number | undefined;
  /** Events are held back and come all at once, every so many s. */
  readonly burstS: number | undefined;
  /** What is acknowledged is sent once more. */
  readonly twice: boolean;
  readonly signature: SignatureFault | undefined;
  /** Half of the body is sent, and the rest so many s later. */
  readonly stallS: number | undefined;
  /** For which status a response of the receiver is taken. */
  readonly answeredAs: number | undefined;
  /** One of so many requests is sent twice, signed wrongly, stalled or taken for failed; which, is random. */
  readonly oneIn: number;
}

export interface Faults extends AskedFaults {
  readonly since: Date;
  readonly endsAt: Date;
  /** Nothing is sent until then. */
  readonly silentUntil: Date | undefined;
}

/** What the delivery log says of an attempt. */
export const faultNames = [
  'late',
  'burst',
  'twice',
  'wrong_signature',
  'old_key',
  'stall',
  'answered_as',
] as const;
export type FaultName = (typeof faultNames)[number];

/** The faults at an instant: they end by themselves. */
export function faultsAt(faults: Faults | undefined, now: Date): Faults | undefined {
  return faults !== undefined && now < faults.endsAt ? faults : undefined;
}

/** Until when nothing is sent at all; undefined where something may be. */
export function silentUntil(faults: Faults | undefined, now: Date): Date | undefined {
  const until = faultsAt(faults, now)?.silentUntil;
  return until !== undefined && until > now ? until : undefined;
}

/** Of waiting events, ascending, those that are not held back; and until when the first one is, if it is. */
export function notHeld(
  faults: Faults | undefined,
  events: readonly LoggedEvent[],
  now: Date,
): { readonly ready: readonly LoggedEvent[]; readonly heldUntil: Date | undefined } {
  const current = faultsAt(faults, now);
  if (current === undefined) return { ready: events, heldUntil: undefined };
  const isHeld = (event: LoggedEvent) => dueAt(current, event) > now;
  const held = events.findIndex(isHeld);
  const [first] = events;
  if (held < 0 || first === undefined) return { ready: events, heldUntil: undefined };
  return {
    ready: events.slice(0, held),
    heldUntil: held === 0 ? dueAt(current, first) : undefined,
  };
}

function dueAt({ lateS = 0, burstS, since, endsAt }: Faults, { createdAt }: LoggedEvent): Date {
  const lateAt = later(new Date(createdAt), lateS * 1_000);
  const due = burstS === undefined ? lateAt : nextBurst(since, lateAt, burstS * 1_000);
  return due < endsAt ? due : endsAt;
}

function nextBurst(since: Date, at: Date, everyMs: number): Date {
  return later(since, Math.ceil((at.getTime() - since.getTime()) / everyMs) * everyMs);
}

/** What is done to one request. */
export interface RequestFaults {
  readonly signature: SignatureFault | undefined;
  readonly stallMs: number;
  readonly twice: boolean;
  readonly answeredAs: number | undefined;
}

/**
 * What is done to a request, and what the delivery log says of it. The same attempt of the same events
 * draws the same; another attempt draws anew.
 */
export function requestFaults(
  faults: Faults | undefined,
  request: { messageId: string; attempt: number; isApart: boolean; now: Date },
): { readonly faults: RequestFaults | undefined; readonly names: readonly FaultName[] } {
  const current = faultsAt(faults, request.now);
  if (current === undefined) return { faults: undefined, names: [] };
  const { signature, stallS, twice, answeredAs, lateS, burstS } = current;
  const held: FaultName[] = [];
  if (lateS !== undefined && !request.isApart) held.push('late');
  if (burstS !== undefined && !request.isApart) held.push('burst');
  if (!isDrawn(current, request)) return { faults: undefined, names: held };
  const drawn: FaultName[] = [];
  if (signature !== undefined) drawn.push(signature === 'wrong' ? 'wrong_signature' : 'old_key');
  if (stallS !== undefined) drawn.push('stall');
  if (answeredAs !== undefined) drawn.push('answered_as');
  const stallMs = (stallS ?? 0) * 1_000;
  return { faults: { signature, stallMs, twice, answeredAs }, names: [...held, ...drawn] };
}

/** What came of an attempt, as a client asks that it be taken; where nothing answered it stays so. */
export function takenAs(attempt: Attempt, status: number | undefined): Attempt {
  return status === undefined || attempt.type === 'unanswered' ? attempt : { ...attempt, status };
}

function isDrawn({ oneIn }: Faults, request: { messageId: string; attempt: number }): boolean {
  const random = createHash('sha256').update(`${request.messageId} ${request.attempt}`).digest();
  return random.readUInt32BE() % oneIn === 0;
}
