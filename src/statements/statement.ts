// A statement of executions: what a liquidation that has ended sold, as documents that the service signs (JWS,
// RFC 7515, EdDSA) and that anybody verifies without it. A long one is several parts, each signed.

import { calculateJwkThumbprint, FlattenedSign, type JWK } from 'jose';
import { type Static, Type } from 'typebox';
import type { DeliveryKey } from '../auth/signing-keys.ts';

export const statementType = 'unwind.execution_statement.v1';

const text = Type.String({ maxLength: 500 });
const decimalText = Type.String({ pattern: '^[0-9]{1,63}([.][0-9]{1,27})?$' });
const optional = Type.Optional(text);
const id = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
const time = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$',
});

/** An execution. Void ones are listed, and count for nothing. */
const execution = Type.Object({
  id,
  order_id: id,
  isin: text,
  /** MIC. */
  venue: text,
  /** FIX 17, 37 and 11. */
  venue_execution_id: text,
  venue_order_id: optional,
  client_order_id: text,
  quantity: decimalText,
  /** A unit, in the currency of the venue. */
  price: decimalText,
  price_currency: text,
  /** EUR that one unit of it was worth, and since when; of another currency than EUR. */
  rate: Type.Optional(decimalText),
  rate_as_of: Type.Optional(time),
  /** EUR: quantity times price times rate, half-even to the cent. */
  proceeds: decimalText,
  executed_at: time,
  /** When the venue declared it void. */
  void_at: Type.Optional(time),
});

/** What was sold of an instrument, without what is void; in EUR. */
const instrument = Type.Object({ isin: text, quantity: decimalText, proceeds: decimalText });

/** What all parts of a statement say alike. */
const head = {
  type: Type.Literal(statementType),
  client_id: id,
  liquidation: Type.Object({
    id,
    account_id: id,
    user_id: id,
    status: Type.String({ pattern: '^[A-Z]{1,40}$' }),
    end_reason: text,
    created_at: time,
    released_at: Type.Optional(time),
    ended_at: time,
    /** When the venue last reported a fill or a void execution after the end. */
    corrected_at: Type.Optional(time),
  }),
  totals: Type.Object({
    executions: Type.Integer(),
    void: Type.Integer(),
    proceeds: decimalText,
    currency: Type.Literal('EUR'),
    /** Null: the service learns of none. */
    fees: Type.Null(),
  }),
};

export const statementSchema = Type.Object({
  ...head,
  /** From 1 on. */
  part: Type.Integer({ minimum: 1 }),
  parts: Type.Integer({ minimum: 1 }),
  /** In the first part: by ISIN. */
  instruments: Type.Optional(Type.Array(instrument)),
  /** In the order in which they happened. */
  executions: Type.Array(execution),
});

export type Statement = Static<typeof statementSchema>;
export type StatementHead = Pick<Statement, keyof typeof head>;
export type StatedExecution = Static<typeof execution>;
export type StatedInstrument = Static<typeof instrument>;

/** A JWS in its flattened JSON serialisation (RFC 7515 section 7.2.2). */
export interface SignedStatement {
  readonly payload: string;
  readonly protected: string;
  readonly signature: string;
}

/**
 * Signs a part. The header carries the public key, so that the document is whole; a verifier has to
 * know that key from elsewhere. The same statement under the same key has the same bytes.
 */
export async function signStatement(
  statement: Statement,
  { keyId, privateKey, publicJwk }: Pick<DeliveryKey, 'keyId' | 'privateKey'> & { publicJwk: JWK },
): Promise<SignedStatement> {
  const { kty, crv, x } = publicJwk;
  const payload = new TextEncoder().encode(JSON.stringify(statement));
  const jws = await new FlattenedSign(payload)
    .setProtectedHeader({
      alg: 'EdDSA',
      typ: 'application/vnd.unwind.execution-statement+jws',
      kid: keyId,
      jwk: { kty, crv, x },
    } as Parameters<FlattenedSign['setProtectedHeader']>[0])
    .sign(privateKey);
  return { payload: jws.payload, protected: jws.protected ?? '', signature: jws.signature };
}

/** The name of a public key that can be read out over the telephone (RFC 7638). */
export function thumbprintOf(jwk: JWK): Promise<string> {
  return calculateJwkThumbprint(jwk);
}
