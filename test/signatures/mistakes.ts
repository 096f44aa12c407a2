// Mistakes of known clients, each signed by hand over the base that such a client writes: vectors for whoever
// explains signatures.
import { hash, type KeyObject, sign } from 'node:crypto';
import type { SignedMessage } from '@unwind/signatures';

/** Who signs, by an Ed25519 key, and when the service looks. */
export interface Maker {
  readonly clientId: string;
  readonly keyId: string;
  /** A key id of another client. */
  readonly foreignKeyId: string;
  readonly privateKey: KeyObject;
  /** Unix seconds. */
  readonly now: number;
}

export interface Mistake {
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What the signer writes in the base, by component. */
  readonly written: Readonly<Record<string, string>>;
  readonly end?: string;
  /** Default now. */
  readonly created?: number;
  readonly expires?: number;
  readonly isForeign?: true;
}

/** A message of draft 15, signed over a base that is written by hand. */
export function signedBy(
  maker: Maker,
  { target = '/a', headers = {}, body = '', written, end = '', ...rest }: Mistake,
): SignedMessage {
  const { created = maker.now, expires, isForeign } = rest;
  const keyId = isForeign === true ? maker.foreignKeyId : maker.keyId;
  const names = Object.keys(written);
  const until = expires === undefined ? '' : `;expires=${expires}`;
  const list = `(${names.map((name) => `"${name}"`).join(' ')});created=${created}${until};keyid="${keyId}"`;
  const lines = names.map((name) => `"${name}": ${written[name]}`);
  const base = `${[...lines, `"@signature-params": ${list}`].join('\n')}${end}`;
  const signature = sign(null, Buffer.from(base), maker.privateKey).toString('base64');
  const added = {
    'upvest-client-id': maker.clientId,
    'upvest-signature-version': '15',
    'signature-input': `sig1=${list}`,
    signature: `sig1=:${signature}:`,
  };
  const all = Object.entries({ ...headers, ...added });
  return { method: 'POST', target, headers: all, body: Buffer.from(body) };
}

const method = { '@method': 'POST' };
const path = { ...method, '@path': '/a' };
const sha512 = (text: string) => `sha-512=:${hash('sha512', text, 'base64')}:`;

/** What verifies. */
export const right: Mistake = { written: path };

/** A mistake of no known client. */
export const unknown: Mistake = { written: { ...method, '@path': '/elsewhere' } };

/** The mistakes by the name of each. */
export function mistakesAt(now: number): readonly (readonly [quirk: string, mistake: Mistake])[] {
  const sent = '{"b":1,\n"a":[2]}';
  return [
    ['query_null', { written: { ...path, '@query': '?null' } }],
    [
      'content_length_characters',
      {
        body: 'Zoë',
        headers: { 'content-digest': sha512('Zoë'), 'content-length': '4' },
        written: { ...path, 'content-digest': sha512('Zoë'), 'content-length': '3' },
      },
    ],
    ['apostrophe_encoded', { target: "/o'a", written: { ...method, '@path': '/o%27a' } }],
    ['apostrophe_decoded', { target: '/o%27a', written: { ...method, '@path': "/o'a" } }],
    ['target_decoded', { target: '/a%20b', written: { ...method, '@path': '/a b' } }],
    [
      'target_decoded',
      {
        target: '/a?since=10%3A30',
        written: { ...path, '@query': '?since=10:30' },
      },
    ],
    ['header_undefined', { written: { ...path, 'content-type': 'undefined' } }],
    ['newline_at_end', { written: path, end: '\n' }],
    ['key_of_another_client', { written: path, isForeign: true }],
    ['clock_ahead', { written: path, created: now + 3_600 }],
    ['clock_behind', { written: path, created: now - 301 }],
    ['clock_behind', { written: path, created: now - 90, expires: now - 30 }],
    ['created_in_milliseconds', { written: path, created: now * 1_000 }],
    ...[
      '{"b":1,"a":[2]}',
      '{"b": 1, "a": [2]}',
      '{"a":[2],"b":1}',
      '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}',
    ].map((written) => {
      const digest = { 'content-digest': sha512(written) };
      const mistake = { body: sent, headers: digest, written: { ...path, ...digest } };
      return ['body_reserialised', mistake] as const;
    }),
  ];
}

/** Forms that are refused under the policy `strict` alone. */
export const refusedWhereStrict: readonly (readonly [quirk: string, mistake: Mistake])[] = [
  [
    'accept_first_value',
    { headers: { accept: 'text/html, */*' }, written: { ...path, accept: 'text/html' } },
  ],
  [
    'header_in_parts',
    {
      headers: { 'cache-control': 'max-age=0' },
      written: { ...path, 'cache-control:max-age': '0' },
    },
  ],
];
