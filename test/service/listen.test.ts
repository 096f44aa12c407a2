// `unwind listen` as a process of its own: what it prints of deliveries, how it hands them on, and
// that it leaves no subscription behind.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { webhookReceiver } from '@unwind/client/webhooks';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { drawAccounts, writeBook } from '../crash/book.ts';
import { lotOf } from '../crash/random.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { mainFile } from '../support/main-file.ts';
import { freePort } from '../support/port.ts';
import { clientOf } from './client.ts';
import { quick } from './delivering.ts';
import {
  environmentOf,
  launchUnwind,
  newHomeOnServer,
  patienceMs,
  runUnwind,
  startService,
} from './processes.ts';

const quiet = { UNWIND_LOG_LEVEL: 'error' };

async function newSandbox(t: TestContext) {
  const home = await newHomeOnServer(t);
  const service = await startService(t, { home, settings: { ...quick, ...quiet } });
  const accounts = [...drawAccounts(lotOf(1), 5)];
  const directory = join(dirname(home), 'book');
  await writeBook(directory, accounts);
  assert.equal((await runUnwind(t, ['import', directory], { home })).code, 0);
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const client = await clientOf(sandbox);
  const sell = async () => {
    const { accountId, userId } = accounts.pop() ?? assert.fail('all are sold');
    const { id } = await client.liquidations.create(accountId, { user_id: userId });
    return client.liquidations.untilFinal(accountId, id, { everyMs: 50 });
  };
  /** Listens, once it says so. */
  const listen = async (own: TestContext, ...args: readonly string[]) => {
    const launched = launchUnwind(own, ['listen', ...args], { home, settings: quiet });
    const says = () => `${launched.stdout()}${launched.stderr()}`;
    await eventually(
      'it says that it listens',
      () => {
        assert.ok(launched.isRunning(), says());
        return says().includes('Listening at ');
      },
      patienceMs,
    );
    const lines = () => launched.stdout().split('\n').slice(0, -1);
    return { ...launched, lines };
  };
  return { home, service, client, sell, listen };
}

/** Each of the two is many processes, one after the other. */
const timeout = 3 * patienceMs;

test('unwind listen', { timeout }, async (main) => {
  const { home, client, sell, listen } = await newSandbox(main);

  await main.test(
    'prints each event in a line, and takes its subscription away at the end',
    async (t) => {
      const listening = await listen(t);
      const [subscription] = await client.webhooks.list().all();
      assert.deepEqual(
        [subscription?.title, subscription?.type, subscription?.enabled],
        ['unwind listen', ['ALL'], true],
      );
      const sold = await sell();
      await eventually('all is told', () => listening.stdout().includes('.FILLED'), patienceMs);
      const [where, how, ...lines] = listening.lines();
      assert.match(
        where ?? '',
        /^Listening at http:\/\/127\.0\.0\.1:\d+\/ for the events of client /,
      );
      assert.match(how ?? '', /^Ctrl-C ends it/);
      const events = await client.events.list().all();
      const shown = lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ''));
      const amounts = events.map(({ object }) => String(object['cash_amount']).padStart(12));
      assert.deepEqual(
        shown,
        events.map(({ id, type }, i) => {
          return `✓ ${type.padEnd(30)}  ${sold.account_id}  ${amounts[i]} EUR  event ${id}`;
        }),
      );
      listening.kill('SIGINT');
      assert.equal((await listening.ended).code, 0);
      assert.deepEqual(await client.webhooks.list().all(), []);
    },
  );

  await main.test('unwind events follow prints the log as it goes on', async (t) => {
    const args = ['events', 'follow', '--after', 'e0'];
    const following = launchUnwind(t, args, { home, settings: quiet });
    await sell();
    const events = await eventually('its end is logged', async () => {
      const logged = await client.events.list().all();
      return logged.at(-1)?.type.endsWith('.FILLED') && logged;
    });
    const expected = events.map(({ type, object, created_at: at }, i) => {
      const amount = `${String(object['cash_amount']).padStart(14)} EUR`;
      const cursor = `e${i + 1}`.padEnd(8);
      return `${at}  ${cursor}  ${type.padEnd(30)}  ${object['account_id']}  ${amount}`;
    });
    const lines = () => following.stdout().split('\n').slice(0, -1);
    await eventually('all is told', () => lines().length >= expected.length, patienceMs);
    assert.deepEqual(lines(), expected);
    following.kill('SIGINT');
    assert.equal((await following.ended).code, 0);
    const wrong = await runUnwind(t, ['events', 'follow', '--after', '7'], { home });
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    assert.match(wrong.stderr, /--after is no place of the log/);
  });

  await main.test(
    'hands deliveries on, with signatures that still verify, and the answer back',
    async (t) => {
      const receiver = await startReceiver(t);
      receiver.react = (number) => ({ status: number === 1 ? 500 : 201 });
      const forward = `http://localhost:${receiver.port}/hooks/in?from=unwind`;
      const listening = await listen(t, '--forward', forward, '--types', 'ACCOUNT_LIQUIDATION');
      await sell();
      await eventually('all is told', () => listening.stdout().includes('.FILLED'), patienceMs);
      const [, , first, second] = listening.lines();
      assert.match(first ?? '', /NEW .* event (\S+) {2}→ 500$/);
      assert.match(second ?? '', /NEW .* event (\S+) {2}attempt 2 {2}→ 201$/);
      const { read } = webhookReceiver({
        keys: (signal) => client.webhooks.verifyKeys({ signal }),
      });
      for (const delivery of receiver.received) {
        assert.equal(delivery.url, '/hooks/in?from=unwind');
        assert.equal((await read(delivery)).length, 1);
      }
      const [webhook] = await client.webhooks.list().all();
      const [failed] = await client.webhooks.deliveries(webhook?.id ?? '', { result: 'failed' });
      assert.equal(failed?.status, 500, 'the service has learnt what the receiver said');
    },
  );

  await main.test(
    'tells of a receiver that is not there, and of what nobody has signed',
    async (t) => {
      const forward = `http://127.0.0.1:${await freePort()}/in`;
      const listening = await listen(t, '--forward', forward);
      await sell();
      await eventually('it is tried', () => /→ ECONNREFUSED/.test(listening.stdout()), patienceMs);
      const [, url = ''] = /Listening at (\S+)/.exec(listening.stdout()) ?? [];
      const { status } = await fetch(url, { method: 'POST', body: '{}' });
      assert.equal(status, 401);
      await eventually('it is told', () => /✗ 401 \S.+\./.test(listening.stderr()));
    },
  );

  await main.test('shows what was before, as lines of JSON', async (t) => {
    const { created_at, account_id } = await sell();
    const listening = await listen(t, '--json', '--from', created_at);
    await eventually('all is told', () => listening.lines().length === 3, patienceMs);
    const told = listening.lines().map((line) => JSON.parse(line));
    const logged = await client.events.list({ account_id }).all();
    const { webhook_id } = told[0];
    assert.deepEqual(
      told,
      logged.map((event) => ({ ...event, webhook_id })),
    );
  });

  await main.test('ends when its reader is gone', async () => {
    const command = `'${process.execPath}' '${mainFile}' listen --json --from 2000-01-01 | head -n 1`;
    const env = environmentOf({ home });
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { env });
    assert.match(stdout, /^\{"created_at":[^\n]+\}\n$/);
    assert.equal(await countOf(client), 0);
  });
});

test('the subscription of unwind listen', { timeout, ...onlyFull }, async (main) => {
  const { home, service, client, listen } = await newSandbox(main);

  await main.test(
    'removes what one that was killed has left, and lets those be that listen',
    async (t) => {
      const hook = { title: 'unwind listen', url: 'https://hooks.example.com/in' };
      const { id: alike } = await client.webhooks.create(hook);
      const killed = await listen(t);
      const other = await listen(t);
      assert.equal(await countOf(client), 3);
      killed.kill('SIGKILL');
      await killed.ended;
      const last = await listen(t);
      assert.equal(await countOf(client), 3);
      for (const one of [other, last]) {
        one.kill('SIGTERM');
        assert.equal((await one.ended).code, 0);
      }
      const [left] = await client.webhooks.list().all();
      assert.deepEqual([await countOf(client), left?.id], [1, alike]);
      await client.webhooks.remove(alike);
    },
  );

  await main.test('says what is wrong, and leaves nothing', async (t) => {
    const refusals: readonly (readonly [args: readonly string[], says: RegExp])[] = [
      [['--types', 'MOON'], /^unwind: http:\S+ refuses: 400, .*type/],
      [['--from', 'yesterday'], /^unwind: http:\S+ refuses: 400, .*from/],
      [['--forward', 'localhost:3000'], /no http or https URL/],
    ];
    for (const [args, says] of refusals) {
      const { code, stdout, stderr } = await runUnwind(t, ['listen', ...args], { home });
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, says);
    }
    assert.equal(await countOf(client), 0);
  });

  await main.test(
    'says which subscription it could not remove when the service is gone',
    async (t) => {
      const listening = await listen(t);
      const [webhook] = await client.webhooks.list().all();
      service.kill('SIGTERM');
      await service.ended;
      listening.kill('SIGINT');
      assert.equal((await listening.ended).code, 1);
      assert.ok(webhook !== undefined);
      assert.match(listening.stderr(), new RegExp(`${webhook.id} could not be removed: `));
      const late = await runUnwind(t, ['listen'], { home });
      assert.equal(late.code, 2);
      assert.match(late.stderr, /^unwind: nothing answers at /);
    },
  );
});

async function countOf(client: Awaited<ReturnType<typeof clientOf>>): Promise<number> {
  return (await client.webhooks.list().page()).meta.total_count;
}
