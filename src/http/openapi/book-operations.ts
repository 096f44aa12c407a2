// What the document says of reading the book: accounts, positions, instruments.

import { listAccountsQuery, listInstrumentsQuery, pageQuery } from '../reading-schemas.ts';
import { account, instrument, position } from './book-objects.ts';
import { exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

const accountId = 'debf2026-f2da-4ff0-bb84-92e45babb1e3';
const userId = '81dfb00e-9be6-4617-8994-dfd0407f34df';
const at = '2021-07-21T14:10:00.000Z';

export const accountView = {
  account_group_id: userId,
  account_number: 1,
  created_at: at,
  id: accountId,
  name: 'Account',
  status: 'ACTIVE',
  type: 'TRADING',
  updated_at: at,
  users: [{ id: userId, type: 'OWNER' }],
} as const;

const instrumentUuid = '6b977001-175a-8b83-8049-af0a498bab13';

const positionView = {
  account_id: accountId,
  available_for_trading: '5.4',
  instrument: { isin: 'US0378331005', uuid: instrumentUuid },
  locked_for_trading: '5',
  pending_settlement: '0',
  quantity: '10.4',
} as const;

const instrumentView = {
  created_at: at,
  fractional_trading: true,
  id: instrumentUuid,
  isin: 'US0378331005',
  name: 'Apple Inc.',
  trading_status: 'ACTIVE',
  updated_at: at,
} as const;

const noSuchAccount = 'This client has no such account.';
const noSuchPosition =
  'This client has no such account, the account never held the instrument, or an id is malformed.';

export const bookOperations = {
  list_accounts: {
    tag: 'Accounts',
    summary: 'List accounts',
    description: 'All accounts of the client in the order in which they were recorded, in pages.',
    query: listAccountsQuery,
    success: pageOf(account, 'A page of accounts.', 'One account', accountView, 'created_at'),
  },
  retrieve_account: {
    tag: 'Accounts',
    summary: 'Retrieve an account',
    description: 'The account as the book says.',
    success: responseOf('The account.', account, exampleOf('active', 'Active', accountView)),
    refusals: { not_found: 'This client has no such account, or the id is no UUID.' },
  },
  list_positions: {
    tag: 'Positions',
    summary: 'List positions',
    description:
      'What the account holds, by ISIN, in pages. An instrument of which all was sold stays, with 0.',
    query: pageQuery,
    success: pageOf(position, 'A page of positions.', 'While five are sold', positionView, 'isin'),
    refusals: { not_found: noSuchAccount },
  },
  retrieve_position: {
    tag: 'Positions',
    summary: 'Retrieve a position',
    description: 'What the account holds of one instrument.',
    success: responseOf(
      'The position.',
      position,
      exampleOf('selling', 'While five are sold', positionView),
    ),
    refusals: { not_found: noSuchPosition },
  },
  list_instruments: {
    tag: 'Instruments',
    summary: 'List instruments',
    description: 'All instruments of the client, in pages.',
    query: listInstrumentsQuery,
    success: pageOf(
      instrument,
      'A page of instruments.',
      'One instrument',
      instrumentView,
      'created_at',
    ),
  },
  retrieve_instrument: {
    tag: 'Instruments',
    summary: 'Retrieve an instrument',
    description: 'One instrument, by its ISIN or its id.',
    success: responseOf(
      'The instrument.',
      instrument,
      exampleOf('active', 'Active', instrumentView),
    ),
    refusals: { not_found: 'This client has no such instrument, or the id is malformed.' },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
