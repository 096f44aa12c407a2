// The examples printed in the drafts and the RFC (profile `draft`): form, base and mathematics
// only. They use algorithms and the quoted -06 that this service refuses, so the parts are put
// together here with a dialect value of their own; what is tested is our reading, our base, our
// mathematics.

import assert from 'node:assert/strict';
import { constants, createHmac } from 'node:crypto';
import { suite, test } from 'node:test';
import {
  ecdsaRaw,
  ed25519,
  rsaPkcs1Sha256,
  rsaPssSha512,
  type Scheme,
  verifyBytes,
} from '../../src/signatures/algorithm.ts';
import { signatureBase } from '../../src/signatures/base.ts';
import { DIALECTS, type Dialect } from '../../src/signatures/dialect.ts';
import type { VerificationKey } from '../../src/signatures/keys.ts';
import { fieldValue, readMessage } from '../../src/signatures/message.ts';
import { readSignatureBytes, splitMembers } from '../../src/signatures/signature-input.ts';
import { readVectors, signedMessage, type Vector, vectorKeys } from './vectors.ts';

// Component parameters and responses bound to requests are refused by this service (they protect
// nothing it needs), so there is no code that could compute these bases.
const NEEDS_COMPONENT_PARAMETERS: ReadonlySet<string> = new Set([
  '15-draft-b22', // "@query-param";name="Pet"
  '15-draft-24-response', // "signature";req;key="sig1"
  '15-draft-43-proxy', // "signature";key="sig1"
  '6-draft-43-proxy', // "signature";key="sig1"
  '6-draft-reqres-response', // "@request-response";key="sig1"
  '9421-draft-b22', // "@query-param";name="Pet"
  '9421-draft-24-response', // "@method";req and others
  '9421-draft-24-response-2', // "@method";req and others
]);

const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['rsa-pss-sha512', rsaPssSha512],
  [
    'rsa-pss-sha512-salt-any',
    { ...rsaPssSha512, options: { padding: constants.RSA_PKCS1_PSS_PADDING } },
  ],
  ['rsa-v1_5-sha256', rsaPkcs1Sha256],
  ['ecdsa-p256-sha256', ecdsaRaw('ecdsa-p256-sha256', 'sha256', 64)],
  ['ed25519', ed25519('ed25519')],
]);

for (const name of ['15', '6', '9421', '1']) {
  const file = readVectors(name);
  const keys = vectorKeys(file);
  suite(`examples of the draft, dialect ${name}`, () => {
    for (const vector of file.vectors.filter(({ profile }) => profile === 'draft')) {
      if (NEEDS_COMPONENT_PARAMETERS.has(vector.id)) continue;
      test(`${vector.id}: ${vector.title}`, async () => {
        const { base, signature } = read(draftDialect(DIALECTS[file.dialect], vector), vector);
        assert.equal(base, vector.base);
        const key = keys.get(vector.keyid);
        assert.ok(key, `no key ${vector.keyid}`);
        assert.equal(await holds(vector, key, base, signature), vector.expected);
      });
    }
  });
}

test('the examples that are left out exist', () => {
  const ids = ['15', '6', '9421'].flatMap((name) => readVectors(name).vectors.map(({ id }) => id));
  assert.deepEqual(
    [...NEEDS_COMPONENT_PARAMETERS].filter((id) => !ids.includes(id)),
    [],
  );
});

function draftDialect(dialect: Dialect, { message }: Vector): Dialect {
  const status = { covers: [], value: () => String(message.status) };
  return {
    ...dialect,
    baseName: dialect.version === '6' ? DIALECTS[15].baseName : dialect.baseName,
    derived: new Map([...dialect.derived, ['@status', status]]),
  };
}

function read(dialect: Dialect, vector: Vector) {
  const message = readMessage(signedMessage(vector.message));
  const member = (name: 'signature-input' | 'signature') =>
    splitMembers(fieldValue(message, name) ?? '', 'syntax_signature').get(vector.label) ?? '';
  const listed = dialect.input.read(member('signature-input'));
  return {
    base: signatureBase(dialect, message, listed),
    signature: readSignatureBytes(member('signature')),
  };
}

async function holds(
  { algorithm }: Vector,
  { publicKey }: VerificationKey,
  base: string,
  signature: Uint8Array,
): Promise<boolean> {
  if (algorithm === 'hmac-sha256') {
    return createHmac('sha256', publicKey).update(base).digest().equals(signature);
  }
  const scheme = SCHEMES.get(algorithm);
  assert.ok(scheme, `no scheme ${algorithm}`);
  return verifyBytes({ scheme, key: publicKey, base }, signature);
}
