// Questions, answers and reports as JSON. Answers are believed as far as they are of the form, name what was asked, and
// grant no more; anything else is no answer.

import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { positionsMax } from '../limits.ts';
import { decimal, plain } from '../money.ts';
import type { GrantedPosition, Question, ReservationName, SalesReport } from './reservation.ts';

const quantity = Type.String({
  pattern: '^[0-9]{1,20}(\\.[0-9]{1,15})?$',
  description: 'Units, a decimal.',
});

const isin = Type.String({ pattern: '^[A-Z]{2}[A-Z0-9]{9}[0-9]$', description: 'ISO 6166.' });

const name = {
  reservation_id: Type.String({ format: 'uuid', description: 'The same in every repetition.' }),
  client_id: Type.String({ format: 'uuid', description: 'The client whose account it is.' }),
  account_id: Type.String({ format: 'uuid', description: 'The account.' }),
  liquidation_id: Type.String({ format: 'uuid', description: 'The liquidation.' }),
};

const questionBody = Type.Object({
  ...name,
  positions: Type.Array(Type.Object({ isin, quantity }), { minItems: 1, maxItems: positionsMax }),
});

const responseBody = Type.Object({
  reservation_id: Type.String({ description: 'As asked.' }),
  positions: Type.Array(
    Type.Object({
      isin,
      quantity: Type.String({
        pattern: '^[0-9]{1,20}(\\.[0-9]{1,15})?$',
        description: 'Units that may be sold: as asked, or less, or 0.',
      }),
      reason: Type.Optional(
        Type.String({ minLength: 1, maxLength: 200, description: 'Why it is less; for a person.' }),
      ),
    }),
    { maxItems: positionsMax, description: 'Each position that was asked, once.' },
  ),
});

const reportBody = Type.Object({
  ...name,
  number: Type.Integer({ minimum: 1, description: 'The highest number counts.' }),
  positions: Type.Array(
    Type.Object({ isin, granted: quantity, sold: quantity, released: quantity }),
  ),
});

const answer = Compile(responseBody);

function nameOf({ reservationId, tenantId, accountId, liquidationId }: ReservationName) {
  return {
    reservation_id: reservationId,
    client_id: tenantId,
    account_id: accountId,
    liquidation_id: liquidationId,
  };
}

/** The body of a question; the same question has the same bytes. */
export function questionText(question: Question): string {
  const positions = question.positions.map((one) => {
    return { isin: one.isin, quantity: plain(one.quantity) };
  });
  const body: Static<typeof questionBody> = { ...nameOf(question), positions };
  return JSON.stringify(body);
}

export function reportText(report: SalesReport): string {
  const positions = report.positions.map(({ isin: of, granted, sold, released }) => {
    return { isin: of, granted: plain(granted), sold: plain(sold), released: plain(released) };
  });
  const body: Static<typeof reportBody> = { ...nameOf(report), number: report.number, positions };
  return JSON.stringify(body);
}

/** What a keeper grants, or a sentence that says why its answer is none. */
export function readGrants(
  text: string,
  { reservationId, positions }: Question,
): readonly GrantedPosition[] | string {
  const value = parsed(text);
  if (!answer.Check(value)) return 'the answer has another form';
  const { reservation_id: named, positions: given } = value as Static<typeof responseBody>;
  if (named !== reservationId) return 'the answer is for another reservation';
  const byIsin = new Map(given.map((one) => [one.isin, one]));
  if (byIsin.size !== given.length || given.length !== positions.length) {
    return 'the answer does not name each position once';
  }
  const granted: GrantedPosition[] = [];
  for (const { isin: of, quantity: asked } of positions) {
    const one = byIsin.get(of);
    if (one === undefined) return 'the answer does not name each position once';
    const units = decimal(one.quantity);
    if (units.gt(asked)) return 'the answer grants more than was asked';
    granted.push({ isin: of, granted: units, reason: harmlessReason(one.reason) });
  }
  return granted;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** As a database and a terminal can hold it. */
function harmlessReason(text: string | undefined): string | undefined {
  return text?.toWellFormed().replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, '\u{fffd}');
}
