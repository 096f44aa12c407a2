// The commands that do what clients do, on the real API: start, watch and cancel liquidations, and webhooks.
// Runs alone: it draws ids from the clock of the test.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '@unwind/client';
import { type Command, CommanderError } from 'commander';
import { serviceUrl } from '../../src/commands/arguments.ts';
import { readClientFile } from '../../src/commands/client-file.ts';
import { makeProgram } from '../../src/commands/program.ts';
import { printJson } from '../../src/commands/run.ts';
import type { OnApi } from '../../src/commands/sandbox-access.ts';
import { start } from '../../src/commands/selling-commands.ts';
import { readAccounts, startLiquidations } from '../../src/commands/start-liquidations.ts';
import { isSold, progressOf, watchLiquidations } from '../../src/commands/watch-liquidations.ts';
import { drawIdsFrom } from '../../src/ids.ts';
import { giveAccounts } from '../http/api.ts';
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
  scopes: ['account_liquidations:admin', 'accounts:read', 'webhooks:admin'],
});
const { clientId, clientSecret, keyId, key, scopes } = registered;
const baseUrl = `http://127.0.0.1:${service.port}`;
const who = { clientId, clientSecret, keyId, privateKey: key.privateKey, scopes };
const client = new Client({ baseUrl, ...who, now: clock.now });
const steps = engineSteps(sql, clock, { delayMs: 0 });
const quiet = { json: undefined, terminal: undefined };

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

test('a file of accounts is sold once, however often it is started', async () => {
  const accounts = await giveAccounts(sql, registered, [{}, {}, {}]);
  const ids = accounts.map(({ accountId }) => accountId);
  const batch = await readAccounts(await fileOf(`account_id\n${ids.join('\n')}\n`));
  assert.deepEqual(batch.accounts, ids);
  const first = screen();
  const begun = await startLiquidations(first, batch, quiet);
  assert.equal(begun.code, 0, first.text());
  const again = await startLiquidations(screen(), batch, quiet);
  assert.deepEqual(again.ids.toSorted(), begun.ids.toSorted());
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from unwind.liquidations l
    where l.account_id = any (${ids}::uuid[])`;
  assert.equal(row?.count, 3);

  const watching = screen();
  const rest = async () => {
    await runUntilIdle(steps);
    clock.advance(1_000);
  };
  const { signal } = new AbortController();
  const code = await watchLiquidations(watching, begun.ids, { ...quiet, signal, rest });
  assert.equal(code, 0);
  assert.match(watching.text(), /3 of 3 ended, orders 3\/3, 30 units sold, 6250\.50 EUR\n$/);
  for (const id of ids) assert.match(watching.text(), new RegExp(`account ${id}  FILLED`));
});

test('one account that is refused does not keep the others back, and is named', async () => {
  const [account, closed] = await giveAccounts(sql, registered, [{}, { status: 'CLOSED' }]);
  const unknown = 'c0ffee00-0000-4000-8000-000000000000';
  const ids = [account.accountId, closed?.accountId ?? '', unknown];
  const printed = screen();
  const batch = { name: 'some file', accounts: ids };
  const { code, ids: started } = await startLiquidations(printed, batch, quiet);
  assert.equal(code, 1);
  assert.equal(started.length, 1);
  assert.match(printed.text(), new RegExp(`refused ${unknown}: 404`));
  assert.match(printed.text(), new RegExp(`refused ${closed?.accountId}: 4`));
  const json = screen();
  const asked = await startLiquidations(json, batch, { json: true, terminal: undefined });
  assert.equal(json.text(), '');
  assert.equal((asked.document as { refused: readonly object[] }).refused.length, 2);
});

test('where one cannot be asked for, no other account is begun, and what was done is told', async () => {
  const given = await giveAccounts(
    sql,
    registered,
    Array.from({ length: 20 }, () => ({})),
  );
  const ids = given.map(({ accountId }) => accountId);
  const fails = ids[8] ?? '';
  let asked = 0;
  const cut = new Client({
    baseUrl,
    ...who,
    now: clock.now,
    retry: { attemptsMax: 1, unreachableMs: 0 },
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const path = new URL(input instanceof Request ? input.url : input).pathname;
      if (path.endsWith('/liquidations')) asked += 1;
      if (path.endsWith(`/accounts/${fails}`)) throw new TypeError('the line is cut');
      return fetch(input, init);
    },
  });
  const printed = { ...screen(), client: cut };
  const batch = { name: 'a cut file', accounts: ids };
  await assert.rejects(startLiquidations(printed, batch, quiet));
  const [, accepted, notAsked] =
    /(\d+) accepted, 0 refused[\s\S]*\n(\d+) were not asked for\n$/.exec(printed.text()) ??
    assert.fail(printed.text());
  assert.match(printed.text(), new RegExp(`without an answer: ${fails}\\n`));
  assert.equal(asked, Number(accepted));
  assert.equal(Number(accepted) + Number(notAsked), ids.length - 1);
  // The seven others end the one that they had begun, and take no more.
  assert.ok(Number(accepted) <= 15, accepted);
});

test('a start that is refused watches nothing, and one document tells of start and watch', async () => {
  const [open, closed] = await giveAccounts(sql, registered, [{}, { status: 'CLOSED' }]);
  const named = (accountId: string) => ({ name: undefined, accounts: [accountId] });
  const { ids } = await startLiquidations(screen(), named(open.accountId), quiet);
  assert.ok(closed);
  const refused = screen();
  assert.equal(await start(refused, closed.accountId, { watch: true }), 1);
  assert.match(refused.text(), new RegExp(`^refused ${closed.accountId}: .*\n$`));
  const json = screen();
  assert.equal(await start(json, closed.accountId, { watch: true, json: true }), 1);
  assert.equal(JSON.parse(json.text()).refused.length, 1);
  const both = screen();
  const signal = AbortSignal.abort();
  const as = { json: true, terminal: undefined, signal, before: { refused: [] } } as const;
  assert.equal(await watchLiquidations(both, ids, as), 1);
  assert.deepEqual(JSON.parse(both.text()), { refused: [], liquidations: [], unwatched: 1 });
});

test('whoever stops before the first look, or names too many, is told how many were not looked at', async () => {
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
  const program = makeProgram();
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
  const { ids } = await startLiquidations(
    screen(),
    { name: undefined, accounts: [account.accountId] },
    quiet,
  );
  const rest = async () => stopped.abort();
  const { signal } = stopped;
  assert.equal(await watchLiquidations(printed, ids, { ...quiet, signal, rest }), 1);
  assert.match(printed.text(), /^0 of 1 ended/);
  const { liquidation } = await client.control.liquidations.story(ids[0] ?? '');
  assert.equal(liquidation.status, 'NEW');
});

test('nothing to watch is done', async () => {
  assert.deepEqual(progressOf([]).done, 1);
});

test('a file with a line that names no account is refused whole', async () => {
  const table: readonly (readonly [text: string, says: RegExp])[] = [
    ['account_id\nnonsense\n', /line 2: "nonsense" is no account id/],
    ['account\nc0ffee00-0000-4000-8000-000000000000\n', /no column account_id/],
    ['account_id\n', /names no account/],
    ['account_id\n"open', /is no CSV/],
  ];
  for (const [text, says] of table) await assert.rejects(readAccounts(await fileOf(text)), says);
  await assert.rejects(readAccounts(join(directory, 'none.csv')), /does not exist/);
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
