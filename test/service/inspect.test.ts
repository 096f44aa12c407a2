// `unwind inspect-signature` from the command line: what it prints, where its keys come from, and its
// exit code.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { signMessage } from '@unwind/signatures';
import { mainFile } from '../support/main-file.ts';
import {
  newHome,
  newHomeOnServer,
  programEnvironment,
  runUnwind,
  startService,
} from './processes.ts';

const created = 1_700_000_000;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-521' });

async function rawRequest(components: readonly string[]): Promise<string> {
  const headers = [
    ['host', 'api.example.test'],
    ['authorization', 'Bearer secret'],
    ['upvest-client-id', 'ebabcf4d-61c3-4942-875c-e265a7c2d062'],
  ] as const;
  const added = await signMessage({
    dialect: '15',
    message: { method: 'GET', target: '/webhooks?limit=1', headers, body: new Uint8Array() },
    components,
    params: { keyid: 'k', created, expires: created + 60 },
    key: { algorithm: 'ecdsa-p521', privateKey },
  });
  const lines = [...headers, ...Object.entries(added)].map(([name, value]) => `${name}: ${value}`);
  return ['GET /webhooks?limit=1 HTTP/1.1', ...lines, '', ''].join('\n');
}

const covered = ['@method', '@path', '@query', 'authorization', 'upvest-client-id'];

async function world(t: Parameters<typeof newHome>[0], components = covered) {
  const home = await newHome(t);
  const directory = dirname(home);
  const file = join(directory, 'request.http');
  const pem = join(directory, 'public.pem');
  const jwk = join(directory, 'public.json');
  await writeFile(file, await rawRequest(components));
  await writeFile(pem, publicKey.export({ format: 'pem', type: 'spki' }));
  await writeFile(
    jwk,
    JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] }),
  );
  const inspect = (...args: readonly string[]) => {
    return runUnwind(t, ['inspect-signature', ...args], { home });
  };
  return { inspect, file, pem, jwk, directory };
}

test('a good signature, by a key as PEM or as JWK', async (t) => {
  const { inspect, file, pem, jwk } = await world(t);
  for (const key of [pem, jwk]) {
    const { code, stdout, stderr } = await inspect(file, '--key', key, '--at', String(created + 5));
    assert.deepEqual([code, stderr], [0, '']);
    const inOrder = [
      'Request      GET /webhooks?limit=1, body of 0 bytes\n',
      'Dialect      draft 15: the version header names it\n',
      'Signature    sig1, key k, found\n',
      'Created      1700000000 (2023-11-14T22:13:20.000Z), 5 s ago; expires 60 s after that\n',
      'Covered      @method: GET\n',
      '  | "authorization": ***\n',
      'Verifies     the signature is the key’s over this base\n',
      '✓ This signature is accepted, once.\n',
    ];
    let from = 0;
    for (const line of inOrder) {
      const at = stdout.indexOf(line, from);
      assert.ok(at >= 0, `${line} in ${stdout}`);
      from = at + line.length;
    }
    assert.doesNotMatch(stdout, /secret/);
  }
});

test('a bad one: what is wrong first, how to mend it, and what comes then', async (t) => {
  const { inspect, file, pem } = await world(t, ['@method', '@path', 'upvest-client-id']);
  const { code, stdout } = await inspect(file, '--key', pem, '--at', '2023-11-14T22:13:25Z');
  assert.equal(code, 1);
  assert.match(stdout, /^Missing {6}@query, authorization$/m);
  assert.match(stdout, /\n✗ The signature has to cover the query\.\n {2}Add "@query" to the list/);
  assert.match(stdout, /\n {2}Then \(sig1\): The signature has to cover the header authorization/);
});

test('as JSON, from standard input, without a key', async (t) => {
  const { file, directory } = await world(t);
  const env = programEnvironment({ UNWIND_HOME: join(directory, 'none') });
  const args = [mainFile, 'inspect-signature', '--json', '--at', String(created)];
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(await rawRequest(covered));
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.ok(file);
  const { verdict, notes } = JSON.parse(said);
  assert.deepEqual([code, verdict], [0, 'undecided']);
  assert.deepEqual(notes, ['Keys: none; give one by --key FILE.']);
});

test('a request of the sandbox client, printed and not sent', async (t) => {
  const home = await newHomeOnServer(t);
  await startService(t, { home });
  const data = JSON.stringify({ title: 'first', url: 'https://hooks.example.com/' });
  const print = ['request', 'POST', '/webhooks', '--data', data, '--print'];
  const printed = await runUnwind(t, print, { home });
  assert.equal(printed.code, 0, printed.stderr);
  assert.match(printed.stdout, /^POST \/webhooks HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/);
  const file = join(dirname(home), 'printed.http');
  await writeFile(file, printed.stdout);
  const { code, stdout } = await runUnwind(t, ['inspect-signature', file], { home });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /Keys: those of the sandbox client/);
  assert.match(stdout, /✓ This signature is accepted, once\.\n$/);
  const list = await runUnwind(t, ['request', 'GET', '/webhooks'], { home });
  assert.match(list.stdout, /"total_count": 0/);
});

test('what cannot be inspected is reported in a sentence', async (t) => {
  const { inspect, file, directory } = await world(t);
  const empty = join(directory, 'empty');
  await writeFile(empty, '');
  const table: readonly (readonly [readonly string[], string])[] = [
    [[empty], 'the first line has to be like: POST /path?query HTTP/1.1'],
    [
      [join(directory, 'none')],
      `the file ${join(directory, 'none')} cannot be read: it does not exist.`,
    ],
    [[file, '--at', 'noon'], '--at is neither Unix seconds nor an RFC 3339 time.'],
    [
      [file, '--key', empty],
      'The key is empty: known are PEM, DER, JWK, OpenSSH, and the 32 bytes of an Ed25519 key in base64.',
    ],
  ];
  for (const [args, message] of table) {
    const { code, stdout, stderr } = await inspect(...args);
    assert.deepEqual([code, stdout, stderr], [2, '', `unwind: ${message}\n`]);
  }
});
