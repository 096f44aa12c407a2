// Keys in use at the same time are different objects of the same key.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { withCopy } from '../../packages/signatures/src/key-copies.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });

for (const key of [publicKey, privateKey]) {
  test(`a ${key.type} key is lent in copies, none of them twice at once, and they come back`, async () => {
    const lent: KeyObject[] = [];
    const release = Promise.withResolvers<void>();
    const holders = Array.from({ length: 20 }, () => {
      return withCopy(key, async (copy) => {
        lent.push(copy);
        await release.promise;
      });
    });
    assert.equal(lent.length, 20);
    const copies = lent.filter((copy) => copy !== key);
    assert.equal(new Set(copies).size, 16);
    assert.ok(copies.every((copy) => copy.equals(key)));
    release.resolve();
    await Promise.all(holders);
    const again = await withCopy(key, async (copy) => copy);
    assert.ok(copies.includes(again));
  });
}

test('a copy comes back when the computation fails', async () => {
  const { privateKey: fresh } = generateKeyPairSync('ed25519');
  const failing = withCopy(fresh, async () => {
    throw new Error('no result');
  });
  await assert.rejects(failing, /no result/);
  const first = await withCopy(fresh, async (copy) => copy);
  const second = await withCopy(fresh, async (copy) => copy);
  assert.equal(first, second);
});
