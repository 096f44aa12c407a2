// What a simulated run is about: tenants, what their accounts hold, who wants which account to be
// sold, who is told; and the market, which halts instruments and lets them trade again.
import assert from 'node:assert/strict';
import type { Clock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { keepLog } from '../../src/events/keep-log.ts';
import { everyTenant, type Halt } from '../../src/halts/halt.ts';
import { findHalts, insertHalt } from '../../src/halts/halts-store.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { liftHalt } from '../../src/liquidations/lift-halt.ts';
import { beginDuty } from '../../src/reservations/duty-store.ts';
import { announceHalt, announceStatus } from '../../src/venue/calendar-store.ts';
import type { Lot } from '../crash/random.ts';
import { makeTenantWithKeys } from '../deliveries/subscriptions.ts';
import { type AccountOfUser, type BookPosition, makeBook } from '../support/book.ts';
import { notAtHead, undelivered } from './check-deliveries.ts';
import { newWish, type Wish } from './customers.ts';
import type { Network } from './network.ts';
import type { BatchWish } from './operators.ts';
import type { Plan } from './plan.ts';
import type { Receiver } from './receivers.ts';
import { makeReceivers } from './subscriptions.ts';

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
  readonly progress: {
    open: number;
    /** Whether everything is traded again. */
    isCalm: boolean;
    /** Whether receivers take everything by now. */
    isHealed: boolean;
  };
  readonly tenantIds: readonly TenantId[];
  /** Grows: some customers wish a second time. */
  readonly wishes: Wish[];
  readonly batches: readonly BatchWish[];
  /** Grows: subscriptions are created as well. */
  readonly receivers: Receiver[];
  /** What every account held before anything was sold. */
  readonly held: readonly Holder[];
  /** What came in later. */
  readonly credits: Credit[];
  /** Those in force. */
  readonly halts: Halt[];
}

/** When halts began, as far as anything of a run asks for it. */
const haltedAt = new Date('2026-01-05T08:00:00.000Z');

/** Chosen for how the venue treats them (docs/simulated-venue.md). */
const instruments = [
  { isin: 'DE0007164600', price: '121.335' },
  { isin: 'DE0008404005', price: '0.995' },
  { isin: 'US0378331005', price: '189.77', fractional: false },
  { isin: 'IE00B5M1WJ87', price: '87.105' },
  { isin: 'IE00B95PGT31', price: '99' },
  { isin: 'ZZLOSTREPLY4', price: '10.5' },
  { isin: 'ZZTWICE00002', price: '70.25' },
  { isin: 'ZZSHUFFLED01', price: '61' },
  { isin: 'ZZHALTING000', price: '33.335' },
  { isin: 'ZZDELAYED004', price: '5' },
  { isin: 'IE00BF2GFH28', price: '55.5' },
  { isin: 'ZZCANCEL0000', price: '20' },
  { isin: 'ZZREFUSED006', price: '12' },
  { isin: 'ZZLATEFILL05', price: '80' },
  { isin: 'ZZBUST000004', price: '81' },
] as const;
/** The others are never sold in whole, or something comes after the end. */
const sellable = 9;
/** What comes in later. */
export const tradedIsins: readonly string[] = instruments
  .slice(0, sellable)
  .map(({ isin }) => isin);
const afterTheEnd: ReadonlySet<string> = new Set(['ZZLATEFILL05', 'ZZBUST000004']);

/** Whether all is over with an account once its liquidation is. */
export function isOverAtEnd(market: Market, accountId: string): boolean {
  const holder = market.held.find((one) => one.accountId === accountId);
  return holder?.positions.every(({ isin }) => !afterTheEnd.has(isin)) ?? true;
}

export async function makeMarket(
  sql: Sql,
  clock: Clock,
  { lot, plan, liquidations }: { lot: Lot; plan: Plan; liquidations: number },
): Promise<Market> {
  await keepLog({ sql, log: { info: () => {}, warn: () => {} } }, clock.now());
  const tenantIds: TenantId[] = [];
  const held: Holder[] = [];
  for (let i = 0; i < plan.tenants; i += 1) {
    const tenantId = await makeTenantWithKeys(sql, clock);
    tenantIds.push(tenantId);
    const count = Math.ceil((liquidations - i) / plan.tenants);
    const accounts = Array.from({ length: count }, () => ({
      positions: drawPositions(lot, plan.positionsMax),
    }));
    const made = await makeBook(sql, { tenantId, instruments, accounts });
    held.push(...made.map((account, n) => ({ ...account, positions: [], ...accounts[n] })));
  }
  if (plan.hasKeeper) await beginDuty(sql, clock.now());
  const { batches, left } = drawBatches(lot, { plan, tenantIds, held: lot.shuffled(held) });
  const wishes = left.map((holder) => newWish(holder));
  const rivals = batches.flatMap(({ accountIds }) => accountIds);
  for (const wish of wishes) wish.hasRival = rivals.includes(wish.accountId);
  const receivers = await makeReceivers(sql, clock, { lot, plan, tenantIds });
  const progress = { open: liquidations, isCalm: false, isHealed: false };
  return { tenantIds, wishes, batches, receivers, held, credits: [], halts: [], progress };
}

/** Of the accounts that are for batches; and accounts of others in each, which are sold either way. */
const inBatches = { share: 0.4, ofOthersMax: 2 };

/** @returns batches, and who asks for the liquidation of their account alone. */
function drawBatches(
  lot: Lot,
  of: { plan: Plan; tenantIds: readonly TenantId[]; held: readonly Holder[] },
): { batches: readonly BatchWish[]; left: readonly Holder[] } {
  const { plan, tenantIds, held } = of;
  if (plan.batches === 0) return { batches: [], left: held };
  const chosen = held.slice(0, Math.floor(held.length * inBatches.share));
  const left = held.slice(chosen.length);
  const batches = Array.from({ length: plan.batches }, (_, i): BatchWish | undefined => {
    const tenantId = tenantIds[i % tenantIds.length];
    const isOwn = (one: Holder) => one.tenantId === tenantId;
    const own = chosen.filter((one, n) => isOwn(one) && n % plan.batches === i);
    const others = left.filter(isOwn).slice(0, lot.between(0, inBatches.ofOthersMax));
    const accountIds = [...own, ...others].map(({ accountId }) => accountId);
    if (lot.next() < 0.5) accountIds.push(newId<'account'>());
    if (tenantId === undefined || accountIds.length === 0) return undefined;
    return {
      tenantId,
      accountIds,
      answers: new Set(),
      batchId: undefined,
      startedAtCancel: undefined,
    };
  });
  return { batches: batches.filter((one) => one !== undefined), left };
}

function drawPositions(lot: Lot, positionsMax: number): readonly BookPosition[] {
  const isOdd = lot.next() < 0.1;
  const choice = lot.shuffled(instruments.slice(0, isOdd ? instruments.length : sellable));
  return choice.slice(0, lot.between(0, positionsMax)).map(({ isin }) => {
    const fraction = lot.next() < 0.5 ? `.${lot.between(1, 999)}` : '';
    return { isin, quantity: `${lot.between(1, 40)}${fraction}` };
  });
}

/** One look of the market: it moves by lot. @returns whether everything is at its end. */
export async function moveMarket(
  { sql, network, now }: { sql: Sql; network: Network; now: Date },
  market: Market,
): Promise<boolean> {
  const { lot, troubles } = network;
  if (troubles.isOver) {
    if (!market.progress.isCalm) await calmMarket(sql);
    market.progress.isCalm = true;
    await liftAll(sql, now);
    return isAtEnd(sql, market);
  }
  market.progress.open = await countOpen(sql);
  if (!troubles.happens('market_halts')) return false;
  const tenantId = market.tenantIds[lot.between(0, market.tenantIds.length - 1)];
  const isin = tradedIsins[lot.between(0, tradedIsins.length - 1)];
  assert.ok(tenantId !== undefined && isin !== undefined);
  const isEasy = lot.next() < 0.75;
  switch (lot.between(0, 4)) {
    case 0:
      await setTrading(sql, isEasy ? 'ACTIVE' : 'INACTIVE', { tenantId, isin });
      break;
    case 1:
      await inTransaction(sql, (tx) =>
        announceHalt(tx, { venue, isin, isHalted: !isEasy, at: haltedAt }),
      );
      break;
    case 2:
      await inTransaction(sql, (tx) => announceStatus(tx, venue, isEasy ? undefined : 'closed'));
      break;
    case 3:
      await setDown(sql, !isEasy);
      break;
    default:
      if (isEasy) await liftOne(sql, market, lot, now);
      else await haltSome(sql, market, { tenantId, isin, lot, now });
  }
  return false;
}

const venue = 'XSIM';

/** A person halts a tenant or one of its instruments, or an instrument of all. */
async function haltSome(
  sql: Sql,
  market: Market,
  of: { tenantId: TenantId; isin: string; lot: Lot; now: Date },
): Promise<void> {
  const { lot, now: setAt } = of;
  const isOfAll = lot.between(1, 3) === 1;
  const isOfVenue = lot.between(1, 6) === 1;
  const halt: Halt = {
    tenantId: isOfAll ? everyTenant : of.tenantId,
    haltId: newId<'halt'>(),
    accountId: undefined,
    isin: isOfAll || lot.between(1, 2) === 1 ? of.isin : undefined,
    venue: isOfVenue ? venue : undefined,
    strength: lot.between(1, 2) === 1 ? 'cancel' : 'release',
    reason: 'a test',
    person: 'Tester',
    setAt,
    lift: undefined,
  };
  await inTransaction(sql, (tx) => insertHalt(tx, halt));
  market.halts.push(halt);
}

async function liftOne(sql: Sql, { halts }: Market, lot: Lot, now: Date): Promise<void> {
  const [halt] = halts.splice(lot.between(0, Math.max(halts.length - 1, 0)), 1);
  if (halt === undefined) return;
  const lift = { at: now, by: 'Tester', reason: 'it is over' };
  await inTransaction(sql, (tx) => liftHalt(tx, halt, lift));
}

/** Also halts that the service has set itself. */
async function liftAll(sql: Sql, now: Date): Promise<void> {
  const query = { tenantId: undefined, inForce: true, below: undefined, limit: 100 };
  const lift = { at: now, by: 'Tester', reason: 'all is over' };
  const { things: halts } = await findHalts(sql, query);
  for (const halt of halts) await inTransaction(sql, (tx) => liftHalt(tx, halt, lift));
}

async function calmMarket(sql: Sql): Promise<void> {
  await setTrading(sql, 'ACTIVE', {});
  await setDown(sql, false);
  await sql`delete from unwind.venue_halts`;
  await sql`update unwind.venues set status = null where status is not null`;
}

async function setDown(sql: Sql, isDown: boolean): Promise<void> {
  await sql`
    update simulated_venue.market m
    set is_down = ${isDown}
    where m.is_down <> ${isDown}`;
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

/** At first everything but what receivers refuse, then, once they are healed, that as well. */
async function isAtEnd(sql: Sql, { progress, receivers }: Market): Promise<boolean> {
  if (progress.isHealed) return (await notAtHead(sql)).length === 0;
  const [row] = await sql<{ open: number }[]>`
    select (
      (select count(*) from unwind_v1.liquidations where ended_at is null)
      + (select count(*) from unwind_v1.batches where ended_at is null)
      + (select count(*) from unwind_v1.reservations where next_at is not null)
      + (select count(*) from unwind_v1.waiting_reports)
      + (select count(*) from simulated_venue.reports where number is null)
      + (select count(*) from unwind_v1.events where position is null)
    )::integer as open`;
  progress.isHealed = row?.open === 0 && (await undelivered(sql, receivers)).length === 0;
  return false;
}
