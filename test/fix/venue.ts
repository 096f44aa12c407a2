// A FIX venue for tests: a database, a counterparty (the example acceptor, or another engine), and the port
// on top.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Acceptor, type AcceptorOptions, type Market } from '../../examples/fix/acceptor.ts';
import { systemClock } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { newId } from '../../src/ids.ts';
import { type FixVenue, fixVenue } from '../../src/venue/fix/fix-venue.ts';
import type { FixProfile } from '../../src/venue/fix/profile.ts';
import { eventually } from '../support/condition.ts';
import { type AfterTest, createTestDatabase } from '../support/database.ts';

/** Our side of a session with a counterparty. */
export interface FixSide {
  readonly sql: Sql;
  readonly profile: FixProfile;
  /** With its session kept in this process. */
  readonly fix: FixVenue;
  /** The same venue in a process that does not have the session. */
  readonly elsewhere: FixVenue;
  /** Both sides have received everything the other has sent. */
  settled(): Promise<void>;
}

export interface FixWorld extends FixSide {
  readonly acceptor: Acceptor;
}

/** What tests need of whoever is on the other side. */
export interface Counterparty {
  readonly port: number;
  readonly compId: string;
  /** The number that its next message gets, and the one it expects. */
  numbers(): Numbers | Promise<Numbers>;
}

interface Numbers {
  readonly out: number;
  readonly in: number;
}

/** The machine may be busy with other tests. */
const patienceMs = 120_000;

const silent = { info: () => {}, warn: () => {}, error: () => {} };

/** Starts all of it; everything is stopped after the test. */
export async function openFixWorld(
  t: AfterTest,
  over: { market: Market } & Partial<AcceptorOptions> & { profile?: Partial<FixProfile> },
): Promise<FixWorld> {
  const { profile = {}, ...options } = over;
  const folder = await mkdtemp(join(tmpdir(), 'unwind-fix-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const acceptor = new Acceptor({ port: 0, journal: join(folder, 'journal.jsonl'), ...options });
  t.after(() => acceptor.close());
  const counterparty = {
    port: await acceptor.listen(),
    compId: 'ACCEPTOR',
    numbers: () => acceptor.numbers,
  };
  return { acceptor, ...(await openFixSide(t, counterparty, profile)) };
}

/** Connects to a counterparty; returns once the session is ready. */
export async function openFixSide(
  t: AfterTest,
  { port, compId, numbers }: Counterparty,
  over: Partial<FixProfile> = {},
): Promise<FixSide> {
  const { sql } = await createTestDatabase(t);
  const profile: FixProfile = {
    type: 'fix',
    mic: 'XTST',
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port,
    sender_comp_id: 'UNWIND',
    target_comp_id: compId,
    ...over,
  };
  const open = () => {
    return fixVenue({ sql, clock: systemClock, profile, holder: newId<'process'>(), log: silent });
  };
  const fix = open();
  fix.keeper.start();
  t.after(() => fix.keeper.stop());
  const statusIs = async (status: string) => {
    const rows = await sql`
      select from unwind.fix_sessions s where s.venue = ${profile.mic} and s.status = ${status}`;
    return rows.count === 1;
  };
  await eventually('the session is ready', () => statusIs('ready'), patienceMs);
  const isSettled = async () => {
    const [session] = await sql<{ next_in: string; next_out: string; queued: string }[]>`
      select s.next_in, s.next_out, (select count(*) from unwind.fix_outbox b) as queued
      from unwind.fix_sessions s`;
    if (session?.queued !== '0') return false;
    const theirs = await numbers();
    return Number(session.next_in) === theirs.out && Number(session.next_out) === theirs.in;
  };
  const settled = async () => {
    await eventually('both sides are level', isSettled, patienceMs);
  };
  return { sql, profile, fix, elsewhere: open(), settled };
}
