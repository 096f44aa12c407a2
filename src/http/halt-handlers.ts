// The operations on halts: set, list, look, lift. A halt is answered once no order that it covers can reach
// a venue any more.

import type { Static } from 'typebox';
import { assertNever } from '../assert.ts';
import type { SqlOrTx, Tx } from '../db/connect.ts';
import { type Rest, untilAcknowledged } from '../halts/acknowledge-halt.ts';
import { findHaltEffect, type HaltEffect } from '../halts/effect-store.ts';
import { everyTenant, type Halt, type HaltId, type HaltTarget, scopeOf } from '../halts/halt.ts';
import { findHalt, findHalts, insertHalt } from '../halts/halts-store.ts';
import { newId, type TenantId } from '../ids.ts';
import { askToLift } from '../liquidations/lift-halt.ts';
import { findMissing } from '../liquidations/missing-of-halt.ts';
import { Refusal } from '../refusal.ts';
import { askerOf } from './approval-handlers.ts';
import { liftHaltBody, listHaltsQuery, setHaltBody } from './control-schemas.ts';
import { idOf } from './cursor.ts';
import { type ChangeOptions, decidedBody, respondOnce } from './once.ts';
import { json, keyPageResponse } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { approvalView } from './pre-trade-views.ts';
import { queryReaderOf, readerOf, readId, readNoQuery } from './schemas.ts';

const readListQuery = queryReaderOf(listHaltsQuery);
const readSet = readerOf(setHaltBody);
const readLift = readerOf(liftHaltBody);

const noSuchHalt = 'There is no such halt.';
const listPending = 'GET /approvals?pending=true';
const inForceOnly =
  'The halt is in force, but a process may still be sending what it claimed before; try again with the ' +
  'same idempotency key, until it is certain that nothing is sent.';

/** What answers only once nothing that it stops can be sent any more. */
export interface StopOptions extends ChangeOptions {
  /** Between two looks; default as long as it says. */
  readonly rest?: Rest;
}

export function haltHandlers(options: StopOptions) {
  const { sql, clock, rest } = options;
  return {
    list: async (call) => {
      const { cursor, limit = 100, in_force: inForce } = readListQuery(call.search);
      const { tenantId } = call.caller;
      const below = cursor === undefined ? undefined : idOf<'halt'>(cursor);
      const { things: halts, next } = await findHalts(sql, { tenantId, inForce, below, limit });
      const objects = halts.map((halt) => JSON.stringify(haltView(halt))).join(',');
      return keyPageResponse(call, { objects, count: halts.length, next }, limit);
    },

    set: async (call) => {
      readNoQuery(call.search);
      const body = decidedBody(call, readSet);
      const { tenantId } = call.caller;
      const target = targetOf(tenantId, body);
      const response = await respondOnce(options, call, async (tx, now) => {
        const missing = await missingOf(tx, target);
        if (missing !== undefined) return missing;
        if (body.dry_run === true) {
          const effect = effectView(await findHaltEffect(tx, target));
          const text = JSON.stringify({ scope: scopeOf(target), effect });
          return { status: 200, body: text, isTrial: true };
        }
        const { strength = 'release', reason, person } = body;
        const haltId = newId<'halt'>();
        const halt = { ...target, haltId, strength, reason, person, setAt: now, lift: undefined };
        await insertHalt(tx, halt);
        return { status: 201, body: JSON.stringify(haltView(halt)) };
      });
      if (response.status === 201) {
        const { id } = JSON.parse(response.body ?? '') as { id: HaltId };
        const halt = await findHalt(sql, { tenantId, haltId: id });
        if (halt !== undefined && !(await untilAcknowledged(sql, clock, halt, rest))) {
          // Its response is stored: a repetition finds it, and waits again.
          throw new Refusal('service_unavailable', inForceOnly, {
            headers: { 'retry-after': '1' },
          });
        }
      }
      return response;
    },

    retrieve: async (call) => {
      const haltId = idParam<'halt'>(call, 'halt_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const halt = await findHalt(sql, { tenantId, haltId });
      if (halt === undefined) throw new Refusal('not_found', noSuchHalt);
      const effect = effectView(await effectOf(sql, halt, tenantId));
      return json(200, { ...haltView(halt), effect });
    },

    lift: async (call) => {
      const haltId = idParam<'halt'>(call, 'halt_id', 'not_found');
      readNoQuery(call.search);
      const body = decidedBody(call, readLift);
      const asker = askerOf(call, body.person);
      const { tenantId } = call.caller;
      return respondOnce(options, call, async (tx, at) => {
        const halt = await findHalt(tx, { tenantId, haltId });
        if (halt === undefined) return new Refusal('not_found', noSuchHalt);
        if (halt.tenantId === everyTenant) {
          return new Refusal('conflict', 'The operator has set this halt, and alone can lift it.');
        }
        const lift = await askToLift(tx, halt, { at, asker, reason: body.reason });
        switch (lift.as) {
          case 'lifted':
            return { status: 200, body: JSON.stringify(haltView(lift.halt)) };
          case 'asked':
            return { status: 202, body: JSON.stringify(approvalView(lift.approval)) };
          case 'pending':
            return new Refusal('conflict', `Its lift waits for a second person: ${listPending}.`);
          case 'over':
            return new Refusal('conflict', 'The halt was lifted before.');
          default:
            return assertNever(lift);
        }
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type HaltHandlers = ReturnType<typeof haltHandlers>;

/** @throws Refusal `bad_request` where the members are not those of the scope. */
function targetOf(tenantId: TenantId, body: Static<typeof setHaltBody>): HaltTarget {
  const { scope, account_id: account, isin, venue } = body;
  const given = { account, instrument: isin, venue };
  const names = { account: 'account_id', instrument: 'isin', venue: 'venue' } as const;
  for (const [of, value] of Object.entries(given) as [keyof typeof names, string | undefined][]) {
    if ((of === scope) === (value !== undefined)) continue;
    const what = of === scope ? `needs ${names[of]}` : `takes no ${names[of]}`;
    throw new Refusal('bad_request', `A halt of scope ${scope} ${what}.`);
  }
  const accountId = account === undefined ? undefined : readId<'account'>(account, 'account_id');
  return { tenantId, accountId, isin, venue };
}

async function missingOf(tx: Tx, target: HaltTarget): Promise<Refusal | undefined> {
  const missing = await findMissing(tx, target);
  return missing === undefined
    ? undefined
    : new Refusal('not_found', `There is no such ${missing.member}${missing.hint}.`);
}

/** Of this client alone, also where the halt is across all. */
function effectOf(sql: SqlOrTx, halt: Halt, tenantId: TenantId): Promise<HaltEffect> {
  return findHaltEffect(sql, { ...halt, tenantId });
}

function effectView({ liquidations, positions, orders, ordersAtVenue }: HaltEffect) {
  return { liquidations, positions, orders, orders_at_venue: ordersAtVenue };
}

/** A halt as clients see it. What is undefined is absent in JSON. */
export function haltView(halt: Halt) {
  return {
    id: halt.haltId,
    scope: scopeOf(halt),
    across_clients: halt.tenantId === everyTenant,
    account_id: halt.accountId,
    isin: halt.isin,
    venue: halt.venue,
    strength: halt.strength,
    reason: halt.reason,
    person: halt.person,
    set_at: halt.setAt,
    lifted_at: halt.lift?.at,
    lifted_by: halt.lift?.by,
    lift_reason: halt.lift?.reason,
  };
}
