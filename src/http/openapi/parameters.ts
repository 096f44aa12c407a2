// The parameters that operations share: the headers of signed requests, and the ids in paths. Those of
// queries and bodies come from the schemas that validate them.

import type { Json } from './json-schema.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'header' | 'path' | 'query';
  readonly required: boolean;
  readonly description: string;
  readonly schema: Json;
  readonly example?: Json;
}

const uuid = { type: 'string', format: 'uuid' } as const;

function header(
  name: string,
  isRequired: boolean,
  rest: { description: string; schema: Json; example?: Json },
): Parameter {
  return { name, in: 'header', required: isRequired, ...rest };
}

const clientIdDescription = 'The id of the client; the request sees the data of this client only.';
const clientIdExample = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';

/** By their name among the components. */
export const headerParameters = {
  UpvestClientId: header('upvest-client-id', true, {
    description: clientIdDescription,
    schema: uuid,
    example: clientIdExample,
  }),
  TokenClientId: header('upvest-client-id', false, {
    description: `${clientIdDescription} When sent, it has to be the \`client_id\` of the form.`,
    schema: uuid,
    example: clientIdExample,
  }),
  Authorization: header('authorization', true, {
    description: 'The bearer token (RFC 6750); `Bearer` in any letter case.',
    schema: {
      type: 'string',
      pattern: '^[Bb][Ee][Aa][Rr][Ee][Rr] +[a-zA-Z0-9._~+/-]+=*$',
    },
    example: 'Bearer c2VjcmV0Cg==',
  }),
  Signature: header('signature', true, {
    description: 'The signature, by label, as base64 between colons.',
    schema: { type: 'string', minLength: 1 },
    example:
      'sig1=:K2qGT5srn2OGbOIDzQ6kYT+ruaycnDAAUpKv+ePFfD0RAxn/1BUeZx/Kdrq32DrfakQ6bPsvB9aqZqognNT6be4olHRO' +
      'RIuJ9+mUUl7yS3AM7BD8lwVcMg==:',
  }),
  SignatureInput: header('signature-input', true, {
    description: 'What the signature covers, when it was made, and by which key.',
    schema: { type: 'string', minLength: 1 },
    example:
      'sig1=("@method" "@path" "accept" "authorization" "upvest-client-id");' +
      'keyid="8d4997a8-cf7a-4e51-adbb-401656a3e5c2";created=1700000000;expires=1700000010;' +
      'nonce="o085M4cMgpbicuOL"',
  }),
  SignatureVersion: header('upvest-signature-version', false, {
    description:
      'The dialect of the signature: 1, 6 and 15 are drafts, 9421 is RFC 9421. Without it the form of ' +
      'the headers decides; a request without body is then read as 6.',
    schema: { type: 'string', enum: ['1', '6', '15', '9421'] },
    example: '15',
  }),
  ApiVersion: header('upvest-api-version', false, {
    description: 'The version of the API.',
    schema: { type: 'string', enum: ['1'], default: '1' },
    example: '1',
  }),
  ContentDigest: header('content-digest', false, {
    description: 'The digest of the body for dialects 15 and 9421 (RFC 9530).',
    schema: { type: 'string' },
    example:
      'sha-512=:+hJT7cOKn0XpOg6Yfra0/cRL37dmrisDpXwKLFbbvzzu218EO4iECHYY4Ii/G/SlTtOsBIXbkdzrJ3350uh78A==:',
  }),
  Digest: header('digest', false, {
    description: 'The digest of the body for dialects 1 and 6 (RFC 3230).',
    schema: { type: 'string' },
    example: 'SHA-256=lyTB4g5uPk1/V+0l+dTvsAblCFkNUoyQ2ll/andcE+U=',
  }),
  IdempotencyKey: header('idempotency-key', true, {
    description:
      'A UUID of your choice for this request: the same request under the same key is carried out ' +
      'once. Dashes and letter case make no difference.',
    schema: {
      type: 'string',
      pattern:
        '^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-5][0-9a-fA-F]{3}-?[089abAB][0-9a-fA-F]{3}-?[0-9a-fA-F]{12}$',
    },
    example: 'ccb07f42-4104-44ad-8e1f-c660bb7b269c',
  }),
} as const;

export type HeaderParameter = keyof typeof headerParameters;

function idOf(description: string, example: string) {
  return { description, schema: uuid, example };
}

/** Path parameters by name: what they mean, and an example. */
const pathParameters: Readonly<Record<string, Omit<Parameter, 'name' | 'in' | 'required'>>> = {
  account_id: idOf('The account.', 'debf2026-f2da-4ff0-bb84-92e45babb1e3'),
  user_id: idOf('The user.', '81dfb00e-9be6-4617-8994-dfd0407f34df'),
  account_liquidation_id: idOf('The liquidation.', 'b2f541dc-a27b-4d5a-b970-41812b0892b9'),
  order_id: idOf('The order.', '79f2c816-13ed-4588-85e6-f3398b0b5825'),
  execution_id: idOf('The execution.', 'b9dc0676-8a7d-412d-802a-3b325eefd15e'),
  instrument_id: {
    description:
      'The instrument: `isin:` and its ISIN, or `uuid:` and its id; `urn:` may stand before both.',
    schema: { type: 'string', pattern: '^(urn:)?(isin:[A-Z]{2}[A-Z0-9]{9}[0-9]|uuid:.+)$' },
    example: 'isin:US0378331005',
  },
  batch_id: idOf('The batch.', '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e60'),
  halt_id: idOf('The halt.', '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f'),
  approval_id: idOf('What waits for a second person.', '0199c9a2-9d3e-7c11-9f0a-3b1f8c2d4e71'),
  stop_id: idOf('The order and the control that stops it.', '0199c9a2-8d3e-7c11-9f0a-3b1f8c2d4e60'),
  webhook_id: idOf('The subscription.', 'b838bde5-b6df-4f1f-bfc4-71d3fb01d430'),
  endpoint_id: idOf('The endpoint of the tunnel.', '0198c5d2-4c3f-7d09-8a5e-3b1f0a6c2d41'),
};

/** A path parameter. @throws Error for one without a description. */
export function pathParameter(name: string): Parameter {
  const known = pathParameters[name];
  if (known === undefined) {
    throw new Error(`Describe the path parameter ${name} in src/http/openapi/parameters.ts.`);
  }
  return { name, in: 'path', required: true, ...known };
}
