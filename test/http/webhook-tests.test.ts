// Tests of receivers that take their time: one client does not use up the service with them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startReceiver } from '../deliveries/receiver.ts';
import { testClock } from '../support/clock.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { apiOf, subscribe } from './api.ts';
import { assertProblem } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, allowLoopback: true });

test('of one client only so many are under way at once, and others have theirs', async (t) => {
  const greedy = await apiOf(service, await makeApiClient(sql, clock));
  const other = await apiOf(service, await makeApiClient(sql, clock));
  const [slow, quick] = [await startReceiver(t, clock), await startReceiver(t, clock)];
  const answer = Promise.withResolvers<{ status: number }>();
  slow.react = () => answer.promise;
  const path = await subscribe(greedy, { url: slow.url });
  const ofOther = await subscribe(other, { url: quick.url });
  // Signed before: what is under way lasts no longer than a test may take.
  const further = await greedy.signed('POST', `${path}/test`);
  const another = await other.signed('POST', `${ofOther}/test`);
  const underWay = Array.from({ length: 16 }, () => greedy.call('POST', `${path}/test`));
  await eventually('16 are under way', () => slow.received.length === 16);

  const refused = await send(service, further);
  assertProblem(refused, 'too_many_requests', 'Too many tests are under way.');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal((await send(service, another)).status, 200);

  answer.resolve({ status: 204 });
  for (const reply of await Promise.all(underWay)) assert.equal(reply.status, 200);
  assert.equal((await greedy.call('POST', `${path}/test`)).status, 200);
  assert.equal(slow.received.length, 17, 'what was refused was not sent');
});
