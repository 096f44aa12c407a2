// Rules the contract's vectors do not reach: policies, several signatures, what refusals reveal.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { maskAuthorization } from '../../packages/signatures/src/base.ts';
import {
  compatibleRules,
  compatibleTokenRules,
  type HeaderRules,
  strictRules,
} from '../../packages/signatures/src/check.ts';
import type { DialectVersion } from '../../packages/signatures/src/dialect.ts';
import type { SignedMessage } from '../../packages/signatures/src/message.ts';
import { signMessage } from '../../packages/signatures/src/sign.ts';
import {
  SignatureError,
  signatureErrorCodes,
} from '../../packages/signatures/src/signature-error.ts';
import { verifyMessage } from '../../packages/signatures/src/verify.ts';

const nowS = 1_700_000_000;
const ownClientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const coveredHeaders = ['@method', '@path', 'upvest-client-id'];

const signedRequest: SignedMessage = {
  method: 'POST',
  target: '/auth/token',
  headers: [
    ['Host', 'api.example.test'],
    ['Upvest-Client-Id', ownClientId],
  ],
  body: new Uint8Array(),
};

interface Given {
  readonly message?: SignedMessage;
  readonly components?: readonly string[];
  readonly keyid?: string;
  readonly label?: string;
  readonly dialect?: DialectVersion;
}

async function signed(given: Given = {}): Promise<SignedMessage> {
  const {
    message = signedRequest,
    components = coveredHeaders,
    keyid = 'k',
    label = 'sig1',
  } = given;
  const added = await signMessage({
    dialect: given.dialect ?? '15',
    message,
    components,
    label,
    params: { keyid, created: nowS },
    key: { algorithm: 'ed25519', privateKey },
  });
  return { ...message, headers: [...message.headers, ...Object.entries(added)] };
}

function verify(message: SignedMessage, rules: HeaderRules = strictRules, now = nowS) {
  return verifyMessage(message, {
    keys: (keyid) =>
      keyid === 'unknown'
        ? undefined
        : {
            algorithm: 'ed25519',
            publicKey,
            clientId: keyid === 'foreign' ? 'another client' : ownClientId,
            live: keyid !== 'revoked',
          },
    clientId: ownClientId,
    now,
    rules,
    isReplay: () => false,
  });
}

const without = (message: SignedMessage, header: string): SignedMessage => ({
  ...message,
  headers: message.headers.filter(([name]) => name.toLowerCase() !== header),
});

/** One message with the signatures of several, in order. */
function together(...messages: readonly SignedMessage[]): SignedMessage {
  const headers = messages.flatMap((message, at) =>
    message.headers.filter(([name]) => at === 0 || name.startsWith('signature')),
  );
  return { ...signedRequest, headers };
}

/** The same message with a signature that does not fit. */
function broken(message: SignedMessage): SignedMessage {
  const wrong = Buffer.alloc(64, 1).toString('base64');
  return {
    ...message,
    headers: message.headers.map(([name, value]) => [
      name,
      name === 'signature' ? value.replace(/:.*:/, `:${wrong}:`) : value,
    ]),
  };
}

function signed01(): Promise<SignedMessage> {
  const components = ['*request-target', '*created', 'upvest-client-id'];
  return signed({ dialect: '1', components });
}

/** The same message with another `signature-input`. */
function changed(message: SignedMessage, change: (value: string) => string): SignedMessage {
  return {
    ...message,
    headers: message.headers.map(([name, value]) => [
      name,
      name === 'signature-input' ? change(value) : value,
    ]),
  };
}

suite('policies', () => {
  test('compatible does not ask for client id and idempotency key to be covered', async () => {
    const headers = [...signedRequest.headers, ['Idempotency-Key', 'a']] as const;
    const message = await signed({
      message: { ...signedRequest, headers },
      components: ['@method', '@path'],
    });
    assert.equal((await verify(message, compatibleRules)).keyid, 'k');
    await assert.rejects(verify(message, strictRules), { code: 'uncovered_client_id' });
  });

  test('compatible leaves the idempotency key open in draft 15 alone, where a published client does', async () => {
    const headers = [...signedRequest.headers, ['Idempotency-Key', 'a']] as const;
    const message = { ...signedRequest, headers };
    const lists = {
      '1': ['*request-target', '*created'],
      '6': ['@method', '@path'],
      '9421': ['@method', '@path'],
    } as const;
    for (const [dialect, components] of Object.entries(lists)) {
      const options = { dialect: dialect as keyof typeof lists, message };
      const open = await signed({ ...options, components });
      for (const rules of [compatibleRules, compatibleTokenRules]) {
        await assert.rejects(verify(open, rules), { code: 'uncovered_idempotency_key' }, dialect);
      }
      const covered = await signed({ ...options, components: [...components, 'idempotency-key'] });
      assert.equal((await verify(covered, compatibleRules)).keyid, 'k', dialect);
    }
  });

  test('only its token request may come without a client id', async () => {
    const message = await signed({
      message: without(signedRequest, 'upvest-client-id'),
      components: ['@method', '@path'],
    });
    assert.equal((await verify(message, compatibleTokenRules)).keyid, 'k');
    await assert.rejects(verify(message, compatibleRules), { code: 'client_id_missing' });
    await assert.rejects(verify(message, strictRules), { code: 'client_id_missing' });
  });

  test('authorization has to be covered under each', async () => {
    const headers = [...signedRequest.headers, ['Authorization', 'Bearer a']] as const;
    const message = await signed({ message: { ...signedRequest, headers } });
    for (const rules of [strictRules, compatibleRules, compatibleTokenRules]) {
      await assert.rejects(verify(message, rules), { code: 'uncovered_authorization' });
    }
  });
});

suite('coverage', () => {
  test('a header called like a part of the request does not cover that part', async () => {
    const headers = [...signedRequest.headers, ['Method', 'a'], ['Path', 'b']] as const;
    const message = { ...signedRequest, headers };
    const components = ['method', 'path', 'upvest-client-id'];
    await assert.rejects(verify(await signed({ message, components })), {
      code: 'uncovered_method',
    });
  });

  test('@target-uri covers path and query', async () => {
    const message = { ...signedRequest, target: '/auth/token?a=1' };
    const components = ['@method', '@target-uri', 'upvest-client-id'];
    assert.equal((await verify(await signed({ message, components }))).keyid, 'k');
  });
});

suite('digests', () => {
  const content = (value: string): SignedMessage => ({
    ...signedRequest,
    headers: [...signedRequest.headers, ['Content-Digest', value]],
  });

  test('one of no body need not be covered, but has to be right', async () => {
    const empty = createHash('sha256').digest('base64');
    const right = await signed({ message: content(`sha-256=:${empty}:`) });
    assert.equal((await verify(right)).keyid, 'k');
    const wrong = await signed({ message: content(`sha-256=:${empty.replace('4', '5')}:`) });
    await assert.rejects(verify(wrong), { code: 'digest_mismatch' });
  });

  test('anything but a byte sequence is no digest', async () => {
    for (const value of ['sha-256=1', 'sha-512="a"', 'sha-512', 'sha-512=(:AA==:)']) {
      const message = await signed({ message: content(value) });
      await assert.rejects(verify(message), { code: 'digest_syntax' }, value);
    }
  });
});

suite('what could be read in two ways', () => {
  const single = [
    'Authorization',
    'Content-Type',
    'Content-Length',
    'Host',
    'Date',
    'Idempotency-Key',
    'Upvest-Client-Id',
    'Upvest-Api-Version',
    'Upvest-Signature-Version',
  ];
  for (const name of single) {
    test(`${name} twice`, async () => {
      const good = await signed();
      const headers = [...good.headers, [name, '15'], [name.toUpperCase(), '15']] as const;
      await assert.rejects(verify({ ...good, headers }), {
        code: 'duplicate_header',
        field: name.toLowerCase(),
      });
    });
  }

  // The base of -01 holds neither label nor parameters, so nothing but the parser can tell these.
  const loose: readonly (readonly [string, string, string])[] = [
    ['a parameter twice', `; created=${nowS}`, 'param_duplicate'],
    ['a parameter without value', '; created', 'syntax_signature_input'],
    ['text after the parameters', ' x', 'syntax_signature_input'],
    ['a second list', '()', 'syntax_signature_input'],
  ];
  for (const [title, added, code] of loose) {
    test(`in -01, ${title}`, async () => {
      const message = await signed01();
      await assert.rejects(verify(changed(message, (value) => value + added)), { code });
    });
  }

  test('in -01, text between label and list', async () => {
    const message = changed(await signed01(), (value) => value.replace('=', ' x='));
    await assert.rejects(verify(message), { code: 'syntax_signature_input' });
  });
});

suite('several signatures', () => {
  test('at most two are verified, in the order they are listed', async () => {
    const bad = async (label: string) => broken(await signed({ label }));
    const second = together(await bad('a'), await signed({ label: 'b' }));
    assert.equal((await verify(second)).label, 'b');
    const third = together(await bad('a'), await bad('b'), await signed({ label: 'c' }));
    await assert.rejects(verify(third), { code: 'signature_invalid', field: 'a' });
  });

  test('those of unknown, foreign and revoked keys do not count', async () => {
    const others = ['unknown', 'foreign', 'revoked'].map((keyid) =>
      signed({ keyid, label: keyid }),
    );
    const message = together(...(await Promise.all(others)), await signed());
    assert.equal((await verify(message)).label, 'sig1');
  });

  test('one with components we refuse does not hinder another', async () => {
    const good = await signed();
    const input = 'proxy=("signature";key="sig1");created=1;keyid="unknown"';
    const message: SignedMessage = {
      ...good,
      headers: [['signature-input', input], ['signature', 'proxy=:AAAA:'], ...good.headers],
    };
    assert.equal((await verify(message)).label, 'sig1');
    await assert.rejects(verify(broken(message)), { code: 'signature_invalid' });
  });

  test('what is wrong with the first candidate is the answer', async () => {
    const first = await signed({ components: ['@method', 'upvest-client-id'], label: 'a' });
    const message = together(first, broken(await signed({ label: 'b' })));
    await assert.rejects(verify(message), { code: 'uncovered_path' });
  });

  test('more than sixteen are refused unread', async () => {
    const many = Array.from({ length: 17 }, (_, at) => signed({ label: `s${at}` }));
    await assert.rejects(verify(together(...(await Promise.all(many)))), {
      code: 'too_many_components',
    });
  });
});

suite('what refusals reveal', () => {
  test('nothing of which keys exist and whose they are', async () => {
    const details = ['unknown', 'foreign', 'revoked'].map(async (keyid) => {
      const error = await verify(await signed({ keyid })).catch((reason: unknown) => reason);
      assert.ok(error instanceof SignatureError);
      return error.detail;
    });
    assert.equal(new Set(await Promise.all(details)).size, 1);
  });

  test('the base, for a mask to be laid over the authorization in it', async () => {
    for (const dialect of ['6', '15'] as const) {
      const headers = [...signedRequest.headers, ['Authorization', 'Bearer secret']] as const;
      const components = [...coveredHeaders, 'authorization'];
      const message = await signed({ message: { ...signedRequest, headers }, components, dialect });
      const error = await verify(message, strictRules, nowS + 301).catch(
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof SignatureError);
      const base = error.base ?? '';
      assert.ok(base.includes('Bearer secret'));
      assert.equal(maskAuthorization(base), base.replace('Bearer secret', '***'));
    }
  });

  test('a sentence for every code, and no control characters of the sender', () => {
    for (const code of signatureErrorCodes) {
      const { detail } = new SignatureError(code, `a\n\u00e9"${'x'.repeat(100)}`);
      assert.match(detail, /^[A-Z][ -~]+ \(a\?\?"x{60}\)\.$/);
    }
  });
});
