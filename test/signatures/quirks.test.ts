// Mistakes of known clients: each is made by hand, does not verify, and is named by the inspector.
import assert from 'node:assert/strict';
import { generateKeyPairSync, hash, sign } from 'node:crypto';
import { suite, test } from 'node:test';
import { COMPATIBLE, inspectSignature, type SignedMessage } from '@unwind/signatures';

const now = 1_700_000_000;
const clientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = { algorithm: 'ed25519', publicKey, clientId, live: true } as const;

interface Case {
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What the signer writes in the base, by component. */
  readonly written: Readonly<Record<string, string>>;
  readonly end?: string;
  readonly owner?: string;
}

/** A message of draft 15, signed over a base that is written by hand. */
function signedBy({
  target = '/a',
  headers = {},
  body = '',
  written,
  end = '',
}: Case): SignedMessage {
  const names = Object.keys(written);
  const list = `(${names.map((name) => `"${name}"`).join(' ')});created=${now};keyid="k"`;
  const lines = names.map((name) => `"${name}": ${written[name]}`);
  const base = `${[...lines, `"@signature-params": ${list}`].join('\n')}${end}`;
  const signature = sign(null, Buffer.from(base), privateKey).toString('base64');
  const added = {
    'upvest-client-id': clientId,
    'upvest-signature-version': '15',
    'signature-input': `sig1=${list}`,
    signature: `sig1=:${signature}:`,
  };
  const all = Object.entries({ ...headers, ...added });
  return { method: 'POST', target, headers: all, body: Buffer.from(body) };
}

async function quirksOf(given: Case): Promise<readonly string[]> {
  const keys = () => ({ ...key, clientId: given.owner ?? clientId });
  const context = { keys, clientId, now, rules: COMPATIBLE };
  const { signatures } = await inspectSignature(signedBy(given), context);
  for (const { detail, remedy } of signatures[0]?.quirks ?? []) {
    assert.ok(/^[A-Z].*\.$/.test(detail) && /^[A-Z].*\.$/.test(remedy));
  }
  return signatures.flatMap(({ quirks }) => quirks.map(({ quirk }) => quirk));
}

const method = { '@method': 'POST' };
const plain = { ...method, '@path': '/a' };
const sha512 = (text: string) => `sha-512=:${hash('sha512', text, 'base64')}:`;

suite('a mistake is named', () => {
  const table: readonly (readonly [string, Case])[] = [
    ['query_null', { written: { ...plain, '@query': '?null' } }],
    [
      'content_length_characters',
      {
        body: 'Zoë',
        headers: { 'content-length': '4' },
        written: { ...plain, 'content-length': '3' },
      },
    ],
    ['apostrophe_encoded', { target: "/o'a", written: { ...method, '@path': '/o%27a' } }],
    ['apostrophe_decoded', { target: '/o%27a', written: { ...method, '@path': "/o'a" } }],
    ['target_decoded', { target: '/a%20b', written: { ...method, '@path': '/a b' } }],
    ['header_undefined', { written: { ...plain, 'content-type': 'undefined' } }],
    [
      'accept_first_value',
      { headers: { accept: 'text/html, */*' }, written: { ...plain, accept: 'text/html' } },
    ],
    ['newline_at_end', { written: plain, end: '\n' }],
    ['key_of_another_client', { written: plain, owner: 'another' }],
    ...[
      '{"b":1,"a":[2]}',
      '{"b": 1, "a": [2]}',
      '{"a":[2],"b":1}',
      '{\n  "b": 1,\n  "a": [\n    2\n  ]\n}',
    ]
      .map((text) => sha512(text))
      .map((digest) => {
        const given = {
          body: '{"b":1,\n"a":[2]}',
          headers: { 'content-digest': digest },
          written: { ...plain, 'content-digest': digest },
        };
        return ['body_reserialised', given] as const;
      }),
  ];
  for (const [quirk, given] of table) {
    test(quirk, async () => assert.deepEqual(await quirksOf(given), [quirk]));
  }
});

suite('none is named', () => {
  test('where the signature verifies', async () => {
    assert.deepEqual(await quirksOf({ written: plain }), []);
  });

  test('where no known mistake explains it', async () => {
    assert.deepEqual(await quirksOf({ written: { ...method, '@path': '/elsewhere' } }), []);
  });
});
