// What receivers of a running service rely on: keys that are replaced while events are delivered, and
// certificates of an authority that only this operator trusts.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Client } from '@unwind/client';
import { webhookReceiver } from '@unwind/client/webhooks';
import { type DeliveryKeys, readDeliveryKeys } from '../../packages/client/src/deliveries.ts';
import type { Sql } from '../../src/db/connect.ts';
import { newId, parseId, type TenantId } from '../../src/ids.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { type Received, startReceiver, type TestReceiver } from '../deliveries/receiver.ts';
import { eventsOfLiquidation, writeEvents } from '../deliveries/subscriptions.ts';
import { type Authority, newAuthority, selfSigned } from '../egress/certificate.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { readDelivery } from '../support/deliveries.ts';
import { onlyFull } from '../support/length.ts';
import { clientOf } from './client.ts';
import { newHome, patienceMs, runUnwind, type Settings, startService } from './processes.ts';

interface World {
  readonly sql: Sql;
  readonly tenantId: TenantId;
  readonly client: Client;
  readonly authority: Authority;
  readonly options: { readonly home: string; readonly settings: Settings };
}

async function startWorld(t: TestContext): Promise<World> {
  const { url, sql } = await createTestDatabase(t);
  const home = await newHome(t);
  const authority = newAuthority('Authority of this operator');
  const authorityFile = join(dirname(home), 'authority.pem');
  await writeFile(authorityFile, authority.cert);
  const options = { home, settings: { DATABASE_URL: url, NODE_EXTRA_CA_CERTS: authorityFile } };
  await startService(t, options);
  const sandbox = await readSandboxClient(home);
  const tenantId = parseId<'tenant'>(sandbox?.client_id ?? '');
  assert.ok(sandbox !== undefined && tenantId !== undefined);
  return { sql, tenantId, client: await clientOf(sandbox), authority, options };
}

test('receivers of a running service', onlyFull, async (t) => {
  const world = await startWorld(t);
  await t.test(
    'miss no delivery while keys are rotated by the command, and the old key ends',
    (own) => {
      return rotate(own, world);
    },
  );
  await t.test(
    'have certificates of an authority in NODE_EXTRA_CA_CERTS, or are not reached',
    (own) => {
      return trust(own, world);
    },
  );
});

/** Writes one event and waits until it has come. @returns its delivery. */
async function deliverOne({ sql, tenantId }: World, { received }: TestReceiver): Promise<Received> {
  const [event] = eventsOfLiquidation(newId<'account'>());
  assert.ok(event !== undefined);
  await writeEvents(sql, { tenantId, events: [event], at: new Date() });
  const isIt = ({ body }: Received) => Buffer.from(body).includes(event.eventId);
  return eventually('the event has come', () => received.find(isIt), patienceMs);
}

function keyIdOf({ rawHeaders }: Received): string {
  const at = rawHeaders.findIndex((text) => text.toLowerCase() === 'signature-input');
  return /keyid="([^"]+)"/.exec(rawHeaders[at + 1] ?? '')?.[1] ?? '';
}

async function servedKeys({ client }: World): Promise<DeliveryKeys> {
  return readDeliveryKeys(await client.webhooks.verifyKeys());
}

async function rotate(t: TestContext, world: World): Promise<void> {
  const { client, options } = world;
  const receiver = await startReceiver(t);
  const webhook = { title: 'rotation', url: receiver.url, enabled: true };
  await client.webhooks.create(webhook);
  // One that fetches keys it does not know, as soon as it may; below, one that fetches once, in the lead.
  const keyTimes = { betweenMs: 0 };
  const usual = webhookReceiver({
    keys: (signal) => client.webhooks.verifyKeys({ signal }),
    keyTimes,
  });
  const before = await deliverOne(world, receiver);
  const oldKey = keyIdOf(before);
  await usual.read(before);

  const args = ['--algorithm', 'ecdsa-p521', '--lead', '0.5', '--overlap', '24'];
  const rotated = await runUnwind(t, ['keys', 'rotate', ...args], options);
  assert.equal(rotated.code, 0, rotated.stderr);
  const [told] = JSON.parse(rotated.stdout);
  assert.equal(Date.parse(told.old_key_ends_at) - Date.parse(told.signs_from), 24 * hourMs);
  const early = await servedKeys(world);
  assert.ok(early.has(oldKey) && early.has(told.key_id), 'both are served');
  const inLead = await deliverOne(world, receiver);
  assert.equal(keyIdOf(inLead), oldKey, 'nobody signs by a key that receivers may not know');

  await passTime(world, 0.5 * hourMs);
  await eventually(
    'the new key signs',
    async () => keyIdOf(await deliverOne(world, receiver)) === told.key_id,
    patienceMs,
  );
  for (const delivery of receiver.received) {
    await readDelivery(delivery, early, delivery.receivedAt);
    await usual.read(delivery);
  }
  await passTime(world, 23.5 * hourMs);
  const late = await servedKeys(world);
  assert.ok(late.has(oldKey), 'what it has signed can still be verified');
  await readDelivery(before, late, before.receivedAt);
  await passTime(world, 0.5 * hourMs);
  const last = await servedKeys(world);
  assert.ok(!last.has(oldKey), 'the old key is gone');
  await assert.rejects(readDelivery(before, last, before.receivedAt), { code: 'keyid_unknown' });
  const newest = await deliverOne(world, receiver);
  for (const keys of [early, late, last]) await readDelivery(newest, keys, newest.receivedAt);
}

/** Lets the keys be older by so much, as they are when so much time has passed. */
async function passTime({ sql }: World, ms: number): Promise<void> {
  await sql`
    update unwind.signing_keys k
    set
      created_at = k.created_at - ${ms} * interval '1 ms',
      signs_from = k.signs_from - ${ms} * interval '1 ms',
      ends_at = k.ends_at - ${ms} * interval '1 ms'`;
}

const hourMs = 3_600_000;

async function trust(t: TestContext, { client, authority }: World): Promise<void> {
  const names = ['localhost'];
  const table: readonly (readonly [identity: ReturnType<typeof selfSigned>, error?: string])[] = [
    [authority.issue({ names })],
    [newAuthority('Somebody else').issue({ names }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [selfSigned({ names }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ];
  for (const [identity, error] of table) {
    const receiver = await startReceiver(t, undefined, identity);
    const { id } = await client.webhooks.create({ title: 'TLS', url: receiver.url });
    const answer = await client.send({ method: 'POST', target: `/webhooks/${id}/test` });
    assert.equal(answer.status, 200, answer.text);
    const { response } = answer.json as { response: { status?: number; error?: string } };
    assert.equal(response.error, error);
    assert.equal(response.status, error === undefined ? 204 : undefined);
    assert.equal(receiver.received.length, error === undefined ? 1 : 0);
  }
}
