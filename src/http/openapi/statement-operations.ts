// What the document says of statements of executions.

import { statementQuery } from '../control-schemas.ts';
import { shape, text } from '../members.ts';
import { exampleOf, type OperationPart } from './operation.ts';

const base64url = (description: string) => text(description, { pattern: '^[A-Za-z0-9_-]+$' });

const signed = shape('Signed statement', {
  payload: base64url(
    'base64url of a JSON document: every execution with price, time and venue, and the sums.',
  ),
  protected: base64url(
    'base64url of the header: `alg` EdDSA, `kid`, and the public key as `jwk`. Believe that key only if you ' +
      'know it from elsewhere, such as `GET /auth/verify_keys`.',
  ),
  signature: base64url('base64url of the Ed25519 signature.'),
});

export const statementOperations = {
  retrieve_liquidation_statement: {
    tag: 'Control',
    summary: 'Retrieve the statement of a liquidation',
    description:
      'What a liquidation that has ended sold, as a signed document: a JWS in its flattened JSON serialisation ' +
      '(RFC 7515). As long as nothing changes it has the same bytes. A part has 5,000 executions at most; the ' +
      'header `link` leads to the next part.',
    query: statementQuery,
    success: {
      status: 200,
      description: 'A part of the statement.',
      body: {
        schema: signed,
        examples: exampleOf('statement', 'Shortened', {
          payload: 'eyJ0eXBlIjoidW53aW5kLmV4ZWN1dGlvbl9zdGF0ZW1lbnQudjEifQ',
          protected: 'eyJhbGciOiJFZERTQSJ9',
          signature: 'c2lnbmF0dXJl',
        }),
      },
      headers: ['Link'],
    },
    refusals: {
      not_found: 'This client has no such liquidation, it has no such part, or the id is no UUID.',
      conflict: 'The liquidation has not ended.',
    },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
