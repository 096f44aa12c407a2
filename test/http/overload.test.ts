// More than can be done: signatures beyond the queue are answered 503, and answers that nobody reads
// pile up for no memory.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { verificationsQueuedMax } from '../../src/limits.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, send, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem } from './expect.ts';
import { bytesOf, openWire } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, await makeApiClient(sql, clock));

const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);

/** Holds all threads that verify: each opens a pipe that nobody writes to. */
async function holdThreads(t: TestContext): Promise<() => void> {
  const directory = await mkdtemp(join(tmpdir(), 'unwind-pipes-'));
  const pipes = Array.from({ length: threads }, (_, at) => join(directory, String(at)));
  execFileSync('mkfifo', pipes);
  const opening = pipes.map((pipe) => open(pipe, 'r'));
  const release = () => {
    const { O_RDWR, O_NONBLOCK } = constants;
    for (const pipe of pipes) closeSync(openSync(pipe, O_RDWR | O_NONBLOCK));
  };
  t.after(async () => {
    for (const file of await Promise.all(opening)) await file.close();
    await rm(directory, { recursive: true });
  });
  return release;
}

test('point 14: the queue has an end, and what waits in it is answered', async (t) => {
  const extra = 10;
  const count = verificationsQueuedMax + extra;
  const signed = Array.from({ length: count }, () => api.signed('GET', '/auth/verify_keys'));
  const messages = await Promise.all(signed);
  // A connection that has to be opened now would need one of the threads for the name of its host.
  await Promise.all(messages.slice(0, 10).map(() => sql`select pg_sleep(0.05)`));
  const release = await holdThreads(t);
  const replies = messages.map((message) => send(service, message));
  let refused = 0;
  for (const reply of replies) {
    void reply.then(({ status }) => {
      if (status === 503) refused += 1;
    });
  }
  try {
    await eventually('those beyond the queue are refused', () => refused === extra);
  } finally {
    release();
  }
  const all = await Promise.all(replies);
  assert.equal(all.filter(({ status }) => status === 200).length, verificationsQueuedMax);
  for (const reply of all.filter(({ status }) => status !== 200)) {
    assertProblem(reply, 'service_unavailable', 'Too many signatures are waiting to be verified.');
    assert.equal(reply.headers['retry-after'], '1');
  }
});

test('pages asked for many times on one connection and never read take memory once', async (t) => {
  const page = outgoing('GET', '/docs/scalar.js');
  const { headers } = await send(service, page);
  const pageBytes = Number(headers['content-length']);
  const times = 60;
  const wire = await openWire(t, service);
  wire.socket.pause();
  const [before, finished] = [process.memoryUsage().arrayBuffers, service.finished.length];
  wire.write(Buffer.concat(Array.from({ length: times }, () => bytesOf(page))));
  await eventually('all are answered', () => service.finished.length >= finished + times);
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(taken < (pageBytes * times) / 4, `${times} pages of ${pageBytes} bytes took ${taken}`);
});
