// Leases kept alive by renewals: lost when another has one, and when nobody could be asked in time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseKeeper, type LeaseKeeping } from '../../src/deliveries/leases.ts';
import { eventually } from '../support/condition.ts';

function keeping(over: Partial<LeaseKeeping<string>>) {
  const lost: string[] = [];
  const keeper = new LeaseKeeper<string>({
    renew: async () => [],
    renewEveryMs: 5,
    lifeMs: 60_000,
    onLost: (lease) => lost.push(lease),
    onError: () => {},
    ...over,
  });
  return { keeper, lost };
}

test('all are renewed together, again and again, each until it is left', async () => {
  const renewed: (readonly string[])[] = [];
  const renew = async (leases: readonly string[]) => {
    renewed.push(leases);
    return [];
  };
  const { keeper, lost } = keeping({ renew });
  keeper.keep('a');
  keeper.keep('b');
  await eventually('some renewals', () => renewed.length >= 3);
  keeper.leave('a');
  await keeper.settled();
  const before = renewed.length;
  await eventually('the other one is renewed on', () => renewed.length >= before + 3);
  keeper.leave('b');
  await keeper.settled();
  assert.deepEqual(renewed.slice(0, 3), Array(3).fill(['a', 'b']));
  assert.deepEqual(renewed.slice(before), Array(renewed.length - before).fill(['b']));
  assert.deepEqual(lost, []);
});

test('the one that somebody else has is lost, once, and the others are kept', async () => {
  let asked = 0;
  const renew = async (leases: readonly string[]) => {
    asked += 1;
    return leases.filter((lease) => lease === 'a');
  };
  const { keeper, lost } = keeping({ renew });
  keeper.keep('a');
  keeper.keep('b');
  await eventually('some renewals', () => asked >= 4);
  keeper.leave('b');
  await keeper.settled();
  assert.deepEqual(lost, ['a']);
});

test('one is lost when it could not be renewed for its whole life', async () => {
  const errors: unknown[] = [];
  const away = new Error('the database is away');
  const { keeper, lost } = keeping({
    renew: () => Promise.reject(away),
    lifeMs: 40,
    onError: (error) => errors.push(error),
  });
  keeper.keep('a');
  await eventually('it is lost', () => lost.length > 0);
  await keeper.settled();
  assert.ok(errors.length > 0 && errors.every((error) => error === away));
});

test('one is lost when the answer of a renewal does not come', async () => {
  const answer = Promise.withResolvers<readonly string[]>();
  let asked = 0;
  const renew = () => {
    asked += 1;
    return answer.promise;
  };
  const { keeper, lost } = keeping({ renew, lifeMs: 40 });
  keeper.keep('a');
  await eventually('it is lost', () => lost.length > 0);
  assert.equal(asked, 1, 'one question at a time');
  answer.resolve([]);
  await keeper.settled();
});

test('a failure that passes does no harm', async () => {
  let asked = 0;
  const renew = async () => {
    asked += 1;
    if (asked % 2 === 1) throw new Error('the database is away');
    return [];
  };
  const { keeper, lost } = keeping({ renew, lifeMs: 30_000 });
  keeper.keep('a');
  await eventually('it was renewed after failures', () => asked >= 6);
  keeper.leave('a');
  await keeper.settled();
  assert.deepEqual(lost, []);
});
