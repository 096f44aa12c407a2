// When a token is asked for and who waits for it, by a clock that a test moves.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Token } from '@unwind/client';
import { TokenKeeper } from '../../packages/client/src/token.ts';
import { testClock } from '../support/clock.ts';

/** A keeper whose requests for tokens a test answers by hand, in their order. */
function makeKeeper() {
  const clock = testClock();
  const asked: PromiseWithResolvers<Token>[] = [];
  const keeper = new TokenKeeper(() => {
    const request = Promise.withResolvers<Token>();
    asked.push(request);
    return request.promise;
  }, clock.now);
  const answer = (number: number, lifeS: number) => {
    const access_token = `token ${number}`;
    const scope = 'a:read b:read';
    const token = { access_token, expires_in: lifeS, token_type: 'bearer', scope } as const;
    asked[number - 1]?.resolve(token);
  };
  return { keeper, clock, asked, answer };
}

test('a token is renewed before it ends, and no call waits for that', async () => {
  const { keeper, clock, asked, answer } = makeKeeper();
  const first = keeper.valid();
  answer(1, 1_800);
  assert.equal((await first).text, 'token 1');
  clock.advance(1_739_999);
  assert.equal((await keeper.valid()).text, 'token 1');
  assert.equal(asked.length, 1, 'a minute before the end it is still good');
  clock.advance(1);
  assert.equal((await keeper.valid()).text, 'token 1');
  assert.equal((await keeper.valid()).text, 'token 1');
  assert.equal(asked.length, 2, 'asked for once, while the old one serves');
  answer(2, 1_800);
  await asked[1]?.promise;
  assert.equal((await keeper.valid()).text, 'token 2');
});

test('a renewal that fails costs nothing while the old one lives, and is tried again', async () => {
  const { keeper, clock, asked, answer } = makeKeeper();
  const first = keeper.valid();
  answer(1, 100);
  await first;
  clock.advance(90_000);
  assert.equal((await keeper.valid()).text, 'token 1', 'a short one is renewed at nine tenths');
  asked[1]?.reject(new Error('refused'));
  await asked[1]?.promise.catch(() => {});
  assert.equal((await keeper.valid()).text, 'token 1');
  assert.equal(asked.length, 3);
  asked[2]?.reject(new Error('refused again'));
  await asked[2]?.promise.catch(() => {});
  clock.advance(10_000);
  const last = keeper.valid();
  asked[3]?.reject(new Error('refused for good'));
  await assert.rejects(last, /refused for good/);
});

test('the life of a token counts from its request', async () => {
  const { keeper, clock, asked, answer } = makeKeeper();
  const first = keeper.valid();
  clock.advance(60_000);
  answer(1, 60);
  await first;
  const next = keeper.valid();
  assert.equal(asked.length, 2);
  answer(2, 60);
  assert.deepEqual((await next).scopes, ['a:read', 'b:read']);
});

test('only the token that was refused is dropped', async () => {
  const { keeper, asked, answer } = makeKeeper();
  const first = keeper.valid();
  answer(1, 60);
  const old = await first;
  keeper.drop(old);
  const second = keeper.valid();
  answer(2, 60);
  const current = await second;
  keeper.drop(old);
  assert.equal(await keeper.valid(), current);
  assert.equal(asked.length, 2);
});
