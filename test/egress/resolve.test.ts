// How names of receivers are resolved: by the hosts file, then by name servers, of which some never
// answer.
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { guardedLookup } from '../../src/egress/address.ts';
import { type Resolving, resolverOf } from '../../src/egress/resolve.ts';
import { eventually } from '../support/condition.ts';
import { type NameAnswer, startNameServer } from './name-server.ts';

const noHosts = '/nonexistent/hosts';

function lookUp(name: string, resolving: Resolving): Promise<LookupAddress[]> {
  const { promise, resolve, reject } = Promise.withResolvers<LookupAddress[]>();
  resolverOf(resolving)(name, { all: true }, (error, addresses) => {
    if (error) reject(error);
    else resolve(addresses);
  });
  return promise;
}

const four = { address: '192.0.2.7', family: 4 };
const six = { address: '2001:db8:0:0:0:0:0:7', family: 6 };
const shortSix = { ...six, address: '2001:db8::7' };

test('an address is its own name: no name server is asked', async () => {
  const resolving = { hostsFile: noHosts, servers: [] };
  assert.deepEqual(await lookUp('127.0.0.1', resolving), [{ address: '127.0.0.1', family: 4 }]);
  assert.deepEqual(await lookUp('[::1]', resolving), [{ address: '::1', family: 6 }]);
});

describe('a name', () => {
  const table: readonly (readonly [what: string, NameAnswer, readonly LookupAddress[]])[] = [
    ['with an IPv4 address', { addresses: [four.address] }, [four]],
    ['with an IPv6 address only', { addresses: [six.address] }, [shortSix]],
    ['with both', { addresses: [six.address, four.address] }, [four, shortSix]],
    ['that is an alias', { addresses: [four.address], alias: 'at.example.net' }, [four]],
  ];
  for (const [what, answer, expected] of table) {
    test(`${what} has its addresses`, async (t) => {
      const { server } = await startNameServer(t, () => answer);
      const found = await lookUp('hooks.example.com', { hostsFile: noHosts, servers: [server] });
      assert.deepEqual(found, expected);
    });
  }

  const failures: readonly (readonly [NameAnswer, code: string])[] = [
    ['no such name', 'ENOTFOUND'],
    ['failed', 'ESERVFAIL'],
    [{ addresses: [] }, 'ENODATA'],
  ];
  for (const [answer, code] of failures) {
    test(`fails with ${code} when the answer is ${JSON.stringify(answer)}`, async (t) => {
      const { server } = await startNameServer(t, () => answer);
      const looking = lookUp('hooks.example.com', { hostsFile: noHosts, servers: [server] });
      await assert.rejects(looking, { code });
    });
  }

  test('whose server never answers fails after some seconds', async (t) => {
    const { server, asked } = await startNameServer(t, () => 'silence');
    const looking = lookUp('hooks.example.com', { hostsFile: noHosts, servers: [server] });
    await assert.rejects(looking, { code: /^(ETIMEOUT|ECANCELLED)$/ });
    assert.ok(asked.length >= 2, 'and is asked for more than once');
  });

  test('is found by one kind of addresses when the other is never answered', async (t) => {
    for (const silent of ['A', 'AAAA']) {
      const { server } = await startNameServer(t, (_name, kind) => {
        return kind === silent ? 'silence' : { addresses: [four.address, six.address] };
      });
      const found = await lookUp('hooks.example.com', { hostsFile: noHosts, servers: [server] });
      assert.deepEqual(found, [silent === 'A' ? shortSix : four]);
    }
  });

  test('without addresses of one kind is asked for the other again when a question is lost', async (t) => {
    let lost = 0;
    const { server } = await startNameServer(t, (_name, kind) => {
      if (kind === 'AAAA') return { addresses: [] };
      lost += 1;
      return lost === 1 ? 'silence' : { addresses: [four.address] };
    });
    const found = await lookUp('hooks.example.com', { hostsFile: noHosts, servers: [server] });
    assert.deepEqual(found, [four]);
  });

  test('is looked up while many others wait for servers that never answer', async (t) => {
    const { server, asked } = await startNameServer(t, (name) => {
      return name.startsWith('dead') ? 'silence' : { addresses: [four.address] };
    });
    const resolving = { hostsFile: noHosts, servers: [server] };
    let waiting = 50;
    const dead = Array.from({ length: waiting }, async (_, i) => {
      await lookUp(`dead${i}.example.com`, resolving).catch(() => {});
      waiting -= 1;
    });
    await eventually('all of them were asked for', () => new Set(asked).size === 50);
    assert.deepEqual(await lookUp('hooks.example.com', resolving), [four]);
    assert.equal(waiting, 50, 'none of the others has ended');
    await Promise.all(dead);
  });
});

describe('the hosts file', () => {
  async function fileWith(t: TestContext, text: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'unwind-hosts-'));
    t.after(() => rm(directory, { recursive: true }));
    const file = join(directory, 'hosts');
    await writeFile(file, text);
    return file;
  }

  test('goes before the name servers', async (t) => {
    const { server, asked } = await startNameServer(t, () => ({ addresses: [four.address] }));
    const hostsFile = await fileWith(
      t,
      '# 192.0.2.1 hooks.example.com\n' +
        '10.20.0.9\tother.example.com Hooks.Example.com # ours\n' +
        'nonsense hooks.example.com\n' +
        '2001:db8::9 hooks.example.com\n',
    );
    const resolving = { hostsFile, servers: [server] };
    assert.deepEqual(await lookUp('HOOKS.example.com.', resolving), [
      { address: '10.20.0.9', family: 4 },
      { address: '2001:db8::9', family: 6 },
    ]);
    assert.deepEqual(asked, []);
    assert.deepEqual(await lookUp('third.example.com', resolving), [four]);
  });

  test('need not be there: localhost is this machine, and no name server is asked', async (t) => {
    const { server, asked } = await startNameServer(t, () => 'no such name');
    const found = await lookUp('localhost', { hostsFile: noHosts, servers: [server] });
    assert.deepEqual(found, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ]);
    assert.deepEqual(asked, []);
  });
});

describe('a name with very many addresses', () => {
  const addresses = Array.from({ length: 60 }, (_, i) => `93.184.216.${i}`);
  const looked = async (t: TestContext, all: readonly string[]) => {
    const { server } = await startNameServer(t, () => ({ addresses: all }));
    const lookup = guardedLookup(
      { allowLoopback: false },
      resolverOf({ hostsFile: noHosts, servers: [server] }),
    );
    const { promise, resolve } = Promise.withResolvers<unknown>();
    lookup('hooks.example.com', { all: true }, (error, found) => resolve(error ?? found));
    return promise;
  };

  test('is connected to by a few of them', async (t) => {
    const found = await looked(t, addresses);
    assert.ok(Array.isArray(found) && found.length === 8, JSON.stringify(found));
  });

  test('is refused for any one that is not public', async (t) => {
    const found = await looked(t, [...addresses, '10.0.0.1']);
    assert.ok(found instanceof Error && 'code' in found && found.code === 'FORBIDDEN_ADDRESS');
  });
});
