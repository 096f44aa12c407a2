// Every response that the contract page lists for an operation can be had from it, in the form of the API
// document (test/support/document.ts holds each against it).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { connect } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import {
  type Api,
  apiOf,
  askForToken,
  giveAccounts,
  liquidate,
  type TokenRequest,
  tokenRequest,
  toLiquidate,
  type Wish,
  wishFor,
} from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps } from '../support/engine.ts';
import {
  type Content,
  type HttpService,
  makeApiClient,
  type Outgoing,
  outgoing,
  type Reply,
  send,
  startHttp,
} from '../support/http.ts';
import { type ContractOperation, contractOperations } from './operations.ts';

const { sql, url } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
const client = await makeApiClient(sql, clock);
const api = await apiOf(service, client);
const steps = engineSteps(sql, clock, { delayMs: 0 });

const nobody = connect({ url: 'postgres://nobody@127.0.0.1:1/none', max: 1, applicationName: '' });
const hasty = connect({ url, max: 2, applicationName: 'hasty', lockTimeoutMs: 60_000 });
const cutOff = await startHttp({ after }, { sql: nobody, clock });
const hurried = await startHttp({ after }, { sql: hasty, clock, timeouts: { deadlineMs: 300 } });
const rates = { requestsPerS: 1, failuresPerS: 0 };
const limited = await startHttp({ after }, { sql, clock, rates });
// Without anything in its memory, so that it has to ask for what is taken away.
const fresh = await startHttp({ after }, { sql, clock });
after(async () => {
  await nobody.end();
  await hasty.end();
});

/** What a request is changed in before it is signed. */
interface Change {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** An operation: makes a request that would succeed, with a change. */
type Make = (change?: Change) => Promise<Outgoing>;

function contentWith(content: Content, { headers, body }: Change): Content {
  const all = { ...content.headers, ...headers };
  return body === undefined ? { ...content, headers: all } : { body, headers: all };
}

async function makerOf(operation: ContractOperation, by: Api = api): Promise<Make> {
  if (operation === 'issue_token') {
    return (change = {}) => tokenWith({}, change);
  }
  const wish = await wishOf(operation);
  return ({ query, ...change } = {}) => {
    const target = query === undefined ? wish.target : `${wish.target}?${query}`;
    return by.signed(wish.method, target, contentWith(wish.content, change));
  };
}

function tokenWith(fields: TokenRequest, { headers = {}, body }: Change): Promise<Outgoing> {
  const content = body === undefined ? { headers } : { headers, body };
  return tokenRequest(service, client, fields, content);
}

async function wishOf(operation: ContractOperation): Promise<Wish> {
  const route = service.routes.find((one) => one.operation === operation);
  assert.ok(route);
  return wishFor(sql, api, route);
}

/** Runs work while the table of tokens, which every operation needs, is kept from everybody. */
async function withoutTokens<T>(work: () => Promise<T>): Promise<T> {
  return inTransaction(sql, async (tx) => {
    await tx`lock table unwind.access_tokens in access exclusive mode`;
    return work();
  });
}

type Recipe = (operation: ContractOperation) => Promise<Reply>;

const sendTo = (place: HttpService, change?: Change): Recipe => {
  return async (operation) => send(place, await (await makerOf(operation))(change));
};

const recipes: Readonly<Record<number, Recipe>> = {
  400: async (operation) => {
    if (operation === 'issue_token') return askForToken(service, client, { grant_type: 'code' });
    return sendTo(service, { query: 'something_else=1' })(operation);
  },
  401: async (operation) => {
    if (operation === 'issue_token') return askForToken(service, client, { client_secret: 'no' });
    const { method, target, content } = await wishOf(operation);
    return send(service, api.unsigned(method, target, content));
  },
  403: async (operation) => {
    const weak = await apiOf(service, client, ['webhooks:read']);
    return send(service, await (await makerOf(operation, weak))());
  },
  404: async (operation) => {
    const { method, target, content } = await wishOf(operation);
    const ids = /[0-9a-f-]{36}/g;
    return api.call(method, target.replaceAll(ids, randomUUID()), content);
  },
  405: async (operation) => {
    const { target } = await (await makerOf(operation))();
    return send(service, outgoing('PUT', target));
  },
  406: sendTo(service, { headers: { accept: 'text/html' } }),
  409: async (operation) => {
    const [account] = await giveAccounts(sql, client);
    const path = await liquidate(api, account);
    const { target, content } = toLiquidate(account);
    if (operation === 'create_account_liquidation') return api.call('POST', target, content);
    await steps.release();
    return api.call('DELETE', path);
  },
  413: sendTo(service, { body: Buffer.alloc(16_385, ' ') }),
  415: sendTo(service, { headers: { 'content-type': 'text/plain' } }),
  422: async () => {
    const [account] = await giveAccounts(sql, client);
    const { target, content } = toLiquidate(account);
    await api.call('POST', target, content);
    return api.call('POST', target, { ...content, json: { user_id: randomUUID() } });
  },
  429: async (operation) => {
    const make = await makerOf(operation);
    clock.advance(1_000);
    await send(limited, await make());
    return send(limited, await make());
  },
  500: async (operation) => {
    const message = await (await makerOf(operation))();
    await sql`alter table unwind.access_tokens rename to elsewhere`;
    const reply = await send(fresh, message);
    await sql`alter table unwind.elsewhere rename to access_tokens`;
    assert.equal(fresh.takeFaults().length, 1);
    return reply;
  },
  503: async (operation) => {
    const reply = await sendTo(cutOff)(operation);
    assert.equal(cutOff.takeFaults().length, 1);
    return reply;
  },
  504: async (operation) => {
    const message = await (await makerOf(operation))();
    return withoutTokens(() => send(hurried, message));
  },
};

/** What the page lists and this service has no reason to answer: a token is refused by 400 or 401. */
const neverAnswered = new Set(['issue_token 403']);

for (const [name, statuses] of Object.entries(contractOperations)) {
  const operation = name as ContractOperation;
  const [success, ...others] = statuses;

  test(`point 10: ${operation} answers ${success}`, async () => {
    assert.equal((await sendTo(service)(operation)).status, success);
  });

  for (const status of others.filter((one) => !neverAnswered.has(`${operation} ${one}`))) {
    test(`point 10: ${operation} answers ${status}, in its form`, async () => {
      const reply = await (recipes[status] ?? assert.fail(`nobody knows how to get ${status}`))(
        operation,
      );
      assert.equal(reply.status, status, reply.text);
      assert.equal(reply.headers['content-type'], 'application/problem+json');
      assert.equal(reply.json['request_id'], reply.headers['upvest-request-id']);
      const isForLater = status === 429 || status === 503;
      if (isForLater) assert.match(String(reply.headers['retry-after']), /^[1-9]\d*$/);
      if (status === 405) assert.match(String(reply.headers.allow), /OPTIONS/);
    });
  }
}
