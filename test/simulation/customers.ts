// Those who ask for liquidations: they send the same request until it is answered, sometimes twice at
// once, and sometimes change their mind. What they were told is what has to be true in the end.
import assert from 'node:assert/strict';
import type { Call } from '../../src/http/pipeline.ts';
import { Refusal } from '../../src/refusal.ts';
import type { Lot } from '../crash/random.ts';
import type { AccountOfUser } from '../support/book.ts';
import { bytesOf, callOf, type Service, untilAnswered } from './asking.ts';
import { fingerprint } from './history.ts';
import { Actor } from './scheduler.ts';

/** What a customer wanted of one account, and what was answered. */
export interface Wish extends AccountOfUser {
  liquidationId: string | undefined;
  /** The bodies of all 202 answers; repeats of one request have to be the same. */
  readonly answers: Set<string>;
  /** What became of the cancellation, if there was one. */
  cancel: 'cancelled' | 'too late' | undefined;
  /** Whether a batch names the account too; then whoever comes later is refused. */
  hasRival: boolean;
  isRefused: boolean;
}

export function newWish({ tenantId, accountId, userId }: AccountOfUser): Wish {
  const answers = new Set<string>();
  const asked = { liquidationId: undefined, answers, cancel: undefined };
  return { tenantId, accountId, userId, ...asked, hasRival: false, isRefused: false };
}

const readEveryMs = { first: 300, growth: 1.4 };
const readsMax = 8;

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
    if (lot.next() > 0.1 || wish.hasRival || !isOverAtEnd(wish)) continue;
    if (!(await endsSoon(service, actor, wish))) continue;
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
  if (wish.liquidationId === undefined || lot.next() > 0.25) return;
  await scheduler.turn(actor, 'hesitates', lot.between(0, service.plan.releaseDelayMs + 20));
  wish.cancel = await cancel(service, actor, wish);
}

const courseOf: Readonly<Record<string, number>> = {
  NEW: 1,
  PROCESSING: 2,
  FILLED: 3,
  CANCELLED: 3,
};

/**
 * Reads a liquidation until it is final; what is read may only go forward. One that the market keeps may
 * last: what is not sold is tried again after longer and longer waits.
 *
 * @returns whether it came to its end.
 */
async function endsSoon(service: Service, actor: Actor, wish: Wish): Promise<boolean> {
  let seen = { status: 'NEW', updated_at: '' };
  for (let reads = 0; reads < readsMax; reads += 1) {
    const waitMs = Math.round(readEveryMs.first * readEveryMs.growth ** reads);
    await service.network.scheduler.turn(actor, 'waits for the end', waitMs);
    const answer = await untilAnswered(service, { actor, name: 'read' }, (process) => {
      return process.handlers.retrieve(wishedCall(service, wish));
    });
    assert.ok(!(answer instanceof Refusal), `a read was refused: ${answer}`);
    const now = JSON.parse(answer.body ?? '') as typeof seen;
    const goesOn = (courseOf[now.status] ?? 0) >= (courseOf[seen.status] ?? 0);
    assert.ok(goesOn && now.updated_at >= seen.updated_at, `${seen.status} became ${now.status}`);
    seen = now;
    if (courseOf[now.status] === courseOf['FILLED']) return true;
  }
  return false;
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

interface Asking {
  readonly actor: Actor;
  readonly wish: Wish;
  readonly request: Creation;
  readonly name: string;
}

async function create(service: Service, { actor, wish, request, name }: Asking): Promise<void> {
  const body = await untilAnswered(service, { actor, name }, async (process) => {
    const call = wishedCall(service, wish, request);
    const answer = await process.handlers.create(call);
    assert.equal(answer.status, 202);
    return answer.body ?? '';
  });
  if (wish.hasRival && body instanceof Refusal && body.code === 'conflict') {
    wish.isRefused = true;
    return;
  }
  assert.ok(!(body instanceof Refusal), `a creation was refused: ${body}`);
  service.history.note(`${actor.name} ${name} answered ${fingerprint(body)}`);
  wish.answers.add(body);
  wish.liquidationId = JSON.parse(body).id;
}

async function cancel(service: Service, actor: Actor, wish: Wish) {
  const answer = await untilAnswered(service, { actor, name: 'cancel' }, async (process) => {
    return process.handlers.cancel(wishedCall(service, wish));
  });
  service.history.note(`${actor.name} cancel ${answer instanceof Refusal ? answer.code : 'done'}`);
  return answer instanceof Refusal ? 'too late' : 'cancelled';
}

function wishedCall(service: Service, wish: Wish, request: Partial<Creation> = {}): Call {
  const { tenantId, accountId, liquidationId } = wish;
  const params = {
    account_id: accountId,
    ...(liquidationId === undefined ? {} : { account_liquidation_id: liquidationId }),
  };
  return callOf(service, { tenantId, params, ...request });
}
