// The forms of published clients, each through the main program of its samples: a token, the list of users, a
// user made, read and ended. And the page about them, held against these forms and against the inspector.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, suite, test } from 'node:test';
import { compatibleRules, inspectSignature, quirkNames, strictRules } from '@unwind/signatures';
import type { SignaturePolicy } from '../../src/auth/store.ts';
import { mistakesAt, refusedWhereStrict, signedBy } from '../signatures/mistakes.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, type Reply, send, startHttp } from '../support/http.ts';
import { marcel } from './api.ts';
import {
  type Plain,
  type PublishedClient,
  publishedClients,
  signedAs,
} from './published-clients.ts';

const page = await readFile(
  new URL('../../docs/integrators/compatibility.md', import.meta.url),
  'utf8',
);
const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, ignoresUnknownScopes: true });

/** Sends requests as a published client, registered with a policy. */
async function senderAs(published: PublishedClient, signaturePolicy: SignaturePolicy) {
  const client = await makeApiClient(sql, clock, {
    keyTypes: [published.keyType],
    signaturePolicy,
  });
  const { clientId, clientSecret, keyId, key } = client;
  const ask = (plain: Omit<Plain, 'accept' | 'clientId'>): Promise<Reply> => {
    const now = Math.floor(clock.now().getTime() / 1_000);
    const whole = { accept: published.accept, clientId, ...plain };
    const { privateKey } = key;
    return send(service, signedAs(published, whole, { keyId, privateKey, now }));
  };
  const form = {
    ...{ client_id: clientId, client_secret: clientSecret, grant_type: 'client_credentials' },
    // As the environment of the samples lists them: one is of a later version.
    scope: 'users:admin users:read savings_plans:admin',
  };
  const getToken = () => {
    const contentType = 'application/x-www-form-urlencoded';
    const body = String(new URLSearchParams(form));
    return ask({ method: 'POST', target: '/auth/token', body, contentType });
  };
  return { ask, getToken };
}

suite('the main program of the samples', () => {
  for (const published of publishedClients) {
    for (const policy of ['compatible', 'strict'] as const) {
      const isTaken = policy === 'compatible' || published.isTakenWhereStrict;
      test(`${published.name}, ${policy}: ${isTaken ? 'ends without error' : 'is refused'}`, async () => {
        const { ask, getToken } = await senderAs(published, policy);
        const answer = await getToken();
        if (!isTaken) {
          assert.ok([400, 401].includes(answer.status), answer.text);
          return;
        }
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.json['scope'], 'users:admin users:read');
        const token = String(answer.json['access_token']);
        const users = await ask({ method: 'GET', target: '/users?limit=2&offset=0', token });
        assert.equal(users.status, 200, users.text);
        const create = { method: 'POST', target: '/users', body: JSON.stringify(marcel), token };
        const made = await ask({ ...create, idempotencyKey: randomUUID() });
        assert.equal(made.status, 200, made.text);
        const target = `/users/${made.json['id']}`;
        const read = await ask({ method: 'GET', target, token });
        assert.equal(read.text, made.text);
        const key = published.name === 'JavaScript' ? { idempotencyKey: randomUUID() } : {};
        const ended = await ask({ method: 'DELETE', target, token, ...key });
        assert.equal(ended.status, 202, ended.text);
      });
    }
  }
});

test('JavaScript as current axios makes it sign is refused with what to mend', async () => {
  const javascript = publishedClients.find(({ name }) => name === 'JavaScript') ?? assert.fail();
  const { ask, getToken } = await senderAs(javascript, 'compatible');
  const token = String((await getToken()).json['access_token']);
  const plain = { method: 'GET', target: '/users', token };
  assert.equal((await ask(plain)).status, 200);
  const refused = await ask({ ...plain, phantom: [['content-type', 'undefined']] });
  assert.equal(refused.status, 401);
  assert.match(String(refused.json['detail']), /not in the message \(content-type\)/);
});

/** The cells of the rows of the table below a heading. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const [, rest = ''] = page.split(heading);
  const lines = rest.split(/\n\n/).find((part) => part.startsWith('| ')) ?? '';
  return lines
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '));
}

test('the page lists the clients, and under which policies each works', () => {
  const rows = rowsBelow('# Published clients');
  assert.equal(rows.length, publishedClients.length);
  for (const [i, published] of publishedClients.entries()) {
    const [name = '', , signs = '', policies] = rows[i] ?? [];
    const [short = ''] = published.name.split(',');
    assert.ok(name.includes(short), published.name);
    const key = { 'P-256': 'ECDSA', 'P-384': 'ECDSA', 'P-521': 'ECDSA P-521', ed25519: 'Ed25519' };
    assert.equal(signs, `draft ${published.dialect.padStart(2, '0')}, ${key[published.keyType]}`);
    assert.equal(policies, published.isTakenWhereStrict ? 'compatible, strict' : 'compatible');
  }
});

test('the page says of each mistake what the inspector says', async () => {
  const now = 1_700_000_000;
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const clientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';
  const maker = { clientId, keyId: 'k', foreignKeyId: 'f', privateKey, now };
  const keys = (keyid: string) => {
    const owner = keyid === 'k' ? clientId : 'another';
    return { algorithm: 'ed25519', publicKey, clientId: owner, live: true } as const;
  };
  const said = new Map<string, string>();
  const all = [
    ...mistakesAt(now).map(([, mistake]) => [mistake, compatibleRules] as const),
    ...refusedWhereStrict.map(([, mistake]) => [mistake, strictRules] as const),
  ];
  for (const [mistake, rules] of all) {
    const { signatures } = await inspectSignature(signedBy(maker, mistake), {
      ...{ keys, clientId, now, rules },
    });
    for (const { quirk, detail, remedy } of signatures.flatMap(({ quirks }) => quirks)) {
      said.set(quirk, `${detail.replace(/\d+ s( \([^)]*\))?/, '…')} | ${remedy}`);
    }
  }
  const rows = rowsBelow('`unwind inspect-signature` name it:');
  const written = rows.map(([name = '', ...cells]) => [
    name.replaceAll('`', ''),
    cells.join(' | '),
  ]);
  assert.deepEqual(
    written.map(([name]) => name),
    quirkNames,
  );
  assert.deepEqual(Object.fromEntries(written), Object.fromEntries(said));
});
