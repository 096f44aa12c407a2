// The examples printed in the drafts and the RFC (profile `draft`): form, base and verification
// only. They use algorithms and the quoted -06 that this service refuses, so the parts are put
// together here with a dialect value of their own; what is tested is our reading, our base, our
// verification.

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
} from '../../packages/signatures/src/algorithm.ts';
import { signatureBase } from '../../packages/signatures/src/base.ts';
import {
  allDialects,
  type DerivedComponent,
  type Dialect,
} from '../../packages/signatures/src/dialect.ts';
import type { VerificationKey } from '../../packages/signatures/src/keys.ts';
import { fieldValue, readMessage } from '../../packages/signatures/src/message.ts';
import { readSignatureBytes, splitMembers } from '../../packages/signatures/src/signature-input.ts';
import { readVectors, signedMessage, type Vector, vectorKeys } from './vectors.ts';

const schemes: ReadonlyMap<string, Scheme> = new Map([
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
      test(`${vector.id}: ${vector.title}`, async () => {
        const { base, signature } = read(draftDialect(allDialects[file.dialect], vector), vector);
        assert.equal(base, vector.base);
        const key = keys.get(vector.keyid);
        assert.ok(key, `no key ${vector.keyid}`);
        assert.equal(await holds(vector, key, base, signature), vector.expected);
      });
    }
  });
}

function draftDialect(dialect: Dialect, vector: Vector): Dialect {
  const status = { covers: [], value: () => String(vector.message.status) };
  const { baseName } = dialect.version === '6' ? allDialects[15] : dialect;
  const own: Dialect = { ...dialect, derived: new Map([...dialect.derived, ['@status', status]]) };
  return {
    ...own,
    baseName: (name) => name.replace(/^[^;]+/, baseName),
    derived: new Map([...own.derived, ...withParameters(own, vector)]),
  };
}

/**
 * The components of a vector that have parameters, with their values. The service refuses them, since
 * they protect nothing it needs; what their values are is therefore said here.
 */
function withParameters(dialect: Dialect, { message, request, label }: Vector) {
  const input = fieldValue(readMessage(signedMessage(message)), 'signature-input') ?? '';
  const member = splitMembers(input, 'syntax_signature_input').get(label) ?? '';
  const names = dialect.input.read(member).components.filter((name) => name.includes(';'));
  return names.map((name): [string, DerivedComponent] => {
    const bare = name.split(';')[0] ?? '';
    const [, key] = /;key="([^"]*)"/.exec(name) ?? [];
    const [, parameter] = /;name="([^"]*)"/.exec(name) ?? [];
    const isOfRequest = /;req\b/.test(name) || bare === '@request-response';
    const of = readMessage(signedMessage((isOfRequest ? request : undefined) ?? message));
    const value = (): string | undefined => {
      if (parameter !== undefined) return new URLSearchParams(of.query).get(parameter) ?? undefined;
      if (key === undefined)
        return dialect.derived.get(bare)?.value(of, new Map()) ?? fieldValue(of, bare);
      const field = fieldValue(of, bare === '@request-response' ? 'signature' : bare) ?? '';
      return splitMembers(field, 'syntax_signature').get(key)?.slice(`${key}=`.length);
    };
    return [name, { covers: [], value }];
  });
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
  const scheme = schemes.get(algorithm);
  assert.ok(scheme, `no scheme ${algorithm}`);
  return verifyBytes({ scheme, key: publicKey, base }, signature);
}
