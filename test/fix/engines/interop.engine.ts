// Real engines as counterparties (npm run test:fix). Orders are sold while connections are cut and
// processes killed on both sides; then what the engine logged is held against what the service has.
// ORDERS and KILLS make a round longer.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Sql } from '../../../src/db/connect.ts';
import { newId } from '../../../src/ids.ts';
import { clientOrderIdOf } from '../../../src/orders/order.ts';
import type { FixProfile } from '../../../src/venue/fix/profile.ts';
import { makeTenant } from '../../support/book.ts';
import { eventually } from '../../support/condition.ts';
import { createTestDatabase } from '../../support/database.ts';
import { startProxy } from '../../support/proxy.ts';
import { type Engine, type Logged, missingFor, startCpp, startJava } from './engine.ts';

const seller = fileURLToPath(new URL('./seller.ts', import.meta.url));
const orders = Number(process.env['ORDERS'] ?? 400);
const kills = Number(process.env['KILLS'] ?? 6);
const patienceMs = 180_000;
const isin = 'DE0007164600';
const refusedIsin = 'ZZREFUSED006';
/** One of so many orders is one that the venue refuses. */
const refusedOneIn = 20;

interface Sale {
  readonly sql: Sql;
  readonly url: string;
  readonly profile: FixProfile;
  readonly cut: () => void;
}

async function prepare(
  t: Parameters<typeof createTestDatabase>[0],
  { engine, hasRefused }: { engine: Engine; hasRefused: boolean },
): Promise<Sale> {
  const { sql, url } = await createTestDatabase(t);
  const tenantId = await makeTenant(sql);
  await sql`create table public.test_orders (tenant_id uuid, client_order_id text, isin text)`;
  const names = Array.from({ length: orders }, () => clientOrderIdOf(newId<'order'>(), 1));
  const isins = names.map((_, i) => (hasRefused && i % refusedOneIn === 0 ? refusedIsin : isin));
  await sql`
    insert into public.test_orders
    select ${tenantId}, n.name, n.isin
    from unnest(${names}::text[], ${isins}::text[]) as n (name, isin)`;
  const proxy = await startProxy(t, engine.port);
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
  return { sql, url, profile, cut: () => proxy.cut() };
}

/** The process that keeps the session. */
class Seller {
  readonly #sale: Sale;
  #child: ChildProcess | undefined;

  constructor(sale: Sale) {
    this.#sale = sale;
  }

  launch(): void {
    const { url, profile } = this.#sale;
    this.#child = spawn(process.execPath, [seller, JSON.stringify(profile)], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Fails when it has ended by itself. */
  check(): void {
    assert.equal(this.#child?.exitCode, null, 'the seller has ended by itself');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

async function untilSold(sql: Sql, own: Seller): Promise<void> {
  const isSold = async () => {
    own.check();
    const [row] = await sql<{ open: string }[]>`
      select count(*) as open
      from public.test_orders t
      left join unwind.fix_orders o
        on o.tenant_id = t.tenant_id
        and o.client_order_id = t.client_order_id
      where o.status is distinct from 'DONE'`;
    return row?.open === '0';
  };
  await eventually('every order is at its end', isSold, patienceMs);
}

/** Executions by order: of the engine's log each id once, of the service all. */
async function compare(sql: Sql, log: readonly Logged[]): Promise<void> {
  const trades = log.filter(({ direction, fields }) => {
    return direction === 'out' && fields.get('35') === '8' && fields.has('32');
  });
  const theirs = new Set(
    trades.map(
      ({ fields }) => `${fields.get('11')} ${fields.get('17')} ${Number(fields.get('32'))}`,
    ),
  );
  const rows = await sql<{ line: string }[]>`
    select concat(r.client_order_id, ' ', r.exec_id, ' ', trim_scale(r.last_quantity)) as line
    from unwind.fix_reports r
    where r.type in ('trade', 'filled')`;
  const ours = rows.map(({ line }) => line);
  assert.deepEqual(ours.toSorted(), [...theirs].toSorted());
  const numbers = new Map<string, Set<string>>();
  for (const { direction, fields } of log) {
    if (direction !== 'in' || fields.get('35') !== 'D') continue;
    const name = fields.get('11') ?? '';
    numbers.set(name, (numbers.get(name) ?? new Set()).add(fields.get('34') ?? ''));
  }
  const doubled = [...numbers].filter(([, own]) => own.size > 1);
  assert.deepEqual(doubled, [], 'no order came under two numbers');
  const [sold] = await sql<{ wrong: string }[]>`
    select count(*) as wrong
    from unwind.fix_orders o
    where o.refusal is null
      and o.quantity <> (
        select coalesce(sum(r.last_quantity), 0)
        from unwind.fix_reports r
        where r.client_order_id = o.client_order_id
          and r.type in ('trade', 'filled')
      )`;
  assert.equal(sold?.wrong, '0', 'every order that was not refused is sold to the last unit');
}

test('QuickFIX C++: killed on both sides and cut, nothing is lost, doubled or stuck', async (t) => {
  const missing = await missingFor('cpp');
  if (missing !== undefined) return t.skip(missing);
  const engine = await startCpp(t, { courses: { [refusedIsin]: ':refuse' } });
  const sale = await prepare(t, { engine, hasRefused: true });
  const own = new Seller(sale);
  t.after(() => own.kill());
  own.launch();
  for (let i = 0; i < kills; i += 1) {
    await wait(300 + Math.random() * 1_500);
    const what = (['us', 'engine', 'cut'] as const)[i % 3];
    t.diagnostic(`trouble ${i + 1}: ${what}`);
    if (what === 'cut') {
      sale.cut();
    } else if (what === 'us') {
      await own.kill();
      own.launch();
    } else {
      await engine.kill();
      await engine.launch();
    }
  }
  await untilSold(sale.sql, own);
  await compare(sale.sql, await engine.log());
});

test('QuickFIX/J Executor: we are killed and cut, nothing is lost, doubled or stuck', async (t) => {
  const missing = await missingFor('java');
  if (missing !== undefined) return t.skip(missing);
  const engine = await startJava(t);
  const sale = await prepare(t, { engine, hasRefused: false });
  const own = new Seller(sale);
  t.after(() => own.kill());
  own.launch();
  for (let i = 0; i < kills; i += 1) {
    await wait(300 + Math.random() * 1_500);
    if (i % 2 === 0) {
      await own.kill();
      own.launch();
    } else {
      sale.cut();
    }
  }
  await untilSold(sale.sql, own);
  await compare(sale.sql, await engine.log());
});
