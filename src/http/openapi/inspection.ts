// The response of the signature inspector as the document describes it, and an example.

import { allDialects, quirkNames, signatureErrorCodes } from '@unwind/signatures';
import { Type } from 'typebox';
import { flag, list, orNull, shape, some, text } from '../members.ts';

const steps = [
  ...['form', 'base', 'key', 'coverage', 'time'],
  ...['algorithm', 'replay', 'digest', 'verification'],
];

const fault = Type.Object({
  step: some(steps, 'The steps follow each other.'),
  code: Type.Enum([...signatureErrorCodes], { type: 'string' }),
  detail: text('What is wrong.'),
  remedy: text('How to mend it.'),
});

const signature = Type.Object({
  label: Type.String(),
  keyid: orNull(Type.String()),
  key_found: orNull(Type.Boolean()),
  created: orNull(Type.Number({ description: 'Unix seconds.' })),
  age_s: orNull(Type.Number()),
  expires: orNull(Type.Number()),
  covered: list(
    'What is listed, with the value as received; `authorization` is masked.',
    Type.Object({ component: Type.String(), value: orNull(Type.String()) }),
  ),
  missing: list('What has to be listed and is not.', Type.String()),
  base: orNull(text('The text to sign, `authorization` masked.')),
  base_sha256: orNull(text('Hexadecimal, of the text without a mask.')),
  verifies: orNull(flag('Whether the key has signed this base.')),
  faults: Type.Array(fault),
  quirks: list(
    'Mistakes of known clients that explain why it does not verify.',
    Type.Object({
      quirk: Type.Enum([...quirkNames], { type: 'string' }),
      detail: text('What the signer did.'),
      remedy: text('How to mend it.'),
    }),
  ),
});

const digest = Type.Object({
  header: Type.String(),
  sent: orNull(Type.String()),
  due: text('What the header would have to say.'),
  compared: Type.Array(
    Type.Object({
      algorithm: Type.String(),
      sent: Type.String(),
      computed: Type.String(),
      matches: Type.Boolean(),
    }),
  ),
});

export const inspection = shape('Inspection', {
  verdict: Type.Enum(['accepted', 'refused', 'undecided'], { type: 'string' }),
  first_fault: orNull(fault),
  dialect: orNull(
    Type.Object({
      version: Type.Enum(Object.keys(allDialects), { type: 'string' }),
      because: Type.String(),
    }),
  ),
  request: Type.Object({
    method: Type.String(),
    path: Type.String(),
    query: Type.String(),
    body_bytes: Type.Integer(),
  }),
  digest: orNull(digest),
  signatures: Type.Array(signature),
  notes: list('What was assumed in reading the text.', Type.String()),
});

const parameters =
  'created=1700000000;keyid="8d4997a8-cf7a-4e51-adbb-401656a3e5c2";nonce="o085M4cMgpbicuOL"';

export const inspectionRequest = {
  request: [
    'GET /webhooks?limit=1 HTTP/1.1',
    'upvest-client-id: ebabcf4d-61c3-4942-875c-e265a7c2d062',
    'upvest-signature-version: 15',
    `signature-input: sig1=("@method" "@path" "upvest-client-id");${parameters}`,
    'signature: sig1=:SGVsbG8=:',
    '',
    '',
  ].join('\r\n'),
  at: '2023-11-14T22:13:21Z',
} as const;

const uncovered = {
  step: 'coverage',
  code: 'uncovered_query',
  detail: 'The signature has to cover the query.',
  remedy: 'Add "@query" to the list: the target has a query (draft 01: *request-target).',
} as const;

export const inspectionExample = {
  verdict: 'refused',
  first_fault: uncovered,
  dialect: { version: '15', because: 'the version header names it' },
  request: { method: 'GET', path: '/webhooks', query: '?limit=1', body_bytes: 0 },
  digest: null,
  signatures: [
    {
      label: 'sig1',
      keyid: '8d4997a8-cf7a-4e51-adbb-401656a3e5c2',
      key_found: true,
      created: 1_700_000_000,
      age_s: 1,
      expires: null,
      covered: [
        { component: '@method', value: 'GET' },
        { component: '@path', value: '/webhooks' },
        { component: 'upvest-client-id', value: 'ebabcf4d-61c3-4942-875c-e265a7c2d062' },
      ],
      missing: ['@query'],
      base: [
        '"@method": GET',
        '"@path": /webhooks',
        '"upvest-client-id": ebabcf4d-61c3-4942-875c-e265a7c2d062',
        `"@signature-params": ("@method" "@path" "upvest-client-id");${parameters}`,
      ].join('\n'),
      base_sha256: '0eb0b7cd7e5ffb7dcf1db5a98a4ddc29bf4e5a6a1c5f0f7bb1a7ecb33d2c4a51',
      verifies: true,
      faults: [uncovered],
      quirks: [],
    },
  ],
  notes: [],
} as const;
