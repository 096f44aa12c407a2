// A client that has an identity with another service brings it: id, secret, several keys with their ids, in
// the forms it has them in. Then it works here, and a second one of the same id is refused.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { Client } from '@unwind/client';
import { type IdentityOptions, readIdentity } from '../../src/commands/client-identity.ts';
import { newId } from '../../src/ids.ts';
import { newHomeOnServer, runUnwind, startService } from './processes.ts';

const quiet = { UNWIND_LOG_LEVEL: 'error' };

/** Files in a directory. @returns the path of each by its name. */
async function filesIn(
  directory: string,
  contents: Readonly<Record<string, string>>,
): Promise<(name: string) => string> {
  const at = (name: string) => join(directory, name);
  for (const [name, content] of Object.entries(contents)) await writeFile(at(name), content);
  return at;
}

const ed25519 = generateKeyPairSync('ed25519');
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
/** As the instructions of the published proxy make it: the last 32 bytes of the DER, in base64. */
const rawEd25519 = ed25519.publicKey
  .export({ format: 'der', type: 'spki' })
  .subarray(12)
  .toString('base64');
const pemOf = (key: KeyObject) => {
  const type = key.type === 'private' ? 'pkcs8' : 'spki';
  return key.export({ format: 'pem', type }).toString();
};

test('a client brings its id, its secret, and two keys with their ids', async (t) => {
  const home = await newHomeOnServer(t);
  const service = await startService(t, { home, settings: quiet });
  const clientId = randomUUID();
  const keyIds = [randomUUID(), randomUUID()];
  const clientSecret = 'WHIW1yic-ouct3sceh';
  const at = await filesIn(dirname(home), {
    secret: `${clientSecret}\n`,
    'ed25519.pub': `${rawEd25519}\n`,
    'p521.pem': pemOf(p521.privateKey),
  });
  const args = [
    ...['--client-id', clientId, '--client-secret-file', at('secret')],
    ...['--public-key', at('ed25519.pub'), '--public-key', at('p521.pem')],
    ...keyIds.flatMap((id) => ['--key-id', id]),
  ];
  const create = ['clients', 'create', '--name', 'Broker', '--scopes', 'all', ...args];
  const made = await runUnwind(t, create, { home, settings: quiet });
  assert.equal(made.code, 0, made.stderr);
  assert.equal(
    made.stderr,
    `unwind: ${at('p521.pem')} holds a private key; only its public part is registered.\n`,
  );
  assert.deepEqual(JSON.parse(made.stdout), {
    client_id: clientId,
    key_id: keyIds[0],
    keys: [
      { key_id: keyIds[0], algorithm: 'ed25519', file: at('ed25519.pub') },
      { key_id: keyIds[1], algorithm: 'ecdsa-p521', file: at('p521.pem') },
    ],
  });
  for (const [i, { privateKey }] of [ed25519, p521].entries()) {
    const client = new Client({
      ...{ baseUrl: service.url, clientId, clientSecret, keyId: keyIds[i] ?? '' },
      ...{ privateKey: pemOf(privateKey), scopes: ['webhooks:read'] },
    });
    assert.equal((await client.send({ method: 'GET', target: '/webhooks' })).status, 200);
  }
  const again = await runUnwind(t, create, { home, settings: quiet });
  assert.deepEqual([again.code, again.stdout], [2, ''], again.stderr);
  assert.match(again.stderr, new RegExp(`there is a client ${clientId} already\\.\n$`));
});

describe('an identity that cannot be taken', () => {
  const KEY = 'KEY';
  const OTHER = 'OTHER';
  const one = newId<'key'>();
  const table: readonly (readonly [what: string, given: IdentityOptions, says: RegExp])[] = [
    ['fewer ids than keys', { publicKey: [KEY, OTHER], keyId: [one] }, /there are 1 and 2/],
    ['one key twice', { publicKey: [KEY, KEY] }, /two of the files hold the same key/],
    ['one id twice', { publicKey: [KEY, OTHER], keyId: [one, one] }, /the same --key-id/],
    ['no file', { publicKey: ['NONE'] }, /NONE cannot be read: it does not exist/],
    ['a file without a key', { publicKey: ['SPACES'] }, /SPACES: This is no key in a form/],
    ['too many keys', { publicKey: Array.from({ length: 21 }, () => KEY) }, /20 keys at most/],
    ...(
      [
        ['EMPTY', /is empty: it has to hold/],
        ['SHORT', /has 5 characters: 16 to 1000/],
        ['LONG', /has 1001 characters/],
        ['LINES', /has several lines/],
        ['SPACES', /visible ASCII, without spaces/],
      ] as const
    ).map(([name, says]) => {
      return [`a secret: ${name}`, { publicKey: [KEY], clientSecretFile: name }, says] as const;
    }),
  ];
  for (const [what, { clientSecretFile, publicKey, ...given }, says] of table) {
    test(what, async (t) => {
      const directory = await mkdtemp(join(tmpdir(), 'unwind-identity-'));
      t.after(() => rm(directory, { recursive: true }));
      const at = await filesIn(directory, {
        KEY: rawEd25519,
        OTHER: pemOf(p521.publicKey),
        EMPTY: '\n',
        SHORT: 'short',
        LONG: 'x'.repeat(1_001),
        LINES: 'a-secret-of-a-client\nand-more\n',
        SPACES: 'a secret of a client',
      });
      const secret =
        clientSecretFile === undefined ? {} : { clientSecretFile: at(clientSecretFile) };
      const options = { ...given, ...secret, publicKey: publicKey.map(at) };
      await assert.rejects(readIdentity(options), { name: 'UsageError', message: says });
    });
  }
});
