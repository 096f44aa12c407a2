// The operations by which a client of a sandbox builds its own book: users, accounts, instruments with
// prices. `POST /tests/positions` then funds the accounts. In live mode none of these routes exists.

import { changeSigned } from '../auth/change-once.ts';
import { readIsin, readName, readPrice } from '../book/import-fields.ts';
import { type InstrumentChange, putInstruments } from '../book/instruments-store.ts';
import { createUser, offboard, openAccount } from '../book/onboard.ts';
import type { AccountType } from '../book/user.ts';
import type { UserId } from '../ids.ts';
import { parseDate } from '../instant.ts';
import { Refusal } from '../refusal.ts';
import { jsonBody } from './json-body.ts';
import { type ChangeOptions, respondOnce } from './once.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { readerOf, readId, readNoQuery } from './schemas.ts';
import { createAccountBody, createUserBody, putInstrumentsBody } from './user-schemas.ts';

const readUserBody = readerOf(createUserBody);
const readAccountBody = readerOf(createAccountBody);
const readInstrumentsBody = readerOf(putInstrumentsBody);

const noSuchUser = 'There is no such user.';

export function onboardingHandlers(options: ChangeOptions) {
  return {
    createUser: async (call) => {
      readNoQuery(call.search);
      const profile = readUserBody(jsonBody(call), 'body');
      if (parseDate(profile.birth_date) === undefined) {
        throw new Refusal('bad_request', '/birth_date is no date.');
      }
      const { tenantId } = call.caller;
      return respondOnce(options, call, async (tx, now) => {
        return { status: 200, body: await createUser(tx, { tenantId, profile, now }) };
      });
    },
    offboardUser: (call) => offboardUser(options, call),
    createAccount: (call) => createAccount(options, call),
    putInstruments: async (call) => {
      readNoQuery(call.search);
      const changes = readInstruments(call);
      const { tenantId } = call.caller;
      return respondOnce(options, call, async (tx, now) => {
        const outcomes = await putInstruments(tx, { tenantId, changes, now });
        return { status: 200, body: JSON.stringify({ data: outcomes }) };
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type OnboardingHandlers = ReturnType<typeof onboardingHandlers>;

async function offboardUser({ sql, clock }: ChangeOptions, call: Call): Promise<HttpResponse> {
  const userId = idParam<'user'>(call, 'user_id', 'not_found');
  readNoQuery(call.search);
  const { tenantId } = call.caller;
  await changeSigned(sql, call.caller, async (tx) => {
    const outcome = await offboard(tx, { tenantId, userId, now: clock.now() });
    if (outcome === 'user_unknown') return new Refusal('not_found', noSuchUser);
    if (outcome === 'offboarded') return undefined;
    return new Refusal('conflict', 'The user has accounts that are not CLOSED.');
  });
  return { status: 202 };
}

async function createAccount(options: ChangeOptions, call: Call): Promise<HttpResponse> {
  readNoQuery(call.search);
  const body = readAccountBody(jsonBody(call), 'body');
  const userId: UserId = readId<'user'>(body.user_id, '/user_id');
  const groupId = body.account_group_id;
  if (groupId !== undefined && readId<'user'>(groupId, '/account_group_id') !== userId) {
    const detail = 'There is no such account group: that of a user has the id of the user.';
    throw new Refusal('not_found', detail);
  }
  const { tenantId } = call.caller;
  const wanted = { tenantId, userId, type: body.type as AccountType, name: body.name ?? 'Account' };
  return respondOnce(options, call, async (tx, now) => {
    const opened = await openAccount(tx, { ...wanted, now });
    if (opened.outcome === 'opened') return { status: 200, body: opened.object };
    return opened.outcome === 'user_unknown'
      ? new Refusal('not_found', noSuchUser)
      : new Refusal('conflict', 'The user is not ACTIVE and gets no further account.');
  });
}

/** Each instrument as an import would take it. @throws Refusal `bad_request` that names the place. */
function readInstruments(call: Call): readonly InstrumentChange[] {
  const { instruments } = readInstrumentsBody(jsonBody(call), 'body');
  const seen = new Set<string>();
  return instruments.map((one, place) => {
    const field = (name: string, value: string | { readonly fault: string }): string => {
      if (typeof value === 'string') return value;
      throw new Refusal('bad_request', `/instruments/${place}/${name}: ${value.fault}.`);
    };
    const now = { latest: new Date(0) }; // no field here is judged by the time
    const isin = field('isin', readIsin(one.isin, now));
    if (seen.has(isin)) field('isin', { fault: 'is there already' });
    seen.add(isin);
    return {
      isin,
      name: field('name', readName(one.name ?? isin, now)),
      fractional: one.fractional_trading ?? true,
      tradingStatus: one.trading_status === 'INACTIVE' ? 'INACTIVE' : 'ACTIVE',
      price: one.price === undefined ? undefined : field('price', readPrice(one.price, now)),
    };
  });
}
