// The statements by which tests change the simulated market.

import type { Tx } from '../../db/connect.ts';
import type { AskedBehaviour } from './behaviour.ts';
import { simulatedMic } from './market-store.ts';

/** Moves the market clock on, for every process. @returns whether it did: it never goes back. */
export async function advanceClock(
  tx: Tx,
  move: { by: number } | { to: Date; now: Date },
): Promise<boolean> {
  const rows =
    'by' in move
      ? await tx`
          update unwind.market_clock
          set offset_ms = offset_ms + ${move.by}::bigint`
      : await tx`
          update unwind.market_clock
          set offset_ms = m.offset_ms
          from (
            select
              (extract(epoch from ${move.to}::timestamptz - ${move.now}::timestamptz) * 1000)::bigint
                as offset_ms
          ) m
          where market_clock.offset_ms <= m.offset_ms`;
  return rows.count === 1;
}

/** How far the market clock is ahead of the wall clock, in ms. */
export async function findClockOffset(tx: Tx): Promise<number> {
  const rows = await tx<{ offset_ms: string }[]>`
    select c.offset_ms
    from unwind.market_clock c
    for no key update`;
  return Number(rows[0]?.offset_ms ?? 0);
}

/** Takes the venue away or brings it back. Idempotent. */
export async function setDown(tx: Tx, isDown: boolean): Promise<void> {
  await tx`update simulated_venue.market set is_down = ${isDown}`;
}

export async function setSeed(tx: Tx, seed: string): Promise<void> {
  await tx`update simulated_venue.market set seed = ${seed}`;
}

/** Asks for a behaviour of an instrument, in place of what was asked before. Idempotent. */
export async function askBehaviour(tx: Tx, isin: string, asked: AskedBehaviour): Promise<void> {
  const { course, losesAnswers, repeatsReports, shufflesReports, delaysReportsMs, oneIn } = asked;
  await tx`
    insert into simulated_venue.behaviours (
      isin, course, loses_answers, repeats_reports, shuffles_reports, delays_reports_ms, one_in
    )
    values (
      ${isin}, ${course ?? null}, ${losesAnswers ?? null}, ${repeatsReports ?? null},
      ${shufflesReports ?? null}, ${delaysReportsMs ?? null}, ${oneIn}
    )
    on conflict (isin) do update
    set
      course = excluded.course,
      loses_answers = excluded.loses_answers,
      repeats_reports = excluded.repeats_reports,
      shuffles_reports = excluded.shuffles_reports,
      delays_reports_ms = excluded.delays_reports_ms,
      one_in = excluded.one_in`;
}

/** Forgets what was asked for an instrument. Idempotent. */
export async function forgetBehaviour(tx: Tx, isin: string): Promise<void> {
  await tx`delete from simulated_venue.behaviours b where b.isin = ${isin}`;
}

/** Forgets everything that tests have changed but the clock, and what became of orders. */
export async function resetMarket(tx: Tx): Promise<void> {
  await tx`update simulated_venue.market set is_down = false, seed = ''`;
  await tx`delete from simulated_venue.behaviours`;
  await tx`delete from unwind.venue_halts h where h.venue = ${simulatedMic}`;
  await tx`update unwind.venues set status = null where venue = ${simulatedMic}`;
}
