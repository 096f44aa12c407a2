// Faults that a client of a sandbox asks of its deliveries: what arrives, when, and what the delivery log says
// of it. Whatever was asked for, in the end each event has arrived, in the order of its account.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { SignatureError } from '@unwind/signatures';
import type { DeliveryKeys } from '../../packages/client/src/deliveries.ts';
import { later } from '../../src/clock.ts';
import type { AskedFaults } from '../../src/deliveries/fault.ts';
import { requestFaults } from '../../src/deliveries/fault.ts';
import { listAttempts } from '../../src/deliveries/history-store.ts';
import { endFaults, setFaults } from '../../src/deliveries/set-faults.ts';
import type { Webhook } from '../../src/webhooks/webhook.ts';
import { portOf } from '../support/condition.ts';
import { readDelivery } from '../support/deliveries.ts';
import type { Received } from './receiver.ts';
import { deliverDue, keysOf, startDeliverer, stateOf } from './subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  idsIn,
  logLater,
  logLiquidations,
  newAccounts,
  newWorld,
  subscribeTo,
  type World,
} from './world.ts';

const noFaults: AskedFaults = {
  lateS: undefined,
  burstS: undefined,
  twice: false,
  signature: undefined,
  stallS: undefined,
  answeredAs: undefined,
  oneIn: 1,
};

const callerOf = ({ tenantId, clock }: World) => {
  const signature = { basesSha256: [randomBytes(32)], expiresAt: later(clock.now(), 330_000) };
  return { tenantId, scopes: [], contract: '2023' as const, signature, act: undefined };
};

function ask(
  world: World,
  { webhookId }: Webhook,
  asked: Partial<AskedFaults>,
  { silentS, forS = 3_600 }: { silentS?: number; forS?: number } = {},
) {
  const command = { webhookId, asked: { ...noFaults, ...asked }, silentS, forS };
  return setFaults(world, callerOf(world), command);
}

async function faultsLogged({ sql }: World, webhook: Webhook): Promise<readonly string[]> {
  const attempts = await listAttempts(sql, webhook, { limit: 100, result: undefined });
  return attempts.map(({ faults, outcome }) => `${outcome}: ${faults.join(' ')}`);
}

async function newCase(t: TestContext, isSandbox = true) {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world);
  const deliverer = startDeliverer(t, world.sql, { clock: world.clock, isSandbox });
  return { world, webhook, deliverer };
}

/** Whether a receiver that verifies would take a delivery, or why not. */
async function verdict(delivery: Received, keys: DeliveryKeys): Promise<string> {
  try {
    await readDelivery(delivery, keys, delivery.receivedAt);
    return 'taken';
  } catch (error) {
    assert.ok(error instanceof SignatureError);
    return error.code;
  }
}

test('late: each event comes so many seconds after it happened', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  await ask(world, webhook, { lateS: 60 });
  await logLiquidations(world, newAccounts(2));
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 0);
  world.clock.advance(59_999);
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 0);
  const { nextAttemptAt } = await stateOf(world.sql, webhook);
  assert.deepEqual(nextAttemptAt, later(world.clock.now(), 1), 'nobody looks before');
  world.clock.advance(1);
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 6);
  assert.deepEqual(new Set(await faultsLogged(world, webhook)), new Set(['answered 204: late']));
  await assertArrived(world);
});

test('late with packages: what is not yet due stays behind', async (t) => {
  const world = await newWorld(t);
  const webhook = await subscribeTo(world, { maxPackageSize: 100_000 });
  const deliverer = startDeliverer(t, world.sql, { clock: world.clock });
  await ask(world, webhook, { lateS: 10 });
  const [first, second] = newAccounts(2);
  assert.ok(first && second);
  await logLiquidations(world, [first]);
  world.clock.advance(5_000);
  await logLiquidations(world, [second]);
  world.clock.advance(5_000);
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 1);
  assert.match(String(world.receiver.received[0]?.body), new RegExp(first));
  assert.doesNotMatch(String(world.receiver.received[0]?.body), new RegExp(second));
  world.clock.advance(5_000);
  await deliverDue(deliverer);
  await assertArrived(world);
});

test('bursts: what happens between comes all at once', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  await ask(world, webhook, { burstS: 100 });
  const accounts = newAccounts(3);
  for (const account of accounts) {
    world.clock.advance(20_000);
    await logLiquidations(world, [account]);
    await deliverDue(deliverer);
    assert.equal(world.receiver.received.length, 0);
  }
  world.clock.advance(40_000);
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 9);
  assert.ok((await faultsLogged(world, webhook)).includes('answered 204: burst'));
  await assertArrived(world);
});

test('silent: nothing comes for a while, the log says so once, and then everything comes', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  const [account] = newAccounts(1);
  assert.ok(account);
  world.receiver.react = () => ({ status: 500 });
  await logLiquidations(world, [account]);
  await deliverDue(deliverer);
  const before = world.receiver.received.length;
  assert.ok(before > 0);
  world.receiver.react = () => ({ status: 204 });
  const { silentUntil } = await ask(world, webhook, {}, { silentS: 600 });
  await logLater(world, account);
  for (const ms of [1_000, 300_000, 298_999]) {
    world.clock.advance(ms);
    await deliverDue(deliverer);
  }
  assert.equal(world.receiver.received.length, before, 'retries are silent, too');
  world.clock.set(silentUntil ?? assert.fail());
  await deliverAll(t, world, webhook);
  const notices = (await faultsLogged(world, webhook)).filter((line) => line.startsWith('a fault'));
  const at = silentUntil?.toISOString();
  assert.deepEqual(notices, [`a fault was asked for: nothing is sent until ${at}: `]);
  await assertArrived(world);
});

test('twice: what was acknowledged comes once more, with a signature of its own', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  await ask(world, webhook, { twice: true });
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  const { received } = world.receiver;
  assert.equal(received.length, 6);
  for (const first of [0, 2, 4]) {
    assert.deepEqual(received[first + 1]?.body, received[first]?.body);
    assert.notDeepEqual(received[first + 1]?.rawHeaders, received[first]?.rawHeaders);
  }
  const logged = (await faultsLogged(world, webhook)).toSorted();
  assert.deepEqual(logged, [
    ...Array.from({ length: 3 }, () => 'answered 204: '),
    ...Array.from({ length: 3 }, () => 'answered 204: twice'),
  ]);
  await assertArrived(world);
});

for (const [signature, code, name] of [
  ['wrong', 'signature_invalid', 'wrong_signature'],
  ['old_key', 'keyid_unknown', 'old_key'],
] as const) {
  for (const version of ['6', '15', '9421'] as const) {
    test(`${name}, version ${version}: a receiver that verifies refuses, until the fault ends`, async (t) => {
      const world = await newWorld(t);
      const keys = await keysOf(world.sql, world.tenantId);
      const algorithm = version === '9421' ? 'ed25519' : 'ecdsa-p521';
      const webhook = await subscribeTo(world, {
        signatureVersion: version,
        signatureAlgorithm: algorithm,
      });
      const deliverer = startDeliverer(t, world.sql, { clock: world.clock });
      const verdicts: string[] = [];
      world.receiver.react = async (_, delivery) => {
        verdicts.push(await verdict(delivery, keys));
        return { status: verdicts.at(-1) === 'taken' ? 204 : 401 };
      };
      await ask(world, webhook, { signature });
      await logLiquidations(world, newAccounts(1));
      await deliverDue(deliverer);
      assert.ok(verdicts.length > 0);
      assert.deepEqual(new Set(verdicts), new Set([code]));
      assert.deepEqual(
        new Set(await faultsLogged(world, webhook)),
        new Set([`answered 401: ${name}`]),
      );
      await endFaults(world, callerOf(world), webhook.webhookId);
      verdicts.length = 0;
      await deliverAll(t, world, webhook);
      assert.deepEqual(new Set(verdicts), new Set(['taken']));
    });
  }
}

test('answered_as: what it answers is taken for a failure, and comes again until the fault ends', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  await ask(world, webhook, { answeredAs: 503, twice: true });
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  const { received } = world.receiver;
  const before = received.length;
  assert.ok(before > 0);
  assert.deepEqual(
    new Set(await faultsLogged(world, webhook)),
    new Set(['answered 503: answered_as']),
  );
  await endFaults(world, callerOf(world), webhook.webhookId);
  await deliverAll(t, world, webhook);
  const ids = received.flatMap(idsIn);
  assert.equal(new Set(ids).size, 3);
  assert.equal(
    ids.filter((id) => id === ids[0]).length,
    before + 1,
    'what it has seen comes again',
  );
  await assertArrived(world);
});

test('stall: half of the body comes, and the rest after a pause', async (t) => {
  const world = await newWorld(t);
  const half = Promise.withResolvers<number>();
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let bytes = 0;
    const parts: Buffer[] = [];
    for await (const part of request) {
      parts.push(part);
      bytes += part.length;
      half.resolve(bytes);
    }
    bodies.push(Buffer.concat(parts).toString());
    response.writeHead(204).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${portOf(server)}/`;
  const webhook = await subscribeTo(world, { url, maxPackageSize: 100_000 });
  const pauses: number[] = [];
  const deliverer = startDeliverer(t, world.sql, {
    clock: world.clock,
    pause: async (ms) => {
      pauses.push(ms);
      // Goes on only once the first half is there.
      await half.promise;
    },
  });
  await ask(world, webhook, { stallS: 60 });
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  assert.deepEqual(pauses, [60_000]);
  assert.equal(bodies.length, 1);
  const [body = ''] = bodies;
  assert.equal(await half.promise, Math.ceil(Buffer.byteLength(body) / 2));
  assert.equal(JSON.parse(body).payload.length, 3);
  assert.deepEqual(await faultsLogged(world, webhook), ['answered 204: stall']);
});

test('faults end by themselves, and each request draws its lot', async (t) => {
  const { world, webhook, deliverer } = await newCase(t);
  await ask(world, webhook, { twice: true, lateS: 3_600 }, { forS: 60 });
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 0);
  world.clock.advance(60_000);
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 3);
  assert.deepEqual(new Set(await faultsLogged(world, webhook)), new Set(['answered 204: ']));

  const faults = await ask(world, webhook, { signature: 'wrong', oneIn: 4 });
  const draw = (id: number, attempt: number) => {
    const request = { messageId: String(id), attempt, isApart: false, now: world.clock.now() };
    return requestFaults(faults, request).faults !== undefined;
  };
  const ids = Array.from({ length: 1_000 }, (_, id) => id);
  const drawn = ids.filter((id) => draw(id, 1));
  assert.ok(drawn.length > 180 && drawn.length < 320, `${drawn.length} of 1000`);
  assert.ok(drawn.some((id) => !draw(id, 2)));
  assert.deepEqual(
    ids.filter((id) => draw(id, 1)),
    drawn,
  );
});

test('live mode knows no faults, even where the table has some', async (t) => {
  const { world, webhook, deliverer } = await newCase(t, false);
  await ask(world, webhook, { twice: true, signature: 'wrong', lateS: 600 }, { silentS: 600 });
  await logLiquidations(world, newAccounts(1));
  await deliverDue(deliverer);
  assert.equal(world.receiver.received.length, 3);
  assert.deepEqual(new Set(await faultsLogged(world, webhook)), new Set(['answered 204: ']));
  await assertArrived(world);
});
