// What happens to the processes and the database of a cycle: drawn by lot, carried out one after the
// other while clients sell. Each fault ends when everything runs again.
import { setTimeout as wait } from 'node:timers/promises';
import { assertNever } from '../../src/assert.ts';
import { submissionLeaseMs } from '../../src/limits.ts';
import { within } from '../support/condition.ts';
import { type VenueTrouble, venueTroubles } from './counterparty.ts';
import type { Member } from './fleet.ts';
import { type NamedPoint, namedPoints } from './points.ts';
import type { Lot } from './random.ts';
import type { Caught } from './trap.ts';
import type { VenueKind, World } from './world.ts';

export type Fault =
  /** A process is killed; it is started again at once, or when others have done its work. */
  | { readonly kind: 'kill'; readonly at: NamedPoint | 'random'; readonly again: 'now' | 'later' }
  | { readonly kind: 'kill all' }
  /** A process sleeps for longer than its leases, then goes on as if nothing had happened. */
  | { readonly kind: 'sleep'; readonly at: NamedPoint | 'random' }
  /** A process is told to stop, and started again. */
  | { readonly kind: 'stop' }
  /** The database stops at once and is away for a while. */
  | { readonly kind: 'database' }
  /** A FIX venue is killed, or its connection is cut or stalls. */
  | { readonly kind: 'venue'; readonly trouble: VenueTrouble };

/** How a fault went. */
export interface FaultReport {
  readonly fault: Fault;
  /** When it struck, and when everything ran again, as `performance.now()`. */
  readonly struckAt: number;
  readonly mendedAt: number;
  /** Liquidations that were under way when it struck. */
  readonly underWay: readonly string[];
  readonly finding: string | undefined;
}

/** Longer than the longest lease, a process's submissions and deliveries, lasts. */
const sleepMs = submissionLeaseMs + 3_000;
const databaseDownMs = 2_000;
/** A killed process stays away for so long when others have to do its work: more than any lease. */
const awayMs = 10_000;
const pointMsMax = 120_000;
const randomMsMax = 400;

/** Half of the faults of a FIX venue are its own; the points in the simulated venue are not passed. */
export function drawFault(lot: Lot, venue: VenueKind = 'simulated'): Fault {
  if (venue === 'fix') return drawFixFault(lot);
  const point = namedPoints[lot.between(0, namedPoints.length - 1)] ?? 'create after';
  const at = lot.between(1, 5) === 1 ? 'random' : point;
  const kind = lot.between(1, 20);
  if (kind <= 11) return { kind: 'kill', at, again: lot.between(1, 3) === 1 ? 'later' : 'now' };
  if (kind <= 15) return { kind: 'sleep', at };
  if (kind <= 17) return { kind: 'database' };
  return { kind: kind === 18 ? 'kill all' : 'stop' };
}

function drawFixFault(lot: Lot): Fault {
  const trouble = venueTroubles[lot.between(1, 2 * venueTroubles.length) - 1];
  if (trouble !== undefined) return { kind: 'venue', trouble };
  const drawn = drawFault(lot);
  const isOutside = 'at' in drawn && /^(submit|report|resolve) /.test(drawn.at);
  return isOutside ? { kind: 'kill', at: 'random', again: 'now' } : drawn;
}

/** Lets a fault happen. @returns once everything runs again. */
export async function strike(world: World, lot: Lot, fault: Fault): Promise<FaultReport> {
  switch (fault.kind) {
    case 'kill':
      return killOne(world, lot, fault);
    case 'kill all':
      return killAll(world, lot, fault);
    case 'sleep':
      return sleepOne(world, lot, fault);
    case 'stop':
      return stopOne(world, lot, fault);
    case 'database':
      return restartDatabase(world, lot, fault);
    case 'venue':
      return troubleVenue(world, lot, fault);
    default:
      return assertNever(fault);
  }
}

/** Catches whoever comes to the point next, or takes anybody at any moment. */
async function catchOne(
  { fleet }: World,
  lot: Lot,
  at: NamedPoint | 'random',
): Promise<Caught<Member>> {
  if (at !== 'random') {
    return within(pointMsMax, `a process comes to the point "${at}"`, fleet.trap.arm(at));
  }
  await wait(lot.between(0, randomMsMax));
  return { member: anyMember(fleet.members, lot), release: () => {} };
}

function anyMember(members: readonly Member[], lot: Lot): Member {
  const member = members[lot.between(0, members.length - 1)];
  if (member === undefined) throw new Error('there are members');
  return member;
}

function struck(world: World, fault: Fault) {
  return { fault, struckAt: performance.now(), underWay: world.underWay() };
}

const well = { finding: undefined };

/** Only what a killed process leaves behind is taken over by another one. */
async function leaveBehind(world: World, lot: Lot, at: NamedPoint | 'random'): Promise<Member[]> {
  if (at !== 'resolve after') return [];
  const { member, release } = await catchOne(world, lot, 'intend after');
  await world.fleet.kill(member);
  release(false);
  return [member];
}

async function killOne(
  world: World,
  lot: Lot,
  fault: Extract<Fault, { kind: 'kill' }>,
): Promise<FaultReport> {
  const { fleet } = world;
  const before = await leaveBehind(world, lot, fault.at);
  const { member, release } = await catchOne(world, lot, fault.at);
  const report = struck(world, fault);
  await fleet.kill(member);
  release(false);
  if (fault.again === 'later' && before.length === 0) {
    await Promise.race([wait(awayMs), finished(world, report.underWay)]);
  }
  await Promise.all([...before, member].map((one) => fleet.launch(one)));
  return { ...report, ...well, mendedAt: performance.now() };
}

async function finished(world: World, ids: readonly string[]): Promise<void> {
  while (!ids.every((id) => world.finalAt.has(id))) await wait(20);
}

async function killAll(world: World, lot: Lot, fault: Fault): Promise<FaultReport> {
  const { fleet } = world;
  await wait(lot.between(0, randomMsMax));
  const report = struck(world, fault);
  await Promise.all(fleet.members.map((member) => fleet.kill(member)));
  await Promise.all(fleet.members.map((member) => fleet.launch(member)));
  return { ...report, ...well, mendedAt: performance.now() };
}

async function sleepOne(
  world: World,
  lot: Lot,
  fault: Extract<Fault, { kind: 'sleep' }>,
): Promise<FaultReport> {
  const { fleet } = world;
  const before = await leaveBehind(world, lot, fault.at);
  const { member, release } = await catchOne(world, lot, fault.at);
  const report = struck(world, fault);
  fleet.sleep(member);
  await Promise.all([wait(sleepMs), ...before.map((one) => fleet.launch(one))]);
  fleet.wake(member);
  release(true);
  return { ...report, ...well, mendedAt: performance.now() };
}

async function stopOne(world: World, lot: Lot, fault: Fault): Promise<FaultReport> {
  const member = anyMember(world.fleet.members, lot);
  const report = struck(world, fault);
  const code = await world.fleet.stop(member);
  await world.fleet.launch(member);
  const found = code === 0 ? undefined : `${member.name} ended with ${code} after SIGTERM`;
  return { ...report, finding: found, mendedAt: performance.now() };
}

async function restartDatabase(world: World, lot: Lot, fault: Fault): Promise<FaultReport> {
  await wait(lot.between(0, randomMsMax));
  const report = struck(world, fault);
  await world.server.restart(databaseDownMs);
  return { ...report, ...well, mendedAt: performance.now() };
}

async function troubleVenue(
  world: World,
  lot: Lot,
  fault: Extract<Fault, { kind: 'venue' }>,
): Promise<FaultReport> {
  await wait(lot.between(0, randomMsMax));
  const report = struck(world, fault);
  await world.counterparty?.trouble(fault.trouble, lot);
  return { ...report, ...well, mendedAt: performance.now() };
}
