// A FIX venue whose other side is written by the test: what it says, its clock and its profile.

import { type Clock, systemClock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { clientOrderIdOf } from '../../src/orders/order.ts';
import { type FixVenue, fixVenue } from '../../src/venue/fix/fix-venue.ts';
import { findSessions } from '../../src/venue/fix/operate-store.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { makeTenant } from '../support/book.ts';
import { eventually } from '../support/condition.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { ScriptedVenue } from './scripted.ts';

const patienceMs = 120_000;
const silent = { info: () => {}, warn: () => {}, error: () => {} };
const mic = 'XTST';

export interface World {
  readonly sql: Sql;
  readonly venue: ScriptedVenue;
  readonly fix: FixVenue;
  readonly profile: FixProfile;
  readonly tenantId: TenantId;
  /** The state of the session once it is that. */
  until(status: string): Promise<{ reason: string; nextIn: number; nextOut: number }>;
  /** Has an order on its way to the venue. */
  submit(isin?: string): {
    clientOrderId: string;
    outcome: ReturnType<FixVenue['venue']['submit']>;
  };
  reports(): Promise<readonly string[]>;
}

/** Connects a FIX venue to a scripted one; the test has to answer the Logon. */
export async function openScripted(
  t: AfterTest,
  over: Partial<FixProfile> = {},
  clock: Clock = systemClock,
): Promise<World> {
  const { sql } = await createTestDatabase(t);
  const venue = await ScriptedVenue.start(t);
  const profile: FixProfile = {
    type: 'fix',
    mic,
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port: venue.port,
    sender_comp_id: 'UNWIND',
    target_comp_id: 'ACCEPTOR',
    ...over,
  };
  const holder = newId<'process'>();
  const fix = fixVenue({ sql, clock, profile, holder, log: silent });
  fix.keeper.start();
  t.after(() => fix.keeper.stop());
  const tenantId = await makeTenant(sql);
  const until = async (status: string) => {
    const find = async () => {
      const [session] = await findSessions(sql, clock.now());
      return session?.status === status ? session : undefined;
    };
    const session = await eventually(`the session is ${status}`, find, patienceMs);
    return { ...session, reason: session.reason ?? '' };
  };
  const submit = (isin = 'DE0007164600') => {
    const clientOrderId = clientOrderIdOf(newId<'order'>(), 1);
    const order = { tenantId, clientOrderId, isin, quantity: decimal('10') };
    return { clientOrderId, outcome: fix.venue.submit([order]) };
  };
  const reports = async () => {
    const all = await fix.venue.reports({ after: 0, limit: 100 });
    return all.map(({ event }) => {
      const amount = 'trade' in event ? ` ${event.trade.lastQuantity.toFixed()}` : '';
      return `${event.type}${amount} of ${event.cumulativeQuantity.toFixed()}`;
    });
  };
  return { sql, venue, fix, profile, tenantId, until, submit, reports };
}
