// The commands that do what clients do, on the real API: start, watch and cancel liquidations, and webhooks.
// Runs alone: it draws ids from the clock of the test.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ApiError, Client } from '@unwind/client';
import { type Command, CommanderError } from 'commander';
import { batchLookMs } from '../../src/batches/limits.ts';
import { serviceUrl } from '../../src/commands/arguments.ts';
import { readClientFile } from '../../src/commands/client-file.ts';
import { makeProgram } from '../../src/commands/program.ts';
import { printJson } from '../../src/commands/run.ts';
import type { OnApi } from '../../src/commands/sandbox-access.ts';
import { start } from '../../src/commands/selling-commands.ts';
import { RefusedError, UsageError } from '../../src/commands/usage-error.ts';
import { isSold, progressOf, watchLiquidations } from '../../src/commands/watch-liquidations.ts';
import { type AccountId, drawIdsFrom } from '../../src/ids.ts';
import { giveAccounts } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';

const { sql } = await createTestDatabase({ after });
const clock = testClock();
drawIdsFrom(clock);
after(async () => drawIdsFrom());
const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0, allowLoopback: true });
const registered = await makeApiClient(sql, clock, {
  scopes: ['account_liquidations:admin', 'accounts:read', 'batches:admin', 'webhooks:admin'],
});
const { clientId, clientSecret, keyId, key, scopes } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const who = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
const client = new Client({ baseUrl, ...who, now: clock.now });
const steps = engineSteps(sql, clock, { delayMs: 0 });
const quiet = { json: undefined, terminal: undefined };
const mine = { actor: 'A. Risk' };

const directory = await mkdtemp(join(tmpdir(), 'unwind-selling-'));
after(() => rm(directory, { recursive: true }));

async function fileOf(text: string): Promise<string> {
  const file = join(directory, `${Math.random()}.csv`);
  await writeFile(file, text);
  return file;
}

/** The API, and what is printed. */
function screen(): OnApi & { text(): string } {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  return { client, clientId, stdout: { write }, text: () => text };
}

/** Carries out what was asked, and lets a batch see what became of it. */
async function carryOut(): Promise<void> {
  for (let i = 0; i < 3; i += 1) {
    await runUntilIdle(steps);
    clock.advance(batchLookMs);
  }
}

async function startedOf(accountId: string): Promise<string> {
  const json = screen();
  assert.equal(await start(json, accountId as AccountId, { ...mine, json: true }), 0);
  return JSON.parse(json.text()).id;
}

test('a file of accounts is one batch, however often it is started', async () => {
  const accounts = await giveAccounts(sql, registered, [{}, {}, {}]);
  const ids = accounts.map(({ accountId }) => accountId);
  const file = await fileOf(`account_id\n${ids.join('\n')}\n`);
  const first = screen();
  assert.equal(await start(first, undefined, { ...mine, file }), 0);
  const [, id = ''] = /^Batch (\S+): SCHEDULED +3 accounts\n/.exec(first.text()) ?? [];
  assert.match(first.text(), new RegExp(`unwind batches watch ${id}\n$`));
  await carryOut();
  const again = screen();
  assert.equal(await start(again, undefined, { ...mine, file, watch: true }), 0);
  assert.match(again.text(), new RegExp(`^Batch ${id}: COMPLETED`), 'how it is now');
  assert.match(again.text(), /\nCOMPLETED {2}0 waiting, 3 started, 0 refused.*6250\.50 EUR\n$/);
  const json = screen();
  assert.equal(await start(json, undefined, { ...mine, file, watch: true, json: true }), 0);
  assert.equal(JSON.parse(json.text()).id, id);
  assert.equal((await client.batches.retrieve(id)).person, mine.actor);
  const others = start(screen(), undefined, { ...mine, file, actor: 'B. Desk' });
  await assert.rejects(others, (error) => {
    return error instanceof RefusedError && /started before by another person/.test(error.message);
  });
});

test('an account of a file that is refused keeps no other back, and ends a watch with 1', async () => {
  const [account, closed] = await giveAccounts(sql, registered, [{}, { status: 'CLOSED' }]);
  const file = await fileOf(`account_id\n${account.accountId}\n${closed?.accountId}\n`);
  await start(screen(), undefined, { ...mine, file });
  await carryOut();
  const printed = screen();
  assert.equal(await start(printed, undefined, { ...mine, file, watch: true }), 1);
  assert.match(printed.text(), /1 started, 1 refused/);
  assert.match(printed.text(), /unwind batches show \S+ --accounts REFUSED\n$/);
});

test('one account is started, or refused, and either it or a file is named', async () => {
  const [open, closed] = await giveAccounts(sql, registered, [{}, { status: 'CLOSED' }]);
  const printed = screen();
  const { accountId } = open;
  assert.equal(await start(printed, accountId, mine), 0);
  assert.match(printed.text(), new RegExp(`^liquidation \\S+ of account ${accountId} is NEW\n$`));
  const refused = screen();
  await assert.rejects(start(refused, closed?.accountId, { ...mine, watch: true }), ApiError);
  assert.equal(refused.text(), '');
  await assert.rejects(start(screen(), undefined, mine), UsageError);
  await assert.rejects(start(screen(), accountId, { ...mine, file: 'a.csv' }), UsageError);
});

test('a file that is wrong starts nothing, and says in which lines', async () => {
  const account = 'c0ffee00-0000-4000-8000-000000000000';
  const table: readonly (readonly [text: string, says: RegExp])[] = [
    ['account_id\nnonsense\n', /:2: account_id is no UUID/],
    [`account_id\n${account}\n${account}\n`, /:3: the account stands in line 2 already/],
    [`account\n${account}\n`, /account_id/],
    ['account_id\n', /: it names no account/],
    ['account_id\n"open', /quote/],
  ];
  for (const [text, says] of table) {
    const file = await fileOf(text);
    const printed = screen();
    assert.equal(await start(printed, undefined, { ...mine, file }), 1);
    assert.match(printed.text(), says);
    assert.match(printed.text(), /No batch was made: correct the file and start again.\n$/);
    const json = screen();
    assert.equal(await start(json, undefined, { ...mine, file, json: true }), 1);
    assert.match(JSON.parse(json.text()).faults[0], says);
  }
  const missing = start(screen(), undefined, { ...mine, file: join(directory, 'none.csv') });
  await assert.rejects(missing, /does not exist/);
});

test('one that has sold everything ends a watch with 0, and prints its orders, units and money', async () => {
  const accounts = await giveAccounts(sql, registered, [{}, {}, {}]);
  const ids = await Promise.all(accounts.map(({ accountId }) => startedOf(accountId)));
  const watching = screen();
  const rest = async () => {
    await runUntilIdle(steps);
    clock.advance(1_000);
  };
  const { signal } = new AbortController();
  assert.equal(await watchLiquidations(watching, ids, { ...quiet, signal, rest }), 0);
  assert.match(watching.text(), /3 of 3 ended, orders 3\/3, 30 units sold, 6250\.50 EUR\n$/);
  for (const { accountId } of accounts) {
    assert.match(watching.text(), new RegExp(`account ${accountId}  FILLED`));
  }
});

test('of one that is cancelled a watch says why, whether that was before it looked or after', async () => {
  const isin = 'ZZREFUSED006';
  const [account] = await makeBook(sql, {
    tenantId: clientId,
    instruments: [{ isin, price: '5' }],
    accounts: [{ positions: [{ isin, quantity: '10' }] }],
  });
  assert.ok(account);
  const id = await startedOf(account.accountId);
  const rest = () => runUntilIdle(steps);
  const { signal } = new AbortController();
  const says = new RegExp(
    `${id}  account ${account.accountId}  CANCELLED  orders 1/1  0\\.00 EUR: ` +
      'a venue rejected what was left for good \\(ZZREFUSED006, the instrument is not admitted to trading\\)\n',
  );
  for (const when of ['after', 'before']) {
    const watching = screen();
    assert.equal(await watchLiquidations(watching, [id], { ...quiet, signal, rest }), 1);
    assert.match(watching.text(), says, when);
  }
  const json = screen();
  await watchLiquidations(json, [id], { ...quiet, json: true, signal, rest });
  assert.equal(JSON.parse(json.text()).liquidations[0].end_reason, 'rejected');
});

test('what waits for a person is not counted as done, and has no end that is foreseen', async () => {
  const positions = [
    { isin: 'DE0007164600', quantity: '3' },
    { isin: 'DE0008404005', quantity: '1', locked: '1' },
  ];
  const [account] = await giveAccounts(sql, registered, [{ positions }]);
  const id = await startedOf(account.accountId);
  await runUntilIdle(steps);
  const { liquidation } = await client.control.liquidations.story(id);
  assert.deepEqual(
    liquidation.waiting.map(({ reason }) => reason),
    ['locked'],
  );
  const { done, isOpenEnded } = progressOf([liquidation]);
  assert.deepEqual([done, isOpenEnded], [0.5, true]);
});

test('a stop before the first look, or a list too long, says how many were not looked at', async () => {
  const unknown = Array.from({ length: 10_001 }, (_, i) => {
    return `c0ffee00-0000-4000-8000-${String(i).padStart(12, '0')}`;
  });
  const printed = screen();
  const signal = AbortSignal.abort();
  assert.equal(await watchLiquidations(printed, unknown, { ...quiet, signal }), 1);
  assert.match(printed.text(), /10001 were not looked at: 10000 are watched at most\n$/);
});

test('FILLED and SETTLED have sold everything', () => {
  const statuses = ['NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED'] as const;
  assert.deepEqual(
    statuses.filter((status) => isSold({ status })),
    ['FILLED', 'SETTLED'],
  );
});

test('an id that is none is a mistake on the command line', async () => {
  const program = await makeProgram();
  const quietly = (command: Command): void => {
    command.exitOverride((error) => {
      throw error;
    });
    command.configureOutput({ writeErr: () => {} });
    command.commands.forEach(quietly);
  };
  quietly(program);
  const args = ['liquidations', 'watch', 'abc'];
  await assert.rejects(program.parseAsync(args, { from: 'user' }), (error) => {
    return error instanceof CommanderError && /abc/.test(error.message);
  });
});

test('watching ends by its signal, and stops nothing', async () => {
  const stopped = new AbortController();
  const printed = screen();
  const [account] = await giveAccounts(sql, registered);
  const id = await startedOf(account.accountId);
  const rest = async () => stopped.abort();
  const { signal } = stopped;
  assert.equal(await watchLiquidations(printed, [id], { ...quiet, signal, rest }), 1);
  assert.match(printed.text(), /^0 of 1 ended/);
  const { liquidation } = await client.control.liquidations.story(id);
  assert.equal(liquidation.status, 'NEW');
});

test('nothing to watch is done', async () => {
  assert.deepEqual(progressOf([]).done, 1);
});

test('a client file is read with what lies beside it, and refused with what to mend', async () => {
  const write = (name: string, text: string) => writeFile(join(directory, name), text);
  await write('secret', `${clientSecret}\n`);
  const told = {
    base_url: baseUrl,
    client_id: clientId,
    client_secret_file: 'secret',
    keys: [{ key_id: keyId, private_key_file: 'key.pem' }],
    scopes,
  };
  const file = join(directory, 'client.json');
  await write('client.json', JSON.stringify(told));
  const read = await readClientFile(file);
  assert.equal(read.client_secret, clientSecret);
  assert.equal(read.keys[0]?.private_key_file, join(directory, 'key.pem'));
  const table: readonly (readonly [change: object, says: RegExp])[] = [
    [{ base_url: 'unwind' }, /base_url is no address/],
    [{ base_url: 'http://api.example.com' }, /base_url would send the secret in clear/],
    [{ client_id: undefined }, /client_id is missing/],
    [{ client_secret_file: undefined }, /client_secret_file, or client_secret, is missing/],
    [{ client_secret_file: 'nowhere' }, /nowhere cannot be read: it does not exist/],
    [{ keys: [] }, /keys has no key/],
    [{ scopes: 'all' }, /scopes is no list/],
  ];
  for (const [change, says] of table) {
    await write('client.json', JSON.stringify({ ...told, ...change }));
    await assert.rejects(readClientFile(file), says);
  }
  await write('client.json', '{');
  await assert.rejects(readClientFile(file), /it is not JSON/);
});

test('a secret goes to another machine by TLS only', () => {
  for (const good of [
    'http://localhost:1',
    'http://127.0.0.1:1',
    'http://[::1]:1',
    'https://a.example',
  ]) {
    assert.equal(serviceUrl(good).origin, good);
  }
  for (const clear of ['http://a.example', 'http://10.0.0.1:80', 'http://localhost.a.example']) {
    assert.throws(() => serviceUrl(clear), /a secret is sent to this machine only/);
  }
});

test('JSON of others is the same JSON, and moves no cursor', () => {
  const printed = screen();
  const value = { text: 'a\u009b31m\u202eb\u001b' };
  printJson(printed.stdout, value);
  assert.match(printed.text(), /^[\n\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(printed.text()), value);
});

test('webhooks are listed, tested and replayed', async () => {
  const { listWebhooks, listDeliveries, replayEvents, testWebhook } = await import(
    '../../src/commands/webhooks-commands.ts'
  );
  const receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  receiver.listen(0, '127.0.0.1');
  await new Promise((resolve) => receiver.once('listening', resolve));
  after(() => receiver.close());
  const { port } = receiver.address() as { port: number };
  const webhook = await client.webhooks.create({ title: 'mine', url: `http://127.0.0.1:${port}/` });
  const listed = screen();
  assert.equal(await listWebhooks(listed, {}), 0);
  assert.match(listed.text(), new RegExp(`${webhook.id}\tmine\tno\t`));
  const tested = screen();
  assert.equal(await testWebhook(tested, webhook.id, {}), 0);
  assert.match(tested.text(), /answered 204\n$/);
  const attempts = screen();
  assert.equal(await listDeliveries(attempts, webhook.id, { limit: 5, json: true }), 0);
  assert.equal(JSON.parse(attempts.text())[0].kind, 'test');
  const replayed = screen();
  const from = '2026-01-01T00:00:00Z';
  assert.equal(await replayEvents(replayed, webhook.id, { from }), 0);
  assert.match(replayed.text(), /events are delivered now/);
  await assert.rejects(replayEvents(screen(), webhook.id, {}), /say from where/);
});
