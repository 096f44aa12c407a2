// Everything a crash run consists of besides what happens to it: database, processes, accounts to
// sell, clients, a receiver that verifies, and the times at which things were seen.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from '@unwind/client';
import type { FetchKeys } from '@unwind/client/webhooks';
import type { Limit } from '../../examples/keeper/keeper.ts';
import { importDirectory } from '../../src/book/import-directory.ts';
import { systemClock } from '../../src/clock.ts';
import { connect, type Sql } from '../../src/db/connect.ts';
import { isConnectionError } from '../../src/db/errors.ts';
import { parseId } from '../../src/ids.ts';
import { requestDeadlineMs } from '../../src/limits.ts';
import { readSandboxClient, type SandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { newHome, runUnwind } from '../service/processes.ts';
import { eventually } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { type Candidate, drawAccounts, writeBook } from './book.ts';
import { type Collector, type CollectorOptions, startCollector } from './collector.ts';
import { Counterparty } from './counterparty.ts';
import { Fleet } from './fleet.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import { type Lot, lotOf } from './random.ts';
import { ask, type Counter, type Sale } from './seller.ts';
import { CrashServer } from './server.ts';

/** The first is what times are measured at. */
const subscriptions = [
  { temper: 'fails seldom', config: undefined },
  { temper: 'refuses every third', config: { max_package_size: 20_000 } },
  { temper: 'refuses an account', config: { delay: '1s', max_package_size: 50_000 } },
  { temper: 'is difficult', config: { signature_algorithm: 'ed25519' } },
  { temper: 'comes and goes', config: { max_package_size: 1_000 } },
] as const;
/** How far back a replay goes at most, in events of a receiver. */
const replayedMax = 40;
/** Accounts imported at once when there are no more. */
const accountsAtOnce = 400;
/**
 * What a process that does not sleep answers at the latest: longer than it may take for a request. A halt and a
 * limit need much of that, since they wait for claims and leases.
 */
export const responseMsMax = requestDeadlineMs + 5_000;
/** One attempt only, and usually not a long one: a process that sleeps answers nothing. */
const retry = { attemptsMax: 1, attemptMs: responseMsMax, deadlineMs: 3_000 };

/** Where orders go. */
export type VenueKind = 'simulated' | 'fix';

export class World implements Counter {
  readonly server: CrashServer;
  readonly fleet: Fleet;
  /** Connections past the relays, for whoever looks on. */
  readonly sql: Sql;
  readonly sales: Sale[] = [];
  /** When requests were answered and events arrived first, and when liquidations began and ended. */
  readonly answeredAt: number[] = [];
  readonly arrivedAt: number[] = [];
  readonly acknowledgedAt = new Map<string, number>();
  readonly finalAt = new Map<string, number>();
  longestAnswerMs = 0;
  attempts = 0;
  readonly #home: string;
  readonly #t: AfterTest;
  readonly #subscribed: { readonly id: string; readonly collector: Collector }[] = [];
  #clients: readonly Client[] = [];
  #turn = 0;
  readonly #accounts: Candidate[] = [];
  #importing: Promise<void> | undefined;
  #tenantId = '';

  /** Undefined where orders go to the simulated venue. */
  readonly counterparty: Counterparty | undefined;
  readonly #grantedMax = new Map<string, string>();
  #keeper: Keeper | undefined;

  private constructor(
    t: AfterTest,
    home: string,
    parts: { server: CrashServer; counterparty: Counterparty | undefined },
  ) {
    const { server, counterparty } = parts;
    this.counterparty = counterparty;
    this.#t = t;
    this.#home = home;
    this.server = server;
    const settings = counterparty?.settings ?? {};
    this.fleet = new Fleet(t, { home, server, settings });
    this.sql = connect({ url: server.url(), max: 4, applicationName: 'crash run' });
    t.after(() => this.sql.end());
  }

  /** Starts everything; it ends with the run. */
  static async start(t: AfterTest, seed: number, venue: VenueKind = 'simulated'): Promise<World> {
    const home = await newHome(t);
    const server = await CrashServer.start(t, home);
    const isFix = venue === 'fix';
    const counterparty = isFix ? await Counterparty.start(t, dirname(home)) : undefined;
    const world = new World(t, home, { server, counterparty });
    const options = { lot: lotOf(seed + 1_000), limit: world.#limit, fetchKeys: world.#keys };
    const keeper = await startKeeper(t, options);
    world.#keeper = keeper;
    await world.fleet.start({ UNWIND_RESERVATIONS_URL: keeper.url });
    const sandbox = await readSandboxClient(home);
    assert.ok(sandbox !== undefined, 'the processes have made their client');
    world.#tenantId = sandbox.client_id;
    await world.#subscribe(t, sandbox, lotOf(seed));
    return world;
  }

  async #subscribe(t: AfterTest, sandbox: SandboxClient, lot: Lot): Promise<void> {
    const [key] = sandbox.keys;
    assert.ok(key !== undefined);
    const privateKey = await readFile(key.private_key_file, 'utf8');
    const common = {
      clientId: sandbox.client_id,
      clientSecret: sandbox.client_secret,
      keyId: key.key_id,
      privateKey,
      scopes: sandbox.scopes,
    };
    this.#clients = this.fleet.apis.map(({ url }) => {
      return new Client({ ...common, baseUrl: url, retry });
    });
    // Nothing sleeps yet: whoever does not answer is busy.
    const patient = new Client({ ...common, baseUrl: sandbox.base_url });
    for (const [i, subscription] of subscriptions.entries()) {
      const { temper, config } = subscription;
      const options = { lot: lotOf(lot.between(1, 1e9)), temper, fetchKeys: this.#keys };
      const collector = await startCollector(
        t,
        i === 0 ? { ...options, ...this.#first() } : options,
      );
      const { url } = collector;
      const json = { title: temper, url, enabled: true, ...(config && { config }) };
      const made = await patient.send({ method: 'POST', target: '/webhooks', json });
      assert.equal(made.status, 201, made.text);
      const { id } = made.json as { id: string };
      this.#subscribed.push({ id, collector });
    }
  }

  readonly #keys: FetchKeys = (signal) => this.nextClient().webhooks.verifyKeys({ signal });

  readonly #limit: Limit = (accountId, isin) => {
    const units = this.#grantedMax.get(`${accountId}/${isin}`);
    return units === undefined ? undefined : { units, reason: 'it is pledged' };
  };

  get keeper(): Keeper {
    assert.ok(this.#keeper !== undefined, 'the world was started');
    return this.#keeper;
  }

  /** What times are measured at, and whose deliveries are held at a point. */
  #first(): Pick<CollectorOptions, 'onArrival' | 'beforeAnswer'> {
    return {
      onArrival: ({ object }) => {
        const now = performance.now();
        this.arrivedAt.push(now);
        if (object.status === 'FILLED' || object.status === 'CANCELLED') {
          this.finalAt.set(object.id, now);
        }
      },
      beforeAnswer: () => this.#holdDelivery(),
    };
  }

  /** A delivery is known to come from the process that holds the lease of the subscription. */
  async #holdDelivery(): Promise<void> {
    const { trap } = this.fleet;
    if (!trap.isSetAt('post during')) return;
    const [row] = await this.sql<{ lease_holder: string | null }[]>`
      select d.lease_holder
      from unwind.deliveries d
      where d.webhook_id = ${this.#subscribed[0]?.id ?? null}`;
    const member = this.fleet.holderOf(row?.lease_holder ?? null);
    if (member !== undefined) await trap.pass(member, 'post during');
  }

  get collectors(): readonly Collector[] {
    return this.#subscribed.map(({ collector }) => collector);
  }

  /** Enables what a receiver that said it was gone has disabled. */
  async enableAll(): Promise<void> {
    for (const { id } of this.#subscribed) {
      const request = { method: 'PATCH', target: `/webhooks/${id}`, json: { enabled: true } };
      await ask(this, request);
    }
  }

  /** Has everything from an event on delivered once more to one of the receivers. */
  async replay(lot: Lot): Promise<void> {
    const one = this.#subscribed[lot.between(0, this.#subscribed.length - 1)];
    const event = one?.collector.events.at(-lot.between(1, replayedMax));
    if (one === undefined || event === undefined) return;
    const target = `/webhooks/${one.id}/replay`;
    await ask(this, { method: 'POST', target, json: { event_id: event.id } });
  }

  /**
   * Replaces the keys that sign deliveries; the old ones are served on for an hour. The new ones are
   * served for some seconds before they sign, longer than a receiver waits between two fetches.
   */
  async rotateKeys(): Promise<void> {
    const settings = { DATABASE_URL: this.server.url() };
    const options = { home: this.#home, settings };
    await eventually('keys are rotated', async () => {
      const args = ['keys', 'rotate', '--lead', '0.001', '--overlap', '1'];
      return (await runUnwind(this.#t, args, options)).code === 0;
    });
  }

  /** Orders that venues have received so far: as the simulated one, or the FIX session, has recorded. */
  async received(): Promise<number> {
    return eventually('the record of the venue is read', async () => {
      try {
        const [row] = await this.sql<{ count: number }[]>`
          select
            (select count(*) from simulated_venue.journal)::integer
            + (select count(*) from unwind.fix_messages m where m.direction = 'out' and m.type = 'D')::integer
              as count`;
        return { count: row?.count ?? 0 };
      } catch (error) {
        // The database is away.
        if (isConnectionError(error)) return undefined;
        throw error;
      }
    }).then(({ count }) => count);
  }

  /** An account that nobody has sold yet. */
  async nextAccount(lot: Lot): Promise<Candidate> {
    for (;;) {
      const next = this.#accounts.pop();
      if (next !== undefined) return next;
      this.#importing ??= this.#importAccounts(lot).finally(() => {
        this.#importing = undefined;
      });
      await this.#importing;
    }
  }

  async #importAccounts(lot: Lot): Promise<void> {
    const drawn = drawAccounts(lot, accountsAtOnce);
    for (const { accountId, grantedMax, positions } of drawn) {
      const key = `${accountId}/${positions[0]?.isin}`;
      if (grantedMax !== undefined) this.#grantedMax.set(key, grantedMax);
    }
    const directory = join(dirname(this.#home), 'book');
    await writeBook(directory, drawn);
    const tenantId = parseId<'tenant'>(this.#tenantId);
    assert.ok(tenantId !== undefined);
    // The database may be away; importing twice is the same as once.
    await eventually('the accounts are imported', async () => {
      try {
        const report = await importDirectory(this.sql, systemClock, { tenantId, directory });
        return report.files.every((file) => file.outcome === 'imported');
      } catch (error) {
        if (isConnectionError(error)) return false;
        throw error;
      }
    });
    this.#accounts.push(...drawn);
  }

  nextClient(): Client {
    this.#turn += 1;
    const client = this.#clients[this.#turn % this.#clients.length];
    assert.ok(client !== undefined);
    return client;
  }

  onResponse(waitedMs: number, attempts: number): void {
    this.answeredAt.push(performance.now());
    this.longestAnswerMs = Math.max(this.longestAnswerMs, waitedMs);
    this.attempts += attempts;
  }

  onAcknowledged(liquidationId: string): void {
    this.acknowledgedAt.set(liquidationId, performance.now());
  }

  /** Liquidations that are acknowledged and whose end has not arrived. */
  underWay(): readonly string[] {
    return [...this.acknowledgedAt.keys()].filter((id) => !this.finalAt.has(id));
  }
}
