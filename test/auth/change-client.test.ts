// What an operator may change of a client's access: what is refused changes nothing and is not
// recorded, what is done is recorded with who and why.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';
import { UnusableKeyError } from '@unwind/signatures';
import {
  addKey,
  ClientChangeError,
  certificatesMax,
  changeCertificates,
  disableClient,
  enableClient,
  type Instruction,
  liveKeysMax,
  networksMax,
  revokeClientKey,
  revokeTokens,
  rotateSecret,
  setClientNetworks,
  setClientScopes,
} from '../../src/auth/change-client.ts';
import { findClientChanges, listClients } from '../../src/auth/clients-store.ts';
import { sha256 } from '../../src/auth/secret.ts';
import { findTenant } from '../../src/auth/store.ts';
import { newId } from '../../src/ids.ts';
import { tablesOf } from '../http/expect.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const client = await makeApiClient(sql, clock);
const neighbour = await makeApiClient(sql, clock);
const by = { actor: 'Ada', reason: 'as agreed' };
const own: Instruction = { tenantId: client.clientId, ...by };

function newPublicKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

async function refused(work: () => Promise<unknown>, says: RegExp): Promise<void> {
  const before = await tablesOf(sql);
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof ClientChangeError, String(error));
    assert.match(error.message, says);
    return true;
  });
  assert.deepEqual(await tablesOf(sql), before);
}

test('of a client that is not there nothing can be changed', async () => {
  const nobody = { tenantId: newId<'tenant'>(), ...by };
  const changes: readonly (() => Promise<unknown>)[] = [
    () => disableClient(sql, clock, nobody),
    () => enableClient(sql, clock, nobody),
    () => rotateSecret(sql, clock, { ...nobody, overlapMs: 0 }),
    () => addKey(sql, clock, { ...nobody, publicKeyPem: newPublicKey() }),
    () => revokeClientKey(sql, clock, { ...nobody, keyId: newId() }),
    () => setClientScopes(sql, clock, { ...nobody, scopes: [] }),
    () => changeCertificates(sql, clock, { ...nobody, add: [sha256('one')], remove: [] }),
    () => setClientNetworks(sql, clock, { ...nobody, networks: [] }),
    () => revokeTokens(sql, clock, nobody),
  ];
  for (const change of changes) await refused(change, /there is no client/);
});

test('a client is disabled once, and enabled once', async () => {
  await refused(() => enableClient(sql, clock, own), /is not disabled/);
  await disableClient(sql, clock, own);
  await refused(() => disableClient(sql, clock, own), /is disabled already/);
  const page = await listClients(sql, { after: undefined, limit: 10 });
  assert.deepEqual(
    page.map(({ tenantId, disabledAt, liveKeys }) => [tenantId, disabledAt, liveKeys]),
    [
      [client.clientId, clock.now(), 1],
      [neighbour.clientId, undefined, 1],
    ],
  );
  await enableClient(sql, clock, own);
  assert.equal((await findTenant(sql, client.clientId))?.disabledAt, undefined);
});

test('a key is revoked once, and only by naming its own client', async () => {
  const revoke = (keyId: string) => () => {
    return revokeClientKey(sql, clock, { ...own, keyId: keyId as ReturnType<typeof newId<'key'>> });
  };
  await refused(revoke(neighbour.keyId), /has no live key/);
  const keyId = await addKey(sql, clock, { ...own, publicKeyPem: newPublicKey() });
  await revoke(keyId)();
  await refused(revoke(keyId), /has no live key/);
  const keys = (await findTenant(sql, client.clientId))?.keys ?? [];
  assert.deepEqual(
    keys.map((key) => [key.keyId, key.live]),
    [
      [client.keyId, true],
      [keyId, false],
    ],
  );
});

test('a key that cannot verify, or is one too many, is not added', async () => {
  const add = (publicKeyPem: string) => addKey(sql, clock, { ...own, publicKeyPem });
  await assert.rejects(add('nonsense'), UnusableKeyError);
  const known = (await findTenant(sql, client.clientId))?.keys.filter(({ live }) => live) ?? [];
  for (let count = known.length; count < liveKeysMax; count += 1) await add(newPublicKey());
  await refused(() => add(newPublicKey()), /has 20 live keys/);
});

test('certificates are added once, and the last one is not removed by the way', async () => {
  const certificate = (name: number | string) => sha256(`certificate ${name}`);
  const changed = (add: readonly Buffer[], remove: readonly Buffer[] | 'all') => () => {
    return changeCertificates(sql, clock, { ...own, add, remove });
  };
  await refused(changed([], 'all'), /has no certificate/);
  const one = certificate(1);
  assert.deepEqual(await changed([one, one], [])(), [one]);
  await refused(changed([one], []), /has the certificate [0-9a-f]{64} already/);
  await refused(changed([], [certificate('other')]), /has no certificate [0-9a-f]{64}/);
  await refused(changed([], [one]), /its last certificate.*--clear/);
  const others = Array.from({ length: certificatesMax - 1 }, (_, at) => certificate(at + 2));
  await changed(others, [])();
  await refused(changed([certificate('too many')], []), /has 10 certificates/);
  assert.deepEqual(await changed([certificate('next')], [one])(), [...others, certificate('next')]);
  const [last] = await findClientChanges(sql, { tenantId: client.clientId, limit: 1 });
  const hex = (bytes: Buffer) => bytes.toString('hex');
  assert.equal(last?.detail, `+${hex(certificate('next'))} -${hex(one)}`);
  assert.deepEqual(await changed([], 'all')(), []);
  assert.deepEqual((await findTenant(sql, neighbour.clientId))?.certificates, []);
});

test('addresses are set as a whole, and not too many', async () => {
  const set = (networks: readonly string[]) => () => {
    return setClientNetworks(sql, clock, { ...own, networks });
  };
  const many = Array.from({ length: networksMax + 1 }, (_, at) => `203.0.113.${at}`);
  await refused(set(many), /50 addresses and networks at most/);
  await set(many.slice(1))();
  await set(['2001:db8::/48'])();
  assert.deepEqual((await findTenant(sql, client.clientId))?.networks, ['2001:db8::/48']);
  const [last] = await findClientChanges(sql, { tenantId: client.clientId, limit: 1 });
  assert.deepEqual([last?.change, last?.detail], ['addresses_set', '2001:db8::/48']);
  await set([])();
  assert.deepEqual((await findTenant(sql, client.clientId))?.networks, []);
});

test('each change says who made it, when and why', async () => {
  clock.advance(1_000);
  await setClientScopes(sql, clock, { ...own, scopes: ['webhooks:read', 'fees:read'] });
  const [last] = await findClientChanges(sql, { tenantId: client.clientId, limit: 1 });
  const { detail, ...recorded } = last ?? assert.fail('it was recorded');
  assert.deepEqual(recorded, { change: 'scopes_set', ...by, at: clock.now() });
  assert.match(detail, /^\+fees:read -account_liquidations:admin .*-webhooks:admin$/);
  assert.deepEqual(await findClientChanges(sql, { tenantId: neighbour.clientId, limit: 1 }), []);
});

test('of secrets that were replaced twice, the last two work at most', async () => {
  await rotateSecret(sql, clock, { ...own, overlapMs: 3_600_000 });
  const between = (await findTenant(sql, client.clientId))?.secretHash;
  await rotateSecret(sql, clock, { ...own, overlapMs: 60_000 });
  const tenant = await findTenant(sql, client.clientId);
  assert.deepEqual(tenant?.oldSecret, {
    hash: between,
    endsAt: new Date(clock.now().getTime() + 60_000),
  });
});
