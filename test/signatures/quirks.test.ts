// Mistakes of known clients: none is accepted, and each is named by the inspector, with its remedy.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import {
  compatibleRules,
  type HeaderRules,
  inspectSignature,
  type Quirk,
  quirkNames,
  strictRules,
} from '@unwind/signatures';
import {
  type Mistake,
  mistakesAt,
  refusedWhereStrict,
  right,
  signedBy,
  unknown,
} from './mistakes.ts';

const now = 1_700_000_000;
const clientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const maker = { clientId, keyId: 'k', foreignKeyId: 'f', privateKey, now };

async function inspected(mistake: Mistake, rules: HeaderRules = compatibleRules) {
  const keys = (keyid: string) => {
    const owner = keyid === 'k' ? clientId : 'another';
    return { algorithm: 'ed25519', publicKey, clientId: owner, live: true } as const;
  };
  const message = signedBy(maker, mistake);
  const { signatures, verdict } = await inspectSignature(message, { keys, clientId, now, rules });
  const quirks = signatures.flatMap((one) => one.quirks);
  for (const { detail, remedy } of quirks) {
    assert.ok(/^[A-Z][^{]*\.$/.test(detail) && /^[A-Z].*\.$/.test(remedy), detail);
  }
  return { quirks, verdict };
}

const namesOf = (quirks: readonly Quirk[]) => quirks.map(({ quirk }) => quirk);

suite('a mistake is refused and named', () => {
  for (const [quirk, mistake] of mistakesAt(now)) {
    test(quirk, async () => {
      const { quirks, verdict } = await inspected(mistake);
      assert.deepEqual([verdict, ...namesOf(quirks)], ['refused', quirk]);
    });
  }
  for (const [quirk, mistake] of refusedWhereStrict) {
    const headers = { ...mistake.headers };
    const ofClient = { 'upvest-client-id': clientId };
    const strict = { ...mistake, headers, written: { ...mistake.written, ...ofClient } };
    test(`${quirk}, where the policy is strict`, async () => {
      const { quirks, verdict } = await inspected(strict, strictRules);
      assert.deepEqual([verdict, ...namesOf(quirks)], ['refused', quirk]);
    });
  }

  test('all there are have been made here', () => {
    const made = new Set([...mistakesAt(now), ...refusedWhereStrict].map(([quirk]) => quirk));
    assert.deepEqual([...made].toSorted(), quirkNames.toSorted());
  });

  test('a clock is named with how much it is off', async () => {
    const table: readonly (readonly [Partial<Mistake>, RegExp])[] = [
      [{ created: now + 3_630 }, /is 3630 s \(1 h, as if local time were UTC\) ahead\./],
      [{ created: now + 31 }, /is 31 s ahead\./],
      [{ created: now - 7_200 }, /is 7200 s \(2 h, as if local time were UTC\) behind,/],
      [{ created: now - 60, expires: now - 1 }, /is 1 s behind, or the request waited/],
    ];
    for (const [times, says] of table) {
      const { quirks } = await inspected({ ...right, ...times });
      assert.match(quirks[0]?.detail ?? '', says);
    }
  });
});

suite('none is named', () => {
  test('where the signature verifies', async () => {
    assert.deepEqual(await inspected(right), { quirks: [], verdict: 'accepted' });
  });

  test('where no known mistake explains it', async () => {
    assert.deepEqual(await inspected(unknown), { quirks: [], verdict: 'refused' });
  });
});

test('a form that is taken is named all the same, so that its signer learns of it', async () => {
  const [[, mistake] = assert.fail()] = refusedWhereStrict;
  const { quirks, verdict } = await inspected(mistake);
  assert.deepEqual([verdict, ...namesOf(quirks)], ['accepted', 'accept_first_value']);
});
