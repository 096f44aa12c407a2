// What the page on webhooks tells receivers to do, copied out of it and run: the server of five
// lines, the comparison with the log, and the headers of Standard Webhooks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Client, type LoggedEvent } from '@unwind/client';
import type { KeySet } from '@unwind/client/webhooks';
import { headerPairs } from '@unwind/signatures';
import { systemClock } from '../../src/clock.ts';
import { parseId } from '../../src/ids.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { eventsOfLiquidation, publishAll, writeEvents } from '../deliveries/subscriptions.ts';
import { hook } from '../http/api.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { freePort } from '../support/port.ts';
import { blocksOf } from './pages.ts';

const { sql } = await createTestDatabase({ after });
const service = await startHttp({ after }, { sql, clock: systemClock, allowLoopback: true });

async function newClient() {
  const { clientId, clientSecret, keyId, key, scopes } = await makeApiClient(sql, systemClock);
  const privateKey = key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const baseUrl = `http://127.0.0.1:${service.port}`;
  const options = { baseUrl, clientId, clientSecret, keyId, privateKey, scopes };
  return { client: new Client(options), options };
}

/** The block of the page that has such a text in it, with its addresses leading here. */
async function copied(t: TestContext, part: string, changes: Record<string, string> = {}) {
  const blocks = await blocksOf('webhooks.md');
  const [block, ...others] = blocks.filter(({ language, text }) => {
    return language === 'ts' && text.includes(part);
  });
  assert.ok(block !== undefined && others.length === 0, part);
  const sources = new URL('../../packages/client/src/', import.meta.url).href;
  let program = block.text.replaceAll(/from 'unwind\/(\w+)'/g, `from '${sources}$1.ts'`);
  for (const [from, to] of Object.entries(changes)) {
    assert.ok(program.includes(from), from);
    program = program.replace(from, to);
  }
  const directory = await mkdtemp(join(tmpdir(), 'unwind-receiving-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'program.ts');
  await writeFile(file, program);
  return file;
}

test('the receiver of five lines takes what is signed and refuses the rest', async (t) => {
  const { client, options } = await newClient();
  const port = await freePort();
  const file = await copied(t, 'createServer', {
    'declare const client: Client;': `const client = new Client(${JSON.stringify(options)});`,
    'declare function handle(event: WebhookEvent): Promise<void>;':
      'async function handle(event: WebhookEvent) { console.log(event.type, event.webhook_id); }',
    '.listen(8081)': `.listen(${port}, '127.0.0.1')`,
  });
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  t.after(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const printed = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed.text += chunk;
    });
  }
  const url = `http://127.0.0.1:${port}/hooks?from=unwind`;
  const send = () => fetch(url, { method: 'POST', body: '{}' });
  const isThere = () =>
    send().then(
      () => true,
      () => false,
    );
  await eventually('it listens', isThere);
  assert.equal((await send()).status, 401);
  // What it prints comes by another way than what it answers.
  const prints = (text: string) =>
    eventually(`it prints ${text}`, () => printed.text.includes(text));
  await prints('DeliveryError: The message has to carry');
  const { id } = await client.webhooks.create({ ...hook, url });
  assert.equal((await client.webhooks.test(id)).response.status, 204);
  await prints(`WEBHOOK.TEST ${id}\n`);
});

test('a comparison with the log puts in what is missing, and goes on from there', async (t) => {
  const { client, options } = await newClient();
  const { reconcile } = await import(pathToFileURL(await copied(t, 'reconcile')).href);
  const tenantId = parseId<'tenant'>(options.clientId) ?? assert.fail();
  const log = async () => {
    const accountId = parseId<'account'>(randomUUID()) ?? assert.fail();
    const events = eventsOfLiquidation(accountId);
    await writeEvents(sql, { tenantId, events, at: systemClock.now() });
    await publishAll(sql);
    return events.map(({ eventId }) => eventId);
  };
  const held = new Map<string, LoggedEvent>();
  let cursor: string | undefined;
  const inbox = {
    put: async (event: LoggedEvent) => {
      const isNew = !held.has(event.id);
      held.set(event.id, event);
      return isNew;
    },
    cursor: async () => cursor,
    setCursor: async (given: string) => {
      cursor = given;
    },
  };
  const [first = '', ...others] = await log();
  const [logged] = await client.events.list().all();
  assert.ok(logged !== undefined);
  await inbox.put(logged); // the only one that was delivered
  const missed = await reconcile(client, inbox);
  assert.deepEqual(
    missed.map(({ id }: LoggedEvent) => id),
    others,
  );
  assert.deepEqual([held.has(first), cursor], [true, 'e3']);
  assert.deepEqual(await reconcile(client, inbox), []);
  const later = await log();
  assert.deepEqual(
    (await reconcile(client, inbox)).map(({ id }: LoggedEvent) => id),
    later,
  );
  await log();
  await sql`
    update unwind.event_heads h
    set dropped_to = 8
    where h.tenant_id = ${tenantId}`;
  await assert.rejects(reconcile(client, inbox), /dropped after 90 days: e6 to e8/);
  assert.equal(cursor, 'e6', 'and it stays where it was');
});

test('the headers of Standard Webhooks are verified by hand', async (t) => {
  const { client } = await newClient();
  const { isGenuine } = await import(pathToFileURL(await copied(t, 'isGenuine')).href);
  const receiver = await startReceiver(t);
  const config = { standard_webhooks: true };
  const { id } = await client.webhooks.create({ ...hook, url: receiver.url, config });
  await client.webhooks.test(id);
  const [delivery] = receiver.received;
  assert.ok(delivery !== undefined);
  const keys: KeySet = await client.webhooks.verifyKeys();
  const headers = new Headers(
    headerPairs(delivery.rawHeaders).map(([name, value]): [string, string] => [name, value]),
  );
  assert.equal(isGenuine(headers, delivery.body, keys), true);
  assert.equal(isGenuine(headers, Buffer.from('{}'), keys), false);
  assert.equal(isGenuine(headers, delivery.body, { keys: [] }), false);
  const old = new Headers(headers);
  old.set('webhook-timestamp', String(Number(headers.get('webhook-timestamp')) - 301));
  assert.equal(isGenuine(old, delivery.body, keys), false);
});
