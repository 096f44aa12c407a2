// HEAD: the checks and headers of GET, and no body (RFC 9110 section 9.3.2).
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, outgoing, send, startHttp } from '../support/http.ts';
import { apiOf, wishFor } from './api.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock('2026-01-05T09:00:00.000Z');
const service = await startHttp({ after }, { sql, clock });
const api = await apiOf(service, await makeApiClient(sql, clock));

/** What has to be equal: all but the id of the request and the time. */
function comparable(headers: object): object {
  const varying = ['upvest-request-id', 'date'];
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !varying.includes(name)));
}

for (const route of service.routes.filter(({ method }) => method === 'GET')) {
  const content = { headers: { accept: route.type ?? 'application/json' } };

  test(`HEAD ${route.path} has the headers of GET and no body`, async (t) => {
    const { target } = await wishFor(sql, api, route);
    if (route.type === 'text/event-stream') {
      t.diagnostic('a stream has no end, so only its HEAD is looked at');
      const { status, headers, text } = await api.call('HEAD', target, content);
      assert.deepEqual([status, headers['content-type'], text], [200, route.type, '']);
      return;
    }
    const get = await api.call('GET', target, content);
    const head = await api.call('HEAD', target, content);
    assert.equal(get.status, 200, get.text);
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.deepEqual(comparable(head.headers), comparable(get.headers));
    assert.equal(head.headers['content-length'], String(Buffer.byteLength(get.text)));
  });

  test(`HEAD ${route.path} is refused like GET`, async () => {
    const { target } = await wishFor(sql, api, route);
    const unsigned = await send(service, api.unsigned('HEAD', target, content));
    assert.equal(unsigned.status, 401);
    assert.equal(unsigned.text, '');
    const signedAsGet = await api.signed('GET', target, content);
    const forged = await send(service, { ...signedAsGet, method: 'HEAD' });
    assert.equal(forged.status, 401);
    const signed = await api.signed('HEAD', target, content);
    assert.equal((await send(service, signed)).status, 200);
    assert.equal((await send(service, signed)).status, 401, 'the signature counts once');
  });
}

test('HEAD of the probes', async () => {
  for (const path of ['/healthz', '/readyz']) {
    const head = await send(service, outgoing('HEAD', path));
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.match(head.headers['content-length'] ?? '', /^[1-9]/);
  }
});
