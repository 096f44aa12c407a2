// A lease kept alive by renewals: lost when another has it, and when nobody could be asked in time.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { keepLease, type LeaseKeeping } from '../../src/webhooks/keep-lease.ts';
import { eventually } from '../support/condition.ts';

function keeping(over: Partial<LeaseKeeping>): LeaseKeeping {
  return {
    renew: async () => true,
    renewEveryMs: 5,
    lifeMs: 60_000,
    onError: () => {},
    ...over,
  };
}

test('it is renewed again and again, until it is ended', async () => {
  const counted = () => {
    let renewals = 0;
    const renew = async () => {
      renewals += 1;
      return true;
    };
    return { lease: keepLease(keeping({ renew })), renewals: () => renewals };
  };
  const [ended, other] = [counted(), counted()];
  await eventually('some renewals', () => ended.renewals() >= 3);
  await ended.lease.end();
  const [atEnd, since] = [ended.renewals(), other.renewals()];
  await eventually('the other one is renewed on', () => other.renewals() >= since + 3);
  await other.lease.end();
  assert.equal(ended.renewals(), atEnd);
  assert.equal(ended.lease.lost.aborted, false);
});

test('it is lost as soon as somebody else has it', async () => {
  const lease = keepLease(keeping({ renew: async () => false }));
  if (!lease.lost.aborted) await once(lease.lost, 'abort');
  await lease.end();
});

test('it is lost when it could not be renewed for its whole life', async () => {
  const errors: unknown[] = [];
  const away = new Error('the database is away');
  const lease = keepLease(
    keeping({
      renew: () => Promise.reject(away),
      lifeMs: 40,
      onError: (error) => errors.push(error),
    }),
  );
  if (!lease.lost.aborted) await once(lease.lost, 'abort');
  await lease.end();
  assert.ok(errors.length > 0 && errors.every((error) => error === away));
});

test('it is lost when the answer of a renewal does not come', async () => {
  const answer = Promise.withResolvers<boolean>();
  let asked = 0;
  const renew = () => {
    asked += 1;
    return answer.promise;
  };
  const lease = keepLease(keeping({ renew, lifeMs: 40 }));
  if (!lease.lost.aborted) await once(lease.lost, 'abort');
  assert.equal(asked, 1, 'one question at a time');
  answer.resolve(true);
  await lease.end();
});

test('a failure that passes does no harm', async () => {
  let asked = 0;
  const renew = async () => {
    asked += 1;
    if (asked % 2 === 1) throw new Error('the database is away');
    return true;
  };
  const lease = keepLease(keeping({ renew, lifeMs: 30_000 }));
  await eventually('it was renewed after failures', () => asked >= 6);
  await lease.end();
  assert.equal(lease.lost.aborted, false);
});
