// The steps of the engine, to be called by hand: a test moves the work on as far as it wants to
// look at it. Nothing here runs by itself.
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Contract } from '../../src/auth/store.ts';
import { batchStarter } from '../../src/batches/start-batches.ts';
import { type Clock, later } from '../../src/clock.ts';
import type { Sql } from '../../src/db/connect.ts';
import { eventPublisher } from '../../src/events/publish-events.ts';
import { reportApplier } from '../../src/executions/apply-reports.ts';
import { reportReceiver } from '../../src/executions/receive-reports.ts';
import { type LiquidationId, newId } from '../../src/ids.ts';
import { cancelLiquidation } from '../../src/liquidations/cancel-liquidation.ts';
import { createLiquidation } from '../../src/liquidations/create-liquidation.ts';
import {
  type EndLimits,
  liquidationAdvancer,
  liquidationReleaser,
} from '../../src/liquidations/release-liquidations.ts';
import { holdingsReserver } from '../../src/liquidations/reserve-holdings.ts';
import { liquidationSettler } from '../../src/liquidations/settle-liquidations.ts';
import { liquidationStopper } from '../../src/liquidations/stop-liquidations.ts';
import { haltedCanceller } from '../../src/orders/cancel-halted.ts';
import type { Sender } from '../../src/orders/record-answers.ts';
import { orderSubmitter, submissionResolver } from '../../src/orders/submit-orders.ts';
import type { Keeper } from '../../src/reservations/keeper.ts';
import { salesReporter } from '../../src/reservations/report-sales.ts';
import { simulatedVenue } from '../../src/venue/simulated/simulated-venue.ts';
import type { Venue } from '../../src/venue/venue.ts';
import type { Count } from '../../src/work/figures.ts';
import type { Worker } from '../../src/work/work-batches.ts';
import { type AccountOfUser, makeBook, makeTenant } from './book.ts';

/** One turn of a step. @returns how many rows it worked on; 0 when there was nothing to do. */
type Step = () => Promise<number>;

export interface EngineSteps {
  readonly start: Step;
  readonly release: Step;
  readonly reserve: Step;
  readonly report: Step;
  readonly submit: Step;
  readonly resolve: Step;
  readonly cancel: Step;
  readonly receive: Step;
  readonly apply: Step;
  readonly advance: Step;
  readonly stop: Step;
  readonly settle: Step;
  readonly publish: Step;
}

export interface EngineSettings {
  /** Market time within which the simulated venue first reports. */
  readonly delayMs: number;
  /** Default the simulated venue. */
  readonly venue?: Venue;
  /** Several, instead of one. */
  readonly venues?: readonly Venue[];
  /** Told of a venue that does not answer, and of rows that fail; by default a failure of the test. */
  readonly onWarning?: (fields: object, message: string) => void;
  /** Default as in decisions, point 3. */
  readonly endLimits?: EndLimits;
  readonly count?: Count;
  /** Default as in limits.ts. */
  readonly rateAgeMsMax?: number;
  /** Who keeps the holdings: the test begins the duty to ask. Default nobody that this process could ask. */
  readonly keeper?: Keeper;
  /** Of what batches start; default 0. */
  readonly releaseDelayMs?: number;
}

export function engineSteps(sql: Sql, clock: Clock, settings: EngineSettings): EngineSteps {
  const usual = () => settings.venue ?? simulatedVenue(sql, clock, settings.delayMs);
  const { venues = [usual()] } = settings;
  const { onWarning = failOnWarning, endLimits = usualEndLimits, count, rateAgeMsMax } = settings;
  const worker = { sql, clock, log: { warn: onWarning, error: onWarning }, count };
  const holder = newId<'process'>();
  const { keeper } = settings;
  const mover = { ...worker, venues, rateAgeMsMax };
  const ofKeeper = keeper && { ...worker, keeper, holder, random: () => 0.5 };
  // One that does nothing at all would be idle faster than the others can work.
  const nothing = async () => {
    await sql`select`;
    return 0;
  };
  const atEach = (stepOf: (sender: Sender) => Step): Step => {
    const steps = venues.map((venue) => stepOf({ ...worker, venue, holder, rateAgeMsMax }));
    return async () => {
      let worked = 0;
      for (const step of steps) worked += await step();
      return worked;
    };
  };
  return {
    start: batchStarter(worker, { releaseDelayMs: settings.releaseDelayMs ?? 0 }),
    release: liquidationReleaser(mover, endLimits),
    reserve: ofKeeper ? holdingsReserver(ofKeeper) : nothing,
    report: ofKeeper ? salesReporter(ofKeeper) : nothing,
    submit: atEach(orderSubmitter),
    resolve: atEach(submissionResolver),
    cancel: atEach(haltedCanceller),
    receive: atEach(reportReceiver),
    apply: reportApplier(worker),
    advance: liquidationAdvancer(mover, endLimits),
    stop: liquidationStopper(mover, endLimits),
    settle: liquidationSettler(worker),
    publish: eventPublisher(worker),
  };
}

/** As in decisions, point 3. */
export const usualEndLimits: EndLimits = { roundsMax: 100, ageMsMax: 30 * 24 * 3_600_000 };

/** A worker whose warnings fail the test. */
export function quietWorker(sql: Sql, clock: Clock): Worker {
  return { sql, clock, log: { warn: failOnWarning, error: failOnWarning } };
}

function failOnWarning(fields: object): void {
  const cause = 'err' in fields ? fields.err : undefined;
  throw new Error('something went wrong that this test does not expect', { cause });
}

/** Most passes over all steps before a test gives up on the engine becoming idle. */
const usualPassesMax = 10_000;

/** Runs the steps, over and over, until each of them in a row finds nothing to do at this instant. */
export async function runUntilIdle(steps: EngineSteps, passesMax = usualPassesMax): Promise<void> {
  const all = Object.values(steps);
  let idle = 0;
  for (let pass = 1; pass <= passesMax; pass += 1) {
    for (const step of all) {
      idle = (await step()) === 0 ? idle + 1 : 0;
      if (idle === all.length) return;
    }
  }
  assert.fail(`the engine is still busy after ${passesMax} passes`);
}

export interface Ask extends AccountOfUser {
  /** Default 0. */
  readonly releaseDelayMs?: number;
  /** Default the reference. */
  readonly contract?: Contract;
}

/** Asks for the liquidation of an account, as a request would. @returns its id. */
export async function askToLiquidate(sql: Sql, clock: Clock, ask: Ask): Promise<LiquidationId> {
  const { releaseDelayMs = 0, contract = '2023', ...account } = ask;
  const request = {
    ...account,
    contract,
    signature: newSignature(clock),
    act: undefined,
    idempotencyKey: randomUUID(),
    requestHash: randomBytes(32),
  };
  const settings = { releaseDelayMs, idempotencyRetentionMs: 86_400_000 };
  const answer = await createLiquidation(sql, clock, request, settings);
  return JSON.parse(answer.body).id;
}

/** Cancels a liquidation, as a request of its client would. */
export async function askToCancel(
  sql: Sql,
  clock: Clock,
  ask: AccountOfUser & { readonly liquidationId: LiquidationId },
): Promise<void> {
  await cancelLiquidation(sql, clock, { ...ask, signature: newSignature(clock), act: undefined });
}

function newSignature(clock: Clock) {
  return { basesSha256: [randomBytes(32)], expiresAt: later(clock.now(), 300_000) };
}

/** Liquidations asked for and withdrawn by many at once, as requests do it. */
export async function useLikeRequests(sql: Sql, clock: Clock, accounts: number): Promise<void> {
  const book = Array.from({ length: accounts }, () => ({ positions: [] }));
  const tenantId = await makeTenant(sql);
  const made = await makeBook(sql, { tenantId, instruments: [], accounts: book });
  await Promise.all(
    made.map(async (account) => {
      const ask = { ...account, releaseDelayMs: 60_000 };
      const liquidationId = await askToLiquidate(sql, clock, ask);
      await askToCancel(sql, clock, { ...account, liquidationId });
    }),
  );
}
