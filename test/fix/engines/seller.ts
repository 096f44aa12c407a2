// A process that keeps the session and submits orders, to be killed at any moment: the orders come from
// a table, and one that was submitted before is never submitted under another name.
//
//   node test/fix/engines/seller.ts PROFILE [PLACE]     with DATABASE_URL
//
// PLACE is a number like no other process's: who comes after a killed one takes its session at once.

import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../../src/clock.ts';
import { connect } from '../../../src/db/connect.ts';
import { isPassing } from '../../../src/db/errors.ts';
import type { TenantId } from '../../../src/ids.ts';
import { decimal } from '../../../src/money.ts';
import { fixVenue } from '../../../src/venue/fix/fix-venue.ts';
import type { FixProfile } from '../../../src/venue/fix/profile.ts';
import { newHolder } from '../../../src/work/holder.ts';

const batchMax = 25;
const pauseMs = 50;

const profile: FixProfile = JSON.parse(process.argv[2] ?? '{}');
const url = process.env['DATABASE_URL'] ?? '';
const sql = connect({ url, max: 6, applicationName: 'seller' });
const log = { info: () => {}, warn: () => {}, error: () => {} };
const holder = newHolder({ host: 'seller', port: Number(process.argv[3] ?? 1) });
const { venue, keeper } = fixVenue({ sql, clock: systemClock, profile, holder, log });
keeper.start();

for (;;) {
  const orders = await findDue();
  // While the session is not ready nothing is taken, and the orders stay where they are.
  const outcomes = orders.length === 0 ? [] : await venue.submit(orders).catch(() => []);
  if (outcomes.length === 0) await wait(pauseMs);
}

async function findDue() {
  try {
    const rows = await sql<{ tenant_id: TenantId; client_order_id: string; isin: string }[]>`
      select t.tenant_id, t.client_order_id, t.isin
      from public.test_orders t
      where not exists (
        select
        from unwind.fix_orders o
        where o.tenant_id = t.tenant_id
          and o.client_order_id = t.client_order_id
      )
      limit ${batchMax}`;
    return rows.map((row) => ({
      tenantId: row.tenant_id,
      clientOrderId: row.client_order_id,
      isin: row.isin,
      quantity: decimal('10'),
    }));
  } catch (error) {
    if (isPassing(error)) return [];
    throw error;
  }
}
