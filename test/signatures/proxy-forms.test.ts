// The forms of the published proxy: which are taken under the policy `compatible`, none under `strict`, and
// that nothing else of a request can be changed because of them. Bases are written by hand, as the proxy
// writes them.
import assert from 'node:assert/strict';
import { generateKeyPairSync, hash, sign } from 'node:crypto';
import { suite, test } from 'node:test';
import {
  checkSignatures,
  compatibleRules,
  type HeaderRules,
  inspectSignature,
  parseSignatures,
  replayKeysOf,
  type SignedMessage,
  strictRules,
  verifyMessage,
} from '@unwind/signatures';

const now = 1_700_000_000;
const clientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { algorithm: 'ecdsa-p256', publicKey, clientId, live: true } as const;

type Headers = Readonly<Record<string, string>>;

interface Proxied {
  readonly version?: '6' | '15' | '9421';
  /** As the proxy was given them. */
  readonly headers: Headers;
  /** What it writes in the base besides method, path and client. */
  readonly written: Headers;
}

/** A GET as the proxy signs it: ECDSA with SHA-512 in DER, `expires` last. */
function proxied({ version = '15', headers, written }: Proxied): SignedMessage {
  const all = { ...written, 'upvest-client-id': clientId, '@method': 'GET', '@path': '/users' };
  const names = Object.keys(all).map((name) => `"${name}"`);
  const params = `(${names.join(' ')});keyid="k";created=${now};nonce="1234567890";expires=${now + 60}`;
  const quote = version === '6' ? '' : '"';
  const lines = Object.entries({ ...all, '@signature-params': params }).map(([name, value]) => {
    return `${quote}${name}${quote}: ${value}`;
  });
  const signature = sign('sha512', Buffer.from(lines.join('\n')), privateKey).toString('base64');
  const added = {
    'upvest-client-id': clientId,
    'upvest-signature-version': version,
    'signature-input': `sig1=${params}`,
    signature: `sig1=:${signature}:`,
  };
  const pairs = Object.entries({ ...headers, ...added });
  return { method: 'GET', target: '/users', headers: pairs, body: Buffer.alloc(0) };
}

function withHeader(message: SignedMessage, name: string, value: string): SignedMessage {
  const headers = message.headers.map(([one, old]) => [one, one === name ? value : old] as const);
  return { ...message, headers };
}

const contextOf = (rules: HeaderRules) => ({ keys: () => key, clientId, now, rules });

/** What the verifier says; the inspector has to say the same. */
async function verdictOf(message: SignedMessage, rules: HeaderRules): Promise<string> {
  const context = contextOf(rules);
  const said = await verifyMessage(message, { ...context, isReplay: () => false }).then(
    () => 'accepted',
    (error) => error.code as string,
  );
  const { first_fault: fault, verdict } = await inspectSignature(message, context);
  assert.equal(fault?.code ?? verdict, said);
  return said;
}

const accept = 'application/json, text/plain, */*';
const forms: Readonly<Record<string, Proxied>> = {
  'the first item of accept': { headers: { accept }, written: { accept: 'application/json' } },
  'a header of one member': {
    headers: { 'cache-control': 'max-age=0' },
    written: { 'cache-control:max-age': '0' },
  },
  'another of one member': { headers: { priority: 'u=1' }, written: { 'priority:u': '1' } },
  'a header of two members': {
    headers: { prefer: 'return=minimal, note="a b"' },
    written: { 'prefer:note': '"a b"', 'prefer:return': 'minimal' },
  },
};

suite('the forms of the proxy', () => {
  for (const [form, given] of Object.entries(forms)) {
    test(`${form}: under compatible in drafts 15 and 6, and nowhere else`, async () => {
      for (const version of ['15', '6'] as const) {
        const message = proxied({ ...given, version });
        assert.equal(await verdictOf(message, compatibleRules), 'accepted', version);
        assert.notEqual(await verdictOf(message, strictRules), 'accepted', version);
      }
      const later = proxied({ ...given, version: '9421' });
      assert.notEqual(await verdictOf(later, compatibleRules), 'accepted');
    });
  }

  test('under strict it is said which component is not taken', async () => {
    const message = proxied(memberCase);
    const { first_fault: fault } = await inspectSignature(message, contextOf(strictRules));
    assert.match(fault?.detail ?? '', /\(cache-control:max-age\)/);
  });
});

const memberCase = {
  headers: { 'cache-control': 'max-age=0' },
  written: { 'cache-control:max-age': '0' },
};

suite('what an attacker on the way cannot do', () => {
  test('change the item of accept that is signed', async () => {
    const message = proxied({ headers: { accept }, written: { accept: 'application/json' } });
    const changed = withHeader(message, 'accept', 'text/html, text/plain, */*');
    assert.equal(await verdictOf(changed, compatibleRules), 'signature_invalid');
  });

  test('change a member, add one, or take one away', async () => {
    const message = proxied(memberCase);
    for (const [value, code] of [
      ['max-age=1', 'signature_invalid'],
      ['max-age=0, no-store=1', 'component_invalid'],
      ['max-age=0,no-store', 'signature_invalid'],
      ['no-store', 'component_invalid'],
      ['max-age=0, max-age=0', 'component_invalid'],
    ] as const) {
      const changed = withHeader(message, 'cache-control', value);
      assert.equal(await verdictOf(changed, compatibleRules), code, value);
    }
  });

  test('cover a part of what decides who sends what', async () => {
    for (const name of [
      'authorization',
      'idempotency-key',
      'content-type',
      'host',
      'date',
      'accept',
    ]) {
      const message = proxied({ headers: { [name]: 'a=b' }, written: { [`${name}:a`]: 'b' } });
      assert.notEqual(await verdictOf(message, compatibleRules), 'accepted', name);
    }
  });

  test('bring it in again, with other items behind the first', async () => {
    const message = proxied({ headers: { accept }, written: { accept: 'application/json' } });
    const used = replayKeysAt(message);
    assert.equal(used.length, 2);
    for (const value of [accept, 'application/json, text/html', 'application/json']) {
      const again = withHeader(message, 'accept', value);
      const check = {
        ...contextOf(compatibleRules),
        isReplay: (base: string) => used.includes(base),
      };
      await assert.rejects(verifyMessage(again, check), /./, value);
      assert.ok(
        replayKeysAt(again).some((base) => used.includes(base)),
        value,
      );
    }
  });
});

function replayKeysAt(message: SignedMessage): readonly string[] {
  const check = {
    ...contextOf(compatibleRules),
    parsed: parseSignatures(message),
    isReplay: () => false,
  };
  return replayKeysOf(check, checkSignatures(check)).map((one) => one.baseSha256);
}

test('a signature over the whole of accept is taken as before, and both bases are used up', async () => {
  const message = proxied({ headers: { accept }, written: { accept } });
  for (const rules of [compatibleRules, strictRules]) {
    assert.equal(await verdictOf(message, rules), 'accepted');
  }
  const { base } = await verifyMessage(message, {
    ...contextOf(compatibleRules),
    isReplay: () => false,
  });
  const used = replayKeysAt(message);
  assert.equal(used.length, 2);
  assert.ok(used.includes(hash('sha256', base)));
});

test('a message costs two verifications at most', () => {
  const one = proxied({ headers: { accept }, written: { accept: 'application/json' } });
  const two = one.headers.map(([name, value]): [string, string] => {
    return /^signature/.test(name)
      ? [name, `${value}, ${value.replace('sig1', 'sig2')}`]
      : [name, value];
  });
  for (const headers of [one.headers, two]) {
    const check = { ...contextOf(compatibleRules), isReplay: () => false };
    const parsed = parseSignatures({ ...one, headers });
    assert.equal(checkSignatures({ ...check, parsed }).toVerify.length, 2);
  }
});
