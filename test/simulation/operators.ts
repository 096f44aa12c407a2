// People who steer the service in a simulated run: those who make batches, pause, resume and cancel them, and an
// officer who halts, limits what is sent, and lifts both. Each is answered at last, and what was answered holds from
// then on: that is looked at while it lasts.
import assert from 'node:assert/strict';
import type { Sql } from '../../src/db/connect.ts';
import type { HttpResponse } from '../../src/http/pipeline.ts';
import type { AccountId, TenantId } from '../../src/ids.ts';
import { Refusal } from '../../src/refusal.ts';
import type { Lot } from '../crash/random.ts';
import { bytesOf, callOf, type Service, untilAnswered } from './asking.ts';
import { type Market, tradedIsins } from './market.ts';
import { type SimulatedProcess, troublelessPool } from './process.ts';
import { Actor } from './scheduler.ts';

const by = { person: 'Tester', reason: 'a test' };

/** Many accounts of one tenant that somebody wants to have sold. */
export interface BatchWish {
  readonly tenantId: TenantId;
  readonly accountIds: readonly AccountId[];
  /** The bodies of all answers to its creation. */
  readonly answers: Set<string>;
  batchId: string | undefined;
  /** How many were started when its cancellation was answered. */
  startedAtCancel: number | undefined;
}

interface Operator {
  readonly service: Service;
  readonly actor: Actor;
  readonly sql: Sql;
  readonly tenantId: TenantId;
}

interface Asked {
  readonly name: string;
  readonly body?: object;
  readonly params?: Readonly<Record<string, string>>;
}

type Operation = (
  process: SimulatedProcess,
  call: ReturnType<typeof callOf>,
) => Promise<HttpResponse>;

/** Asks until there is an answer, always under the same key. */
async function ask(
  { service, actor, tenantId }: Operator,
  { name, body = {}, params = {} }: Asked,
  operation: Operation,
): Promise<HttpResponse | Refusal> {
  const { lot } = service.network;
  const rawBody = Buffer.from(JSON.stringify(body));
  const idempotencyKey = bytesOf(lot, 16).toString('hex');
  const requestHash = bytesOf(lot, 32);
  const answer = await untilAnswered(service, { actor, name }, (process) => {
    const asked = { tenantId, params, rawBody, idempotencyKey, requestHash, operation: name };
    return operation(process, callOf(service, asked));
  });
  const what = answer instanceof Refusal ? answer.code : answer.status;
  service.history.note(`${actor.name} ${name} answered ${what}`);
  return answer;
}

function operatorOf(service: Service, name: string, tenantId: TenantId): Operator {
  const actor = new Actor(name);
  return { service, actor, sql: troublelessPool(service, actor), tenantId };
}

const steersMax = 3;
const steerMsMax = 2_000;
const pausedMsMax = 1_500;

/** Makes a batch and steers it now and then; never leaves it paused. */
export async function playBatch(service: Service, name: string, batch: BatchWish): Promise<void> {
  const { scheduler, lot } = service.network;
  const operator = operatorOf(service, name, batch.tenantId);
  const { actor } = operator;
  const turn = (label: string, msMax: number) => {
    return scheduler.turn(actor, label, lot.between(0, msMax));
  };
  await turn('thinks', steerMsMax);
  await create(operator, batch);
  for (let steers = lot.between(0, steersMax); steers > 0; steers -= 1) {
    await turn('thinks', steerMsMax);
    if (lot.next() < 0.3) {
      if (await steer(operator, batch, 'cancel'))
        batch.startedAtCancel = await countStarted(operator, batch);
      return;
    }
    if (!(await steer(operator, batch, 'pause'))) return;
    const before = await countStarted(operator, batch);
    await turn('pauses', pausedMsMax);
    const started = (await countStarted(operator, batch)) - before;
    assert.equal(started, 0, `${started} accounts were started of a batch that is paused`);
    assert.ok(await steer(operator, batch, 'resume'), 'what is paused can be resumed');
  }
}

async function create(operator: Operator, batch: BatchWish): Promise<void> {
  const { lot, scheduler } = operator.service.network;
  const rate = [undefined, undefined, 600, 3_000][lot.between(0, 3)];
  // Few rounds of a large batch: each has all the steps of a whole one.
  const atOnce =
    lot.next() < 0.5 ? undefined : Math.ceil(batch.accountIds.length / lot.between(1, 5));
  const startAt = new Date(scheduler.clock.now().getTime() + lot.between(0, 2_000));
  const body = {
    ...by,
    accounts: batch.accountIds.map((accountId) => ({ account_id: accountId })),
    ...(rate === undefined ? {} : { rate }),
    ...(atOnce === undefined ? {} : { in_progress_max: atOnce }),
    ...(lot.next() < 0.3 ? { start_at: startAt.toISOString() } : {}),
  };
  const answer = await ask(operator, { name: 'create', body }, ({ batches }, call) => {
    return batches.create(call);
  });
  assert.ok(!(answer instanceof Refusal), `a batch was refused: ${answer}`);
  batch.answers.add(answer.body ?? '');
  batch.batchId = JSON.parse(answer.body ?? '').id;
}

/** @returns whether it was done; false where the batch has come too far for it. */
async function steer(
  operator: Operator,
  { batchId = '' }: BatchWish,
  act: 'pause' | 'resume' | 'cancel',
): Promise<boolean> {
  const asked = { name: act, body: by, params: { batch_id: batchId } };
  const answer = await ask(operator, asked, ({ batches }, call) => batches[act](call));
  return !(answer instanceof Refusal);
}

async function countStarted({ sql }: Operator, { batchId }: BatchWish): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    select count(*)::integer as count
    from unwind_v1.batch_accounts a
    where a.batch_id = ${batchId ?? null}
      and a.status = 'STARTED'`;
  return row?.count ?? 0;
}

const inForceMsMax = 2_500;

/** Halts and limits as long as anybody asks; leaves nothing in force. */
export async function guardMarket(
  service: Service,
  market: Market,
  { pauseMsMax, isOver }: { pauseMsMax: number; isOver: () => boolean },
): Promise<void> {
  const { scheduler, lot } = service.network;
  const drawn = () => operatorOf(service, 'risk officer', oneOf(lot, market.tenantIds));
  // What a person lets pass once may come under later limits too.
  const released = new Set<string>();
  if (service.plan.limitsFirst) await limitForAWhile(drawn(), quantityLimit, released);
  while (!isOver()) {
    const officer = drawn();
    await scheduler.turn(officer.actor, 'pauses', lot.between(0, pauseMsMax));
    const limit = lot.next() < 0.5 ? quantityLimit : oneOf(lot, limits);
    if (lot.next() < service.plan.limitsShare) await limitForAWhile(officer, limit, released);
    else await haltForAWhile(officer, market);
  }
}

function oneOf<T>(lot: Lot, choices: readonly T[]): T {
  const chosen = choices[lot.between(0, choices.length - 1)];
  assert.ok(chosen !== undefined, 'there is a choice');
  return chosen;
}

/** From the answer on nothing comes to the venue that the halt covers, until it is lifted. */
async function haltForAWhile(officer: Operator, market: Market): Promise<void> {
  const { service, actor, tenantId } = officer;
  const { scheduler, lot, troubles, sentAsleep } = service.network;
  const held = market.held.filter((one) => one.tenantId === tenantId);
  const target = oneOf(lot, [
    { scope: 'tenant' },
    { scope: 'account', account_id: oneOf(lot, held).accountId },
    { scope: 'instrument', isin: oneOf(lot, tradedIsins) },
    { scope: 'venue', venue: 'XSIM' },
  ]);
  const strength = lot.next() < 0.5 ? 'cancel' : 'release';
  const body = { ...by, ...target, strength };
  const set = await ask(officer, { name: 'halt', body }, ({ halts }, call) => halts.set(call));
  assert.ok(!(set instanceof Refusal), `a halt was refused: ${set}`);
  const before = new Set(await idsAtVenue(officer, target));
  await scheduler.turn(actor, 'lets it stand', lot.between(0, inForceMsMax));
  const came = (await idsAtVenue(officer, target)).filter(
    (id) => !before.has(id) && !sentAsleep.has(id),
  );
  // Once all calms down the market lifts what it finds.
  if (!troubles.isOver) assert.deepEqual(came, [], 'orders came to the venue that were halted');
  const params = { halt_id: JSON.parse(set.body ?? '').id };
  await ask(officer, { name: 'lift', body: by, params }, ({ halts }, call) => halts.lift(call));
}

interface Target {
  readonly account_id?: string;
  readonly isin?: string;
}

async function idsAtVenue({ sql, tenantId }: Operator, target: Target): Promise<readonly string[]> {
  const rows = await sql<{ client_order_id: string }[]>`
    select distinct s.client_order_id
    from unwind_v1.venue_journal j
    join unwind_v1.submissions s
      on s.tenant_id = j.tenant_id
      and s.client_order_id = j.client_order_id
    join unwind_v1.orders o
      on o.tenant_id = s.tenant_id
      and o.order_id = s.order_id
    where j.tenant_id = ${tenantId}
      and (${target.account_id ?? null}::uuid is null or o.account_id = ${target.account_id ?? null})
      and (${target.isin ?? null}::text is null or o.isin = ${target.isin ?? null})`;
  return rows.map((row) => row.client_order_id);
}

const quantityMax = 8;
const quantityLimit = { order_quantity_max: String(quantityMax) };
const limits = [
  { order_value_max: '500' },
  { day_value_max: '5000' },
  { price_age_max_s: 60 },
  { price_collar_percent: '0.1' },
  { rejections: { max: 2, window_s: 60 } },
] as const;

/** From the answer on no larger order comes to the venue, but for those that are let pass. */
async function limitForAWhile(
  officer: Operator,
  limit: typeof quantityLimit | (typeof limits)[number],
  released: Set<string>,
): Promise<void> {
  const { service, actor } = officer;
  const { scheduler, lot, sentAsleep } = service.network;
  await setControls(officer, limit);
  const before = new Set(await largeAtVenue(officer));
  for (let looks = lot.between(1, 3); looks > 0; looks -= 1) {
    await scheduler.turn(actor, 'looks at what is stopped', lot.between(0, inForceMsMax));
    await releaseOne(officer, released);
  }
  const large = (await largeAtVenue(officer)).filter((id) => !before.has(id));
  const isLet = await idsOfOrders(officer, released);
  const came = large.filter((id) => !sentAsleep.has(id) && !isLet.has(id));
  if ('order_quantity_max' in limit)
    assert.deepEqual(came, [], 'orders came to the venue that were too large');
  await setControls(officer, {});
}

async function setControls(officer: Operator, limit: object): Promise<void> {
  const { sql, tenantId } = officer;
  const [inForce] = await sql<{ controls_id: string }[]>`
    select c.controls_id
    from unwind_v1.controls c
    where c.tenant_id = ${tenantId}
      and c.replaced_at is null`;
  const asked = { name: 'limit', body: { ...by, ...limit, replaces: inForce?.controls_id } };
  const answer = await ask(officer, asked, ({ controls }, call) => controls.set(call));
  assert.ok(!(answer instanceof Refusal), `limits were refused: ${answer}`);
}

/** Lets the order pass that was stopped last. */
async function releaseOne(officer: Operator, released: Set<string>): Promise<void> {
  const { sql, tenantId } = officer;
  const [stop] = await sql<{ stop_id: string; order_id: string }[]>`
    select s.stop_id, s.order_id
    from unwind_v1.control_stops s
    where s.tenant_id = ${tenantId}
      and s.cleared_at is null
      and s.released_at is null
    order by s.stop_id desc
    limit 1`;
  if (stop === undefined) return;
  released.add(stop.order_id);
  const asked = { name: 'let pass', body: by, params: { stop_id: stop.stop_id } };
  await ask(officer, asked, ({ controls }, call) => controls.release(call));
}

async function largeAtVenue({ sql, tenantId }: Operator): Promise<readonly string[]> {
  const rows = await sql<{ client_order_id: string }[]>`
    select distinct j.client_order_id
    from unwind_v1.venue_journal j
    where j.tenant_id = ${tenantId}
      and j.quantity > ${quantityMax}`;
  return rows.map((row) => row.client_order_id);
}

async function idsOfOrders(
  { sql, tenantId }: Operator,
  orderIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const rows = await sql<{ client_order_id: string }[]>`
    select s.client_order_id
    from unwind_v1.submissions s
    where s.tenant_id = ${tenantId}
      and s.order_id = any (${[...orderIds]}::uuid[])`;
  return new Set(rows.map((row) => row.client_order_id));
}
