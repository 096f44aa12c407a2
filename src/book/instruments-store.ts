// The statements by which a request of a sandbox records instruments and their prices, as an import would.

import type { Tx } from '../db/connect.ts';
import { rowsOf } from '../db/row.ts';
import type { TenantId } from '../ids.ts';

export interface InstrumentChange {
  readonly isin: string;
  readonly name: string;
  readonly fractional: boolean;
  readonly tradingStatus: 'ACTIVE' | 'INACTIVE';
  /** A decimal in EUR; undefined: the price stays as it is. */
  readonly price: string | undefined;
}

/** What became of an instrument, as responses carry it. */
export interface InstrumentOutcome {
  readonly isin: string;
  readonly outcome: 'created' | 'changed' | 'unchanged';
  readonly price: string | null;
}

/** Records instruments and prices, each ISIN once, in their order. What is as it was is not written. */
export async function putInstruments(
  tx: Tx,
  batch: { tenantId: TenantId; changes: readonly InstrumentChange[]; now: Date },
): Promise<readonly InstrumentOutcome[]> {
  const { tenantId, changes, now } = batch;
  const written = await tx<{ isin: string; is_new: boolean }[]>`
    insert into unwind.instruments as t (
      tenant_id, isin, name, trading_status, fractional, created_at, updated_at
    )
    select ${tenantId}, n.isin, n.name, n.trading_status, n.fractional, ${now}, ${now}
    from ${rowsOf(changes).as('n (isin text, name text, trading_status text, fractional boolean)')}
    order by n.isin
    on conflict (tenant_id, isin) do update
    set
      name = excluded.name,
      trading_status = excluded.trading_status,
      fractional = excluded.fractional,
      updated_at = excluded.updated_at
    where (t.name, t.trading_status, t.fractional)
      is distinct from (excluded.name, excluded.trading_status, excluded.fractional)
    returning t.isin, t.xmax = 0 as is_new`;
  const priced = changes.filter((one) => one.price !== undefined);
  const repriced = await tx<{ isin: string }[]>`
    insert into unwind.prices as t (tenant_id, isin, price, currency, updated_at)
    select ${tenantId}, n.isin, trim_scale(n.price), 'EUR', ${now}
    from ${rowsOf(priced).as('n (isin text, price numeric)')}
    order by n.isin
    on conflict (tenant_id, isin) do update
    set
      price = excluded.price,
      updated_at = excluded.updated_at
    where t.price is distinct from excluded.price
    returning t.isin`;
  // A price that comes again is as new as the request: limit orders ask for its age.
  await tx`
    update unwind.prices p
    set updated_at = ${now}
    where p.tenant_id = ${tenantId}
      and p.isin = any (${priced.map((one) => one.isin)}::text[])
      and p.updated_at < ${now}`;
  const prices = await tx<{ isin: string; price: string }[]>`
    select p.isin, p.price::text as price
    from unwind.prices p
    where p.tenant_id = ${tenantId}
      and p.isin = any (${changes.map((one) => one.isin)}::text[])`;
  const isNew = new Map(written.map((row) => [row.isin, row.is_new]));
  const isRepriced = new Set(repriced.map((row) => row.isin));
  const priceOf = new Map(prices.map((row) => [row.isin, row.price]));
  return changes.map(({ isin }) => {
    const isChanged = isNew.has(isin) || isRepriced.has(isin);
    const outcome = isNew.get(isin) === true ? 'created' : isChanged ? 'changed' : 'unchanged';
    return { isin, outcome, price: priceOf.get(isin) ?? null };
  });
}
