// What a sandbox records of requests: enough to understand and to repeat them, and no secret.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { Recorder } from '../../src/recording/recorder.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, send, startHttp, withHeaders } from '../support/http.ts';
import { apiOf, giveAccounts, toLiquidate } from './api.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);

interface Recorded {
  readonly recorded_at: string;
  readonly request: { method: string; target: string; headers: [string, string][]; body: string };
  readonly verdict: { outcome: string; status: number; type?: string; detail?: string };
  readonly signatures: readonly { dialect: string; base: string; base_sha256: string }[];
  readonly response: { headers: Record<string, string>; body: string };
}

async function newDirectory(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'unwind-record-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'records');
}

const warned: string[] = [];
const log = { warn: (_: object, message: string) => warned.push(message) };

async function newRecording(t: TestContext) {
  const directory = await newDirectory(t);
  const recorder = await Recorder.open({ directory, log });
  const service = await startHttp(t, { sql, clock, recorder, showSignatureBase: true });
  const texts = async () => {
    await recorder.settled();
    const names = (await readdir(directory)).toSorted();
    return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  };
  const records = async () => (await texts()).map((text) => JSON.parse(text) as Recorded);
  return { directory, service, texts, records };
}

test('a request is kept with verdict, signature base and response, and without its secrets', async (t) => {
  const { directory, service, texts, records } = await newRecording(t);
  const api = await apiOf(service, client);
  const [account] = await giveAccounts(sql, client);
  const { target, content } = toLiquidate(account);
  clock.advance(1);
  const asked = await api.signed('POST', target, content);
  const answer = await send(service, asked);
  assert.equal(answer.status, 202);
  const [token, created, ...others] = await records();
  assert.ok(token && created);
  assert.deepEqual(others, []);
  assert.equal(token.request.target, '/auth/token');
  assert.match(token.request.body, /^client_id=[0-9a-f-]{36}&client_secret=\*\*\*&grant_type=/);
  assert.equal(JSON.parse(token.response.body).access_token, '***');
  assert.equal(created.recorded_at, clock.now().toISOString());
  assert.equal(created.request.method, 'POST');
  assert.equal(created.request.target, target);
  assert.equal(created.request.body, JSON.stringify(content.json));
  const headers = new Map(created.request.headers);
  assert.equal(headers.get('authorization'), 'Bearer ***');
  assert.equal(headers.get('idempotency-key'), content.headers['idempotency-key']);
  assert.deepEqual(created.verdict, { outcome: 'accepted', status: 202 });
  assert.equal(created.response.body, answer.text);
  const [signature] = created.signatures;
  assert.ok(signature);
  assert.match(signature.base, /^"@method": POST\n/);
  assert.match(signature.base, /"authorization": \*\*\*\n/);
  const unmasked = signature.base.replace(
    '"authorization": ***',
    `"authorization": Bearer ${api.token}`,
  );
  assert.equal(createHash('sha256').update(unmasked).digest('hex'), signature.base_sha256);
  for (const text of await texts()) {
    assert.ok(!text.includes(api.token), 'no token');
    assert.ok(!text.includes(client.clientSecret), 'no secret');
    assert.ok(!text.includes(encodeURIComponent(client.clientSecret)));
  }
  for (const name of await readdir(directory)) {
    assert.equal((await stat(join(directory, name))).mode & 0o777, 0o600);
  }
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
});

test('what was refused is kept with the reason, unsigned and unknown requests too', async (t) => {
  const { service, texts, records } = await newRecording(t);
  const api = await apiOf(service, client);
  clock.advance(1);
  const message = await api.signed('GET', '/webhooks');
  await send(
    service,
    withHeaders(message, { accept: 'application/json', signature: 'sig1=:AAAA:' }),
  );
  clock.advance(1);
  await send(
    service,
    outgoing('GET', '/nowhere', { headers: { authorization: 'Bearer abcdefghij' } }),
  );
  await send(service, outgoing('GET', '/healthz'));
  await send(service, outgoing('GET', '/docs'));
  const [, bad, unknown, ...others] = await records();
  assert.ok(bad && unknown);
  assert.deepEqual(others, [], 'neither probes nor pages');
  assert.equal(bad.verdict.outcome, 'refused');
  assert.equal(bad.verdict.status, 401);
  assert.equal(bad.verdict.type, 'unauthorized');
  assert.ok((bad.verdict.detail ?? '').length > 20);
  assert.equal(unknown.verdict.status, 404);
  assert.deepEqual(unknown.signatures, []);
  const all = (await texts()).join();
  assert.ok(!all.includes(api.token) && !all.includes('abcdefghij'));
});

test('no secret is kept, wherever a request has it', async (t) => {
  const { service, texts, records } = await newRecording(t);
  const secret = 'S3cret-of-this-test';
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const requests = [
    outgoing('GET', '/webhooks', {
      headers: {
        cookie: `first=1; unwind_console80=${secret}`,
        'proxy-authorization': `Basic ${secret}`,
      },
    }),
    outgoing('POST', '/tests/signature', {
      headers: { 'content-type': 'message/http' },
      body: `GET / HTTP/1.1\r\nauthorization: Bearer ${secret}\r\n\r\n`,
    }),
    outgoing('POST', '/auth/token', {
      json: { client_secret: secret, inner: [{ token: 'tiny' }] },
    }),
    outgoing('POST', '/auth/token', {
      json: undefined,
      body: `{"client_secret": "${secret}`,
      headers: form,
    }),
    outgoing('POST', '/auth/token', { body: `access_token=${secret}&a=b`, headers: form }),
    outgoing('POST', '/auth/token', {
      body: `a=b&client%5Fsecret=${secret} and&c=d`,
      headers: form,
    }),
    outgoing('GET', `/webhooks?client_secret=${secret}&limit=2`),
    outgoing('GET', `/webhooks?limit=2&token=${secret}`),
  ];
  for (const request of requests) {
    clock.advance(1);
    await send(service, request);
  }
  const twice = outgoing('GET', '/webhooks', { headers: { authorization: 'Bearer first' } });
  clock.advance(1);
  await send(service, {
    ...twice,
    headers: [...twice.headers, ['authorization', secret], ['Cookie', `b=${secret}`]],
  });
  for (const text of await texts()) assert.ok(!text.includes(secret), text);
  const kept = await records();
  assert.equal(kept.length, requests.length, 'all but the inspection');
  const bodies = kept.map(({ request }) => request.body).filter((body) => body !== '');
  assert.deepEqual(bodies, [
    '{"client_secret":"***","inner":[{"token":"***"}]}',
    '{"client_secret": "***',
    'access_token=***&a=b',
    'a=b&client%5Fsecret=***&c=d',
  ]);
  assert.equal(kept[5]?.request.target, '/webhooks?client_secret=***&limit=2');
  const headers = new Map(kept[0]?.request.headers);
  assert.equal(headers.get('cookie'), '***');
  assert.equal(headers.get('proxy-authorization'), 'Basic ***');
});

test('the oldest records make room, by number and by bytes, and nothing else does', async (t) => {
  const directory = await newDirectory(t);
  const first = await Recorder.open({ directory, log, max: { files: 3, bytes: 1_000_000 } });
  await writeFile(join(directory, 'notes.txt'), 'mine');
  const keep = (recorder: Recorder, n: number, text = '') => {
    const id = `00000000-0000-4000-8000-00000000000${n}`;
    recorder.keep(new Date(Date.UTC(2026, 0, 5, 9, 0, n)), id, { n, text });
  };
  for (const n of [1, 2, 3, 4]) keep(first, n);
  await first.settled();
  const before = (await readdir(directory)).toSorted();
  assert.deepEqual(
    before.map((name) => name.slice(-9)),
    ['0002.json', '0003.json', '0004.json', 'notes.txt'],
  );
  // The next process goes on where this one ended.
  const second = await Recorder.open({ directory, log, max: { files: 100, bytes: 2_000 } });
  keep(second, 5, 'x'.repeat(1_950));
  await second.settled();
  const names = (await readdir(directory)).toSorted();
  assert.equal(names.length, 2);
  assert.match(names[0] ?? '', /0005\.json$/);
  assert.equal(names[1], 'notes.txt');
});

test('a disk that does not take it costs no request anything, and is said once', async (t) => {
  const directory = await newDirectory(t);
  const recorder = await Recorder.open({ directory, log });
  await rm(directory, { recursive: true });
  const service = await startHttp(t, { sql, clock, recorder });
  warned.length = 0;
  const api = await apiOf(service, client);
  assert.equal((await api.call('GET', '/webhooks')).status, 200);
  await recorder.settled();
  assert.deepEqual(warned, ['recording.failed']);
});

test('a directory that cannot be used is refused in a sentence', async (t) => {
  const directory = await newDirectory(t);
  await writeFile(directory, 'a file').catch(() => assert.fail());
  await chmod(directory, 0o600);
  await assert.rejects(Recorder.open({ directory, log }), {
    name: 'ConfigError',
    message: `UNWIND_RECORD ${directory} cannot be used: something that is not a directory is in its place.`,
  });
});
