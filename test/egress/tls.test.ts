// Receivers behind TLS, with real handshakes: which certificates and versions are taken, and what the
// delivery log says of those that are not.
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { listAttempts, readDeliveryState } from '../../src/deliveries/history-store.ts';
import { type Presented, startReceiver, type TestReceiver } from '../deliveries/receiver.ts';
import { deliverDue, startDeliverer } from '../deliveries/subscriptions.ts';
import {
  assertArrived,
  deliverAll,
  logLiquidations,
  newAccounts,
  newWorld,
  subscribeTo,
} from '../deliveries/world.ts';
import { type Identity, newAuthority, selfSigned } from './certificate.ts';

const authority = newAuthority('Authority of these tests');
// As NODE_EXTRA_CA_CERTS does it for a process.
setDefaultCACertificates([...getCACertificates('default'), authority.cert]);

const names = ['localhost'];
const right: Identity = authority.issue({ names });

/** What was usual before TLS 1.2, with the ciphers of that time. */
const outdated = {
  minVersion: 'TLSv1',
  maxVersion: 'TLSv1.1',
  ciphers: 'DEFAULT@SECLEVEL=0',
} as const;

/** A world whose receiver presents this, with a subscription to it. */
async function newSecureWorld(t: TestContext, presented: Presented) {
  const world = await newWorld(t);
  const receiver = await startReceiver(t, world.clock, presented);
  const secure = { ...world, receiver };
  const webhook = await subscribeTo(secure);
  await logLiquidations(secure, newAccounts(2));
  return { world: secure, webhook };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a receiver that speaks ${version} only gets everything`, async (t) => {
    const presented = { ...right, minVersion: version, maxVersion: version };
    const { world, webhook } = await newSecureWorld(t, presented);
    await deliverAll(t, world, webhook);
    await assertArrived(world);
    assert.deepEqual(world.receiver.protocols(), [version]);
  });
}

test('a client that asks for nothing better gets TLS 1.1 of the outdated receiver', async (t) => {
  const receiver = await startReceiver(t, undefined, { ...right, ...outdated });
  assert.equal(await protocolOf(receiver), 'TLSv1.1');
});

/** What is negotiated with a receiver by somebody who is content with anything. */
function protocolOf({ port }: TestReceiver): Promise<string | null> {
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const { minVersion, ciphers } = outdated;
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', minVersion, ciphers });
  socket.once('secureConnect', () => resolve(socket.getProtocol()));
  socket.once('error', reject);
  return promise.finally(() => socket.destroy());
}

describe('is refused, and the delivery log says why:', () => {
  const yesterday = new Date(Date.now() - 86_400_000);
  const longAgo = new Date('2001-01-01T00:00:00Z');
  const tomorrow = new Date(Date.now() + 86_400_000);
  const table: readonly (readonly [what: string, presented: Presented, outcome: string])[] = [
    ['TLS 1.1', { ...right, ...outdated }, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
    [
      'a certificate for another name',
      authority.issue({ names: ['hooks.example.test'] }),
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'a certificate that has expired',
      authority.issue({ names, from: longAgo, to: yesterday }),
      'CERT_HAS_EXPIRED',
    ],
    [
      'a certificate that is not valid yet',
      authority.issue({ names, from: tomorrow }),
      'CERT_NOT_YET_VALID',
    ],
    ['a certificate of its own', selfSigned({ names }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [
      'a certificate of an authority that nobody has trusted',
      newAuthority('Somebody else').issue({ names }),
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
  ];
  for (const [what, presented, outcome] of table) {
    test(what, async (t) => {
      const { world, webhook } = await newSecureWorld(t, presented);
      const { sql, clock, receiver } = world;
      await deliverDue(startDeliverer(t, sql, { clock }));
      assert.equal(receiver.received.length, 0, 'not a byte of a request');
      const [attempt] = await listAttempts(sql, webhook, { limit: 1, result: 'failed' });
      assert.deepEqual([attempt?.status, attempt?.outcome], [undefined, outcome]);
      const state = await readDeliveryState(sql, webhook, 1);
      assert.deepEqual([state?.lastOutcome, state?.failingSince], [outcome, clock.now()]);
      // Mended, it gets what it has missed.
      receiver.present(right);
      await deliverAll(t, world, webhook);
      await assertArrived(world);
    });
  }
});
