// Properties of signing and verifying together: what is signed verifies, in every dialect with
// every algorithm; whatever is changed afterwards is refused; and no text breaks the parser.

import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { suite, test } from 'node:test';
import type { KeyAlgorithm } from '../../packages/signatures/src/algorithm.ts';
import { strictRules } from '../../packages/signatures/src/check.ts';
import { allDialects, type DialectVersion } from '../../packages/signatures/src/dialect.ts';
import { keyAlgorithm, type VerificationKey } from '../../packages/signatures/src/keys.ts';
import type { SignedMessage } from '../../packages/signatures/src/message.ts';
import { parseSignatures } from '../../packages/signatures/src/parse.ts';
import { signMessage, usualComponents } from '../../packages/signatures/src/sign.ts';
import { SignatureError } from '../../packages/signatures/src/signature-error.ts';
import { verifyMessage } from '../../packages/signatures/src/verify.ts';
import { character, fc } from '../support/properties.ts';
import { changes, relabelled } from './changes.ts';

const nowS = 1_700_000_000;
const ownClientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const runs = 24; // times 17 pairs of dialect and algorithm; P-521 takes 5 ms a run

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const pairs = {
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-p384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ecdsa-p521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  'rsa-pss-sha512': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'rsa-v1_5-sha256': () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
} satisfies Record<KeyAlgorithm, () => Pair>;

const algorithms = Object.keys(pairs) as KeyAlgorithm[];
const [keysOfClient, otherKeys] = [newKeys(), newKeys()];

function newKeys(): ReadonlyMap<KeyAlgorithm, Pair> {
  return new Map(algorithms.map((algorithm) => [algorithm, pairs[algorithm]()]));
}

function keyPair(keys: ReadonlyMap<KeyAlgorithm, Pair>, algorithm: KeyAlgorithm): Pair {
  const pair = keys.get(algorithm);
  assert.ok(pair);
  return pair;
}

// Each algorithm has a key under its own name and a second one of the client's under another.
function findKey(keyid: string): VerificationKey | undefined {
  const [algorithm = '', other] = keyid.split('/');
  const keys = other === undefined ? keysOfClient : otherKeys;
  const publicKey = keys.get(algorithm as KeyAlgorithm)?.publicKey;
  if (publicKey === undefined) return undefined;
  return { publicKey, algorithm: algorithm as KeyAlgorithm, clientId: ownClientId, live: true };
}

const visible = fc.string({ unit: fc.constantFrom(...'abcXYZ 019-_.~!*\'()"\\,;:=/?@%') });
const segment = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~%:@'), maxLength: 12 });

const messages: fc.Arbitrary<SignedMessage> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'DELETE', 'PATCH'),
    path: fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
    query: fc.option(
      segment.map((text) => `?${text}`),
      { nil: '' },
    ),
    accept: fc.array(visible, { minLength: 1, maxLength: 3 }),
    note: visible,
    idempotencyKey: fc.option(fc.uuid(), { nil: undefined }),
    body: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: 1, maxLength: 99 })),
  })
  .map(({ method, path, query, accept, note, idempotencyKey, body }) => ({
    method,
    target: path + query,
    body,
    headers: [
      ['Host', 'api.example.test'],
      ['Authorization', 'Bearer abc'],
      ['Upvest-Client-Id', ownClientId],
      ...accept.map((value) => ['Accept', value] as const),
      ['X-Note', ` \t${note} `],
      ...(idempotencyKey === undefined ? [] : [['Idempotency-Key', idempotencyKey] as const]),
    ],
  }));

const params = fc.record(
  {
    created: fc.integer({ min: nowS - 300, max: nowS + 30 }),
    expires: fc.constant(nowS + 60),
    nonce: visible,
  },
  { requiredKeys: ['created'] },
);

const signedHeaders = [
  'accept',
  'authorization',
  'x-note',
  'idempotency-key',
  'digest',
  'upvest-client-id',
  'upvest-signature-version',
];

interface Case {
  readonly dialect: DialectVersion;
  readonly algorithm: KeyAlgorithm;
  readonly message: SignedMessage;
  readonly params: { readonly created: number; readonly expires?: number; readonly nonce?: string };
}

async function signed({ dialect, algorithm, message, params }: Case): Promise<SignedMessage> {
  const { nonce, ...times } = params;
  const added = await signMessage({
    dialect,
    message,
    components: usualComponents({
      dialect,
      message,
      headers: signedHeaders,
      expires: times.expires !== undefined,
    }),
    params: {
      ...times,
      keyid: algorithm,
      ...(nonce === undefined || dialect === '1' ? {} : { nonce }),
    },
    key: { algorithm, privateKey: keyPair(keysOfClient, algorithm).privateKey },
  });
  return { ...message, headers: [...message.headers, ...Object.entries(added)] };
}

function verify(message: SignedMessage) {
  return verifyMessage(message, {
    keys: findKey,
    clientId: ownClientId,
    now: nowS,
    rules: strictRules,
    isReplay: () => false,
  });
}

for (const dialect of Object.keys(allDialects) as DialectVersion[]) {
  suite(`signing and verifying, dialect ${dialect}`, () => {
    for (const algorithm of allDialects[dialect].schemes.keys()) {
      const cases = fc.record({
        dialect: fc.constant(dialect),
        algorithm: fc.constant(algorithm),
        message: messages,
        params,
      });

      test(`${algorithm}: what is signed verifies, and with a new label too`, async () => {
        await fc.assert(
          fc.asyncProperty(cases, async (given) => {
            const message = await signed(given);
            const { dialect: read, keyid, created } = await verify(message);
            assert.deepEqual(
              { read, keyid, created },
              {
                read: dialect,
                keyid: algorithm,
                created: given.params.created,
              },
            );
            assert.equal((await verify(relabelled(message))).label, 'sig2');
          }),
          { numRuns: runs },
        );
      });

      test(`${algorithm}: whatever is changed is refused`, async () => {
        await fc.assert(
          fc.asyncProperty(cases, fc.nat(), async (given, random) => {
            const message = await signed(given);
            for (const [name, change] of Object.entries(changes)) {
              const changed = change(message, random);
              if (changed === undefined) continue;
              await assert.rejects(verify(changed), SignatureError, `${name}: accepted`);
            }
          }),
          { numRuns: Math.ceil(runs / 3) },
        );
      });
    }
  });
}

const piece = fc.oneof(
  fc.constantFrom('sig1=', 'sig2=', '(', ')', '"', '\\', ';', ',', ' ', '\t', '=', ':', '*', '@'),
  fc.constantFrom('"@method"', '"@path"', '*request-target', '*created', 'date', '"date"', 'sf'),
  fc.constantFrom(';keyid="k"', ';keyId="k"', ';created=1', ';created=1.0', ';alg="ed25519"'),
  fc.constantFrom(':AAAA:', 'sig1=()', '?1', '@1', '%"a"', '-', '1.5', '999999999999999', '\n'),
  fc.string({ unit: character, maxLength: 3 }),
);
const text = fc.oneof(
  fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 12 }).map((pieces) => `sig1=(${pieces.join('')}`),
);

test('no text makes the parser fail other than by a refusal', () => {
  const version = fc.option(fc.constantFrom('1', '6', '15', '9421', 'x'), { nil: undefined });
  fc.assert(
    fc.property(text, text, version, fc.boolean(), (input, signature, named, withBody) => {
      const headers: [string, string][] = [
        ['signature-input', input],
        ['signature', withBody ? signature : 'sig1=:AAAA:'],
        ['content-digest', signature],
        ...(named === undefined ? [] : [['upvest-signature-version', named] as [string, string]]),
      ];
      const body = Buffer.from(withBody ? 'x' : '');
      try {
        parseSignatures({ method: 'GET', target: input, headers, body });
      } catch (error) {
        assert.ok(error instanceof SignatureError, String(error));
      }
    }),
    { numRuns: 5000 },
  );
});

test('no digest text makes the verifier fail other than by a refusal', async () => {
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.constantFrom<DialectVersion>('1', '6', '15', '9421'),
      (value, dialect) => {
        const message = {
          method: 'POST',
          target: '/',
          headers: [
            ['Upvest-Client-Id', ownClientId],
            [allDialects[dialect].digest.name, value],
          ] as const,
          body: Buffer.from('x'),
        };
        const given = {
          dialect,
          algorithm: 'ed25519',
          message,
          params: { created: nowS },
        } as const;
        return signed(given).then(
          (sent) => assert.rejects(verify(sent), SignatureError),
          (error) => assert.equal(error.code, 'component_value_illegal'),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('the algorithm of a generated key is the one it was made for', () => {
  for (const [algorithm, { publicKey }] of keysOfClient) {
    const rsa = algorithm === 'rsa-v1_5-sha256' ? algorithm : 'rsa-pss-sha512';
    assert.equal(keyAlgorithm(publicKey, rsa), algorithm);
  }
});
