// The form of signature bytes: what is told apart from a signature that is merely wrong.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { ecdsaDer, hasDueForm, rsaPssSha512 } from '../../packages/signatures/src/algorithm.ts';

const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

suite('the form of a DER signature', () => {
  const scheme = ecdsaDer();
  const forms: readonly (readonly [string, string, boolean])[] = [
    ['two integers in a sequence', '3006020101020101', true],
    ['integers of zero', '3006020100020100', true],
    ['a leading zero that is needed', '300702020080020101', true],
    ['a leading zero that is not', '300702020001020101', false],
    ['a negative integer', '3006020180020101', false],
    ['an empty integer', '30050200020101', false],
    ['a byte after the sequence', '300602010102010100', false],
    ['a byte after the integers', '300702010102010100', false],
    ['a sequence that ends too early', '3005020101020101', false],
    ['one integer', '3003020101', false],
    ['a length in needless long form', '308106020101020101', false],
    ['no sequence', '3106020101020101', false],
    ['something else than an integer', '3006040101020101', false],
    ['nothing', '', false],
  ];
  for (const [title, hex, due] of forms) {
    test(title, () => {
      assert.equal(hasDueForm(scheme, publicKey, Buffer.from(hex, 'hex')), due);
    });
  }

  test('long form where it is due, as for P-521', () => {
    const integer = Buffer.concat([Buffer.from('0242', 'hex'), Buffer.alloc(66, 1)]);
    const signature = Buffer.concat([Buffer.from('308188', 'hex'), integer, integer]);
    assert.ok(hasDueForm(scheme, publicKey, signature));
  });
});

test('a signature by RSA is as long as the modulus, in whole bytes', () => {
  const { publicKey: odd } = generateKeyPairSync('rsa', { modulusLength: 2052 });
  const due = [256, 257, 258].map((bytes) => hasDueForm(rsaPssSha512, odd, Buffer.alloc(bytes)));
  assert.deepEqual(due, [false, true, false]);
});
