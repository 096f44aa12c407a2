// Deltas of positions: units credited, locked, unlocked. What one must be by itself, and what a set
// of them makes of positions. Pure: rows in, verdict out; the only way positions change while a
// liquidation runs, besides its own executions.

import { assertNever } from '../assert.ts';
import type { AccountId } from '../ids.ts';
import { type Decimal, decimal, zero } from '../money.ts';
import {
  type FieldFault,
  type ReadField,
  readIsin,
  readOneOf,
  readQuantity,
  readUuid,
  shown,
} from './import-fields.ts';
import { readRow } from './import-file.ts';

export const deltaTypes = ['credit', 'lock', 'unlock'] as const;

/** `credit`: units come in. `lock`: units must not be sold yet. `unlock`: they may again. */
export type DeltaType = (typeof deltaTypes)[number];

export interface Delta {
  readonly type: DeltaType;
  readonly accountId: AccountId;
  readonly isin: string;
  /** Units, more than 0. */
  readonly quantity: Decimal;
  /** The sender's own name for it, once for each tenant. */
  readonly reference: string;
}

const referenceMax = 100;

const readReference: ReadField = (text) => {
  if (text === '') return { fault: 'is empty' };
  if (text.length > referenceMax) {
    return { fault: `has ${text.length} characters, at most ${referenceMax} are allowed` };
  }
  return /[\p{Cc}\p{Cs}]/u.test(text) ? { fault: `${shown(text)} has a control character` } : text;
};

const readPositiveQuantity: ReadField = (text, reading) => {
  const quantity = readQuantity(text, reading);
  const isNothing = typeof quantity === 'string' && !/[1-9]/.test(quantity);
  return isNothing ? { fault: `${shown(text)} is not more than 0` } : quantity;
};

/** The fields of a delta as text, in the order of the columns of a file of deltas. */
export const deltaColumns = {
  type: readOneOf(deltaTypes),
  account_id: readUuid,
  isin: readIsin,
  quantity: readPositiveQuantity,
  reference: readReference,
} as const satisfies Readonly<Record<string, ReadField>>;

export type DeltaColumn = keyof typeof deltaColumns;

/** Reads a delta from its fields in the order of `deltaColumns`, or says what is wrong first. */
export function readDelta(
  fields: readonly string[],
): { readonly delta: Delta } | { readonly fault: FieldFault['fault'] } {
  // No field of a delta is judged by the time.
  const read = readRow<DeltaColumn>({ columns: deltaColumns }, fields, { latest: new Date(0) });
  if ('fault' in read) return read;
  const { type, account_id, isin, quantity, reference } = read.row;
  return {
    delta: {
      type: type as DeltaType,
      accountId: account_id as AccountId,
      isin,
      quantity: decimal(quantity),
      reference,
    },
  };
}

/** What the book says of the positions that a set of deltas is about. */
export interface DeltaBook {
  readonly accountIds: ReadonlySet<string>;
  readonly isins: ReadonlySet<string>;
  /** By `positionKey`; an instrument the account never held has none. */
  readonly positions: ReadonlyMap<string, Holding>;
  /** Deltas applied before, by reference. */
  readonly known: ReadonlyMap<string, Delta>;
}

export interface Holding {
  readonly quantity: Decimal;
  readonly locked: Decimal;
  /** What open orders sell. */
  readonly held: Decimal;
}

export type DeltaRefusal =
  | { readonly type: 'account_unknown' | 'instrument_unknown' | 'reference_used' }
  | { readonly type: 'more_than_locked'; readonly locked: Decimal }
  | { readonly type: 'more_than_free'; readonly free: Decimal };

/** How a position changes by all deltas of a set together. */
export interface HoldingChange {
  readonly accountId: AccountId;
  readonly isin: string;
  readonly isNew: boolean;
  readonly quantity: Decimal;
  readonly locked: Decimal;
}

export interface Verdict {
  /** Places in the set of those that are refused, with why; if there is any, nothing applies. */
  readonly refusals: readonly { readonly place: number; readonly refusal: DeltaRefusal }[];
  /** Places of those that were applied before, with the same content. */
  readonly repeated: ReadonlySet<number>;
  readonly changes: readonly HoldingChange[];
}

export function positionKey({ accountId, isin }: { accountId: string; isin: string }): string {
  return `${accountId}/${isin}`;
}

/**
 * Judges deltas in the order given, each by what those before it have left: no lock of more than is
 * free (neither locked nor held by an open order), no unlock of more than is locked.
 */
export function judgeDeltas(deltas: readonly Delta[], book: DeltaBook): Verdict {
  const known = new Map(book.known);
  const after = new Map(book.positions);
  const refusals: Verdict['refusals'][number][] = [];
  const repeated = new Set<number>();
  for (const [place, delta] of deltas.entries()) {
    const first = known.get(delta.reference);
    if (first !== undefined && isSame(first, delta)) {
      repeated.add(place);
      continue;
    }
    const before = after.get(positionKey(delta)) ?? nothing;
    const refusal =
      first === undefined ? refusalOf(delta, before, book) : ({ type: 'reference_used' } as const);
    if (refusal !== undefined) {
      refusals.push({ place, refusal });
      continue;
    }
    known.set(delta.reference, delta);
    after.set(positionKey(delta), withDelta(before, delta));
  }
  const fresh = deltas.filter((_, place) => !repeated.has(place));
  return { refusals, repeated, changes: changesOf(fresh, book.positions, after) };
}

const nothing: Holding = { quantity: zero, locked: zero, held: zero };

function isSame(one: Delta, other: Delta): boolean {
  return (
    one.type === other.type &&
    one.accountId === other.accountId &&
    one.isin === other.isin &&
    one.quantity.eq(other.quantity)
  );
}

function refusalOf(delta: Delta, before: Holding, book: DeltaBook): DeltaRefusal | undefined {
  if (!book.accountIds.has(delta.accountId)) return { type: 'account_unknown' };
  if (!book.isins.has(delta.isin)) return { type: 'instrument_unknown' };
  const { quantity, locked, held } = withDelta(before, delta);
  if (locked.lt(zero)) return { type: 'more_than_locked', locked: before.locked };
  if (delta.type === 'lock' && locked.plus(held).gt(quantity)) {
    return { type: 'more_than_free', free: quantity.minus(before.locked).minus(held) };
  }
  return undefined;
}

function withDelta(holding: Holding, { type, quantity: by }: Delta): Holding {
  switch (type) {
    case 'credit':
      return { ...holding, quantity: holding.quantity.plus(by) };
    case 'lock':
      return { ...holding, locked: holding.locked.plus(by) };
    case 'unlock':
      return { ...holding, locked: holding.locked.minus(by) };
    default:
      return assertNever(type);
  }
}

function changesOf(
  deltas: readonly Delta[],
  before: DeltaBook['positions'],
  after: DeltaBook['positions'],
): readonly HoldingChange[] {
  const touched = new Map(deltas.map((delta) => [positionKey(delta), delta]));
  return [...touched].map(([key, { accountId, isin }]) => {
    const { quantity, locked } = before.get(key) ?? nothing;
    const end = after.get(key) ?? nothing;
    return {
      accountId,
      isin,
      isNew: !before.has(key),
      quantity: end.quantity.minus(quantity),
      locked: end.locked.minus(locked),
    };
  });
}
