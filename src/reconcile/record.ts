// The record that a venue or custodian keeps of executions, as a file, and what it can differ in from ours.
// Pure.

import {
  type FieldFault,
  type ReadField,
  readAnyCurrency,
  readInstant,
  readIsin,
  readOneOf,
  readPrice,
  readQuantity,
  shown,
} from '../book/import-fields.ts';

const readName: ReadField = (text) => {
  return /^[!-~]{1,100}$/.test(text) ? text : notAName(text);
};

function notAName(text: string): FieldFault {
  return { fault: `${shown(text)} is not 1 to 100 printable ASCII characters without spaces` };
}

/** What may be left out is an empty field. */
function orEmpty(read: ReadField): ReadField {
  return (text, reading) => (text === '' ? '' : read(text, reading));
}

/** The columns of the file, with the reader of each field. */
export const recordColumns = {
  /** FIX 17, as the venue writes it. */
  execution_id: readName,
  /** FIX 11. Without it an execution is found by its id and its day. */
  client_order_id: orEmpty(readName),
  isin: readIsin,
  side: readOneOf(['SELL', 'BUY']),
  quantity: readQuantity,
  price: readPrice,
  currency: orEmpty(readAnyCurrency),
  /** FIX 60. */
  executed_at: readInstant,
} as const satisfies Readonly<Record<string, ReadField>>;

export const recordNames = Object.keys(recordColumns) as readonly (keyof typeof recordColumns)[];

/** One line of the record. */
export type RecordRow = Readonly<Record<keyof typeof recordColumns, string>>;

/** What a difference is, in words for a person. */
export const differenceKinds = {
  missing_here: 'the record has it, we have not',
  missing_there: 'we have it, the record has not',
  void_here: 'the record counts it, here it is void',
  doubled: 'the record has it more than once',
  instrument: 'another instrument',
  side: 'another side',
  quantity: 'another quantity',
  price: 'another price',
  currency: 'another currency',
} as const;

export type DifferenceKind = keyof typeof differenceKinds;

/** One difference. What one side has not is undefined. */
export interface RecordDifference {
  readonly kind: DifferenceKind;
  /** In the record. */
  readonly line: number | undefined;
  /** The venue's name of the execution (FIX 17), and of its order (FIX 11). */
  readonly executionId: string;
  readonly clientOrderId: string | undefined;
  readonly isin: string;
  /** Whose it is. */
  readonly tenantId: string | undefined;
  readonly here: string | undefined;
  readonly there: string | undefined;
}
