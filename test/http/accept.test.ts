// Which values of `accept` the service can serve: JSON, and problem+json for errors.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { apiOf } from './api.ts';
import { assertProblem, assertSuccess } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, await makeApiClient(sql, clock));

const list = (accept: string | undefined) => api.call('GET', '/webhooks', { headers: { accept } });

test('point 11: what admits JSON or problem+json', async (t) => {
  const admitted = [
    undefined,
    '',
    '*/*',
    'application/*',
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;q=0.1',
    'application/problem+json',
    'text/html, application/json;q=0.5, */*;q=0',
    'text/html,*/*;q=0.8',
    'application/json;q=0, application/problem+json',
    'application/json, text/plain, */*',
    ' , application/json',
  ];
  for (const accept of admitted) {
    await t.test(String(accept), async () => assertSuccess(await list(accept), 200));
  }
});

test('point 11: what admits neither', async (t) => {
  const { verifications } = service.authenticator;
  const refused = [
    'text/html',
    'text/*',
    'application/xml',
    'application/vnd.api+json',
    'application/json;q=0',
    'application/json;q=0.000, application/problem+json;q=0',
    'application/*;q=0, text/html',
    '*/*;q=0',
    '*/json',
    'json',
    '*',
    ',',
  ];
  for (const accept of refused) {
    await t.test(accept, async () => {
      const reply = await list(accept);
      assertProblem(reply, 'not_acceptable', /application\/json/);
    });
  }
  assert.equal(service.authenticator.verifications, verifications);
});
