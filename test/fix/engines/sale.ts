// A sale over a session with an engine that nobody here wrote: orders in a table, processes that keep the
// session and submit them, a relay before the engine, and how the ledgers of both sides are compared.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Sql } from '../../../src/db/connect.ts';
import { isPassing } from '../../../src/db/errors.ts';
import { newId, type TenantId } from '../../../src/ids.ts';
import { clientOrderIdOf } from '../../../src/orders/order.ts';
import type { FixProfile } from '../../../src/venue/fix/profile.ts';
import { makeTenant } from '../../support/book.ts';
import { eventually } from '../../support/condition.ts';
import type { AfterTest } from '../../support/database.ts';
import { type Proxy as Relay, startProxy } from '../../support/proxy.ts';
import type { Engine, Logged } from './engine.ts';

const program = fileURLToPath(new URL('./seller.ts', import.meta.url));
const patienceMs = 180_000;
export const isin = 'DE0007164600';
export const refusedIsin = 'ZZREFUSED006';
/** One of so many orders is one that the venue refuses. */
const refusedOneIn = 20;

export interface SaleOptions {
  readonly sql: Sql;
  /** Of the database, for the sellers. */
  readonly url: string;
  readonly engine: Engine;
  readonly hasRefused: boolean;
  /** Processes that may keep the session. */
  readonly sellers: number;
}

export class Sale {
  readonly proxy: Relay;
  readonly sellers: readonly Seller[];
  readonly #options: SaleOptions;
  readonly #tenantId: TenantId;

  private constructor(
    options: SaleOptions,
    parts: { proxy: Relay; tenantId: TenantId; url: string },
  ) {
    const { proxy, tenantId, url } = parts;
    this.#options = options;
    this.#tenantId = tenantId;
    this.proxy = proxy;
    const profile: FixProfile = {
      type: 'fix',
      mic: 'XENG',
      version: 'FIX.4.4',
      host: '127.0.0.1',
      port: proxy.port,
      sender_comp_id: 'UNWIND',
      target_comp_id: 'ENGINE',
      heartbeat_s: 2,
    };
    const places = Array.from({ length: options.sellers }, (_, i) => i + 1);
    this.sellers = places.map((place) => new Seller({ profile, url, place }));
  }

  /** Connects to the engine; nothing is sold yet. */
  static async open(t: AfterTest, options: SaleOptions): Promise<Sale> {
    const { sql, url, engine } = options;
    const tenantId = await makeTenant(sql);
    await sql`
      create table public.test_orders (tenant_id uuid, client_order_id text, isin text)`;
    const proxy = await startProxy(t, engine.port);
    const sale = new Sale(options, { proxy, tenantId, url });
    t.after(async () => {
      for (const seller of sale.sellers) await seller.kill();
    });
    for (const seller of sale.sellers) seller.launch();
    return sale;
  }

  /** Has so many more orders to sell. */
  async add(count: number): Promise<void> {
    const { sql, hasRefused } = this.#options;
    const names = Array.from({ length: count }, () => clientOrderIdOf(newId<'order'>(), 1));
    const isins = names.map((_, i) => (hasRefused && i % refusedOneIn === 1 ? refusedIsin : isin));
    await sql`
      insert into public.test_orders
      select ${this.#tenantId}, n.name, n.isin
      from unnest(${names}::text[], ${isins}::text[]) as n (name, isin)`;
  }

  /** Every order is at its end, and every seller runs. */
  async untilSold(): Promise<void> {
    const { sql } = this.#options;
    const isSold = async () => {
      for (const seller of this.sellers) seller.check();
      try {
        const [row] = await sql<{ open: string }[]>`
          select count(*) as open
          from public.test_orders t
          left join unwind.fix_orders o
            on o.tenant_id = t.tenant_id
            and o.client_order_id = t.client_order_id
          where o.status is distinct from 'DONE'`;
        return row?.open === '0';
      } catch (error) {
        if (isPassing(error)) return false;
        throw error;
      }
    };
    await eventually('every order is at its end', isSold, patienceMs);
  }

  /** @returns how many executions both ledgers have. Fails where they differ. */
  async compare(): Promise<number> {
    const { sql, engine } = this.#options;
    const log = await engine.log();
    const theirs = executionsIn(log);
    const rows = await sql<{ line: string }[]>`
      select concat(r.client_order_id, ' ', r.exec_id, ' ', trim_scale(r.last_quantity)) as line
      from unwind.fix_reports r
      where r.type in ('trade', 'filled')
      order by r.number`;
    // The same ones, each once, in the order in which the venue numbered them.
    assert.deepEqual(
      rows.map(({ line }) => line),
      theirs,
    );
    assert.deepEqual(doubledIn(log), [], 'no order came under two numbers');
    const [sold] = await sql<{ wrong: string }[]>`
      select count(*) as wrong
      from unwind.fix_orders o
      where o.rejection is null
        and o.quantity <> (
          select coalesce(sum(r.last_quantity), 0)
          from unwind.fix_reports r
          where r.client_order_id = o.client_order_id
            and r.type in ('trade', 'filled')
        )`;
    assert.equal(sold?.wrong, '0', 'every order that was not refused is sold to the last unit');
    return theirs.length;
  }
}

/** A process that keeps the session. */
export class Seller {
  readonly #of: { readonly profile: FixProfile; readonly url: string; readonly place: number };
  #child: ChildProcess | undefined;

  constructor(of: { profile: FixProfile; url: string; place: number }) {
    this.#of = of;
  }

  /** Launching twice is launching once. */
  launch(): void {
    if (this.#isRunning) return;
    const { url, profile, place } = this.#of;
    this.#child = spawn(process.execPath, [program, JSON.stringify(profile), String(place)], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Fails when it has ended by itself. */
  check(): void {
    assert.equal(this.#child?.exitCode, null, 'the seller has ended by itself');
  }

  get #isRunning(): boolean {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isRunning) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

/** Each execution that the engine reported, by the first number it had. */
function executionsIn(log: readonly Logged[]): readonly string[] {
  const numbers = new Map<string, number>();
  for (const { direction, fields } of log) {
    if (direction !== 'out' || fields.get('35') !== '8' || !fields.has('32')) continue;
    const line = `${fields.get('11')} ${fields.get('17')} ${Number(fields.get('32'))}`;
    const number = Number(fields.get('34'));
    numbers.set(line, Math.min(number, numbers.get(line) ?? number));
  }
  return [...numbers].toSorted(([, a], [, b]) => a - b).map(([line]) => line);
}

/** Orders that came to the engine under more than one number. */
function doubledIn(log: readonly Logged[]): readonly string[] {
  const numbers = new Map<string, Set<string>>();
  for (const { direction, fields } of log) {
    if (direction !== 'in' || fields.get('35') !== 'D') continue;
    const name = fields.get('11') ?? '';
    numbers.set(name, (numbers.get(name) ?? new Set()).add(fields.get('34') ?? ''));
  }
  return [...numbers].filter(([, own]) => own.size > 1).map(([name]) => name);
}
