// Where deliveries must not go: hostile URLs at registration and again at delivery, and hostile responses
// of resolvers, among them names that answer differently the second time. A receiver listens on
// loopback and must hear nothing.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import {
  type AddressPolicy,
  checkReceiverUrl,
  isAllowedAddress,
  resolvesToForbidden,
} from '../../src/egress/address.ts';
import { type Attempt, post, receiverAgent } from '../../src/egress/post.ts';
import type { Resolve } from '../../src/egress/resolve.ts';
import { newId } from '../../src/ids.ts';
import { settingsOf } from '../deliveries/queues.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { portOf } from '../support/condition.ts';

const live: AddressPolicy = { allowLoopback: false };

/** Refused by their form, wherever their names may lead. */
const hostileUrls = [
  'http://hooks.example.com/',
  'ftp://hooks.example.com/',
  'gopher://hooks.example.com/',
  'file:///etc/passwd',
  'data:text/plain,x',
  'javascript:alert(1)',
  'ws://hooks.example.com/',
  '//hooks.example.com/',
  'https://',
  'https://user@hooks.example.com/',
  'https://user:secret@hooks.example.com/',
  'https://hooks.example.com@169.254.169.254/',
  'https://hooks.example.com/#fragment',
  'https://127.0.0.1/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.0.0.1/',
  'https://0177.0.0.1/',
  'https://127.0.0.1./',
  'https://①②⑦.⓪.⓪.①/',
  'https://0/',
  'https://0.0.0.0/',
  'https://10.0.0.1/',
  'https://172.16.0.1/',
  'https://192.168.0.1/',
  'https://169.254.169.254/latest/meta-data/',
  'https://100.64.0.1/',
  'https://8.8.8.8/',
  'https://[::]/',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[64:ff9b::a9fe:a9fe]/',
  'https://[fe80::1]/',
  'https://[fc00::1]/',
  'https://[2606:2800:220:1:248:1893:25c8:1946]/',
  'https://localhost/',
  'https://LOCALHOST/',
  'https://localhost./',
  'https://localhost../',
  'https://hooks..example.com/',
  'https://hooks.example.com../',
  'https://%6c%6f%63alhost/',
  'https://loc\tal\nhost/',
  'https://\\\\localhost\\',
  'https://ｌｏｃａｌｈｏｓｔ/',
  'https://localhost%2F@localhost/',
  'https://[fe80::1%25eth0]/',
  'https://[::127.0.0.1]/',
  'https://[64:ff9b:1::7f00:1]/',
  'https://0300.0250.0.1/',
  'https://3232235521/',
  'https://hooks.localhost/',
  'https://intranet/',
  'https://metadata/',
  'https://kubernetes/',
] as const;

/** Addresses that a name must not lead to. */
const hostileAddresses = [
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '10.255.255.255',
  '100.64.0.1',
  '100.127.255.254',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.0.1',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.0.170',
  '192.0.2.1',
  '192.168.0.1',
  '168.63.129.16',
  '192.0.0.192',
  '192.88.99.1',
  '100.100.100.200',
  '::ffff:168.63.129.16',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:2::1',
  '2001:10::1',
  '2001:20::1',
  '64:ff9b::7f00:1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.250',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::7f00:1',
  '::ffff:10.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:169.254.169.254',
  '::ffff:0:127.0.0.1',
  '64:ff9b::10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::1',
  '64:ff9b:1:fffe::1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fdff:ffff::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  'ff0e::1',
] as const;

function answering(...answers: readonly (readonly string[])[]): Resolve & { asked: () => number } {
  let asked = 0;
  const resolve: Resolve = (_hostname, _options, callback) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    const found = addresses.map((address): LookupAddress => {
      return { address, family: address.includes(':') ? 6 : 4 };
    });
    queueMicrotask(() => callback(null, found));
  };
  return Object.assign(resolve, { asked: () => asked });
}

const { privateKey } = generateKeyPairSync('ed25519');

async function deliver(
  t: TestContext,
  url: string,
  given: { policy: AddressPolicy; resolve: Resolve },
): Promise<Attempt> {
  const agent = receiverAgent({ ...given, timeoutMs: 60_000 });
  t.after(() => agent.close());
  const algorithm = 'ed25519' as const;
  const key = { keyId: newId<'key'>(), algorithm, privateKey, standardKeys: [] };
  const webhook = settingsOf({ url, signatureVersion: '15', signatureAlgorithm: algorithm });
  const stop = new AbortController().signal;
  const clock = { now: () => new Date('2026-01-05T09:00:00.000Z') };
  const signings = new FairSlots(1);
  const how = { key, clock, timeoutMs: 60_000, stop, signings };
  return post(agent, { webhook, body: '{}', messageId: 'e', ...how });
}

test('the table is as long as it was promised to be', () => {
  assert.ok(hostileUrls.length + hostileAddresses.length >= 60);
});

describe('a URL is refused by its form, when it is registered and when it is delivered to', () => {
  for (const url of hostileUrls) {
    test(url, async (t) => {
      assert.ok('fault' in checkReceiverUrl(url, live));
      if (!URL.canParse(url) || !/^https?:/.test(url)) return;
      // However it came into the database, nothing connects.
      const resolve = answering(['127.0.0.1']);
      const attempt = await deliver(t, url, { policy: live, resolve });
      assert.ok(attempt.type === 'unanswered' && !attempt.wasReached, JSON.stringify(attempt));
    });
  }
});

describe('a name that leads to an address is refused', () => {
  for (const address of hostileAddresses) {
    test(address, async (t) => {
      assert.equal(isAllowedAddress(address, live), false);
      const resolve = answering([address]);
      assert.equal(await resolvesToForbidden('hooks.example.com', live, resolve), true);
      const attempt = await deliver(t, 'https://hooks.example.com/', { policy: live, resolve });
      assert.deepEqual(
        [attempt.type, attempt.type === 'unanswered' && attempt.reason],
        ['unanswered', 'FORBIDDEN_ADDRESS'],
      );
    });
  }

  test('when only one of its addresses is', async () => {
    for (const among of [
      ['93.184.216.34', '10.0.0.1'],
      ['127.0.0.1', '93.184.216.34'],
      ['2606:2800:220:1:248:1893:25c8:1946', '::1'],
    ]) {
      const resolve = answering(among);
      assert.equal(await resolvesToForbidden('hooks.example.com', live, resolve), true);
    }
  });

  test('when it has no address at all', async (t) => {
    const resolve = answering([]);
    const attempt = await deliver(t, 'https://hooks.example.com/', { policy: live, resolve });
    assert.equal(attempt.type === 'unanswered' && attempt.reason, 'FORBIDDEN_ADDRESS');
  });
});

describe('a name that answers differently the second time', () => {
  /** Counts connections; the TLS handshake that follows is of no interest. */
  async function listen(t: TestContext) {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(async () => {
      server.close();
    });
    return { port: portOf(server), connections: () => connections };
  }

  test('was public when it was registered, and is refused when it is delivered to', async (t) => {
    const { port, connections } = await listen(t);
    const resolve = answering(['93.184.216.34'], ['127.0.0.1']);
    assert.equal(await resolvesToForbidden('rebind.example.com', live, resolve), false);
    const url = `https://rebind.example.com:${port}/`;
    const attempt = await deliver(t, url, { policy: live, resolve });
    assert.equal(attempt.type === 'unanswered' && attempt.reason, 'FORBIDDEN_ADDRESS');
    assert.equal(connections(), 0);
  });

  test('is asked once for a connection, which goes to what was checked', async (t) => {
    const { port, connections } = await listen(t);
    // Were it asked again between the check and the connection, it would lead elsewhere.
    const resolve = answering(['127.0.0.1'], ['10.0.0.1']);
    const policy = { allowLoopback: true };
    const url = `https://rebind.example.com:${port}/`;
    const attempt = await deliver(t, url, { policy, resolve });
    assert.equal(attempt.type, 'unanswered');
    assert.deepEqual([resolve.asked(), connections()], [1, 1]);
  });
});

describe('networks that are allowed', () => {
  const policy: AddressPolicy = {
    allowLoopback: false,
    allowedNetworks: ['10.20.0.0/16', 'fd12:3456::/32', '192.168.7.7', '0.0.0.0/0', '::/0'].slice(
      0,
      3,
    ),
  };
  const everything: AddressPolicy = {
    allowLoopback: false,
    allowedNetworks: ['0.0.0.0/0', '::/0'],
  };

  test('admit their own addresses and no others', () => {
    for (const address of ['10.20.0.1', '10.20.255.254', 'fd12:3456::1', '192.168.7.7']) {
      assert.equal(isAllowedAddress(address, policy), true, address);
    }
    for (const address of ['10.21.0.1', 'fd12:3457::1', '192.168.7.8', '127.0.0.1', '::1']) {
      assert.equal(isAllowedAddress(address, policy), false, address);
    }
  });

  test('never admit what is of this machine’s links, a group or no one', () => {
    for (const address of ['169.254.169.254', 'fe80::1', '224.0.0.1', 'ff02::1', '0.0.0.0', '::']) {
      assert.equal(isAllowedAddress(address, everything), false, address);
    }
  });

  test('make no exception for the form of a URL', () => {
    assert.ok('fault' in checkReceiverUrl('https://10.20.0.1/', policy));
    assert.ok('fault' in checkReceiverUrl('http://hooks.example.com/', policy));
  });
});

test('a redirect is not followed, wherever it leads', async (t) => {
  const inside = await startReceiver(t);
  const outside = await startReceiver(t);
  const targets = [inside.url, 'http://169.254.169.254/', '//127.0.0.1/', '/elsewhere'];
  outside.react = (number) => {
    return { status: 307, headers: { location: targets[number - 1] ?? '/' } };
  };
  for (const _ of targets) {
    const resolve = answering(['127.0.0.1']);
    const attempt = await deliver(t, outside.url, { policy: { allowLoopback: true }, resolve });
    assert.equal(attempt.type === 'answered' && attempt.status, 307);
  }
  assert.deepEqual([outside.received.length, inside.received.length], [targets.length, 0]);
});
