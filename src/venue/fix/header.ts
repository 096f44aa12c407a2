// What every message of a session has to carry, and in which forms: the standard header, numbers and
// instants. Source: FIX 4.4 volume 1, "Standard Message Header" and "Data types".

import { type FixMessage, fieldOf } from './codec.ts';

/** Why a message is not taken as it is: FIX 371, 373 and 58 of the Reject that answers it. */
export interface Fault {
  readonly tag?: number;
  readonly reason: number;
  readonly text?: string;
  /** The session cannot go on. */
  readonly ends?: true;
  /** The type is not one that this side takes: answered by a Business Message Reject. */
  readonly isUnsupported?: true;
}

/** SessionRejectReason (373). */
export const rejectReasons = {
  requiredTagMissing: 1,
  valueIncorrect: 5,
  incorrectFormat: 6,
  compIdProblem: 9,
  sendingTimeProblem: 10,
  invalidMessageType: 11,
} as const;

/** What a header is held against; `now` undefined: the message was looked at when it came. */
export interface HeaderRules {
  readonly senderCompId: string;
  readonly targetCompId: string;
  readonly sendingTimeToleranceMs: number;
  readonly now: Date | undefined;
}

/** What is wrong with the header of a message the venue sent; undefined: nothing. */
export function headerFault(message: FixMessage, rules: HeaderRules): Fault | undefined {
  return compIdFault(message, rules) ?? timeFault(message, rules) ?? repeatFault(message);
}

function compIdFault(message: FixMessage, rules: HeaderRules): Fault | undefined {
  const expected = [
    [49, rules.targetCompId],
    [56, rules.senderCompId],
  ] as const;
  for (const [tag, value] of expected) {
    const found = fieldOf(message, tag);
    if (found === value) continue;
    const text = `CompID problem: field ${tag} is ${found ?? 'missing'}, not ${value}`;
    return { tag, reason: rejectReasons.compIdProblem, text, ends: true };
  }
  return undefined;
}

function timeFault(message: FixMessage, rules: HeaderRules): Fault | undefined {
  const text = fieldOf(message, 52);
  if (text === undefined) return { tag: 52, reason: rejectReasons.requiredTagMissing };
  const sentAt = instantIn(text);
  if (sentAt === undefined) return { tag: 52, reason: rejectReasons.incorrectFormat };
  const { now, sendingTimeToleranceMs: toleranceMs } = rules;
  if (now === undefined || Math.abs(now.getTime() - sentAt.getTime()) <= toleranceMs) {
    return undefined;
  }
  return {
    tag: 52,
    reason: rejectReasons.sendingTimeProblem,
    text: `SendingTime accuracy problem: ${text} is more than ${toleranceMs / 1_000} s away`,
    ends: true,
  };
}

/** A repeat names when it was sent first. */
function repeatFault(message: FixMessage): Fault | undefined {
  if (fieldOf(message, 43) !== 'Y' || message.type === '4') return undefined;
  const original = fieldOf(message, 122);
  if (original === undefined) return { tag: 122, reason: rejectReasons.requiredTagMissing };
  const sentFirstAt = instantIn(original);
  if (sentFirstAt === undefined) return { tag: 122, reason: rejectReasons.incorrectFormat };
  const sentAt = instantIn(fieldOf(message, 52) ?? '');
  if (sentAt === undefined || sentFirstAt <= sentAt) return undefined;
  const text = 'OrigSendingTime (122) is after SendingTime (52)';
  return { tag: 122, reason: rejectReasons.sendingTimeProblem, text };
}

/** A whole number that is at least 0; undefined where the field is missing or none. */
export function numberIn(message: FixMessage, tag: number): number | undefined {
  const text = fieldOf(message, tag);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A UTCTimestamp, to the millisecond; a leap second is the one after it. Undefined where it is none. */
export function instantIn(text: string): Date | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/.exec(text);
  if (parts === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '0'] = parts;
  const [monthIndex, seconds] = [Number(month) - 1, Number(second)];
  if (Number(hour) > 23 || Number(minute) > 59 || seconds > 60) return undefined;
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  const at = [Number(hour), Number(minute), seconds, ms] as const;
  const instant = new Date(Date.UTC(Number(year), monthIndex, Number(day), ...at));
  const isDay = new Date(Date.UTC(Number(year), monthIndex, Number(day))).getUTCDate();
  return isDay === Number(day) && monthIndex < 12 ? instant : undefined;
}

/** An instant as UTCTimestamp with milliseconds. */
export function timestampOf(instant: Date): string {
  return instant.toISOString().replaceAll('-', '').replace('T', '-').slice(0, -1);
}
