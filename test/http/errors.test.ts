// Point 10: the pages of errors, and `type` as the address of its page.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { problemKinds } from '../../src/http/problem.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { outgoing, send, startHttp } from '../support/http.ts';
import { assertProblem, assertRequestId } from './expect.ts';
import { openWire } from './wire.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });

const page = (slug: string) => send(service, outgoing('GET', `/errors/${slug}`));

for (const [slug, { status, title }] of Object.entries(problemKinds)) {
  test(`point 10: /errors/${slug} says what it means, what to do, and how it looks`, async () => {
    const reply = await page(slug);
    assert.equal(reply.status, 200);
    assertRequestId(reply);
    assert.equal(reply.headers['content-type'], 'text/html; charset=utf-8');
    assert.ok(reply.text.includes(`<h1>${status} ${title}</h1>`));
    assert.ok(reply.text.includes('<h2>What to do</h2>'));
    assert.ok(reply.text.includes(`HTTP/1.1 ${status} ${title}`));
    assert.ok(reply.text.includes(`"type": "${slug}"`));
    assert.doesNotMatch(reply.text, /undefined|`/);
  });
}

test('point 10: the page of a bad signature says how to see the signature base', async () => {
  const { text } = await page('unauthorized');
  assert.match(text, /sandbox mode <code>detail<\/code> ends with the signature base/);
});

test('point 10: the index leads to every page, and other slugs are not found', async () => {
  const { text } = await send(service, outgoing('GET', '/errors'));
  for (const slug of Object.keys(problemKinds)) assert.ok(text.includes(`href="/errors/${slug}"`));
  assertProblem(await page('nonsense'), 'not_found', 'There is no such kind of error.');
  assertProblem(await page('constructor'), 'not_found', 'There is no such kind of error.');
});

test('point 10: with a base URL the type of an error is the address of its page', async (t) => {
  const errorsUrl = 'https://unwind.example.test/errors';
  const other = await startHttp(t, { sql, clock, errorsUrl });
  const reply = await send(other, outgoing('GET', '/nowhere'));
  assert.equal(reply.json['type'], `${errorsUrl}/not_found`);
  const wire = await openWire(t, other);
  wire.write('nonsense\r\n\r\n');
  assert.match(await wire.rest(), /"type":"https:\/\/unwind\.example\.test\/errors\/bad_request"/);
});
