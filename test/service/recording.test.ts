// `UNWIND_RECORD` and `unwind replay-request`, each as its own process.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { newHome, newHomeOnServer, runUnwind, startService } from './processes.ts';

test('a recorded request is sent again, signed anew', async (t) => {
  const home = await newHomeOnServer(t);
  const directory = join(dirname(home), 'records');
  const settings = { UNWIND_LOG_LEVEL: 'error', UNWIND_RECORD: directory };
  await startService(t, { home, settings });
  const run = (...args: readonly string[]) => runUnwind(t, args, { home, settings });
  const json = '{"title":"Recorded","url":"https://hooks.example.test/"}';
  const sent = await run('request', 'POST', '/webhooks', '--data', json);
  assert.equal(sent.code, 0, sent.stderr);
  const find = async (target: string): Promise<string> => {
    for (const name of await readdir(directory)) {
      const file = join(directory, name);
      if (JSON.parse(await readFile(file, 'utf8')).request.target === target) return file;
    }
    return assert.fail(`${target} was recorded`);
  };
  const file = await find('/webhooks');
  const again = await run('replay-request', file);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^recorded: 201; now:\n201\n/);
  const listed = await run('request', 'GET', '/webhooks');
  assert.equal([...listed.stdout.matchAll(/"title": "Recorded"/g)].length, 2, 'carried out again');
  const printed = await run('replay-request', file, '--print', '--new-key');
  assert.match(printed.stdout, /^POST \/webhooks HTTP\/1\.1\r\n/);
  assert.match(printed.stdout, /"Recorded"/);

  const token = await run('replay-request', await find('/auth/token'));
  assert.deepEqual([token.code, token.stdout], [2, '']);
  assert.match(token.stderr, /^unwind: .+ holds a request with a secret, which was not kept\./);
  const bad = join(directory, 'bad.json');
  for (const [text, said] of [
    ['', /is no recorded request: UNWIND_RECORD=DIR/],
    ['null', /is no recorded request/],
    ['{"request":{"method":"GET"}}', /is no recorded request/],
    ['x'.repeat(2_000_000), /is larger than any recorded request/],
  ] as const) {
    await writeFile(bad, text);
    const refused = await run('replay-request', bad);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, said);
    assert.doesNotMatch(refused.stderr, /fault of Unwind|\n {4}at /);
  }
  const missing = await run('replay-request', join(directory, 'none.json'));
  assert.match(missing.stderr, /none\.json cannot be read: it does not exist\./);
});

test('live mode records nothing', async (t) => {
  const home = await newHome(t);
  const settings = { UNWIND_MODE: 'live', UNWIND_RECORD: join(home, 'records') };
  const refused = await runUnwind(t, ['start'], { home, settings });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /UNWIND_RECORD keeps what clients send: only a sandbox does that/);
});
