// The requests about faults of deliveries: what is set is shown, what is wrong is said in a sentence, and
// live mode has none of it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, send, startHttp } from '../support/http.ts';
import { apiOf, subscribe } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, await makeApiClient(sql, clock));
const theirs = await apiOf(service, await makeApiClient(sql, clock));
const webhook = await subscribe(api);
const target = `/tests${webhook}/faults`;
const webhookId = webhook.split('/').at(-1);

const set = (json: object) => api.call('POST', target, { json });

test('what is asked for is shown until it ends', async () => {
  const asked = {
    late_s: 5,
    burst_s: 30,
    twice: true,
    signature: 'old_key',
    stall_s: 60,
    answered_as: 503,
    one_in: 3,
  };
  const answer = await set({ ...asked, silent_s: 120, for_s: 60 });
  assertSuccess(answer, 200);
  const end = new Date(clock.now().getTime() + 120_000).toISOString();
  const shown = { webhook_id: webhookId, ...asked, silent_until: end, ends_at: end };
  assert.deepEqual(answer.json, shown);
  assert.deepEqual((await api.call('GET', target)).json, shown);
  clock.advance(120_000);
  const none = { webhook_id: webhookId, ends_at: null };
  assert.deepEqual((await api.call('GET', target)).json, none);
  assertSuccess(await set({ twice: true }), 200);
  assertSuccess(await api.call('DELETE', target), 204);
  assert.deepEqual((await api.call('GET', target)).json, none);
  assertSuccess(await api.call('DELETE', target), 204);
});

const wrong: readonly (readonly [json: object, detail: RegExp])[] = [
  [{}, /asks for no fault: name late_s, /],
  [{ twice: false }, /asks for no fault/],
  [{ for_s: 60, one_in: 2 }, /asks for no fault/],
  [{ late_s: 0 }, /late_s/],
  [{ late_s: 3_601 }, /late_s/],
  [{ burst_s: 1.5 }, /burst_s/],
  [{ stall_s: 61 }, /stall_s/],
  [{ answered_as: 429 }, /answered_as/],
  [{ silent_s: 86_401 }, /silent_s/],
  [{ signature: 'none' }, /signature/],
  [{ twice: 'yes' }, /twice/],
  [{ twice: true, one_in: 0 }, /one_in/],
  [{ twice: true, often: 2 }, /often/],
];
for (const [json, detail] of wrong) {
  test(`${JSON.stringify(json)} is refused with a sentence`, async () => {
    assertProblem(await set(json), 'bad_request', detail);
  });
}

test("another client's subscription is not found", async () => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    const content = method === 'POST' ? { json: { twice: true } } : {};
    assertProblem(await theirs.call(method, target, content), 'not_found', /no such webhook/);
  }
});

test('live mode has no faults', async (t) => {
  const live = await startHttp(t, { sql, clock, isSandbox: false });
  const { token } = await apiOf(service, api.client);
  const asked = await api.signed('POST', target, {
    json: { twice: true },
    headers: { authorization: `Bearer ${token}` },
  });
  assertProblem(await send(live, asked), 'not_found', /no such resource/);
});
