// Signing in at the console through an OpenID provider, one that is not ours: who gets in as what, and what of
// a return is refused.
// Long by nature: it has a browser, and draws ids by its own clock.
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, test } from 'node:test';
import { type KnownPerson, type OpenIdRules, personOf } from '../../src/console/openid.ts';
import type { ConsoleRole } from '../../src/console/person.ts';
import { drawIdsFrom } from '../../src/ids.ts';
import { readConfig } from '../../src/settings/config.ts';
import { wayIntoConsole } from '../../src/settings/console-settings.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, seal, startHttp } from '../support/http.ts';
import { checkAccess, newPage, noChromium, startChromium } from './chromium.ts';
import { browserAt } from './person.ts';
import { signInAt, startProvider, visitProvider } from './provider.ts';

const { sql } = await createTestDatabase({ after });
// The provider's tokens count by the clock of this machine.
const clock = testClock(new Date().toISOString());
drawIdsFrom(clock);
after(async () => drawIdsFrom());
const client = await makeApiClient(sql, clock);
const other = await makeApiClient(sql, clock);
const minuteMs = 60_000;

const verified = (email: string) => ({ email, email_verified: true });
const people = {
  ann: { ...verified('ann@example.com'), roles: ['looks'] },
  bob: { ...verified('bob@example.com'), roles: ['acts'], clients: [other.clientId] },
  eve: { ...verified('eve@example.com'), roles: ['something else'] },
  ria: { ...verified('ria@example.com'), roles: ['halts', 'looks', 'acts'] },
  sly: { email: 'ria@example.com', email_verified: false, roles: ['acts'] },
  may: {
    ...verified('may@example.com'),
    roles: ['acts'],
    clients: ['0190a000-0000-7000-8000-000000000000'],
  },
};

// The provider has to know where the service is, and the service where the provider is.
let url = '';
const provider = await startProvider({ after }, () => url, people);
const openId = signInAt({ after }, provider, { url: () => url });
const service = await startHttp({ after }, { sql, clock, console: { signIn: 'openid', openId } });
url = `http://127.0.0.1:${service.port}`;

type Headers = Readonly<Record<string, string | undefined>>;

/** A browser goes out to the provider. @returns where to, and the cookie that stays. */
async function goOut(headers: Headers = {}) {
  const reply = await browserAt(service).send('GET', '/console/openid?to=/liquidations', {
    headers,
  });
  assert.equal(reply.status, 303, reply.text);
  const [set = ''] = reply.headers['set-cookie'] ?? [];
  const [cookie = ''] = set.split(';');
  return { address: String(reply.headers.location), cookie, set };
}

/** The browser comes back, from another site. */
function comeBack(to: URL, cookie: string | undefined) {
  return browserAt(service).send('GET', to.pathname + to.search, {
    headers: {
      cookie,
      'sec-fetch-site': 'cross-site',
      origin: undefined,
      'x-unwind-console': undefined,
    },
  });
}

/** The cookie of the session that an answer begins. */
function sessionIn(reply: Awaited<ReturnType<typeof comeBack>>): string | undefined {
  const begun = reply.headers['set-cookie']?.find((set) =>
    /unwind_console\d+=[\w-]{43};/.test(set),
  );
  return begun?.split(';')[0];
}

async function signedInAs(login: string) {
  const { address, cookie } = await goOut();
  const reply = await comeBack(await visitProvider(address, login), cookie);
  const browser = browserAt(service);
  browser.cookie = sessionIn(reply);
  assert.ok(browser.cookie, `${login}: ${reply.status} ${reply.text}`);
  return { browser, reply };
}

test('openid: who has a role gets in under their name, at the place that was asked for', async () => {
  for (const [login, role] of [
    ['ann', 'viewer'],
    ['bob', 'operator'],
    ['ria', 'risk'],
  ] as const) {
    const { browser, reply } = await signedInAs(login);
    assert.equal(reply.status, 303);
    assert.equal(reply.headers.location, '/console/liquidations');
    const { json } = await browser.send('GET', '/console/session');
    assert.deepEqual([json['person'], json['role']], [`${login}@example.com`, role]);
    assert.equal(json['tenant'], client.clientId, 'without a claim of clients, every one');
  }
});

test('openid: an act stands under the name of the person', async () => {
  const { browser } = await signedInAs('bob');
  const headers = { 'x-unwind-tenant': client.clientId };
  const json = { title: 'Mine', url: 'https://hooks.example.com/', type: ['ACCOUNT_LIQUIDATION'] };
  const made = await browser.send('POST', '/console/api/webhooks', { headers, json });
  assert.equal(made.status, 201, made.text);
  const trail = await browser.send('GET', '/console/api/trail?limit=1', { headers });
  const [act] = trail.json['data'] as readonly Record<string, unknown>[];
  assert.deepEqual([act?.['actor'], act?.['role']], ['bob@example.com', 'operator']);
  assert.equal(act?.['subject'], `${provider.issuer} bob`, 'and under what they cannot edit');
});

test('openid: an address that its provider has not verified names no one', async () => {
  const { browser } = await signedInAs('sly');
  const { json } = await browser.send('GET', '/console/session');
  assert.equal(json['person'], 'sly');
});

test('openid: no one without a role gets in, and the page says what gives one', async () => {
  const { address, cookie } = await goOut();
  const reply = await comeBack(await visitProvider(address, 'eve'), cookie);
  assert.equal(reply.status, 403);
  assert.equal(sessionIn(reply), undefined);
  assert.match(
    reply.text,
    /data-refused="eve@example.com has no role here.*claim roles: looks, acts, halts/,
  );
  assert.equal(reply.headers['x-frame-options'], 'DENY');
  assert.match(String(reply.headers['content-security-policy']), /frame-ancestors 'none'/);
});

test('openid: a person who thinks better of it at the provider sees so', async () => {
  const { address, cookie } = await goOut();
  const reply = await comeBack(await visitProvider(address, undefined), cookie);
  assert.equal(reply.status, 403);
  assert.match(reply.text, /was ended there, or does not admit you/);
});

test('openid: only the browser that went out comes back in, once, and within ten minutes', async () => {
  const first = await goOut();
  const back = await visitProvider(first.address, 'ann');
  const second = await goOut();
  const refused = async (why: string, to: URL, cookie: string | undefined) => {
    const reply = await comeBack(to, cookie);
    assert.equal(reply.status, 401, why);
    assert.equal(sessionIn(reply), undefined, why);
    return reply.text;
  };
  assert.match(await refused('no cookie', back, undefined), /was not begun in this browser/);
  await refused('the cookie of another sign-in', back, second.cookie);
  const forged = new URL(back);
  forged.searchParams.set('state', 'A'.repeat(43));
  await refused('another state', forged, first.cookie);
  const at = first.cookie.indexOf('=') + 10;
  const other = first.cookie[at] === 'A' ? 'B' : 'A';
  const changed = first.cookie.slice(0, at) + other + first.cookie.slice(at + 1);
  await refused('a changed cookie', back, changed);
  const sent = await comeBack(back, first.cookie);
  assert.equal(sent.status, 303, 'none of it has used up the code');
  assert.match(
    await refused('the code again', back, first.cookie),
    /was used before, or took too long/,
  );

  const late = await goOut();
  const tooLate = await visitProvider(late.address, 'ann');
  clock.advance(10 * minuteMs);
  await refused('after ten minutes', tooLate, late.cookie);
});

/** What the cookie of a sign-in has, changed; whoever has the key of the service could. */
function resealed(cookie: string, changes: Record<string, string>): string {
  const [name = '', value = ''] = cookie.split('=');
  const kept = JSON.parse(seal.open('console sign-in', Buffer.from(value, 'base64url')).toString());
  const sealed = seal.seal('console sign-in', Buffer.from(JSON.stringify({ ...kept, ...changes })));
  return `${name}=${sealed.toString('base64url')}`;
}

test('openid: a token for another nonce and a code for another verifier count for nothing', async () => {
  for (const [changes, status, words] of [
    [{ nonce: 'another' }, 503, /cannot be trusted, so nobody was let in/],
    [{ verifier: 'a'.repeat(43) }, 401, /was used before, or took too long/],
  ] as const) {
    const { address, cookie } = await goOut();
    const back = await visitProvider(address, 'ann');
    const reply = await comeBack(back, resealed(cookie, changes));
    assert.equal(reply.status, status);
    assert.match(reply.text, words);
    assert.equal(sessionIn(reply), undefined);
  }
});

/** Signs claims with this key, as the provider does with its own. */
function signedBy(key: KeyObject, head: string, claims: string): string {
  const signed = `${head}.${claims}`;
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

test('openid: an ID token counts by the signature of the provider alone', async (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
  const asRia = (claims: string) => {
    const told: object = JSON.parse(Buffer.from(claims, 'base64url').toString());
    const json = JSON.stringify({ ...told, sub: 'ria', roles: ['halts'] });
    return Buffer.from(json).toString('base64url');
  };
  const before = provider.onTheWay.change;
  t.after(async () => {
    provider.onTheWay.change = before;
  });
  const changes: Readonly<Record<string, (parts: readonly string[]) => string>> = {
    'another key': ([head = '', claims = '']) => signedBy(privateKey, head, claims),
    'other claims': ([head, claims = '', signature]) => `${head}.${asRia(claims)}.${signature}`,
    'no signature': ([, claims = '']) => `${unsigned}.${asRia(claims)}.`,
  };
  for (const [why, change] of Object.entries(changes)) {
    provider.onTheWay.change = (idToken) => change(idToken.split('.'));
    const { address, cookie } = await goOut();
    const reply = await comeBack(await visitProvider(address, 'ann'), cookie);
    assert.equal(reply.status, 503, `${why}: ${reply.text}`);
    assert.match(reply.text, /cannot be trusted, so nobody was let in/, why);
    assert.equal(sessionIn(reply), undefined, why);
  }
});

test('openid: signing in makes a new session, and the one before has ended', async () => {
  const { browser: before } = await signedInAs('ann');
  const { address, cookie } = await goOut({ cookie: before.cookie });
  assert.equal((await before.send('GET', '/console/session')).json['person'], null);
  const planted = `${before.cookie}; ${cookie}`;
  const reply = await comeBack(await visitProvider(address, 'ria'), planted);
  assert.equal(reply.status, 303);
  assert.notEqual(sessionIn(reply), before.cookie);
  assert.equal((await before.send('GET', '/console/session')).json['person'], null);
});

test('openid: another site cannot begin a sign-in, and none leads elsewhere', async () => {
  for (const site of ['cross-site', 'same-site', 'none']) {
    const headers = { 'sec-fetch-site': site };
    const reply = await browserAt(service).send('GET', '/console/openid', { headers });
    assert.equal(reply.status, 403, site);
    assert.equal(reply.headers['set-cookie'], undefined);
  }
  for (const to of ['//evil.example', 'https://evil.example', '/a/../../b', '/liquidations?x=1']) {
    const at = `/console/openid?to=${encodeURIComponent(to)}`;
    const out = await browserAt(service).send('GET', at);
    const cookie = out.headers['set-cookie']?.[0]?.split(';')[0];
    const reply = await comeBack(await visitProvider(String(out.headers.location), 'ann'), cookie);
    assert.equal(reply.headers.location, '/console', to);
  }
});

test('openid: links do not sign in where a provider does', async () => {
  const reply = await browserAt(service).send('POST', '/console/sign-in', { json: { link: 'a' } });
  assert.ok([404, 405].includes(reply.status));
});

test('openid: over TLS the cookie of a sign-in is bound to the host', async (t) => {
  const at = await startHttp(t, { sql, clock, console: { signIn: 'openid', openId, isTls: true } });
  const reply = await browserAt(at).send('GET', '/console/openid');
  assert.match(
    reply.headers['set-cookie']?.[0] ?? '',
    /^__Host-unwind_sign_in\d+=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  );
  const { set } = await goOut();
  assert.match(
    set,
    /^unwind_sign_in\d+=[\w-]+; Path=\/console\/openid; Max-Age=600; HttpOnly; SameSite=Lax$/,
  );
});

test('openid: while the provider is slow, no other of the address waits', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 1 };
  const at = await startHttp(t, { sql, clock, rates, console: { signIn: 'openid', openId } });
  const out = await browserAt(at).send('GET', '/console/openid');
  const back = await visitProvider(String(out.headers.location), 'ann');
  const cookie = out.headers['set-cookie']?.[0]?.split(';')[0];
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const before = provider.onTheWay.change;
  t.after(async () => {
    provider.onTheWay.change = before;
    gate.resolve();
  });
  provider.onTheWay.change = async (idToken) => {
    asked.resolve();
    await gate.promise;
    return idToken;
  };
  const signingIn = browserAt(at).send('GET', back.pathname + back.search, { headers: { cookie } });
  await asked.promise;
  const guessing = browserAt(at);
  guessing.cookie = `unwind_console${at.port}=${'a'.repeat(43)}`;
  assert.equal((await guessing.send('GET', '/console/session')).status, 200);
  gate.resolve();
  assert.equal((await signingIn).status, 303);
});

test('openid: sign-ins that fail are counted', async (t) => {
  const rates = { requestsPerS: 0, failuresPerS: 1 };
  const at = await startHttp(t, { sql, clock, rates, console: { signIn: 'openid', openId } });
  const statuses: number[] = [];
  for (const verifier of ['a'.repeat(43), 'b'.repeat(43)]) {
    const out = await browserAt(at).send('GET', '/console/openid');
    const back = await visitProvider(String(out.headers.location), 'ann');
    const cookie = out.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    const headers = { cookie: resealed(cookie, { verifier }) };
    statuses.push(
      (await browserAt(at).send('GET', back.pathname + back.search, { headers })).status,
    );
  }
  assert.deepEqual(statuses, [401, 429]);
});

test('openid: a claim of clients limits whom a person looks at', async (t) => {
  const limited = signInAt(t, provider, { url: () => url, rules: { tenantsClaim: 'clients' } });
  const at = await startHttp(t, { sql, clock, console: { signIn: 'openid', openId: limited } });
  const enter = async (login: string) => {
    const out = await browserAt(at).send('GET', '/console/openid');
    const back = await visitProvider(String(out.headers.location), login);
    const cookie = out.headers['set-cookie']?.[0]?.split(';')[0];
    return browserAt(at).send('GET', back.pathname + back.search, { headers: { cookie } });
  };
  const inside = browserAt(at);
  inside.cookie = sessionIn(await enter('bob'));
  const { json } = await inside.send('GET', '/console/session');
  assert.deepEqual(json['tenants'], [{ id: other.clientId, name: 'Test client' }]);
  assert.equal(json['tenant'], other.clientId);
  const chosen = await inside.send('POST', '/console/tenant', {
    json: { tenant: client.clientId },
  });
  assert.equal(chosen.status, 404);
  const headers = { 'x-unwind-tenant': client.clientId };
  assert.equal((await inside.send('GET', '/console/api/overview', { headers })).status, 409);
  for (const [login, words] of [
    ['ann', /may look at no client. Your organisation names them by the claim clients/],
    ['may', /may look at clients that this service does not have/],
  ] as const) {
    const reply = await enter(login);
    assert.equal(reply.status, 403, login);
    assert.match(reply.text, words);
  }
});

test('openid: while the provider is away, or knows another secret, the service says so and goes on', async (t) => {
  const away = signInAt(
    t,
    { issuer: 'http://127.0.0.1:1', clientId: 'unwind' },
    { url: () => url },
  );
  const at = await startHttp(t, { sql, clock, console: { signIn: 'openid', openId: away } });
  const reply = await browserAt(at).send('GET', '/console/openid');
  assert.equal(reply.status, 503);
  assert.match(reply.text, /sign-in does not answer. Try again in a moment/);
  assert.equal((await browserAt(at).send('GET', '/console')).status, 200);

  const wrong = signInAt(t, { ...provider, clientSecret: 'wrong' }, { url: () => url });
  const there = await startHttp(t, { sql, clock, console: { signIn: 'openid', openId: wrong } });
  const out = await browserAt(there).send('GET', '/console/openid');
  const back = await visitProvider(String(out.headers.location), 'ann');
  const cookie = out.headers['set-cookie']?.[0]?.split(';')[0];
  const refused = await browserAt(there).send('GET', back.pathname + back.search, {
    headers: { cookie },
  });
  assert.equal(refused.status, 503);
  assert.match(
    refused.text,
    /does not accept this service: invalid_client. The operator finds the cause/,
  );
});

test('openid: signing out leads to the provider, whose session ends too', async () => {
  const { browser } = await signedInAs('ann');
  const reply = await browser.send('POST', '/console/sign-out');
  assert.equal(reply.status, 200);
  const leads = new URL(String(reply.json['location']));
  assert.equal(leads.origin, provider.issuer);
  assert.equal(leads.searchParams.get('post_logout_redirect_uri'), `${url}/console`);
  assert.ok(leads.searchParams.get('id_token_hint'));
  assert.equal((await browser.send('GET', '/console/session')).json['person'], null);
  const rows = await sql<
    { shown: string }[]
  >`select s::text as shown from unwind.console_sessions s`;
  const token = String(leads.searchParams.get('id_token_hint'));
  const hex = Buffer.from(token).toString('hex');
  assert.ok(rows.every(({ shown }) => !shown.includes(token) && !shown.includes(hex)));
});

const iss = 'https://id.example.com';
const rules: OpenIdRules = {
  nameClaim: 'email',
  rolesClaim: 'realm_access.roles',
  roles: [
    { role: 'viewer', value: 'v' },
    { role: 'viewer', value: 'guest' },
    { role: 'operator', value: 'o' },
    { role: 'risk', value: 'r' },
  ],
  tenantsClaim: undefined,
};

test('openid: roles are read in each form that providers give them', () => {
  const roleOf = (claims: object, changes: Partial<OpenIdRules> = {}): ConsoleRole | undefined => {
    const person = personOf({ iss, sub: '1', ...claims }, { ...rules, ...changes });
    return 'refused' in person ? undefined : person.role;
  };
  const nested = (roles: unknown) => ({ realm_access: { roles } });
  assert.equal(roleOf(nested(['v'])), 'viewer');
  assert.equal(roleOf(nested(['guest', 'nothing'])), 'viewer');
  assert.equal(roleOf(nested(['v', 'r', 'o'])), 'risk', 'the strongest');
  assert.equal(roleOf(nested('o')), 'operator', 'one word');
  assert.equal(roleOf(nested('v o')), 'operator', 'words in one text');
  assert.equal(roleOf(nested({ r: { org: 'x' } })), 'risk', 'names of an object');
  assert.equal(roleOf({ 'realm_access.roles': ['r'] }), 'risk', 'a claim of that very name');
  const url = 'https://example.com/roles';
  assert.equal(roleOf({ [url]: ['v'] }, { rolesClaim: url }), 'viewer');
  for (const none of [
    undefined,
    null,
    1,
    true,
    [],
    {},
    [['r']],
    'R',
    'risk',
    { v: undefined }.constructor,
  ]) {
    assert.equal(roleOf(nested(none)), undefined, String(none));
  }
  assert.equal(roleOf({ realm_access: 'roles' }), undefined);
  assert.equal(roleOf({ ...nested(['v']), sub: '' }), undefined, 'nobody');
  assert.equal(roleOf({ ...nested(['v']), sub: 'x'.repeat(256) }), undefined);
  assert.equal(roleOf({ ...nested(['v']), iss: undefined }), undefined, 'of nobody');
});

test('openid: no one signs in under a name of the service', () => {
  const claims = { iss, sub: '1', email: 'Control Rejections', email_verified: true };
  const person = personOf({ ...claims, realm_access: { roles: ['r'] } }, rules);
  assert.match(
    'refused' in person ? person.refused : '',
    /^The service itself acts as Control Rejections/,
  );
});

test('openid: a name is one line that a terminal prints as it is', () => {
  const named = (email: unknown, more: object = { email_verified: true }): string => {
    const claims = { iss, sub: 'subject', email, ...more, realm_access: { roles: ['v'] } };
    return (personOf(claims, rules) as KnownPerson).name;
  };
  assert.equal(named('Ann Öz'), 'Ann Öz');
  assert.equal(named(undefined), 'subject');
  assert.equal(named(' '), 'subject');
  for (const no of [false, undefined, null, 'true', 1]) {
    assert.equal(named('a@b.c', { email_verified: no }), 'subject');
  }
  assert.equal(named('a\u001b[2Jb\n'), 'a\\u001b[2Jb');
  assert.equal(named('x'.repeat(300)).length, 100);
});

test('openid: settings that would let no one in are refused, and a provider replaces links', async () => {
  const set = {
    UNWIND_OPENID_ISSUER: 'https://id.example.com/realms/a',
    UNWIND_OPENID_CLIENT_ID: 'unwind',
    UNWIND_CONSOLE_URL: 'https://unwind.example.com/',
  };
  const config = await readConfig(set);
  assert.equal(wayIntoConsole(config), 'openid');
  assert.equal(config.console.url, 'https://unwind.example.com');
  for (const [changes, words] of [
    [{ UNWIND_CONSOLE_URL: undefined }, /UNWIND_CONSOLE_URL is needed besides/],
    [{ UNWIND_OPENID_CLIENT_ID: undefined }, /UNWIND_OPENID_CLIENT_ID is needed besides/],
    [{ UNWIND_OPENID_ISSUER: undefined }, /UNWIND_OPENID_ISSUER is needed to sign/],
    [{ UNWIND_OPENID_ISSUER: 'http://id.example.com' }, /UNWIND_OPENID_ISSUER is not an https URL/],
    [{ UNWIND_CONSOLE_URL: 'http://10.0.0.1' }, /UNWIND_CONSOLE_URL is not an https URL/],
    [{ UNWIND_CONSOLE_URL: 'https://a.example/b' }, /has a path/],
    [{ UNWIND_OPENID_SCOPES: 'profile' }, /with openid among them/],
    [{ UNWIND_OPENID_ROLES: 'admin=x' }, /not a list of role=value/],
    [{ UNWIND_OPENID_ROLES: 'viewer' }, /not a list of role=value/],
    [{ UNWIND_OPENID_CLIENT_SECRET_FILE: '/nowhere' }, /cannot be read: it does not exist/],
  ] as const) {
    await assert.rejects(readConfig({ ...set, ...changes }), words);
  }
  const { roles } = (await readConfig({ ...set, UNWIND_OPENID_ROLES: 'risk=a=b c, viewer=x' }))
    .console;
  assert.deepEqual(roles, [
    { role: 'risk', value: 'a=b c' },
    { role: 'viewer', value: 'x' },
  ]);
});

test('openid: in a browser, in and out again', { skip: noChromium }, async (t) => {
  const browser = await startChromium(t);
  for (const [width, theme] of [
    [390, 'dark'],
    [1280, 'light'],
  ] as const) {
    // The page is told of the refusal by its own status.
    const page = await newPage(t, browser, { width, theme, expects: /status of 403/ });
    await page.goto(`${url}/console/liquidations`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await checkAccess(page);
    await page.getByRole('link', { name: 'Go on with your organisation' }).click();
    await page.getByLabel('Name').fill('eve');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('eve@example.com has no role here.').waitFor();
    assert.equal(new URL(page.url()).search, '', 'nothing of it stays in the address');
    await checkAccess(page);
    await page.getByRole('link', { name: 'As somebody else' }).click();
    await page.getByLabel('Name').fill('ria');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'ria@example.com' }).click();
    await page.getByText('ria@example.com · risk').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Yes' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(page.url(), `${url}/console`);
    await page.getByRole('link', { name: 'Go on with your organisation' }).click();
    await page.getByLabel('Name').waitFor();
    await page.close();
  }
});
