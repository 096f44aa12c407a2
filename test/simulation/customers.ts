// Those who ask for liquidations: they send the same request until it is answered, sometimes twice at
// once, and sometimes change their mind. What they were told is what has to be true in the end.
import assert from 'node:assert/strict';
import { later } from '../../src/clock.ts';
import { isConnectionError } from '../../src/db/errors.ts';
import type { Call } from '../../src/http/pipeline.ts';
import { Refusal } from '../../src/refusal.ts';
import type { Lot } from '../crash/random.ts';
import type { AccountOfUser } from '../support/book.ts';
import { fingerprint } from './history.ts';
import type { SimulatedProcess, Surroundings } from './process.ts';
import { Actor } from './scheduler.ts';

/** What a customer wanted of one account, and what was answered. */
export interface Wish extends AccountOfUser {
  liquidationId: string | undefined;
  /** The bodies of all 202 answers; repeats of one request have to be the same. */
  readonly answers: Set<string>;
  /** What became of the cancellation, if there was one. */
  cancel: 'cancelled' | 'too late' | undefined;
}

export function newWish({ tenantId, accountId, userId }: AccountOfUser): Wish {
  const answers = new Set<string>();
  return { tenantId, accountId, userId, liquidationId: undefined, answers, cancel: undefined };
}

export interface Service extends Surroundings {
  /** Some process that lives; undefined when none does. */
  readonly someProcess: () => SimulatedProcess | undefined;
}

const pauseMs = 100;
const readEveryMs = 500;
/** A customer who is not answered after so many tries has found a defect. */
const triesMax = 2_000;

export interface Wishes {
  readonly wishes: readonly Wish[];
  /** False where the venue may come back to what was sold. */
  readonly isOverAtEnd: (wish: Wish) => boolean;
  readonly onNewWish: (wish: Wish) => void;
}

/** One customer: asks for the liquidation of one account after the other. */
export async function playCustomer(
  service: Service,
  name: string,
  { wishes, isOverAtEnd, onNewWish }: Wishes,
): Promise<void> {
  const { scheduler, lot } = service.network;
  const actor = new Actor(name);
  for (const wish of wishes) {
    await scheduler.turn(actor, 'thinks', lot.between(0, service.plan.thinkMsMax));
    await playWish(service, actor, wish);
    if (lot.next() > 0.1 || !isOverAtEnd(wish)) continue;
    await untilFinal(service, actor, wish);
    const second = newWish(wish);
    onNewWish(second);
    await playWish(service, actor, second);
  }
}

async function playWish(service: Service, actor: Actor, wish: Wish): Promise<void> {
  const { scheduler, lot } = service.network;
  const request = newCreation(lot, wish);
  const asks = lot.next() < 0.1 ? 2 : 1;
  const tries = Array.from({ length: asks }, (_, i) => {
    return create(service, { actor, wish, request, name: `ask ${i}` });
  });
  await Promise.all(tries);
  if (lot.next() > 0.25) return;
  await scheduler.turn(actor, 'hesitates', lot.between(0, service.plan.releaseDelayMs + 20));
  wish.cancel = await cancel(service, actor, wish);
}

const courseOf: Readonly<Record<string, number>> = {
  NEW: 1,
  PROCESSING: 2,
  FILLED: 3,
  CANCELLED: 3,
};

/** Reads a liquidation until it is final; what is read may only go forward. */
async function untilFinal(service: Service, actor: Actor, wish: Wish): Promise<void> {
  const nothing = { idempotencyKey: '', rawBody: Buffer.alloc(0), requestHash: Buffer.alloc(0) };
  let seen = { status: 'NEW', updated_at: '' };
  for (let reads = 1; reads <= triesMax; reads += 1) {
    await service.network.scheduler.turn(actor, 'waits for the end', readEveryMs);
    const answer = await untilAnswered(service, { actor, name: 'read' }, (process) => {
      return process.handlers.retrieve(callOf(service, wish, nothing));
    });
    assert.ok(!(answer instanceof Refusal), `a read was refused: ${answer}`);
    const now = JSON.parse(answer.body ?? '') as typeof seen;
    const goesOn = (courseOf[now.status] ?? 0) >= (courseOf[seen.status] ?? 0);
    assert.ok(goesOn && now.updated_at >= seen.updated_at, `${seen.status} became ${now.status}`);
    seen = now;
    if (courseOf[now.status] === courseOf['FILLED']) return;
  }
  throw new Error(`${actor.name} has read ${triesMax} times that a liquidation is ${seen.status}`);
}

interface Creation {
  readonly idempotencyKey: string;
  readonly rawBody: Buffer;
  readonly requestHash: Buffer;
}

function newCreation(lot: Lot, { userId }: Wish): Creation {
  const rawBody = Buffer.from(JSON.stringify({ user_id: userId }));
  const idempotencyKey = bytesOf(lot, 16).toString('hex');
  return { idempotencyKey, rawBody, requestHash: bytesOf(lot, 32) };
}

function bytesOf(lot: Lot, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => lot.between(0, 255)));
}

interface Asking {
  readonly actor: Actor;
  readonly wish: Wish;
  readonly request: Creation;
  readonly name: string;
}

async function create(service: Service, { actor, wish, request, name }: Asking): Promise<void> {
  const body = await untilAnswered(service, { actor, name }, async (process) => {
    const call = callOf(service, wish, request);
    const answer = await process.handlers.create(call);
    assert.equal(answer.status, 202);
    return answer.body ?? '';
  });
  assert.ok(!(body instanceof Refusal), `a creation was refused: ${body}`);
  service.history.note(`${actor.name} ${name} answered ${fingerprint(body)}`);
  wish.answers.add(body);
  wish.liquidationId = JSON.parse(body).id;
}

async function cancel(service: Service, actor: Actor, wish: Wish) {
  const answer = await untilAnswered(service, { actor, name: 'cancel' }, async (process) => {
    const nothing = { idempotencyKey: '', rawBody: Buffer.alloc(0), requestHash: Buffer.alloc(0) };
    return process.handlers.cancel(callOf(service, wish, nothing));
  });
  service.history.note(`${actor.name} cancel ${answer instanceof Refusal ? answer.code : 'done'}`);
  return answer instanceof Refusal ? 'too late' : 'cancelled';
}

function callOf({ network }: Service, wish: Wish, request: Creation): Call {
  const { tenantId, accountId, liquidationId } = wish;
  const basesSha256 = [bytesOf(network.lot, 32)];
  const expiresAt = later(network.scheduler.clock.now(), 300_000);
  return {
    caller: { tenantId, scopes: [], signature: { basesSha256, expiresAt } },
    params: {
      account_id: accountId,
      ...(liquidationId === undefined ? {} : { account_liquidation_id: liquidationId }),
    },
    search: '',
    contentType: 'application/json',
    ...request,
  };
}

/** Tries at one process after the other until there is an answer; 409 of a final state is one. */
async function untilAnswered<T>(
  service: Service,
  { actor, name }: { actor: Actor; name: string },
  ask: (process: SimulatedProcess) => Promise<T>,
): Promise<T | Refusal> {
  const { network, history } = service;
  for (let tries = 1; tries <= triesMax; tries += 1) {
    await network.scheduler.turn(actor, `${name} asks`, tries === 1 ? 0 : pauseMs);
    const process = service.someProcess();
    if (process === undefined) continue;
    try {
      return await process.serve(() => ask(process));
    } catch (error) {
      if (error instanceof Refusal && !isPassing(error)) return error;
      if (!(error instanceof Refusal) && process.actor.isAlive) service.onError(error);
      const what = isConnectionError(error) ? 'connection' : String(error).slice(0, 60);
      history.note(`${actor.name} ${name} at ${process.actor.name}: ${what}`);
    }
  }
  throw new Error(`${actor.name} ${name} was not answered in ${triesMax} tries`);
}

/** Whether a refusal only asks to try again. */
function isPassing(refusal: Refusal): boolean {
  return /try again|still running\.$/.test(refusal.message) && refusal.code === 'conflict';
}
