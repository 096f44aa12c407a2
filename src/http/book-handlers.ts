// The operations that read the book: accounts, positions, instruments. No decisions here.

import { type InstrumentKey, parseInstrumentKey } from '../book/instrument-key.ts';
import {
  findAccountObject,
  findAccountPage,
  findInstrumentObject,
  findInstrumentPage,
  findPositionObject,
  findPositionPage,
} from '../book/read-store.ts';
import { findUserObject, findUserPage } from '../book/users-store.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { pageResponse, rangeOf } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import {
  listAccountsQuery,
  listInstrumentsQuery,
  listUsersQuery,
  pageQuery,
} from './reading-schemas.ts';
import { queryReaderOf, readNoQuery } from './schemas.ts';

const readUsersQuery = queryReaderOf(listUsersQuery);
const readAccountsQuery = queryReaderOf(listAccountsQuery);
const readInstrumentsQuery = queryReaderOf(listInstrumentsQuery);
const readPageQuery = queryReaderOf(pageQuery);

const noSuchUser = 'There is no such user.';
const noSuchAccount = 'There is no such account.';
const noSuchPosition = 'There is no such position of this account.';
const noSuchInstrument = 'There is no such instrument.';

export function bookHandlers({ sql }: { readonly sql: Sql }) {
  return {
    listUsers: async (call) => {
      const range = rangeOf(readUsersQuery(call.search));
      const { tenantId } = call.caller;
      const page = await findUserPage(sql, { tenantId, ...range });
      return pageResponse(call, page, range, 'created_at');
    },

    retrieveUser: async (call) => {
      const userId = idParam<'user'>(call, 'user_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      return objectOr(noSuchUser, await findUserObject(sql, { tenantId, userId }));
    },

    listAccounts: async (call) => {
      const range = rangeOf(readAccountsQuery(call.search));
      const { tenantId } = call.caller;
      const page = await findAccountPage(sql, { tenantId, ...range });
      return pageResponse(call, page, range, 'created_at');
    },

    retrieveAccount: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      return objectOr(noSuchAccount, await findAccountObject(sql, { tenantId, accountId }));
    },

    listPositions: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'bad_request');
      const range = rangeOf(readPageQuery(call.search));
      const { tenantId } = call.caller;
      const page = await findPositionPage(sql, { tenantId, accountId, ...range });
      if (page === undefined) throw new Refusal('not_found', noSuchAccount);
      return pageResponse(call, page, range, 'isin');
    },

    retrievePosition: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'not_found');
      const instrument = instrumentParam(call);
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const which = { tenantId, accountId, instrument };
      return objectOr(noSuchPosition, await findPositionObject(sql, which));
    },

    listInstruments: async (call) => {
      const query = readInstrumentsQuery(call.search);
      const { tenantId } = call.caller;
      const range = rangeOf(query);
      const { sort = 'created_at', trading_status: tradingStatus } = query;
      const page = await findInstrumentPage(sql, { tenantId, tradingStatus, sort, ...range });
      return pageResponse(call, page, range, sort);
    },

    retrieveInstrument: async (call) => {
      const instrument = instrumentParam(call);
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      return objectOr(noSuchInstrument, await findInstrumentObject(sql, { tenantId, instrument }));
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type BookHandlers = ReturnType<typeof bookHandlers>;

/** @throws Refusal `not_found`. */
function objectOr(missing: string, body: string | undefined): HttpResponse {
  if (body === undefined) throw new Refusal('not_found', missing);
  return { status: 200, body };
}

/** The instrument a path names. @throws Refusal `not_found` where it is of no known form. */
function instrumentParam({ params }: Call): InstrumentKey {
  const key = parseInstrumentKey(params['instrument_id'] ?? '');
  if (key !== undefined) return key;
  const detail =
    'The path parameter instrument_id is neither isin: and an ISIN nor uuid: and a UUID.';
  throw new Refusal('not_found', detail);
}
