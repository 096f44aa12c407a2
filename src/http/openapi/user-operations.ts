// What the document says of users, and of making users, accounts and instruments in a sandbox.

import { Type } from 'typebox';
import { shape, some, text } from '../members.ts';
import { listUsersQuery } from '../reading-schemas.ts';
import { createAccountBody, createUserBody, putInstrumentsBody } from '../user-schemas.ts';
import { account, user } from './book-objects.ts';
import { accountView } from './book-operations.ts';
import { exampleOf, type OperationPart, pageOf, responseOf } from './operation.ts';

const userId = '81dfb00e-9be6-4617-8994-dfd0407f34df';
const at = '2021-07-21T14:10:00.000Z';

const address = {
  address_line1: 'Unter den Linden',
  address_line2: '12a',
  city: 'Berlin',
  country: 'DE',
  postcode: '10117',
} as const;

const profile = {
  first_name: 'Marcel',
  last_name: 'Schwarz',
  email: 'marcel@example.com',
  birth_date: '1992-06-16',
  birth_city: 'Mannheim',
  birth_country: 'DE',
  nationalities: ['DE'],
  address,
} as const;

const userView = {
  address,
  birth_city: 'Mannheim',
  birth_country: 'DE',
  birth_date: '1992-06-16',
  created_at: at,
  email: 'marcel@example.com',
  first_name: 'Marcel',
  id: userId,
  last_name: 'Schwarz',
  nationalities: ['DE'],
  postal_address: address,
  status: 'ACTIVE',
  updated_at: at,
} as const;

const importedView = { created_at: at, id: userId, status: 'ACTIVE', updated_at: at } as const;

const openedView = { ...accountView, name: 'Main account' };

const keyUsed = 'The idempotency key was used for another request.';
const stillRunning = 'The first request under this key has not ended yet.';

const instrumentOutcome = shape('Recorded instrument', {
  isin: text('ISO 6166.'),
  outcome: some(
    ['created', 'changed', 'unchanged'],
    'What became of the instrument and its price.',
  ),
  price: Type.Union([Type.String(), Type.Null()], {
    description: 'EUR a unit now; null where no price is known.',
  }),
});

export const userOperations = {
  list_users: {
    tag: 'Users',
    summary: 'List users',
    description: 'All users of the client in the order in which they were recorded, in pages.',
    query: listUsersQuery,
    success: pageOf(user, 'A page of users.', 'One user', userView, 'created_at'),
  },
  retrieve_user: {
    tag: 'Users',
    summary: 'Retrieve a user',
    description:
      'The user as the client has described it. Of an imported user only the id is known.',
    success: responseOf('The user.', user, {
      created: { summary: 'Made by request', value: userView },
      imported: { summary: 'Imported', value: importedView },
    }),
    refusals: { not_found: 'This client has no such user, or the id is no UUID.' },
  },
  create_user: {
    tag: 'Sandbox',
    summary: 'Create a user',
    description:
      'Makes a user, ACTIVE at once: a sandbox checks no identity. In live mode users are imported.',
    body: {
      schema: createUserBody,
      examples: exampleOf('user', 'A user', profile),
    },
    success: responseOf('The user.', user, exampleOf('user', 'A user', userView)),
    refusals: { conflict: stillRunning, unprocessable_content: keyUsed },
  },
  offboard_user: {
    tag: 'Sandbox',
    summary: 'Offboard a user',
    description:
      'Ends a user without open accounts: OFFBOARDED at once, and still there to be read.',
    success: { status: 202, description: 'It is OFFBOARDED, or was before.' },
    refusals: {
      not_found: 'This client has no such user, or the id is no UUID.',
      conflict: 'The user has accounts that are not CLOSED.',
    },
  },
  create_account: {
    tag: 'Sandbox',
    summary: 'Create an account',
    description:
      'Opens an account of a user, ACTIVE at once and empty. `POST /tests/positions` brings units into ' +
      'it, of instruments that `POST /tests/instruments` records. In live mode accounts are imported.',
    body: {
      schema: createAccountBody,
      examples: exampleOf('account', 'A trading account', {
        user_id: userId,
        account_group_id: userId,
        type: 'TRADING',
        name: 'Main account',
      }),
    },
    success: responseOf('The account.', account, exampleOf('account', 'Active', openedView)),
    refusals: {
      not_found: 'This client has no such user, or the group is not that of the user.',
      conflict: `The user is not ACTIVE, or: ${stillRunning.charAt(0).toLowerCase()}${stillRunning.slice(1)}`,
      unprocessable_content: keyUsed,
    },
  },
  put_instruments: {
    tag: 'Sandbox',
    summary: 'Record instruments and prices',
    description:
      'Records instruments and their prices, all or none, as an import would: what is known already is ' +
      'changed. Orders are filled at these prices.',
    body: {
      schema: putInstrumentsBody,
      examples: exampleOf('one', 'One instrument', {
        instruments: [{ isin: 'DE0007164600', name: 'SAP SE', price: '231.5' }],
      }),
    },
    success: responseOf(
      'What became of each instrument, in the order given.',
      Type.Object({ data: Type.Array(instrumentOutcome) }),
      exampleOf('created', 'Recorded', {
        data: [{ isin: 'DE0007164600', outcome: 'created', price: '231.5' }],
      }),
    ),
    refusals: { conflict: stillRunning, unprocessable_content: keyUsed },
  },
} as const satisfies Readonly<Record<string, OperationPart>>;
