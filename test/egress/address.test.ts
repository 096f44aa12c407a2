// Where deliveries may go: every rule by an example on each side of it.
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { describe, test } from 'node:test';
import {
  type AddressPolicy,
  checkReceiverUrl,
  ForbiddenAddressError,
  guardedLookup,
  isAllowedAddress,
} from '../../src/egress/address.ts';
import { fc } from '../support/properties.ts';

const open: AddressPolicy = { allowLoopback: false };
const sandbox: AddressPolicy = { allowLoopback: true };

describe('checkReceiverUrl', () => {
  const admitted = [
    ['https://example.com', 'https://example.com/'],
    ['https://Example.COM:443/a?b=c', 'https://example.com/a?b=c'],
    ['https://hooks.example.com:8443/x', 'https://hooks.example.com:8443/x'],
    ['https://münchen.example/ä', 'https://xn--mnchen-3ya.example/%C3%A4'],
  ] as const;
  for (const [text, href] of admitted) {
    test(`admits ${text} everywhere`, () => {
      for (const policy of [open, sandbox]) {
        const checked = checkReceiverUrl(text, policy);
        assert.equal('url' in checked && checked.url.href, href);
      }
    });
  }

  const refused = [
    ['', 'is not a URL'],
    ['example.com/hook', 'is not a URL'],
    ['http://example.com', 'is not https'],
    ['ftp://example.com', 'is not https'],
    ['file:///etc/passwd', 'is not https'],
    ['https://example.com:0/', 'has the port 0, which no receiver has'],
    ['https://user@example.com', 'carries credentials'],
    ['https://:secret@example.com', 'carries credentials'],
    ['https://example.com/#top', 'has a fragment'],
    ['https://10.0.0.1', 'names an address instead of a host'],
    ['https://93.184.216.34', 'names an address instead of a host'],
    ['https://[2606:2800:220::1]', 'names an address instead of a host'],
    ['https://intranet', 'does not name a public host'],
    ['https://hooks.localhost', 'does not name a public host'],
  ] as const;
  for (const [text, fault] of refused) {
    test(`refuses ${text || 'an empty text'} everywhere, since it ${fault}`, () => {
      for (const policy of [open, sandbox]) {
        assert.deepEqual(checkReceiverUrl(text, policy), { fault });
      }
    });
  }

  // All of them are this machine, however they are written.
  const local = [
    'http://localhost:8080/hook',
    'https://localhost',
    'http://127.0.0.1:1/',
    'http://127.9.9.9/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]:8080/',
    'http://[::ffff:127.0.0.1]/',
  ];
  for (const text of local) {
    test(`admits ${text} only where loopback is`, () => {
      assert.ok('url' in checkReceiverUrl(text, sandbox));
      assert.ok('fault' in checkReceiverUrl(text, open));
      assert.ok('fault' in checkReceiverUrl(text.replace('http:', 'https:'), open));
    });
  }
});

describe('isAllowedAddress', () => {
  const table: readonly (readonly [address: string, open: boolean, sandbox: boolean])[] = [
    ['93.184.216.34', true, true],
    ['2606:2800:220:1:248:1893:25c8:1946', true, true],
    ['127.0.0.1', false, true],
    ['127.255.255.254', false, true],
    ['::1', false, true],
    ['::ffff:127.0.0.1', false, true],
    ['0.0.0.0', false, false],
    ['::', false, false],
    ['10.1.2.3', false, false],
    ['172.16.0.1', false, false],
    ['192.168.1.1', false, false],
    ['::ffff:10.0.0.1', false, false],
    ['169.254.169.254', false, false],
    ['100.64.0.1', false, false],
    ['192.0.2.1', false, false],
    ['198.18.0.1', false, false],
    ['224.0.0.1', false, false],
    ['240.0.0.1', false, false],
    ['255.255.255.255', false, false],
    ['fe80::1', false, false],
    ['fc00::1', false, false],
    ['fd12:3456::1', false, false],
    ['ff02::1', false, false],
    ['2001:db8::1', false, false],
    ['64:ff9b::a00:1', false, false],
    ['::a9fe:a9fe', false, false],
    ['4000::1', false, false],
    ['2002:a00:1::', false, false],
    ['not an address', false, false],
  ];
  for (const [address, whenOpen, whenSandbox] of table) {
    test(`${address}: ${whenOpen}, in a sandbox ${whenSandbox}`, () => {
      assert.equal(isAllowedAddress(address, open), whenOpen);
      assert.equal(isAllowedAddress(address, sandbox), whenSandbox);
    });
  }

  test('no address of a private block is ever allowed, in either notation', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const blocks = fc.oneof(
      fc.tuple(fc.constant(10), byte, byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
    );
    fc.assert(
      fc.property(blocks, (bytes) => {
        const address = bytes.join('.');
        assert.equal(isAllowedAddress(address, sandbox), false);
        assert.equal(isAllowedAddress(`::ffff:${address}`, sandbox), false);
      }),
    );
  });
});

describe('guardedLookup', () => {
  const lookUp = (policy: AddressPolicy, all: boolean) => {
    const { promise, resolve, reject } = Promise.withResolvers<string | LookupAddress[]>();
    guardedLookup(policy)('localhost', { all }, (error, found) => {
      if (error) reject(error);
      else resolve(found);
    });
    return promise;
  };

  test('gives the addresses it has checked', async () => {
    const all = await lookUp(sandbox, true);
    assert.ok(Array.isArray(all) && all.length > 0);
    assert.ok(all.every(({ address }) => address === '127.0.0.1' || address === '::1'));
    const one = await lookUp(sandbox, false);
    assert.ok(one === '127.0.0.1' || one === '::1');
  });

  test('fails for a name of this machine where loopback is not allowed', async () => {
    for (const all of [true, false]) await assert.rejects(lookUp(open, all), ForbiddenAddressError);
  });

  test('fails for a name that does not exist', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    guardedLookup(sandbox)('no-such-host.invalid', {}, (error) => resolve(error));
    assert.ok((await promise) instanceof Error);
  });
});
