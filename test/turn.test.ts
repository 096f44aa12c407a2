// Whose batch comes next: tenants in turn, and beside one whose batch is under way the others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId, nilId, type TenantId } from '../src/ids.ts';
import { type Span, spansOf, Turn } from '../src/work/turn.ts';
import { fc } from './support/properties.ts';

const tenants: readonly TenantId[] = Array.from({ length: 5 }, () => newId<'tenant'>()).sort();

/** A claim for tenants that have work. */
function claimOf(waiting: ReadonlySet<string>) {
  return async ({ after, before }: Span) => {
    const tenantId = tenants.find((id) => id > after && id < before && waiting.has(id));
    return tenantId === undefined ? [] : [{ tenantId }];
  };
}

/** Takes a batch. @returns whose it is, and its end. */
async function take(turn: Turn, waiting: Iterable<string> = tenants) {
  const visit = turn.visit();
  const [row] = await visit.claim(claimOf(new Set(waiting)));
  return { tenantId: row?.tenantId, visit };
}

test('spans go once around all tenants but those who are busy, from behind the place', () => {
  const someTenants = fc.subarray([...tenants]);
  fc.assert(
    fc.property(
      someTenants,
      fc.constantFrom(nilId, ...tenants),
      someTenants,
      (busy, place, waiting) => {
        const ring = [
          ...tenants.filter((id) => id > place),
          ...tenants.filter((id) => id <= place),
        ];
        const expected = ring.find((id) => !busy.includes(id) && waiting.includes(id));
        const found = spansOf(place, busy)
          .map(({ after, before }) => waiting.find((id) => id > after && id < before))
          .find((id) => id !== undefined);
        assert.equal(found, expected);
      },
    ),
  );
});

test('tenants are taken in turn, however much one has to do', async () => {
  const turn = new Turn();
  const taken: (string | undefined)[] = [];
  for (let i = 0; i < 2 * tenants.length; i += 1) {
    const { tenantId, visit } = await take(turn);
    taken.push(tenantId);
    visit.end();
  }
  assert.deepEqual(taken, [...tenants, ...tenants]);
});

test('while a batch lasts, no other of its tenant is taken; afterwards again', async () => {
  const turn = new Turn();
  const [large, small] = tenants;
  assert.ok(large !== undefined && small !== undefined);
  const first = await take(turn, [large]);
  assert.equal(first.tenantId, large);
  assert.equal((await take(turn, [large])).tenantId, undefined);
  const beside = await take(turn, [large, small]);
  assert.equal(beside.tenantId, small);
  first.visit.end();
  assert.equal((await take(turn, [large, small])).tenantId, large);
});

test('claims wait for each other, so that two at once never take the same tenant', async () => {
  const turn = new Turn();
  const taken = await Promise.all(tenants.map(() => take(turn)));
  assert.deepEqual(
    taken.map(({ tenantId }) => tenantId),
    tenants,
  );
});

test('a claim that fails is repeated from where it was, and holds no other up', async () => {
  const turn = new Turn();
  const visit = turn.visit();
  const broken = async () => {
    throw new Error('the connection is gone');
  };
  await assert.rejects(visit.claim(broken));
  assert.equal((await take(turn)).tenantId, tenants[0]);
  const [again] = await visit.claim(claimOf(new Set(tenants)));
  assert.equal(again?.tenantId, tenants[1]);
});

test('a batch that is claimed again is of the same tenant', async () => {
  const turn = new Turn();
  const { tenantId, visit } = await take(turn);
  const [again] = await visit.claim(claimOf(new Set(tenants)));
  assert.equal(again?.tenantId, tenantId);
});
