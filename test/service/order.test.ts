// The promise of deliveries, end to end: two processes with everything they do, a receiver that refuses
// every third request, a transaction that stays open in the middle of the log, and SIGKILL for
// whoever delivers. What arrives is compared with the log itself, to the byte.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Client } from '@unwind/client';
import { readDeliveryKeys } from '../../packages/client/src/deliveries.ts';
import { importDirectory } from '../../src/book/import-directory.ts';
import { systemClock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { newId, parseId, type TenantId } from '../../src/ids.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { newHolder, placeLength } from '../../src/work/holder.ts';
import { type Candidate, drawAccounts, writeBook } from '../crash/book.ts';
import { lotOf } from '../crash/random.ts';
import { type Received, startReceiver, type TestReceiver } from '../deliveries/receiver.ts';
import { eventsOfLiquidation, writeEvents } from '../deliveries/subscriptions.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { readDelivery } from '../support/deliveries.ts';
import { onlyFull } from '../support/length.ts';
import { freePort } from '../support/port.ts';
import { clientOf } from './client.ts';
import { quick } from './delivering.ts';
import {
  newHome,
  patienceMs,
  type RunningService,
  type Settings,
  startService,
} from './processes.ts';

const accountsSold = 12;
/** Accounts whose events the open transaction has written. */
const accountsLate = 4;

test(
  'whatever is refused, late or killed, each account’s events first arrive in their order',
  onlyFull,
  async (t) => {
    const world = await startWorld(t);
    const { receiver } = world;
    await world.sellAll();
    const late = await writeLate(world);
    await arrived(receiver, 15);
    const first = await world.killHolder();
    await eventually('the other process delivers', async () => {
      return (await world.holder())?.port === world.other(first).port;
    });
    await late.commit();
    await world.start(first);
    await eventually('all are sold', () => world.areAllSold(), patienceMs);
    await world.sellAll();
    await arrived(receiver, receiver.received.length + 10);
    const second = await world.killHolder();
    await world.start(second);
    await eventually('all are sold again', () => world.areAllSold(), patienceMs);
    await eventually('everything is taken', () => world.isAllTaken(), patienceMs);

    const log = await readLog(world.client);
    const { received, taken } = receiver;
    assert.ok(received.length > log.length, 'what was refused was sent again');
    await verify(world);
    const bodies = textsIn(received);
    assert.deepEqual([...bodies.keys()].toSorted(), log.map(({ id }) => id).toSorted(), 'exactly');
    for (const { id, text } of log) {
      const delivered = `${text.slice(0, -1)},"webhook_id":"${world.webhookId}"}`;
      assert.deepEqual(
        [...(bodies.get(id) ?? [])],
        [delivered],
        'the bytes of the log, every time',
      );
    }
    const expected = Map.groupBy(log, ({ accountId }) => accountId);
    assert.equal(expected.size, accountsSold + accountsLate);
    for (const [accountId, own] of expected) {
      assert.ok(own.length > 2, 'several events each');
      for (const requests of [received, taken]) {
        const ofIt = requests.filter(({ body }) => Buffer.from(body).includes(accountId));
        const arrived = [...textsIn(ofIt).keys()];
        const ids = own.map(({ id }) => id);
        assert.deepEqual(arrived, ids, `the order of account ${accountId}`);
      }
    }
    const places = log.flatMap(({ id }, place) => (late.ids.has(id) ? [place] : []));
    const isBehind = log.slice(0, places[0]).some(({ createdAt }) => createdAt > late.at);
    assert.ok(isBehind, 'what was committed late stands behind what happened after it');
  },
);

/** One of the two processes: its port is its place. */
interface Place {
  readonly port: number;
  readonly settings: Settings;
}

interface World {
  readonly sql: Sql;
  readonly tenantId: TenantId;
  readonly client: Client;
  readonly webhookId: string;
  readonly receiver: TestReceiver;
  sellAll(): Promise<void>;
  areAllSold(): Promise<boolean>;
  isAllTaken(): Promise<boolean>;
  /** Who delivers at this moment. */
  holder(): Promise<Place | undefined>;
  /** Kills who delivers, once there is one. */
  killHolder(): Promise<Place>;
  other(place: Place): Place;
  start(place: Place): Promise<void>;
}

async function startWorld(t: TestContext): Promise<World> {
  const { url, sql } = await createTestDatabase(t);
  const home = await newHome(t);
  const places = await Promise.all([newPlace(url), newPlace(url)]);
  const running = new Map<Place, RunningService>();
  const start = async (place: Place) => {
    const { settings } = place;
    running.set(place, await startService(t, { home, settings }));
  };
  await Promise.all(places.map(start));
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const clients = await Promise.all(
    places.map(({ port }) => clientOf({ ...sandbox, base_url: `http://127.0.0.1:${port}` })),
  );
  const [client] = clients;
  const tenantId = parseId<'tenant'>(sandbox.client_id);
  assert.ok(client !== undefined && tenantId !== undefined);
  const directory = join(dirname(home), 'book');
  const accounts = drawAccounts(lotOf(5), accountsSold);
  await writeBook(directory, accounts);
  await importDirectory(sql, systemClock, { tenantId, directory });
  const receiver = await startReceiver(t);
  receiver.react = (number) => ({ status: number % 3 === 0 ? 503 : 200 });
  const json = { title: 'refuses every third', url: receiver.url, enabled: true };
  const { id: webhookId } = await client.webhooks.create(json);

  const holder = async (): Promise<Place | undefined> => {
    const [row] = await sql<{ lease_holder: string | null }[]>`
      select d.lease_holder
      from unwind.deliveries d
      where d.lease_expires_at > now()`;
    const own = row?.lease_holder?.slice(0, placeLength);
    return places.find(({ port }) => placeOf(port) === own);
  };
  const killHolder = async (): Promise<Place> => {
    const place = await eventually('somebody delivers', holder);
    const service = running.get(place);
    service?.kill('SIGKILL');
    assert.equal((await service?.ended)?.signal, 'SIGKILL', service?.stderr());
    return place;
  };
  return {
    sql,
    tenantId,
    client,
    webhookId,
    receiver,
    sellAll: () => sellAll(clients, accounts),
    areAllSold: () => areAllSold(sql),
    isAllTaken: () => isAllTaken(sql),
    holder,
    killHolder,
    other: (place) => places.find((one) => one !== place) ?? place,
    start,
  };
}

async function newPlace(url: string): Promise<Place> {
  const port = await freePort();
  return { port, settings: { ...quick, DATABASE_URL: url, PORT: String(port) } };
}

function placeOf(port: number): string {
  return newHolder({ host: '127.0.0.1', port }).slice(0, placeLength);
}

/** Asks for a liquidation of every account, at both processes in turn. */
async function sellAll(clients: readonly Client[], accounts: readonly Candidate[]): Promise<void> {
  const asked = accounts.map(({ accountId, userId }, i) => {
    const client = clients[i % clients.length];
    return client?.liquidations.create(accountId, { user_id: userId });
  });
  await Promise.all(asked);
}

async function areAllSold(sql: Sql): Promise<boolean> {
  const rows = await sql`
    select l.liquidation_id
    from unwind.liquidations l
    where l.status in ('NEW', 'PROCESSING')`;
  return rows.count === 0;
}

async function isAllTaken(sql: Sql): Promise<boolean> {
  const rows = await sql`
    select d.webhook_id
    from unwind.deliveries d
    join unwind.event_heads h on h.tenant_id = d.tenant_id
    where d.acknowledged_offset = h.position
      and not exists (select from unwind.blocked_accounts)
      and not exists (select from unwind.events e where e.position is null)`;
  return rows.count === 1;
}

/**
 * Writes the first events of some accounts in a transaction that stays open, as of a process that is
 * stuck before its commit; the later ones follow in the same commit, as nobody can overtake them.
 */
async function writeLate({ sql, tenantId }: World) {
  const at = new Date();
  const events = Array.from({ length: accountsLate }, () => {
    return eventsOfLiquidation(newId<'account'>());
  });
  const written = Promise.withResolvers<void>();
  const open = Promise.withResolvers<void>();
  const transaction = inTransaction(sql, async (tx) => {
    for (const own of events) {
      await writeEvents(tx, { tenantId, events: own.slice(0, 2), at });
    }
    written.resolve();
    await open.promise;
  });
  await Promise.race([written.promise, transaction]);
  const commit = async (): Promise<void> => {
    open.resolve();
    await transaction;
    for (const own of events) {
      await writeEvents(sql, { tenantId, events: own.slice(2), at: new Date() });
    }
  };
  const ids = new Set<string>(events.flat().map(({ eventId }) => eventId));
  return { at: at.toISOString(), ids, commit };
}

async function arrived({ received }: TestReceiver, count: number): Promise<void> {
  await eventually(`${count} requests have come`, () => received.length >= count, patienceMs);
}

interface LogLine {
  readonly id: string;
  readonly accountId: string;
  readonly createdAt: string;
  /** As `GET /events` shows it. */
  readonly text: string;
}

interface EventPage {
  readonly data: readonly {
    readonly id: string;
    readonly created_at: string;
    readonly object: { readonly account_id: string };
  }[];
  readonly meta: { readonly next: string; readonly has_more: boolean };
}

/** The log as the service tells it, in small pages. */
async function readLog(client: Client): Promise<readonly LogLine[]> {
  const log: LogLine[] = [];
  for (let after = 'e0'; ; ) {
    const page = await client.send({ method: 'GET', target: `/events?limit=7&after=${after}` });
    assert.equal(page.status, 200, page.text);
    const { data, meta } = page.json as EventPage;
    for (const { id, created_at: createdAt, object } of data) {
      const text = eventTextIn(page.text, id);
      log.push({ id, accountId: object.account_id, createdAt, text });
    }
    if (!meta.has_more) return log;
    assert.notEqual(meta.next, after);
    after = meta.next;
  }
}

/** The text of one event in a page, as it stands there. */
function eventTextIn(page: string, id: string): string {
  const texts = page
    .slice('{"data":['.length, page.lastIndexOf('],"meta":'))
    .split(/(?<=\}),(?=\{"created_at":"[^"]+","id":"[^"]+","object":)/);
  return texts.find((text) => text.includes(`"id":"${id}"`)) ?? assert.fail(`no ${id}`);
}

async function verify({ client, receiver }: World): Promise<void> {
  const keys = readDeliveryKeys(await client.webhooks.verifyKeys());
  for (const delivery of receiver.received) {
    const events = await readDelivery(delivery, keys, delivery.receivedAt);
    assert.equal(events.length, 1, 'one event a request');
  }
}

/** The different bodies that each event came with, in the order of its first arrival. */
function textsIn(requests: readonly Received[]): ReadonlyMap<string, ReadonlySet<string>> {
  const texts = new Map<string, Set<string>>();
  for (const { body } of requests) {
    const text = Buffer.from(body).toString();
    const { id } = JSON.parse(text) as { id: string };
    texts.set(id, (texts.get(id) ?? new Set()).add(text));
  }
  return texts;
}
