// The commands of `unwind batches`, in this process, against the API over HTTP.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ApiError, Client } from '@unwind/client';
import { batchLookMs } from '../../src/batches/limits.ts';
import {
  listBatches,
  showBatch,
  startBatch,
  steerBatch,
  watchBatch,
} from '../../src/commands/run-batches.ts';
import { UsageError } from '../../src/commands/usage-error.ts';
import { Screen } from '../book/screen.ts';
import { giveAccounts } from '../http/api.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
const service = await startHttp({ after }, { sql, clock });
const registered = await makeApiClient(sql, clock);
const { clientId, clientSecret, keyId, key, scopes } = registered;
const client = new Client({
  baseUrl: `http://127.0.0.1:${service.port}`,
  ...{ clientId, clientSecret, keyId, privateKey: key.privateKey, scopes },
  now: clock.now,
});
const steps = engineSteps(sql, clock, { delayMs: 0 });
const directory = await mkdtemp(join(tmpdir(), 'unwind-batches-'));
after(() => rm(directory, { recursive: true, force: true }));
const by = { reason: 'The product ends', actor: 'A. Risk' };

function begin() {
  const stdout = new Screen();
  const on = { client, stdout, terminal: undefined, signal: new AbortController().signal };
  return { on, stdout };
}

async function fileOf(lines: readonly string[]): Promise<string> {
  const file = join(directory, `${randomUUID()}.csv`);
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

const idIn = ({ text }: Screen) => /Batch (\S+):/.exec(text)?.[1] ?? assert.fail(text);

test('a batch is started from a file once, followed to its end, and shown', async () => {
  const [one, two] = await giveAccounts(sql, registered, [{}, { status: 'LOCKED' }]);
  assert.ok(two);
  const file = await fileOf([
    'account_id,user_id',
    `${one.accountId},${one.userId}`,
    `${two.accountId},${two.userId}`,
  ]);
  const idempotencyKey = randomUUID();
  const { on, stdout } = begin();
  const options = { file, rate: 6_000, inProgress: 5, idempotencyKey, ...by };
  assert.equal(await startBatch(on, options), 0);
  assert.match(stdout.text, /SCHEDULED +2 accounts {2}6000 a minute {2}5 at once/);
  const id = idIn(stdout);
  assert.equal(await startBatch(on, options), 0);
  assert.equal(stdout.text.split(`Batch ${id}:`).length, 3, 'the same again is the same batch');
  for (let i = 0; i < 3; i += 1) {
    await runUntilIdle(steps);
    clock.advance(batchLookMs);
  }
  const watched = begin();
  assert.equal(await watchBatch(watched.on, id), 1, 'one was refused');
  assert.match(
    watched.stdout.text,
    /^COMPLETED {2}0 waiting, 1 started, 1 refused, .*2083\.50 EUR\n.*--accounts REFUSED\n$/,
  );
  const shown = begin();
  await showBatch(shown.on, id, { accounts: 'REFUSED' });
  assert.match(
    shown.stdout.text,
    new RegExp(`${two.accountId} {2}REFUSED {4}The account is not active.`),
  );
  const listed = begin();
  await listBatches(listed.on, { status: 'COMPLETED' });
  assert.match(listed.stdout.text, new RegExp(`^${id} {2}COMPLETED`));
});

test('what of a batch is open is shown with why it waits, and how much more there is', async () => {
  const locked = [{ isin: 'DE0007164600', quantity: '4', locked: '1' }];
  const accounts = Array.from({ length: 12 }, () => ({ positions: locked }));
  const made = await giveAccounts(sql, registered, accounts);
  const file = await fileOf(['account_id', ...made.map(({ accountId }) => accountId)]);
  const { on, stdout } = begin();
  await startBatch(on, { file, ...by });
  const id = idIn(stdout);
  const show = async (client = on.client) => {
    const shown = begin();
    assert.equal(await showBatch({ ...shown.on, client }, id, {}), 0);
    return shown.stdout.text.split('\n').slice(0, -1);
  };
  assert.ok(!(await show()).includes('  Open:'), 'nothing is started');
  await runUntilIdle(steps);
  const open = (await show()).slice(2);
  assert.match(String(open[0]), /^ {2}0 waiting, 12 started, 0 refused, .*; 12 open, 0 filled/);
  assert.deepEqual(open[1], '  Open:');
  assert.equal(open.length, 2 + 10 + 1);
  const form = /^ {4}(\S+) {2}\S+ {2}PROCESSING {2}locked DE0007164600( since \S+)?( \(.*\))?$/;
  const [first] = made.map(({ accountId }) => accountId).toSorted();
  assert.equal(form.exec(String(open[2]))?.[1], first, open[2]);
  for (const line of open.slice(2, -1)) assert.match(line, form);
  assert.equal(open.at(-1), `    and 2 more: unwind batches show ${id} --accounts OPEN`);
  const all = begin();
  await showBatch(all.on, id, { accounts: 'OPEN' });
  assert.equal(all.stdout.text.match(/ {2}STARTED +\S+ {2}PROCESSING/g)?.length, 12);
  const ofBatches = new Client({
    baseUrl: `http://127.0.0.1:${service.port}`,
    ...{ clientId, clientSecret, keyId, privateKey: key.privateKey, scopes: ['batches:read'] },
    now: clock.now,
  });
  const bare = (await show(ofBatches)).slice(4, -1);
  assert.equal(bare.length, 10);
  for (const line of bare) assert.match(line, / {2}PROCESSING$/);
});

test('an end is foreseen while all goes on, and not where some of it waits for a person', async () => {
  const locked = [{ isin: 'DE0007164600', quantity: '4', locked: '1' }];
  const ends = async (positions: readonly object[], rate: number) => {
    const made = await giveAccounts(sql, registered, [{}, ...positions]);
    const batch = await client.batches.create({
      accounts: made.map(({ accountId }) => ({ account_id: accountId })),
      ...{ rate, reason: by.reason, person: by.actor },
    });
    for (let i = 0; i < 3; i += 1) {
      await runUntilIdle(steps);
      clock.advance(batchLookMs);
    }
    const { liquidations, estimated_end_at: end } = await client.batches.retrieve(batch.id);
    assert.equal(liquidations.filled, 1);
    const { on, stdout } = begin();
    await showBatch(on, batch.id, {});
    assert.equal(stdout.text.includes('until about'), end !== undefined, stdout.text);
    return end !== undefined;
  };
  assert.equal(await ends([{}], 1), true, 'the second is started a minute later');
  assert.equal(await ends([{ positions: locked }], 6_000), false);
});

test('a file that is wrong makes no batch, and says where it is wrong', async () => {
  const { on, stdout } = begin();
  const file = await fileOf(['account_id', 'nonsense', randomUUID()]);
  assert.equal(await startBatch(on, { file, ...by }), 1);
  assert.equal(
    stdout.text,
    `${file}:2: account_id is no UUID\nNo batch was made: correct the file and start again.\n`,
  );
  const empty = await fileOf(['account_id']);
  assert.equal(await startBatch(on, { file: empty, ...by }), 1);
  await assert.rejects(startBatch(on, { file: join(directory, 'none.csv'), ...by }), UsageError);
  const other = await fileOf(['account', randomUUID()]);
  assert.equal(await startBatch(on, { file: other, ...by }), 1);
});

test('a batch is paused, resumed and cancelled; a watched one that was cancelled exits 1', async () => {
  const [one] = await giveAccounts(sql, registered);
  const { on, stdout } = begin();
  const file = await fileOf(['account_id', one.accountId]);
  await startBatch(on, { file, startAt: '2100-01-01T00:00:00Z', ...by });
  const id = idIn(stdout);
  await steerBatch(on, { verb: 'pause', id, by });
  assert.match(stdout.text, /PAUSED/);
  await assert.rejects(steerBatch(on, { verb: 'pause', id, by }), (error) => {
    return error instanceof ApiError && error.status === 409;
  });
  await steerBatch(on, { verb: 'resume', id, by });
  await steerBatch(on, { verb: 'cancel', id, by });
  await runUntilIdle(steps);
  const watched = begin();
  assert.equal(await watchBatch(watched.on, id), 1);
  assert.match(watched.stdout.text, /^CANCELLED {2}0 waiting, 0 started, 0 refused, 1 not started/);
  const shown = begin();
  await showBatch(shown.on, id, {});
  assert.match(shown.stdout.text, /^ {2}decided last \S+Z by A\. Risk: The product ends$/m);
});
