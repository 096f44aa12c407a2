// Whether the service may listen where its settings say: each reason against it has a sentence of its own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { ConfigError } from '../../src/settings/config.ts';
import { checkAddress, explainListening } from '../../src/settings/listen.ts';
import { portOf } from '../support/condition.ts';

async function refusalOf(host: string, port: number): Promise<string> {
  const error = await checkAddress({ host, port }).then(
    () => assert.fail('it was taken'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConfigError, String(error));
  return error.message;
}

test('a port in use, a foreign address and an unknown name are different faults', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const port = portOf(other);
  assert.equal(
    await refusalOf('127.0.0.1', port),
    `The port ${port} is in use; choose another with PORT.`,
  );
  assert.match(
    await refusalOf('203.0.113.7', 0),
    /^HOST 203\.0\.113\.7 is not an address of this machine\./,
  );
  assert.match(
    await refusalOf('no-such-host.invalid', 0),
    /^HOST no-such-host\.invalid is not an address/,
  );
  await checkAddress({ host: '127.0.0.1', port: 0 });
});

test('a port that needs a right says so', {
  skip: process.getuid?.() === 0 && 'root has it',
}, async () => {
  assert.match(await refusalOf('127.0.0.1', 80), /^This account may not listen on port 80:/);
});

test('other errors stay as they are', () => {
  const error = new Error('other');
  assert.equal(explainListening(error, { host: '127.0.0.1', port: 1 }), error);
});
