// Keys of deliveries replaced while events are delivered: what was signed by the old one verifies until
// its end, and the headers of Standard Webhooks are signed by both.
import assert from 'node:assert/strict';
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  findPublicJwks,
  rotateSigningKeys,
  type SigningAlgorithm,
} from '../../src/auth/signing-keys.ts';
import { later } from '../../src/clock.ts';
import { listKeys } from '../../src/commands/keys-command.ts';
import { RefusedError } from '../../src/commands/usage-error.ts';
import { newId } from '../../src/ids.ts';
import { readDelivery } from '../support/deliveries.ts';
import type { Received } from './receiver.ts';
import { deliverDue, keysOf, startDeliverer, testSeal } from './subscriptions.ts';
import { logLiquidations, newAccounts, newWorld, subscribeTo, type World } from './world.ts';

const hourMs = 3_600_000;

function rotate({ sql, clock, tenantId }: World, algorithms: readonly SigningAlgorithm[]) {
  const rotation = { leadMs: hourMs, overlapMs: 24 * hourMs };
  return rotateSigningKeys(sql, clock, { tenantId, seal: testSeal, algorithms, rotation });
}

async function jwksOf({ sql, tenantId, clock }: World): Promise<readonly JsonWebKey[]> {
  const texts = await findPublicJwks(sql, tenantId, clock.now());
  return texts.map((text) => JSON.parse(text) as JsonWebKey);
}

/** A delivery of one event, sent by a process that knows no key yet. */
async function deliverOne(
  t: Parameters<typeof startDeliverer>[0],
  world: World,
): Promise<Received> {
  await logLiquidations(world, newAccounts(1));
  await deliverDue(startDeliverer(t, world.sql, { clock: world.clock }));
  const last = world.receiver.received.at(-1);
  assert.ok(last !== undefined);
  return last;
}

function headerOf({ rawHeaders }: Received, name: string): string {
  const at = rawHeaders.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return rawHeaders[at + 1] ?? assert.fail(`there is no header ${name}`);
}

function keyIdOf(delivery: Received): string {
  return /keyid="([^"]+)"/i.exec(headerOf(delivery, 'signature-input'))?.[1] ?? '';
}

for (const algorithm of ['ecdsa-p521', 'ed25519'] as const) {
  test(`${algorithm}: the old key signs until the lead is over and verifies until its end`, async (t) => {
    const world = await newWorld(t);
    const { sql, clock, tenantId } = world;
    const version = algorithm === 'ed25519' ? '15' : '6';
    await subscribeTo(world, { signatureAlgorithm: algorithm, signatureVersion: version });
    const before = await deliverOne(t, world);
    const [rotated, ...others] = await rotate(world, [algorithm]);
    assert.ok(rotated !== undefined && others.length === 0);
    assert.deepEqual(rotated.signsFrom, later(clock.now(), hourMs));
    assert.equal((await jwksOf(world)).length, 3, 'both are served, and the other algorithm');

    const inLead = await deliverOne(t, world);
    assert.equal(keyIdOf(inLead), keyIdOf(before));
    clock.set(rotated.signsFrom);
    const after = await deliverOne(t, world);
    assert.equal(keyIdOf(after), rotated.keyId);

    const served = await keysOf(sql, tenantId, clock.now());
    for (const delivery of [before, inLead, after]) {
      await readDelivery(delivery, served, delivery.receivedAt);
    }
    clock.set(later(rotated.oldKeyEndsAt, -1));
    const late = await keysOf(sql, tenantId, clock.now());
    await readDelivery(before, late, before.receivedAt);
    clock.set(rotated.oldKeyEndsAt);
    const ended = await keysOf(sql, tenantId, clock.now());
    await assert.rejects(readDelivery(before, ended, before.receivedAt), { code: 'keyid_unknown' });
    await readDelivery(after, ended, after.receivedAt);
    assert.equal((await jwksOf(world)).length, 2);
  });
}

test('rotated twice at once, one key signs and every one ends but the last', async (t) => {
  const world = await newWorld(t);
  const both = ['ecdsa-p521', 'ed25519'] as const;
  await subscribeTo(world);
  const all = await Promise.all([rotate(world, both), rotate(world, both)]);
  assert.equal(all.flat().length, 4);
  assert.equal((await jwksOf(world)).length, 6);
  world.clock.advance(hourMs);
  const delivery = await deliverOne(t, world);
  const candidates = all.flat().map(({ keyId }) => keyId as string);
  assert.ok(candidates.includes(keyIdOf(delivery)));
  world.clock.advance(25 * hourMs);
  assert.equal((await jwksOf(world)).length, 2);
});

test('a key that was replaced before it had begun to sign never does', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, tenantId } = world;
  await subscribeTo(world, { signatureAlgorithm: 'ed25519', signatureVersion: '15' });
  const how = { tenantId, seal: testSeal, algorithms: ['ed25519'] as const };
  const slow = { leadMs: 24 * hourMs, overlapMs: 168 * hourMs };
  const [planned] = await rotateSigningKeys(sql, clock, { ...how, rotation: slow });
  clock.advance(hourMs);
  const [urgent] = await rotateSigningKeys(sql, clock, {
    ...how,
    rotation: { ...slow, leadMs: 0 },
  });
  assert.ok(planned !== undefined && urgent !== undefined);
  for (const hours of [0, 24, 100]) {
    clock.advance(hours * hourMs);
    assert.equal(keyIdOf(await deliverOne(t, world)), urgent.keyId, `${hours} hours later`);
  }
});

test('a list says which key signs, which will, which is served and which has ended', async (t) => {
  const { sql, clock, tenantId } = await newWorld(t);
  const world = { sql, clock, tenantId };
  const listed = async (all?: true) => {
    let text = '';
    const stdout = { write: (more: string) => (text += more) };
    assert.equal(await listKeys({ ...world, stdout }, { json: true, ...(all && { all }) }), 0);
    const keys = JSON.parse(text) as readonly { algorithm: string; status: string }[];
    return keys.filter(({ algorithm }) => algorithm === 'ed25519').map(({ status }) => status);
  };
  assert.deepEqual(await listed(), ['signs']);
  const rotation = { leadMs: hourMs, overlapMs: 24 * hourMs };
  await rotateSigningKeys(sql, clock, {
    ...{ tenantId, seal: testSeal, algorithms: ['ed25519'], rotation },
  });
  assert.deepEqual(await listed(), ['next', 'signs']);
  clock.advance(hourMs);
  assert.deepEqual(await listed(), ['signs', 'served']);
  clock.advance(24 * hourMs);
  assert.deepEqual(await listed(), ['signs']);
  assert.deepEqual(await listed(true), ['signs', 'ended']);
  const nobody = { ...world, tenantId: newId<'tenant'>(), stdout: { write: () => {} } };
  await assert.rejects(listKeys(nobody, {}), RefusedError);
});

test('a plan that is replaced by a later one leaves the old key signing until then', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, tenantId } = world;
  await subscribeTo(world, { signatureAlgorithm: 'ed25519', signatureVersion: '15' });
  const before = keyIdOf(await deliverOne(t, world));
  const how = { tenantId, seal: testSeal, algorithms: ['ed25519'] as const };
  const planned = { leadMs: 24 * hourMs, overlapMs: 0 };
  await rotateSigningKeys(sql, clock, { ...how, rotation: planned });
  clock.advance(hourMs);
  const [last] = await rotateSigningKeys(sql, clock, {
    ...how,
    rotation: { leadMs: 48 * hourMs, overlapMs: hourMs },
  });
  clock.advance(30 * hourMs);
  assert.equal(keyIdOf(await deliverOne(t, world)), before, 'the time of the first plan is over');
  clock.advance(18 * hourMs);
  const delivery = await deliverOne(t, world);
  assert.equal(keyIdOf(delivery), last?.keyId);
  await readDelivery(delivery, await keysOf(sql, tenantId, clock.now()), delivery.receivedAt);
});

test('a key that has leaked before it signs ends at once like any other', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, tenantId } = world;
  const how = { tenantId, seal: testSeal, algorithms: ['ed25519'] as const };
  const planned = { leadMs: 24 * hourMs, overlapMs: 168 * hourMs };
  const [leaked] = await rotateSigningKeys(sql, clock, { ...how, rotation: planned });
  const atOnce = { leadMs: 0, overlapMs: 0 };
  const [last] = await rotateSigningKeys(sql, clock, { ...how, rotation: atOnce });
  const served = (await jwksOf(world)).map(({ kid }) => kid);
  assert.ok(leaked !== undefined && last !== undefined);
  assert.deepEqual([served.includes(leaked.keyId), served.includes(last.keyId)], [false, true]);
  assert.equal(served.length, 2);
});

test('a receiver finds the newest of very many keys', async (t) => {
  const world = await newWorld(t);
  const { sql, clock, tenantId } = world;
  await subscribeTo(world, { signatureAlgorithm: 'ed25519', signatureVersion: '15' });
  const rotation = { leadMs: 0, overlapMs: 168 * hourMs };
  for (let i = 0; i < 110; i += 1) {
    clock.advance(1);
    const algorithms = ['ed25519'] as const;
    await rotateSigningKeys(sql, clock, { tenantId, seal: testSeal, algorithms, rotation });
  }
  const delivery = await deliverOne(t, world);
  await readDelivery(delivery, await keysOf(sql, tenantId, clock.now()), delivery.receivedAt);
});

test('keys of an unknown client are not replaced', async (t) => {
  const world = await newWorld(t);
  const nobody = { ...world, tenantId: '00000000-0000-4000-8000-000000000000' as never };
  assert.deepEqual(await rotate(nobody, ['ed25519']), []);
});

describe('the headers of Standard Webhooks', () => {
  /** As a library of theirs does it: by one of the signatures, over id, time and body. */
  function verifies(delivery: Received, jwk: JsonWebKey): boolean {
    const id = headerOf(delivery, 'webhook-id');
    const timestamp = headerOf(delivery, 'webhook-timestamp');
    assert.ok(!id.includes('.') && /^[0-9]+$/.test(timestamp));
    const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), delivery.body]);
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return headerOf(delivery, 'webhook-signature')
      .split(' ')
      .map((one) => one.split(','))
      .some(([version, base64 = '']) => {
        return version === 'v1a' && verify(null, signed, key, Buffer.from(base64, 'base64'));
      });
  }

  test('come beside the usual signature, whatever that is, and verify with the served key', async (t) => {
    const world = await newWorld(t);
    await subscribeTo(world, { standardHeaders: true });
    const delivery = await deliverOne(t, world);
    await readDelivery(delivery, await keysOf(world.sql, world.tenantId), delivery.receivedAt);
    const jwk = (await jwksOf(world)).find(({ crv }) => crv === 'Ed25519');
    assert.ok(jwk !== undefined && verifies(delivery, jwk));
    const changed = { ...delivery, body: Buffer.from('{}') };
    assert.ok(!verifies(changed, jwk));
    const { id } = JSON.parse(Buffer.from(delivery.body).toString());
    assert.equal(headerOf(delivery, 'webhook-id'), id);
  });

  test('are signed by the old and the new key while both are served', async (t) => {
    const world = await newWorld(t);
    await subscribeTo(world, { standardHeaders: true });
    await rotate(world, ['ed25519']);
    for (const hours of [0, 2]) {
      world.clock.advance(hours * hourMs);
      const delivery = await deliverOne(t, world);
      const keys = (await jwksOf(world)).filter(({ crv }) => crv === 'Ed25519');
      assert.equal(keys.length, 2);
      assert.ok(keys.every((jwk) => verifies(delivery, jwk)));
    }
  });

  test('a package has one id, the same when it is sent again', async (t) => {
    const world = await newWorld(t);
    await subscribeTo(world, { standardHeaders: true, maxPackageSize: 100_000 });
    world.receiver.react = (number) => ({ status: number === 1 ? 500 : 200 });
    await deliverOne(t, world);
    world.clock.advance(10_000);
    await deliverDue(startDeliverer(t, world.sql, { clock: world.clock }));
    const [first, second] = world.receiver.received;
    assert.ok(first && second);
    assert.equal(headerOf(first, 'webhook-id'), headerOf(second, 'webhook-id'));
  });

  test('do not come unasked', async (t) => {
    const world = await newWorld(t);
    await subscribeTo(world);
    const delivery = await deliverOne(t, world);
    assert.ok(!delivery.rawHeaders.some((text) => text.toLowerCase().startsWith('webhook-')));
  });
});
