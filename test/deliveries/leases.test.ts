// Leases kept alive by renewals: lost when another has one, and when nobody could be asked in time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LeaseKeeper, type LeaseKeeping } from '../../src/deliveries/leases.ts';

const renewEveryMs = 5;

/** A keeper of leases, and the time that passes for it. */
function keeping(over: Partial<LeaseKeeping<string>>) {
  const lost: string[] = [];
  let elapsedMs = 0;
  let turn: (() => void) | undefined;
  const keeper = new LeaseKeeper<string>({
    renew: async () => [],
    renewEveryMs,
    lifeMs: 60_000,
    onLost: (lease) => lost.push(lease),
    onError: () => {},
    stopwatch: {
      elapsedMs: () => elapsedMs,
      every: (ms, work) => {
        assert.equal(ms, renewEveryMs);
        turn = work;
        return () => {
          turn = undefined;
        };
      },
    },
    ...over,
  });
  const tick = () => {
    elapsedMs += renewEveryMs;
    turn?.();
  };
  /** So many turns, each when the renewal of the one before has ended. */
  const turns = async (count: number) => {
    for (let done = 0; done < count; done += 1) {
      tick();
      await keeper.settled();
    }
  };
  return { keeper, lost, tick, turns, isIdle: () => turn === undefined };
}

test('all are renewed together, again and again, each until it is left', async () => {
  const renewed: (readonly string[])[] = [];
  const renew = async (leases: readonly string[]) => {
    renewed.push(leases);
    return [];
  };
  const { keeper, lost, turns, isIdle } = keeping({ renew });
  keeper.keep('a');
  keeper.keep('b');
  await turns(3);
  keeper.leave('a');
  await turns(2);
  keeper.leave('b');
  assert.deepEqual(renewed, [['a', 'b'], ['a', 'b'], ['a', 'b'], ['b'], ['b']]);
  assert.deepEqual(lost, []);
  assert.ok(isIdle(), 'nothing is left to renew');
});

test('the one that another process has is lost, once, and the others are kept', async () => {
  const renew = async (leases: readonly string[]) => leases.filter((lease) => lease === 'a');
  const { keeper, lost, turns } = keeping({ renew });
  keeper.keep('a');
  keeper.keep('b');
  await turns(4);
  keeper.leave('b');
  assert.deepEqual(lost, ['a']);
});

test('one is lost when it could not be renewed for its whole life', async () => {
  const errors: unknown[] = [];
  const away = new Error('the database is away');
  const { keeper, lost, turns } = keeping({
    renew: () => Promise.reject(away),
    lifeMs: 8 * renewEveryMs,
    onError: (error) => errors.push(error),
  });
  keeper.keep('a');
  await turns(7);
  assert.deepEqual(lost, [], 'it lasts that long');
  await turns(1);
  assert.deepEqual(lost, ['a']);
  assert.deepEqual(errors, Array(7).fill(away));
});

test('one is lost when the answer of a renewal does not come', async () => {
  const answer = Promise.withResolvers<readonly string[]>();
  let asked = 0;
  const renew = () => {
    asked += 1;
    return answer.promise;
  };
  const { keeper, lost, tick } = keeping({ renew, lifeMs: 8 * renewEveryMs });
  keeper.keep('a');
  for (let turn = 0; turn < 8; turn += 1) tick();
  assert.deepEqual(lost, ['a']);
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
  const { keeper, lost, turns } = keeping({ renew, lifeMs: 3 * renewEveryMs });
  keeper.keep('a');
  await turns(20);
  keeper.leave('a');
  assert.equal(asked, 20);
  assert.deepEqual(lost, []);
});
