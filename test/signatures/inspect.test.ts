// The inspector says what the verifier does, for every golden vector; and it tells what a person
// needs to mend a signature.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { compatibleRules, strictRules } from '../../packages/signatures/src/check.ts';
import { type InspectionContext, inspectSignature } from '../../packages/signatures/src/inspect.ts';
import type { SignedMessage } from '../../packages/signatures/src/message.ts';
import { RawRequestError, readRawRequest } from '../../packages/signatures/src/raw-request.ts';
import { remedyTexts } from '../../packages/signatures/src/remedies.ts';
import { signMessage } from '../../packages/signatures/src/sign.ts';
import {
  SignatureError,
  signatureErrorCodes,
} from '../../packages/signatures/src/signature-error.ts';
import { verifyMessage } from '../../packages/signatures/src/verify.ts';
import { readVectors, signedMessage, vectorKeys } from './vectors.ts';

for (const name of ['15', '6', '9421', '1']) {
  const file = readVectors(name);
  const keys = vectorKeys(file);
  test(`of every vector of dialect ${name} it says what the verifier does`, async () => {
    let count = 0;
    for (const vector of file.vectors.filter(({ profile }) => profile === 'api')) {
      const message = signedMessage(vector.message);
      const clientId = message.headers.find(([one]) => one === 'upvest-client-id')?.[1];
      const context = { keys: keys.get.bind(keys), clientId, now: vector.now, rules: strictRules };
      const verified = await verifyMessage(message, { ...context, isReplay: () => false }).catch(
        (error: unknown) => error,
      );
      const inspection = await inspectSignature(message, context);
      const isRefused = verified instanceof SignatureError;
      assert.equal(inspection.verdict, isRefused ? 'refused' : 'accepted', vector.id);
      const due = isRefused ? { code: verified.code, detail: verified.detail } : null;
      const { first_fault: first } = inspection;
      assert.deepEqual(first && { code: first.code, detail: first.detail }, due, vector.id);
      count += 1;
    }
    assert.ok(count > 90);
  });
}

const nowS = 1_700_000_000;
const ownClientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = { algorithm: 'ed25519', publicKey, clientId: ownClientId, live: true } as const;
const context: InspectionContext = {
  keys: (keyid) => (keyid === 'k' ? key : undefined),
  clientId: ownClientId,
  now: nowS + 7,
  rules: compatibleRules,
};

async function signed(
  components: readonly string[],
  change: Partial<SignedMessage> = {},
  keyid = 'k',
): Promise<SignedMessage> {
  const message: SignedMessage = {
    method: 'POST',
    target: '/a?b=1',
    headers: [
      ['upvest-client-id', ownClientId],
      ['authorization', 'Bearer secret'],
    ],
    body: Buffer.from('{}'),
  };
  const added = await signMessage({
    dialect: '15',
    message,
    components,
    params: { keyid, created: nowS, expires: nowS + 60 },
    key: { algorithm: 'ed25519', privateKey },
  });
  return { ...message, headers: [...message.headers, ...Object.entries(added)], ...change };
}

const all = ['@method', '@path', '@query', 'authorization', 'content-digest'];

suite('what an inspection shows', () => {
  test('a good signature: dialect, cover, base, age, verification', async () => {
    const inspection = await inspectSignature(await signed(all), context);
    assert.equal(inspection.verdict, 'accepted');
    assert.deepEqual(inspection.dialect, { version: '15', because: 'the version header names it' });
    const [signature] = inspection.signatures;
    assert.ok(signature);
    const { base, base_sha256, covered, ...rest } = signature;
    assert.deepEqual(rest, {
      label: 'sig1',
      keyid: 'k',
      key_found: true,
      created: nowS,
      age_s: 7,
      expires: nowS + 60,
      missing: [],
      verifies: true,
      faults: [],
      quirks: [],
    });
    assert.match(
      base ?? '',
      /^"@method": POST\n"@path": \/a\n"@query": \?b=1\n"authorization": \*\*\*\n/,
    );
    assert.match(base_sha256 ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(covered[3], { component: 'authorization', value: '***' });
    assert.doesNotMatch(JSON.stringify(inspection), /secret/);
  });

  test('everything that is wrong at once, in the order of the checks', async () => {
    const message = await signed(['@method', '@path'], { body: Buffer.from('{ }') });
    const late = { ...context, now: nowS + 301 };
    const inspection = await inspectSignature(message, late);
    const [signature] = inspection.signatures;
    assert.deepEqual(signature?.missing, ['@query', 'authorization', 'content-digest']);
    assert.deepEqual(
      signature?.faults.map(({ step, code }) => `${step}: ${code}`),
      [
        'coverage: uncovered_query',
        'coverage: uncovered_authorization',
        'coverage: uncovered_digest',
        'time: created_too_old',
        'digest: digest_mismatch',
      ],
    );
    assert.equal(signature?.verifies, true, 'the base was right, if only it covered enough');
    assert.equal(inspection.first_fault?.code, 'uncovered_query');
    const [compared] = inspection.digest?.compared ?? [];
    assert.equal(compared?.matches, false);
    assert.notEqual(compared?.sent, compared?.computed);
    assert.equal(inspection.digest?.due, `sha-512=:${compared?.computed}:`);
  });

  test('a changed path: the verification, and the base to compare', async () => {
    const inspection = await inspectSignature(await signed(all, { target: '/A?b=1' }), context);
    assert.equal(inspection.first_fault?.code, 'signature_invalid');
    assert.equal(inspection.signatures[0]?.verifies, false);
    assert.match(inspection.signatures[0]?.base ?? '', /^"@path": \/A$/m);
  });

  test('without keys everything but the verification; with the wrong ones that', async () => {
    const message = await signed(all);
    const undecided = await inspectSignature(message, { ...context, keys: undefined });
    assert.deepEqual([undecided.verdict, undecided.first_fault], ['undecided', null]);
    assert.equal(undecided.signatures[0]?.key_found, null);
    const unknown = await inspectSignature(await signed(all, {}, 'other'), context);
    assert.deepEqual([unknown.first_fault?.step, unknown.signatures[0]?.key_found], ['key', false]);
  });

  test('a component the message does not have, and the others beside it', async () => {
    const message = await signed(all);
    const headers = message.headers.filter(([name]) => name !== 'content-digest');
    const inspection = await inspectSignature({ ...message, headers }, context);
    assert.equal(inspection.first_fault?.code, 'component_missing');
    const [signature] = inspection.signatures;
    assert.deepEqual(signature?.covered.at(-1), { component: 'content-digest', value: null });
    assert.equal(signature?.base, null);
    assert.equal(inspection.digest?.sent, null);
  });

  test('a -15 client that does not name its version learns how it is read', async () => {
    const message = await signed(['@method', '@path', '@query', 'authorization']);
    const headers = message.headers.filter(([name]) => !/version|digest/.test(name));
    const bare = { ...message, headers, body: new Uint8Array() };
    const inspection = await inspectSignature(bare, context);
    assert.deepEqual(inspection.dialect, { version: '6', because: 'there is no body' });
    assert.equal(inspection.first_fault?.code, 'signature_invalid');
  });

  test('no signature at all', async () => {
    const message = { method: 'GET', target: '/', headers: [], body: new Uint8Array() };
    const inspection = await inspectSignature(message, context);
    assert.equal(inspection.first_fault?.code, 'missing_signature_header');
    assert.deepEqual([inspection.dialect, inspection.signatures], [null, []]);
  });

  test('a remedy for every reason', () => {
    for (const code of signatureErrorCodes) assert.match(remedyTexts[code], /^[A-Z][^\n]+\.$/);
  });
});

suite('a request as text', () => {
  const body = '{"a":"ü"}';
  const head = ['POST /a?b HTTP/1.1', 'Host: x', `content-length: ${Buffer.byteLength(body)}`];
  const text = (lineEnd: string, rest: string) => Buffer.from([...head, '', rest].join(lineEnd));

  test('with either line end, and with what an editor adds', () => {
    const due = { method: 'POST', target: '/a?b', body };
    for (const lineEnd of ['\r\n', '\n']) {
      for (const added of ['', '\n', '\r\n']) {
        const { message, notes } = readRawRequest(text(lineEnd, body + added));
        const { method, target } = message;
        const read = { method, target, body: Buffer.from(message.body).toString() };
        assert.deepEqual(read, due);
        assert.equal(notes.length, added === '' ? 0 : 1);
        assert.deepEqual(message.headers[0], ['Host', ' x']);
      }
    }
  });

  test('without length, without body, and with less than the length says', () => {
    const bare = readRawRequest(Buffer.from('DELETE /a HTTP/1.1\nHost: x\n\n'));
    assert.deepEqual([bare.message.body.length, bare.notes], [0, []]);
    const unmeasured = readRawRequest(Buffer.from('POST /a\nHost: x\n\nabc\n'));
    assert.deepEqual([unmeasured.message.body.length, unmeasured.notes.length], [3, 1]);
    const short = readRawRequest(text('\n', '{}'));
    assert.match(short.notes[0] ?? '', /^content-length is 10, but the body has 2 bytes\.$/);
  });

  const broken: readonly (readonly [string, string, RegExp])[] = [
    ['nothing', '', /first line/],
    ['an answer', 'HTTP/1.1 200 OK\n\n', /first line/],
    ['a folded header', 'GET / HTTP/1.1\na: b\n c\n\n', /no header line: {2}c/],
    ['a chunked body', 'POST / HTTP/1.1\ntransfer-encoding: chunked\n\n0\n', /content-length/],
    ['too many headers', `GET / HTTP/1.1\n${'a: b\n'.repeat(201)}\n`, /too many/],
  ];
  for (const [what, given, message] of broken) {
    test(`${what} is refused with a sentence`, () => {
      assert.throws(
        () => readRawRequest(Buffer.from(given)),
        (error) => {
          return error instanceof RawRequestError && message.test(error.message);
        },
      );
    });
  }
});
