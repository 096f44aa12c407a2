// An engine at the simulated venue, whose journal is the witness, with what tests of halts ask of it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { inTransaction } from '../../src/db/transaction.ts';
import type { Halt, HaltTarget } from '../../src/halts/halt.ts';
import { insertHalt } from '../../src/halts/halts-store.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { liftHalt } from '../../src/liquidations/lift-halt.ts';
import { type BookInstrument, type BookPosition, makeBook, makeTenant } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, type EngineSettings, engineSteps } from '../support/engine.ts';

export const [sap, allianz] = ['DE0007164600', 'DE0008404005'];
export const quietly = { delayMs: 0, onWarning: () => {} };

export interface Beginning {
  readonly settings?: Partial<EngineSettings>;
  /** Beside SAP at 10 and Allianz at 20. */
  readonly instruments?: readonly BookInstrument[];
}

/** Two tenants; what the test does not name is of the first one. */
export async function begin(t: TestContext, { settings, instruments: more = [] }: Beginning = {}) {
  const { sql } = await createTestDatabase(t);
  const clock = testClock(new Date().toISOString());
  const steps = engineSteps(sql, clock, { ...quietly, ...settings });
  const tenants = [await makeTenant(sql), await makeTenant(sql)] as const;
  for (const tenantId of tenants) {
    const instruments = [{ isin: sap, price: '10' }, { isin: allianz, price: '20' }, ...more];
    await makeBook(sql, { tenantId, instruments, accounts: [] });
  }
  const both = [
    { isin: sap, quantity: '3' },
    { isin: allianz, quantity: '2' },
  ];
  const ask = async (
    tenantId: TenantId = tenants[0],
    positions: readonly BookPosition[] = both,
  ) => {
    const [account] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions }] });
    assert.ok(account);
    return { id: await askToLiquidate(sql, clock, account), accountId: account.accountId };
  };
  const halt = async (
    target: Partial<HaltTarget>,
    strength: Halt['strength'] = 'release',
  ): Promise<Halt> => {
    const made: Halt = {
      tenantId: tenants[0],
      accountId: undefined,
      isin: undefined,
      venue: undefined,
      ...target,
      haltId: newId<'halt'>(),
      strength,
      reason: 'prices are wrong',
      person: 'A. Risk',
      setAt: clock.now(),
      lift: undefined,
    };
    await inTransaction(sql, (tx) => insertHalt(tx, made));
    return made;
  };
  const lift = (one: Halt) => {
    const by = { at: clock.now(), by: 'B. Desk', reason: 'they are right again' };
    return inTransaction(sql, (tx) => liftHalt(tx, one, by));
  };
  const statusOf = async (id: string) => {
    const [row] = await sql<{ status: string }[]>`
      select l.status from unwind.liquidations l where l.liquidation_id = ${id}`;
    return row?.status;
  };
  const reasonOf = async (id: string) => {
    const [row] = await sql<{ reason: string; isin: string | null; detail: string | null }[]>`
      select w.reason, w.isin, w.detail
      from unwind_v1.liquidation_waits w
      where w.liquidation_id = ${id}`;
    return row;
  };
  /** ISINs of what the venue has received, in its order. */
  const journal = async () => {
    const rows = await sql<{ isin: string }[]>`
      select j.isin from simulated_venue.journal j order by j.entry`;
    return rows.map(({ isin }) => isin);
  };
  return { sql, clock, steps, tenants, ask, halt, lift, statusOf, reasonOf, journal };
}
