// The golden vectors: every signed message of profile `api` through the whole verifier, as a
// client's request, with the base compared to the byte and each refusal for its stated reason.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { strictRules } from '../../packages/signatures/src/check.ts';
import { SignatureError } from '../../packages/signatures/src/signature-error.ts';
import { type VerifiedSignature, verifyMessage } from '../../packages/signatures/src/verify.ts';
import { readVectors, signedMessage, type Vector, vectorKeys } from './vectors.ts';

for (const name of ['15', '6', '9421', '1']) {
  const file = readVectors(name);
  const keys = vectorKeys(file);
  suite(`golden vectors of dialect ${name}`, () => {
    for (const vector of file.vectors.filter(({ profile }) => profile === 'api')) {
      test(`${vector.id}: ${vector.title}`, async () => {
        const result = await verify(vector, keys).catch((error: unknown) => error);
        if (vector.expected) assertAccepted(vector, result);
        else assertRefused(vector, result);
      });
    }
  });
}

function verify(vector: Vector, keys: ReturnType<typeof vectorKeys>): Promise<VerifiedSignature> {
  const message = signedMessage(vector.message);
  const clientId = message.headers.find(([name]) => name === 'upvest-client-id')?.[1];
  return verifyMessage(message, {
    keys: (keyid) => keys.get(keyid),
    clientId,
    now: vector.now,
    rules: strictRules,
    isReplay: (baseSha256) => vector.seen.some((seen) => seen.base_sha256 === baseSha256),
  });
}

function assertAccepted(vector: Vector, result: unknown): void {
  if (result instanceof Error) throw result;
  const { base, label, dialect } = result as VerifiedSignature;
  assert.deepEqual(
    { base, label, dialect },
    { base: vector.base, label: vector.label, dialect: vector.detected },
  );
}

// The vectors also name equivalent codes, for verifiers that see faults in another order; we need
// none.
function assertRefused(vector: Vector, result: unknown): void {
  assert.ok(result instanceof SignatureError, `must be refused, got ${JSON.stringify(result)}`);
  const stated = [vector.reason, ...vector.also];
  assert.ok(stated.includes(result.code), `${result.code} where ${stated} is due`);
  // A base is computed exactly where the vectors say there is one, but for faults of the form,
  // which are found before it.
  if (result.base !== undefined) assert.equal(result.base, vector.base);
  else assert.ok(vector.base === null || foundBeforeTheBase.has(result.code), result.code);
}

const foundBeforeTheBase: ReadonlySet<string> = new Set([
  'client_id_missing',
  'param_missing_created',
  'param_missing_keyid',
  'param_unknown',
]);
