// What a simulated run is about: tenants, what their accounts hold, who wants which account to be
// sold, who is told; and the market, which halts instruments and lets them trade again.
import assert from 'node:assert/strict';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import type { TenantId } from '../../src/ids.ts';
import type { Lot } from '../crash/random.ts';
import { type AccountOfUser, type BookPosition, makeBook } from '../support/book.ts';
import { keysOf, makeTenantWithKeys, subscribe } from '../webhooks/subscriptions.ts';
import { newWish, type Wish } from './customers.ts';
import type { Network } from './network.ts';
import type { Plan } from './plan.ts';
import type { Receiver } from './receivers.ts';

export interface Holder extends AccountOfUser {
  readonly positions: readonly BookPosition[];
}

/** Units that came in while the run went on. */
export interface Credit {
  readonly accountId: string;
  readonly isin: string;
  readonly quantity: string;
}

export interface Market {
  /** As it was seen last. */
  readonly progress: { open: number };
  readonly tenantIds: readonly TenantId[];
  /** Grows: some customers wish a second time. */
  readonly wishes: Wish[];
  readonly receivers: readonly Receiver[];
  /** What every account held before anything was sold. */
  readonly held: readonly Holder[];
  /** What came in later. */
  readonly credits: Credit[];
}

/** Chosen for how the venue treats them. */
const instruments = [
  { isin: 'DE0007164600', price: '121.335' },
  { isin: 'DE0008404005', price: '0.995' },
  { isin: 'US0378331005', price: '189.77', fractional: false },
  { isin: 'IE00B5M1WJ87', price: '87.105' },
  { isin: 'IE00B95PGT31', price: '99' },
  { isin: 'IE00BF2GFH28', price: '55.5' },
  { isin: 'ZZREFUSED006', price: '12' },
] as const;
/** The last two are never sold in whole. */
const sellable = 5;
/** What comes in later. */
export const tradedIsins: readonly string[] = instruments
  .slice(0, sellable)
  .map(({ isin }) => isin);

export async function makeMarket(
  sql: Sql,
  clock: Clock,
  { lot, plan, liquidations }: { lot: Lot; plan: Plan; liquidations: number },
): Promise<Market> {
  const tenantIds: TenantId[] = [];
  const receivers: Receiver[] = [];
  const held: Holder[] = [];
  for (let i = 0; i < plan.tenants; i += 1) {
    const tenantId = await makeTenantWithKeys(sql, clock);
    tenantIds.push(tenantId);
    receivers.push(...(await makeReceivers(sql, clock, { lot, tenantId, name: `t${i + 1}` })));
    const count = Math.ceil((liquidations - i) / plan.tenants);
    const accounts = Array.from({ length: count }, () => ({ positions: drawPositions(lot) }));
    const made = await makeBook(sql, { tenantId, instruments, accounts });
    held.push(...made.map((account, n) => ({ ...account, positions: [], ...accounts[n] })));
  }
  const wishes = lot.shuffled(held).map(newWish);
  const progress = { open: liquidations };
  return { tenantIds, wishes, receivers, held, credits: [], progress };
}

function drawPositions(lot: Lot): readonly BookPosition[] {
  const isOdd = lot.next() < 0.1;
  const choice = lot.shuffled(instruments.slice(0, isOdd ? instruments.length : sellable));
  return choice.slice(0, lot.between(0, 3)).map(({ isin }) => {
    const fraction = lot.next() < 0.5 ? `.${lot.between(1, 999)}` : '';
    return { isin, quantity: `${lot.between(1, 40)}${fraction}` };
  });
}

async function makeReceivers(
  sql: Sql,
  clock: Clock,
  { lot, tenantId, name }: { lot: Lot; tenantId: TenantId; name: string },
): Promise<readonly Receiver[]> {
  const keys = await keysOf(sql, tenantId);
  const receivers: Receiver[] = [];
  const count = lot.between(1, 2);
  for (let i = 1; i <= count; i += 1) {
    const url = `https://${name}-${i}.example/hooks?of=${name}`;
    await subscribe(sql, clock, { tenantId, url, ...drawSettings(lot) });
    receivers.push({ tenantId, url, keys, arrivals: [] });
  }
  return receivers;
}

function drawSettings(lot: Lot) {
  const versions = ['6', '15', '9421'] as const;
  const signatureVersion = versions[lot.between(0, 2)] ?? '6';
  const isOld = signatureVersion === '6' && lot.next() < 0.2;
  return {
    signatureVersion,
    signatureAlgorithm: isOld ? ('ecdsa-p521' as const) : ('ed25519' as const),
    delayS: lot.next() < 0.2 ? 1 : undefined,
    maxPackageSize: lot.next() < 0.4 ? lot.between(500, 20_000) : undefined,
  };
}

/** One look of the market: halts and resumes by lot. @returns whether everything is at its end. */
export async function moveMarket(
  sql: Sql,
  market: Market,
  { network }: { network: Network },
): Promise<boolean> {
  const { lot, troubles } = network;
  if (troubles.isOver) {
    await setTrading(sql, 'ACTIVE', {});
    return isAtEnd(sql);
  }
  market.progress.open = await countOpen(sql);
  if (troubles.happens('market_halts')) {
    const tenantId = market.tenantIds[lot.between(0, market.tenantIds.length - 1)];
    const isin = instruments[lot.between(0, sellable - 1)]?.isin;
    assert.ok(tenantId !== undefined && isin !== undefined);
    await setTrading(sql, lot.next() < 0.5 ? 'INACTIVE' : 'ACTIVE', { tenantId, isin });
  }
  return false;
}

async function setTrading(
  sql: Sql,
  status: 'ACTIVE' | 'INACTIVE',
  of: { tenantId?: TenantId; isin?: string },
): Promise<void> {
  await sql`
    update unwind.instruments i
    set trading_status = ${status}
    where i.trading_status <> ${status}
      and (${of.tenantId ?? null}::uuid is null or i.tenant_id = ${of.tenantId ?? null})
      and (${of.isin ?? null}::text is null or i.isin = ${of.isin ?? null})`;
}

async function countOpen(sql: Sql): Promise<number> {
  const [row] = await sql<{ open: number }[]>`
    select count(*)::integer as open
    from unwind.liquidations l
    where l.status in ('NEW', 'PROCESSING')`;
  return row?.open ?? 0;
}

async function isAtEnd(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ open: number }[]>`
    select (
      (select count(*) from unwind_v1.liquidations where ended_at is null)
      + (select count(*) from unwind_v1.waiting_reports)
      + (select count(*) from unwind_v1.events where position is null)
      + (
        select count(*)
        from unwind.webhooks w
        join unwind.event_heads h on h.tenant_id = w.tenant_id
        where w.position < h.position
      )
    )::integer as open`;
  return row?.open === 0;
}
