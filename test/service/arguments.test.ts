// Arguments of the command line that are more than text: what is read, and what is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hours, packageSize } from '../../src/commands/arguments.ts';

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
