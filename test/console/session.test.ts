// Who gets into the console and who does not: links, sessions, roles, requests of other sites, and what is
// recorded of those who are in.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { consoleRoles, scopesOf } from '../../src/console/person.ts';
import { removeExpiredSessions } from '../../src/console/session-store.ts';
import { makeLink } from '../../src/console/sessions.ts';
import { waitReasons } from '../../src/liquidations/waits-store.ts';
import { readConfig } from '../../src/settings/config.ts';
import { signsInByLink } from '../../src/settings/console-settings.ts';
import { giveAccounts } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { type Browser, browserAt, signedIn } from './person.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const other = await makeApiClient(sql, clock);
const service = await startHttp({ after }, { sql, clock });
const minuteMs = 60_000;

const whoIn = async (browser: Browser) => {
  const { json } = await browser.send('GET', '/console/session');
  return json['person'];
};

test('a link signs one person in, once', async () => {
  const link = await makeLink(sql, clock, { name: 'first', role: 'viewer' });
  const browser = browserAt(service);
  assert.equal(await whoIn(browser), null);
  const first = await browser.send('POST', '/console/sign-in', { json: { link } });
  assert.equal(first.status, 204);
  assert.equal(await whoIn(browser), 'first');
  const second = await browserAt(service).send('POST', '/console/sign-in', { json: { link } });
  assert.equal(second.status, 401);
  assert.match(second.text, /was used before, or its ten minutes are over/);
});

/** What the trail has of people who came and went. */
async function visits(name: string): Promise<readonly unknown[]> {
  return sql`
    select a.operation, a.role, a.origin, a.target
    from unwind.acts a
    where a.actor = ${name}
    order by a.commit_order`;
}

test('who signs in, and out again, stands in the trail with the address', async () => {
  const link = await makeLink(sql, clock, { name: 'visitor', role: 'risk' });
  const browser = browserAt(service);
  await browser.send('POST', '/console/sign-in', { json: { link } });
  await browserAt(service).send('POST', '/console/sign-in', { json: { link } });
  const visit = { role: 'risk', origin: '127.0.0.1', target: '/console' };
  assert.deepEqual([...(await visits('visitor'))], [{ operation: 'sign_in', ...visit }]);
  const { cookie } = browser;
  await browser.send('POST', '/console/sign-out', { json: {} });
  const copied = browserAt(service);
  copied.cookie = cookie;
  await copied.send('POST', '/console/sign-out', { json: {} });
  assert.deepEqual(
    [...(await visits('visitor'))],
    [
      { operation: 'sign_in', ...visit },
      { operation: 'sign_out', ...visit },
    ],
  );
});

test('of two who use a link at once, one gets in', async () => {
  const link = await makeLink(sql, clock, { name: 'both', role: 'viewer' });
  const replies = await Promise.all(
    [1, 2, 3, 4].map(() => browserAt(service).send('POST', '/console/sign-in', { json: { link } })),
  );
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [204, 401, 401, 401]);
});

test('a link ends after ten minutes, and the database never had its secret', async () => {
  const link = await makeLink(sql, clock, { name: 'late', role: 'viewer' });
  const rows = await sql<{ shown: string }[]>`select l::text as shown from unwind.console_links l`;
  assert.ok(rows.length > 0 && rows.every(({ shown }) => !shown.includes(link)));
  clock.advance(10 * minuteMs);
  const reply = await browserAt(service).send('POST', '/console/sign-in', { json: { link } });
  assert.equal(reply.status, 401);
});

test('a session that was there before does not become the one of who signs in', async () => {
  const browser = await signedIn(service, { sql, clock });
  const before = browser.cookie;
  const link = await makeLink(sql, clock, { name: 'next', role: 'viewer' });
  await browser.send('POST', '/console/sign-in', { json: { link } });
  assert.notEqual(browser.cookie, before);
  assert.equal(await whoIn(browser), 'next');
  const old = browserAt(service);
  old.cookie = before;
  assert.equal(await whoIn(old), null, 'and it has ended');
  const chosen = browserAt(service);
  chosen.cookie = `${(before ?? '').split('=')[0]}=${'a'.repeat(43)}`;
  const again = await makeLink(sql, clock, { name: 'victim', role: 'viewer' });
  await chosen.send('POST', '/console/sign-in', { json: { link: again } });
  assert.doesNotMatch(chosen.cookie ?? '', /a{43}/, 'nobody chooses the id of another');
});

test('the cookie is out of reach of scripts and of other sites; over TLS it is bound to the host', async (t) => {
  const set = async (isTls: boolean) => {
    const at = await startHttp(t, { sql, clock, console: { isTls } });
    const link = await makeLink(sql, clock, { name: 'cookie', role: 'viewer' });
    const reply = await browserAt(at).send('POST', '/console/sign-in', { json: { link } });
    return { port: at.port, cookie: reply.headers['set-cookie']?.[0] ?? '' };
  };
  const plain = await set(false);
  assert.match(
    plain.cookie,
    /^unwind_console\d+=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Strict$/,
  );
  assert.ok(plain.cookie.startsWith(`unwind_console${plain.port}=`), 'each port has its own');
  const tls = await set(true);
  assert.match(
    tls.cookie,
    /^__Host-unwind_console\d+=.*; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
});

test('a session ends after half an hour without its person, and after twelve hours', async () => {
  const idle = await signedIn(service, { sql, clock });
  for (let i = 0; i < 3; i += 1) {
    clock.advance(29 * minuteMs);
    assert.equal(await whoIn(idle), 'the operator');
  }
  const headers = { 'x-unwind-background': '1' };
  for (let i = 0; i < 3; i += 1) {
    clock.advance(9 * minuteMs);
    assert.equal((await idle.send('GET', '/console/api/overview', { headers })).status, 200);
    assert.equal((await idle.send('HEAD', '/console/api/stream')).status, 200);
  }
  clock.advance(4 * minuteMs);
  assert.equal(await whoIn(idle), null, 'a page that follows by itself keeps no session alive');

  const long = await signedIn(service, { sql, clock });
  for (let i = 0; i < 35; i += 1) {
    clock.advance(20 * minuteMs);
    assert.equal(await whoIn(long), 'the operator', `after ${(i + 1) * 20} minutes`);
  }
  clock.advance(20 * minuteMs);
  assert.equal(await whoIn(long), null);
  assert.ok((await removeExpiredSessions(sql, clock.now(), 100)) > 0);
  const left = await sql`select from unwind.console_sessions s where s.expires_at < ${clock.now()}`;
  assert.equal(left.count, 0);
});

test('who signs out is out, wherever the cookie was copied to', async () => {
  const browser = await signedIn(service, { sql, clock });
  const copy = browserAt(service);
  copy.cookie = browser.cookie;
  assert.equal((await browser.send('POST', '/console/sign-out')).status, 204);
  assert.equal(browser.cookie, undefined);
  assert.equal(await whoIn(copy), null);
});

test('no one asks for any operation without a session, and a token is none', async () => {
  for (const { method, path } of service.routes) {
    const target = `/console/api${path.replaceAll(/:\w+/g, randomUUID())}`;
    const reply = await browserAt(service).send(method, target, {
      headers: { authorization: 'Bearer abc', 'upvest-client-id': client.clientId },
    });
    assert.equal(reply.status, 401, `${method} ${path}`);
    assert.match(reply.text, /Nobody is signed in/);
  }
});

/** Requests that a page of another site can make a browser send. */
const foreign: readonly (readonly [name: string, headers: Record<string, string | undefined>])[] = [
  ['a form of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
  ['another port of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
  [
    'an old browser at another site',
    { origin: 'https://evil.example', 'sec-fetch-site': undefined },
  ],
  ['a page without an origin', { origin: 'null' }],
  ['a request without an origin', { origin: undefined }],
  ['a form of our own site', { 'x-unwind-console': undefined }],
];

for (const [name, headers] of foreign) {
  test(`what changes something is refused: ${name}`, async () => {
    const browser = await signedIn(service, { sql, clock });
    const changing = service.routes.filter(({ method }) => method !== 'GET');
    const paths = changing.map(({ method, path }) => [method, `/console/api${path}`] as const);
    const own = ['sign-in', 'sign-out', 'tenant'].map(
      (one) => ['POST', `/console/${one}`] as const,
    );
    assert.ok(paths.length > 5);
    for (const [method, path] of [...paths, ...own]) {
      const target = path.replaceAll(/:\w+/g, randomUUID());
      const reply = await browser.send(method, target, { headers });
      assert.equal(reply.status, 403, `${method} ${path}`);
      assert.match(reply.text, /Only the page of the console itself/);
    }
    assert.equal(await whoIn(browser), 'the operator', 'and nobody was signed out by it');
  });
}

test('another site reads nothing either', async () => {
  const browser = await signedIn(service, { sql, clock });
  for (const site of ['cross-site', 'same-site', 'none']) {
    const headers = { 'sec-fetch-site': site };
    for (const path of ['/console/api/overview', '/console/session', '/console/api/trail']) {
      assert.equal((await browser.send('GET', path, { headers })).status, 403, `${site} ${path}`);
    }
  }
});

test('the page cannot be framed, and runs nothing but the files of the service', async () => {
  for (const path of [
    '/console',
    '/console/liquidations',
    `/console/liquidations/${randomUUID()}`,
  ]) {
    const { status, headers, text } = await browserAt(service).send('GET', path);
    assert.equal(status, 200, path);
    assert.equal(headers['x-frame-options'], 'DENY');
    const policy = String(headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /script-src 'self' 'sha256-[^']+';/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.doesNotMatch(text, /https?:\/\//, 'nothing comes from elsewhere');
    assert.doesNotMatch(text, /\son\w+=|<style|style=/, 'nothing stands in the page itself');
    const files = [...text.matchAll(/(?:src|href)="(\/console\/assets\/[^"]+)"/g)].map(
      ([, at]) => at,
    );
    assert.ok(files.length > 10);
    for (const file of files) {
      const served = await browserAt(service).send('GET', file ?? '');
      assert.equal(served.status, 200, file);
      assert.match(String(served.headers['cache-control']), /immutable/);
    }
  }
  for (const path of ['/console/api/nothing', '/console/assets/x/main.js', '/console/a/b/c']) {
    assert.equal((await browserAt(service).send('GET', path)).status, 404, path);
  }
});

test('the page has words for every reason to wait', async () => {
  const file = new URL('../../src/console/browser/reasons.js', import.meta.url);
  const words = (await readFile(file, 'utf8')).matchAll(/^ {2}(\w+): why\(/gm);
  const known = Array.from(words, ([, reason]) => reason);
  assert.deepEqual(known.toSorted(), [...waitReasons].toSorted());
});

test('a role may do what its scopes say, and nothing else', async () => {
  for (const role of consoleRoles) {
    const browser = await signedIn(service, { sql, clock, role });
    const may = new Set(scopesOf(role));
    // A stream goes on until its reader leaves; it is read in test/console/pages.test.ts.
    const whole = service.routes.filter(({ type }) => type === undefined);
    for (const { method, path, scopes } of whole) {
      const target = `/console/api${path.replaceAll(/:\w+/g, randomUUID())}`;
      const reply = await browser.send(method, target);
      const isForbidden = reply.status === 403;
      assert.equal(
        isForbidden,
        !scopes.some((scope) => may.has(scope)),
        `${role}: ${method} ${path}`,
      );
      assert.ok(reply.status < 500, `${role}: ${method} ${path}: ${reply.text}`);
    }
  }
  assert.ok(!scopesOf('viewer').some((scope) => scope.endsWith(':admin')));
});

test('a person starts and cancels with the operations of clients; each act stands under their name', async () => {
  const [account] = await giveAccounts(sql, client);
  const browser = await signedIn(service, { sql, clock });
  await browser.send('POST', '/console/tenant', { json: { tenant: client.clientId } });
  const key = { 'idempotency-key': randomUUID(), 'x-unwind-tenant': client.clientId };
  const path = `/console/api/accounts/${account.accountId}/liquidations`;
  const wish = {
    json: { user_id: account.userId },
    headers: { ...key, 'x-unwind-reason': encodeURIComponent('Gone – moved away') },
  };
  const made = await browser.send('POST', path, wish);
  assert.equal(made.status, 202, made.text);
  const again = await browser.send('POST', path, wish);
  assert.equal(again.text, made.text, 'a second click starts nothing');
  assert.equal(again.headers['idempotency-replayed'], 'true');
  const headers = { 'x-unwind-tenant': client.clientId };
  const ended = await browser.send('DELETE', `${path}/${made.json['id']}`, { headers });
  assert.equal(ended.status, 204, ended.text);
  const none = await browser.send('DELETE', `${path}/${randomUUID()}`, { headers });
  assert.equal(none.status, 404);

  const { json } = await browser.send('GET', '/console/api/trail?kind=person&limit=2');
  const acts = json['data'] as readonly Record<string, unknown>[];
  const madeId = made.json['id'];
  assert.deepEqual(
    acts.map(({ actor, role, operation, reason }) => [actor, role, operation, reason]),
    [
      ['the operator', 'operator', 'cancel_account_liquidation', undefined],
      ['the operator', 'operator', 'create_account_liquidation', 'Gone – moved away'],
    ],
    'once each, and not what was refused',
  );
  for (const act of acts) {
    assert.equal(act['target'], `/accounts/${account.accountId}/liquidations/${madeId}`);
  }
});

/** Every operation whose body names a person, with an example of it from the document. */
const naming = service.routes.flatMap((route) => {
  const found = service.document.operations.find(({ operation }) => {
    return operation['operationId'] === route.operation;
  });
  const body = found?.operation['requestBody'] as
    | { content: Record<string, { schema: unknown; examples?: Record<string, { value: object }> }> }
    | undefined;
  const json = body?.content['application/json'];
  if (json === undefined) return [];
  const { properties } = service.document.resolve(json.schema);
  if (!('person' in Object(properties))) return [];
  const [example] = Object.values(json.examples ?? {});
  return [{ ...route, json: example?.value }];
});

test('the operations whose bodies name a person are known', () => {
  assert.ok(naming.length >= 5);
  for (const { operation, json } of naming) assert.ok(json, `${operation} has an example`);
});

for (const { method, path, operation, json } of naming) {
  test(`no one acts under the name of another: ${operation}`, async () => {
    const browser = await signedIn(service, { sql, clock, role: 'risk' });
    await browser.send('POST', '/console/tenant', { json: { tenant: client.clientId } });
    const target = `/console/api${path.replaceAll(/:\w+/g, randomUUID())}`;
    const ask = (person: string) => {
      const headers = { 'idempotency-key': randomUUID(), 'x-unwind-tenant': client.clientId };
      return browser.send(method, target, { json: { ...json, person }, headers });
    };
    const forged = await ask('Somebody else');
    assert.equal(forged.status, 400, forged.text);
    assert.match(forged.text, /person has to be who is signed in: the risk/);
    const own = await ask('the risk');
    assert.ok([200, 201, 404].includes(own.status), `${own.status} ${own.text}`);
  });
}

test('a long list of accounts is read for a person who may start a batch, and for no other', async () => {
  const json = {
    accounts: Array.from({ length: 500 }, () => ({ account_id: randomUUID() })),
    reason: 'The product ends',
    person: 'the operator',
  };
  const ask = async (browser: Browser) => {
    await browser.send('POST', '/console/tenant', { json: { tenant: client.clientId } });
    const headers = { 'idempotency-key': randomUUID(), 'x-unwind-tenant': client.clientId };
    return browser.send('POST', '/console/api/batches', { json, headers });
  };
  const made = await ask(await signedIn(service, { sql, clock }));
  assert.equal(made.status, 201, made.text);
  assert.equal((await ask(await signedIn(service, { sql, clock, role: 'viewer' }))).status, 403);
  assert.equal((await ask(browserAt(service))).status, 401);
  const [{ count } = {}] = await sql<{ count: number }[]>`
    select count(*)::int as count from unwind.batches b
    where b.accounts = 500`;
  assert.equal(count, 1);
});

test('a person looks at one client at a time, and sees nothing of another', async () => {
  const [account] = await giveAccounts(sql, other);
  const browser = await signedIn(service, { sql, clock });
  const look = async (tenant: string) => {
    const chosen = await browser.send('POST', '/console/tenant', { json: { tenant } });
    assert.equal(chosen.status, 204);
    return (await browser.send('GET', `/console/api/accounts/${account.accountId}`)).status;
  };
  assert.equal(await look(client.clientId), 404);
  assert.equal(await look(other.clientId), 200);
  const unknown = await browser.send('POST', '/console/tenant', { json: { tenant: randomUUID() } });
  assert.equal(unknown.status, 404);
});

test('two tabs do not mix up clients: what was meant for one is not done to another', async () => {
  const browser = await signedIn(service, { sql, clock });
  const choose = (tenant: string) => {
    return browser.send('POST', '/console/tenant', { json: { tenant } });
  };
  await choose(client.clientId);
  const first = { 'x-unwind-tenant': client.clientId };
  const json = { title: 'Mine', url: 'https://hooks.example.com/', type: ['ACCOUNT_LIQUIDATION'] };
  const before = await browser.send('GET', '/console/api/webhooks', { headers: first });
  assert.equal(before.status, 200);
  await choose(other.clientId);
  const late = await browser.send('POST', '/console/api/webhooks', { headers: first, json });
  assert.equal(late.status, 409);
  assert.match(late.text, /Another client was chosen meanwhile, in another tab/);
  assert.equal(late.headers['x-unwind-tenant'], other.clientId);
  for (const path of ['/console/api/webhooks', '/console/api/trail']) {
    assert.equal((await browser.send('GET', path, { headers: first })).status, 409, path);
  }
  const stream = (tenant: string) => {
    return browser.send('HEAD', `/console/api/stream?tenant=${tenant}`);
  };
  assert.equal((await stream(client.clientId)).status, 409);
  assert.equal((await stream(other.clientId)).status, 200);
  const unsaid = await browser.send('POST', '/console/api/webhooks', { json });
  assert.equal(unsaid.status, 400);
  assert.match(unsaid.text, /x-unwind-tenant is missing/);
  const acts = await sql`
    select from unwind.acts a
    where a.tenant_id = ${other.clientId} and a.operation like '%webhook%'`;
  assert.equal(acts.count, 0, 'nothing was tried');
});

test('an act is named by its route, however its address was written, and its reason is text', async () => {
  const browser = await signedIn(service, { sql, clock });
  await browser.send('POST', '/console/tenant', { json: { tenant: client.clientId } });
  const headers = { 'x-unwind-tenant': client.clientId };
  const wish = { title: 'Mine', url: 'https://hooks.example.com/', type: ['ACCOUNT_LIQUIDATION'] };
  const made = await browser.send('POST', '/console/api/webhooks', { headers, json: wish });
  const id = String(made.json['id']);
  const path = `/console/api/webhooks/%${id.charCodeAt(0).toString(16)}${id.slice(1)}`;
  assert.equal((await browser.send('DELETE', path, { headers })).status, 204);
  const { json } = await browser.send('GET', '/console/api/trail?operation=delete_webhook');
  const [last] = json['data'] as readonly Record<string, unknown>[];
  assert.equal(last?.['target'], `/webhooks/${id}`);
  for (const reason of ['%00', 'a%1Bb', '%zz']) {
    const wish = { headers: { ...headers, 'x-unwind-reason': reason } };
    const reply = await browser.send('DELETE', `/console/api/webhooks/${id}`, wish);
    assert.equal(reply.status, 400, reason);
    assert.match(reply.text, /x-unwind-reason/);
  }
});

test('where no one can sign in, nothing but the page is there', async (t) => {
  const at = await startHttp(t, { sql, clock, console: { signIn: 'none' } });
  const browser = await signedIn(service, { sql, clock });
  const id = browser.cookie?.split('=')[1];
  browser.cookie = undefined;
  const here = browserAt(at);
  here.cookie = `unwind_console${at.port}=${id}`;
  assert.deepEqual((await here.send('GET', '/console/session')).json, { person: null });
  assert.equal((await here.send('GET', '/console')).status, 200);
  const link = await makeLink(sql, clock, { name: 'nobody', role: 'risk' });
  for (const [path, json] of [
    ['sign-in', { link }],
    ['sign-out', undefined],
    ['tenant', { tenant: client.clientId }],
  ] as const) {
    const { status } = await here.send('POST', `/console/${path}`, { json });
    assert.ok(status === 404 || status === 405, `${path}: ${status}`);
  }
  for (const { method, path } of at.routes) {
    const target = `/console/api${path.replaceAll(/:\w+/g, randomUUID())}`;
    const { status } = await here.send(method, target);
    assert.ok(status === 404 || status === 405, `${method} ${path}: ${status}`);
  }
});

test('links sign in only where no one comes from beyond the machine', async () => {
  const may = async (settings: Record<string, string>) => signsInByLink(await readConfig(settings));
  assert.equal(await may({}), true);
  assert.equal(await may({ UNWIND_TRUSTED_PROXIES: '127.0.0.1' }), false);
  assert.equal(await may({ UNWIND_TLS_PROXY: 'yes' }), false);
  const elsewhere = { ...(await readConfig({})), listen: { host: '0.0.0.0', port: 0 } };
  assert.equal(signsInByLink(elsewhere), false);
});

test('cookies and links that are guessed are counted before the database is asked', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 3 };
  const at = await startHttp(t, { sql, clock, rates });
  const name = `unwind_console${at.port}`;
  const guess = (n: number) => `${n}`.padStart(43, 'a');
  const inside = await signedIn(at, { sql, clock });
  for (const path of ['/console/session', '/console/api/overview']) {
    clock.advance(1_000);
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const browser = browserAt(at);
      browser.cookie = `${name}=${guess(n)}`;
      statuses.push((await browser.send('GET', path)).status);
    }
    const refused = path === '/console/session' ? 200 : 401;
    assert.deepEqual(statuses, [refused, refused, refused, 429, 429], path);
    assert.equal(await whoIn(inside), 'the operator', 'who is in stays in');
  }
  clock.advance(1_000);
  const link = await makeLink(sql, clock, { name: 'late', role: 'viewer' });
  const tries = [guess(1), guess(2), guess(3), link];
  const statuses: number[] = [];
  for (const one of tries) {
    const reply = await browserAt(at).send('POST', '/console/sign-in', { json: { link: one } });
    statuses.push(reply.status);
  }
  assert.deepEqual(statuses, [401, 401, 401, 429]);
  const left = await sql`select from unwind.console_links l where l.person = 'late'`;
  assert.ok(left.count > 0, 'the link was not even looked for');
});
