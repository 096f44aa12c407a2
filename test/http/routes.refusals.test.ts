// Every signed route × everything that is refused before its handler looks at the request. The routes
// come from the table of the service, so a new one is tried without being named here.
import assert from 'node:assert/strict';
import { METHODS } from 'node:http';
import { after, test } from 'node:test';
import type { SignedRoute } from '../../src/http/pipeline.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import {
  headerOf,
  makeApiClient,
  type Outgoing,
  outgoing,
  send,
  startHttp,
  withHeaders,
} from '../support/http.ts';
import { triedWith } from '../support/length.ts';
import { apiOf, type Wish, wishFor } from './api.ts';
import { assertProblem, tablesOf } from './expect.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const ours = await makeApiClient(sql, clock);
const theirs = await makeApiClient(sql, clock);
const api = await apiOf(service, ours);
const { token: theirToken } = await apiOf(service, theirs);
const expired = await expiredToken();

const now = () => Math.floor(clock.now().getTime() / 1_000);

async function expiredToken(): Promise<string> {
  const until = clock.now();
  clock.advance(-1_800_000);
  const { token } = await apiOf(service, ours);
  clock.set(until);
  return token;
}

interface Case {
  readonly name: string;
  readonly make: (wish: Wish, route: SignedRoute) => Outgoing | Promise<Outgoing>;
  readonly type: string | ((route: SignedRoute) => string);
  readonly detail: RegExp;
  /** How many signatures are verified for it; default none. */
  readonly verified?: 1;
  /** What is sent is made with a change of the tables. */
  readonly isPrepared?: true;
}

/** The signed request of a wish with headers of its own. */
function signedWith(wish: Wish, headers: Readonly<Record<string, string | undefined>>) {
  const content = { ...wish.content, headers: { ...wish.content.headers, ...headers } };
  return api.signed(wish.method, wish.target, content);
}

const signed = ({ method, target, content }: Wish) => api.signed(method, target, content);

const byToken = (token: string | undefined) => (wish: Wish) => {
  return signedWith(wish, { authorization: token === undefined ? undefined : `Bearer ${token}` });
};

/** The other methods of a path in the table. */
function flipped(signature: string): string {
  const [, label = '', base64 = ''] = /^(\w+)=:(.+):$/.exec(signature) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
  return `${label}=:${bytes.toString('base64')}:`;
}

const noToken = /carries no bearer token/;
const wrongToken = /not known or has expired/;

const cases: readonly Case[] = [
  {
    name: 'no client id',
    make: (wish) => signedWith(wish, { 'upvest-client-id': undefined }),
    type: 'bad_request',
    detail: /upvest-client-id is missing/,
  },
  {
    name: 'a malformed client id',
    make: (wish) => signedWith(wish, { 'upvest-client-id': `${ours.clientId}0` }),
    type: 'bad_request',
    detail: /upvest-client-id is no UUID/,
  },
  {
    name: 'an unknown client id',
    make: (wish) => signedWith(wish, { 'upvest-client-id': ours.keyId }),
    type: 'unauthorized',
    detail: wrongToken,
  },
  { name: 'no token', make: byToken(undefined), type: 'unauthorized', detail: noToken },
  {
    name: 'a token that is none',
    make: (wish) => signedWith(wish, { authorization: `Basic ${api.token}` }),
    type: 'unauthorized',
    detail: noToken,
  },
  {
    name: 'a garbage token',
    make: byToken('c2Vj.cmV0Cg=='),
    type: 'unauthorized',
    detail: wrongToken,
  },
  { name: 'an empty token', make: byToken(''), type: 'unauthorized', detail: noToken },
  { name: 'an expired token', make: byToken(expired), type: 'unauthorized', detail: wrongToken },
  {
    name: "another tenant's token",
    make: byToken(theirToken),
    type: 'unauthorized',
    detail: wrongToken,
  },
  {
    name: "another tenant's token and client id",
    make: (wish) => {
      const authorization = `Bearer ${theirToken}`;
      return signedWith(wish, { authorization, 'upvest-client-id': theirs.clientId });
    },
    type: 'unauthorized',
    detail: /names no live key of this client/,
  },
  {
    name: 'no signature',
    make: ({ method, target, content }) => api.unsigned(method, target, content),
    type: 'unauthorized',
    detail: /has to carry both signature-input and signature/,
  },
  ...['signature', 'signature-input'].map((header): Case => {
    return {
      name: `no ${header}`,
      make: async (wish) => withHeaders(await signed(wish), { [header]: undefined }),
      type: 'unauthorized',
      detail: /has to carry both signature-input and signature/,
    };
  }),
  {
    name: 'a bad signature',
    make: async (wish) => {
      const message = await signed(wish);
      return withHeaders(message, { signature: flipped(headerOf(message, 'signature')) });
    },
    type: 'unauthorized',
    detail: /does not fit the message and the key/,
    verified: 1,
  },
  {
    name: 'the signature of another target',
    make: async (wish) => ({ ...(await signed(wish)), target: `${wish.target}?limit=1` }),
    type: 'unauthorized',
    detail: /has to cover the query/,
  },
  {
    name: 'a header changed after signing',
    make: async (wish) => withHeaders(await signed(wish), { accept: '*/*' }),
    type: 'unauthorized',
    detail: /does not fit the message and the key/,
    verified: 1,
  },
  {
    name: 'a signature that is too old',
    make: ({ method, target, content }) => {
      return api.signed(method, target, content, { created: now() - 301, expires: now() + 60 });
    },
    type: 'unauthorized',
    detail: /created too long ago/,
  },
  {
    name: 'a signature from the future',
    make: ({ method, target, content }) => {
      return api.signed(method, target, content, { created: now() + 31 });
    },
    type: 'unauthorized',
    detail: /created in the future/,
  },
  {
    name: 'an expired signature',
    make: ({ method, target, content }) => {
      return api.signed(method, target, content, { created: now() - 10, expires: now() - 1 });
    },
    type: 'unauthorized',
    detail: /The signature has expired/,
  },
  {
    name: "another tenant's key",
    make: ({ method, target, content }) => api.signed(method, target, content, theirs),
    type: 'unauthorized',
    detail: /names no live key of this client/,
  },
  {
    name: "another tenant's key under our name",
    make: ({ method, target, content }) => {
      return api.signed(method, target, content, { key: theirs.key, keyId: ours.keyId });
    },
    type: 'unauthorized',
    detail: /does not fit the message and the key/,
    verified: 1,
  },
  {
    name: 'a token without the scope',
    make: async ({ method, target, content }, { scopes }) => {
      const others = ours.scopes.filter((scope) => !scopes.some((one) => one === scope));
      const weak = await apiOf(service, ours, others);
      return weak.signed(method, target, content);
    },
    type: 'forbidden',
    detail: /lacks the scope/,
    verified: 1,
    isPrepared: true,
  },
  {
    name: 'an unknown query parameter',
    make: ({ method, target, content }) => api.signed(method, `${target}?foo=1`, content),
    type: 'bad_request',
    detail: /unknown members \(foo\)/,
    verified: 1,
  },
  {
    name: 'the query parameter __proto__',
    make: ({ method, target, content }) => api.signed(method, `${target}?__proto__=1`, content),
    type: 'bad_request',
    detail: /unknown members \(__proto__\)/,
    verified: 1,
  },
  {
    name: 'another API version',
    make: (wish) => signedWith(wish, { 'upvest-api-version': '2' }),
    type: 'bad_request',
    detail: /upvest-api-version can only be 1/,
  },
  {
    name: 'an Accept without JSON',
    make: (wish) => signedWith(wish, { accept: 'text/html, application/xml;q=0.9' }),
    type: 'not_acceptable',
    detail: /answers with (application\/json|text\/event-stream)/,
  },
  {
    name: 'a body that is too large',
    make: (wish, { bodyBytesMax = 16_384 }) => {
      const headers = { ...wish.content.headers, 'content-type': 'application/json' };
      const body = Buffer.alloc(bodyBytesMax + 1, ' ');
      return api.signed(wish.method, wish.target, { body, headers });
    },
    type: ({ method }) => (takesBody(method) ? 'content_too_large' : 'bad_request'),
    detail: /larger than (16384|12582912) bytes|A GET has no body here/,
  },
];

function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PATCH';
}

for (const [place, route] of service.routes.entries()) {
  test(`point 14: ${route.method} ${route.path}`, async (t) => {
    const wish = await wishFor(sql, api, route);
    let before = await tablesOf(sql);
    for (const { name, make, type, detail, verified = 0, isPrepared } of triedWith(cases, place)) {
      await t.test(name, async () => {
        if (isPrepared) assert.deepEqual(await tablesOf(sql), before);
        const message = await make(wish, route);
        if (isPrepared) before = await tablesOf(sql);
        const { verifications } = service.authenticator;
        const code = typeof type === 'function' ? type(route) : type;
        assertProblem(await send(service, message), code, detail);
        assert.equal(service.authenticator.verifications, verifications + verified);
      });
    }
    assert.deepEqual(await tablesOf(sql), before, 'nothing that was refused has changed anything');
  });
}

test('point 11: other methods of every path are answered 405 with what is allowed', async () => {
  const before = await tablesOf(sql);
  const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'];
  for (const path of allPaths()) {
    const known = allowedOf(path);
    const target = path.replaceAll(/:\w+/g, ours.clientId);
    for (const method of others.filter((one) => !known.includes(one))) {
      const reply = await send(service, outgoing(method, target));
      assert.equal(reply.headers.allow, known.join(', '));
      if (method === 'HEAD') assert.equal(reply.status, 405);
      else assertProblem(reply, 'method_not_allowed', `This resource knows ${known.join(', ')}.`);
    }
  }
  for (const method of METHODS.filter((one) => one !== 'CONNECT' && !others.includes(one))) {
    if (method === 'OPTIONS') continue;
    const reply = await send(service, outgoing(method, '/auth/token'));
    assertProblem(reply, 'method_not_allowed', 'This resource knows POST, OPTIONS.');
    assert.partialDeepStrictEqual(service.finished.at(-1), { method, route: '/auth/token' });
  }
  assert.deepEqual(await tablesOf(sql), before);
});

test('OPTIONS says of every path what is allowed, and of the server that it is there', async () => {
  for (const path of allPaths()) {
    const target = path.replaceAll(/:\w+/g, ours.clientId);
    const reply = await send(service, outgoing('OPTIONS', target));
    assert.equal(reply.status, 204);
    assert.equal(reply.headers.allow, allowedOf(path).join(', '));
    assert.equal(reply.text, '');
  }
  assert.equal((await send(service, outgoing('OPTIONS', '*'))).status, 204);
  const nowhere = await send(service, outgoing('OPTIONS', '/nowhere'));
  assertProblem(nowhere, 'not_found', 'There is no such resource.');
});

function allPaths(): ReadonlySet<string> {
  return new Set([...service.routes, ...service.open].map((route) => route.path));
}

function allowedOf(path: string): readonly string[] {
  const methods = [...service.routes, ...service.open].flatMap((route) => {
    if (route.path !== path) return [];
    return route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
  });
  return [...methods, 'OPTIONS'];
}
