// Several venues side by side for tests: FIX sessions with an example acceptor each, and the simulated
// venue, behind steps of the engine that a test calls by hand.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Acceptor, type Market } from '../../examples/fix/acceptor.ts';
import { systemClock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { newId, type TenantId } from '../../src/ids.ts';
import { recordTrading } from '../../src/venue/calendar-store.ts';
import { type FixVenue, fixVenue } from '../../src/venue/fix/fix-venue.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import { makeTenant } from '../support/book.ts';
import { eventually } from '../support/condition.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';
import { type EngineSteps, engineSteps, runUntilIdle } from '../support/engine.ts';
import { freePort } from '../support/port.ts';

export interface FixMarket {
  readonly profile: FixProfile;
  readonly fix: FixVenue;
  readonly acceptor: Acceptor;
  /** Ends the acceptor, as a cut line does. */
  cutOff(): Promise<void>;
  /** Starts it again, with its journal. */
  comeBack(): Promise<void>;
  /** Resolves when the session is ready, or is not. */
  isReady(ready: boolean): Promise<void>;
}

export interface Markets {
  readonly sql: Sql;
  readonly tenantId: TenantId;
  readonly steps: EngineSteps;
  readonly first: FixMarket;
  readonly second: FixMarket;
  /** Runs all steps until a question has an answer. */
  runUntil<T>(
    what: string,
    ask: () => T | Promise<T>,
  ): Promise<Exclude<T, null | undefined | false>>;
}

/** The machine may be busy with other tests. */
export const patienceMs = 120_000;

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Opens XAAA, XBBB and XSIM, in that order. */
export async function openMarkets(
  t: AfterTest,
  { market, second = {} }: { market: Market; second?: Partial<FixProfile> },
): Promise<Markets> {
  const { sql } = await createTestDatabase(t, { max: 12 });
  const folder = await mkdtemp(join(tmpdir(), 'unwind-markets-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const open = async (mic: string, over: Partial<FixProfile> = {}): Promise<FixMarket> => {
    const journal = join(folder, `${mic}.jsonl`);
    // It comes back at the same one.
    const port = await freePort();
    let acceptor = new Acceptor({ port, journal, market });
    await acceptor.listen();
    const comps = { sender_comp_id: 'UNWIND', target_comp_id: 'ACCEPTOR' };
    const base = { type: 'fix', mic, version: 'FIX.4.4', host: '127.0.0.1', port } as const;
    const profile: FixProfile = { ...base, ...comps, ...over };
    const fix = fixVenue({
      sql,
      clock: systemClock,
      profile,
      holder: newId<'process'>(),
      log: silent,
    });
    fix.keeper.start();
    t.after(async () => {
      await fix.keeper.stop();
      await acceptor.close().catch(() => {});
    });
    const isReady = async (ready: boolean) => {
      const look = async () => {
        const rows = await sql`
          select from unwind.fix_sessions s where s.venue = ${mic} and s.status = 'ready'`;
        return (rows.count === 1) === ready;
      };
      await eventually(`${mic} is ${ready ? 'ready' : 'away'}`, look, patienceMs);
    };
    return {
      profile,
      fix,
      get acceptor() {
        return acceptor;
      },
      cutOff: () => acceptor.close(),
      comeBack: async () => {
        acceptor = new Acceptor({ port, journal, market });
        await acceptor.listen();
      },
      isReady,
    };
  };
  const markets = { first: await open('XAAA'), second: await open('XBBB', second) };
  const fixes = [markets.first, markets.second];
  await Promise.all(fixes.map((one) => one.isReady(true)));
  const venues = [...fixes.map(({ fix }) => fix.venue), simulatedVenue(sql, systemClock, 0)];
  await recordTrading(sql, { venues, now: systemClock.now() });
  const steps = engineSteps(sql, systemClock, { delayMs: 0, venues, onWarning: () => {} });
  const runUntil: Markets['runUntil'] = (what, ask) => {
    const look = async () => {
      await runUntilIdle(steps);
      return ask();
    };
    return eventually(what, look, patienceMs);
  };
  return { sql, tenantId: await makeTenant(sql), steps, ...markets, runUntil };
}
