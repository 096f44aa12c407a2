// Arguments of the command line that are more than text: what is read, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  displayName,
  hours,
  packageSize,
  reasonText,
  scopeList,
  scopesIn,
} from '../../src/commands/arguments.ts';

const refused = { code: 'commander.invalidArgument' };

test('hours may have decimals, and are at most a year', () => {
  const right = { 0: 0, 1: 1, '0.25': 0.25, '168': 168, '8760': 8_760, '8760.0': 8_760 };
  for (const [text, value] of Object.entries(right)) assert.equal(hours(text), value);
  for (const text of ['', '-1', '1h', '.5', '1.', '1e3', '0x10', '8760.1', '99999', ' 1', 'NaN']) {
    assert.throws(() => hours(text), refused, text);
  }
});

test('packages have the sizes that a subscription can have, or there are none', () => {
  for (const size of [100, 1_048_576]) assert.equal(packageSize(String(size)), size);
  assert.equal(packageSize('none'), 'none');
  for (const text of ['', '99', '1048577', '-100', '100.5', '1e3', '1MiB', 'None']) {
    assert.throws(() => packageSize(text), refused, text);
  }
});

test('a name or a reason is a line of text that no terminal obeys or turns around', () => {
  for (const text of ['Ada', 'Müller & Söhne', '株式会社', 'عميل', 'a\u200db', '👩‍💻']) {
    assert.equal(displayName(text), text);
    assert.equal(reasonText(text), text);
  }
  const bidirectional = [0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069];
  const unfit = [0x00, 0x07, 0x0a, 0x1b, 0x7f, 0x9b, 0x9d, 0x200e, 0x200f, 0x061c, 0x2028, 0x2029];
  for (const code of [...bidirectional, ...unfit, 0xd800]) {
    const text = `a${String.fromCharCode(code)}b`;
    assert.throws(() => displayName(text), refused, code.toString(16));
    assert.throws(() => reasonText(text), refused, code.toString(16));
  }
  for (const text of ['', ' ', 'a'.repeat(101)]) assert.throws(() => displayName(text), refused);
  assert.equal(reasonText('a'.repeat(500)).length, 500);
  assert.throws(() => reasonText('a'.repeat(501)), refused);
});

test('all scopes in live mode are those of the contract and of our extensions', () => {
  assert.equal(scopesIn('sandbox', scopeList('all')).length, 43);
  const live = scopesIn('live', scopeList('all'));
  assert.equal(live.length, 42);
  assert.ok(!live.includes('tests:admin'));
  assert.throws(() => scopesIn('live', scopeList('orders:read tests:admin')), {
    message: 'tests:admin is a scope of sandboxes, and this is live mode.',
  });
  assert.deepEqual(scopesIn('live', scopeList('orders:read')), ['orders:read']);
});
