// Whoever keeps the customers' holdings: sends credits, locks and unlocks while liquidations run, each
// until it is answered, under one reference.

import type { Delta, DeltaType } from '../../src/book/delta.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import type { TenantId } from '../../src/ids.ts';
import { applyDeltas } from '../../src/liquidations/apply-deltas.ts';
import { decimal } from '../../src/money.ts';
import type { Service } from './asking.ts';
import { Connections, type Fate, type StepOfTransaction } from './connection.ts';
import { type Market, tradedIsins } from './market.ts';
import { simulatedPool } from './process.ts';
import { Actor } from './scheduler.ts';

/** Most of the locks that stand at one time. */
const locksMax = 5;
const pauseMsMax = 150;
const triesMax = 1_000;

type Wanted = Omit<Delta, 'quantity' | 'reference'> & {
  readonly tenantId: TenantId;
  readonly quantity: string;
};

/** Changes positions as long as anybody asks; leaves nothing locked. */
export async function keepBook(
  service: Service,
  market: Market,
  isOver: () => boolean,
): Promise<void> {
  const { scheduler, lot } = service.network;
  const actor = new Actor('bookkeeper');
  const send = senderOf(service, actor);
  const locks: Wanted[] = [];
  const draw = (): Wanted | undefined => {
    const lock = locks.length > 0 && lot.next() < 0.5 ? locks.shift() : undefined;
    if (lock !== undefined) return { ...lock, type: 'unlock' };
    return newDelta(service, market, locks.length < locksMax ? ['credit', 'lock'] : ['credit']);
  };
  for (let deltas = 0; !isOver(); deltas += 1) {
    await scheduler.turn(actor, 'pauses', lot.between(0, pauseMsMax * (1 + deltas / 10)));
    const wanted = draw();
    if (wanted === undefined || !(await send(wanted))) continue;
    if (wanted.type === 'lock') locks.push(wanted);
    if (wanted.type === 'credit') market.credits.push(wanted);
  }
  for (const lock of locks) await send({ ...lock, type: 'unlock' });
}

function newDelta(
  { network }: Service,
  { held }: Market,
  types: readonly DeltaType[],
): Wanted | undefined {
  const { lot } = network;
  const holder = held[lot.between(0, held.length - 1)];
  const type = types[lot.between(0, types.length - 1)];
  const isin = tradedIsins[lot.between(0, tradedIsins.length - 1)];
  if (holder === undefined || type === undefined || isin === undefined) return undefined;
  const { tenantId, accountId } = holder;
  return { type, tenantId, accountId, isin, quantity: String(lot.between(1, 9)) };
}

/** Sends one delta until it is known what became of it. @returns whether it was applied. */
function senderOf(service: Service, actor: Actor): (wanted: Wanted) => Promise<boolean> {
  const { network, backends, url, onError, history } = service;
  const { scheduler, troubles } = network;
  const fateOf = (text: string): Fate => {
    const fate = troubles.fateOf(text);
    return fate.type === 'killed' ? { ...fate, type: 'lost' } : fate;
  };
  const onKilled = async () => {};
  const pauseOf = (step: StepOfTransaction) => troubles.pauseOf(step);
  const slownessOf = (what: { commits: boolean }) => troubles.slownessOf(what);
  const link = { actor, scheduler, backends, fateOf, pauseOf, slownessOf, onKilled };
  const connections = new Connections(link);
  service.opened.push(connections);
  const sql = simulatedPool({ ...service, url, connections, actor });
  let sent = 0;
  return async ({ tenantId, quantity, ...wanted }) => {
    sent += 1;
    const deltas = [{ ...wanted, quantity: decimal(quantity), reference: `delta ${sent}` }];
    for (let tries = 1; tries <= triesMax; tries += 1) {
      try {
        const now = scheduler.clock.now();
        const result = await inTransaction(sql, (tx) => applyDeltas(tx, { tenantId, deltas, now }));
        history.note(`bookkeeper ${wanted.type} ${result.outcome}`);
        return result.outcome === 'applied';
      } catch (error) {
        onError(error);
        await scheduler.turn(actor, 'tries again', pauseMsMax);
      }
    }
    throw new Error(`delta ${sent} was not answered in ${triesMax} tries`);
  };
}
