// The shapes of accounts, positions, instruments, orders and executions as they are answered. Fields
// that have no source here and a fixed value instead: docs/integrators/differences.md.

import { Type } from 'typebox';
import { accountTypes, userStatuses } from '../../book/user.ts';
import { decimal, flag, instant, list, part, shape, some, text, uuid, whole } from '../members.ts';
import { userMembers } from '../user-schemas.ts';

const cash = (description: string) => {
  return text(description, { pattern: '^[0-9]{1,63}(\\.[0-9]{2})?$' });
};
const isin = (description: string) => {
  return text(description, { pattern: '^[A-Z]{2}[A-Z0-9]{9}[0-9]$' });
};

const createdAt = instant('When it was recorded here first, in UTC.');
const updatedAt = instant('When it last changed, in UTC.');

/** An imported user has id, status and times alone: the book knows nothing else of it. */
export const user = shape('User', {
  id: uuid('The user.'),
  created_at: createdAt,
  updated_at: updatedAt,
  status: some(
    userStatuses,
    'OFFBOARDED gets no further account; INACTIVE and OFFBOARDING do not occur.',
  ),
  ...Type.Partial(Type.Object(userMembers)).properties,
});

export const account = shape('Account', {
  id: uuid('The account.'),
  created_at: createdAt,
  updated_at: updatedAt,
  account_group_id: uuid('The group of the accounts of one user: the id of that user.'),
  account_number: whole('Of the accounts of one user; 1 of each that was imported.', {
    minimum: 1,
  }),
  name: text('Account, where it was given no other.', { maxLength: 100 }),
  status: some(
    ['PENDING_APPROVAL', 'ACTIVE', 'CLOSING', 'CLOSED', 'LOCKED'],
    'As the book says. ACTIVE and CLOSING accounts can be liquidated.',
  ),
  type: some(accountTypes, 'The kind of account; TRADING of each that was imported.'),
  users: Type.Array(
    Type.Object({ id: uuid('The user.'), type: some(['OWNER'], 'What the user is to it.') }),
    { minItems: 1, maxItems: 1, description: 'Its owner.' },
  ),
});

export const position = shape('Position', {
  account_id: uuid('The account.'),
  instrument: part('What is held.', {
    isin: isin('ISO 6166.'),
    uuid: uuid('The `id` of the instrument.'),
  }),
  quantity: decimal('Units held; 0 once all are sold.'),
  locked_for_trading: decimal('Of these, units that open orders still have to sell.'),
  available_for_trading: decimal(
    'Units that can be sold: without those of open orders, and without those locked otherwise.',
  ),
  pending_settlement: decimal('Always 0: purchases are not known here before they settle.'),
});

export const instrument = shape('Instrument', {
  id: uuid('The instrument; the same in every installation, computed from its ISIN.'),
  created_at: createdAt,
  updated_at: updatedAt,
  isin: isin('ISO 6166.'),
  name: text('Its first 100 characters.', { maxLength: 100 }),
  fractional_trading: flag('False: only whole units are sold.'),
  trading_status: some(
    ['ACTIVE', 'INACTIVE'],
    'While INACTIVE it is not sold; liquidations wait for it.',
  ),
});

export const execution = shape('Execution', {
  id: uuid('The execution.'),
  order_id: uuid('The order it is of.'),
  cash_amount: cash('What it earned: quantity times price, rounded half-even. Two decimals.'),
  currency: some(['EUR'], 'ISO 4217.'),
  price: decimal('EUR a unit.'),
  share_quantity: decimal('Units sold.'),
  side: some(['SELL'], 'A liquidation only sells.'),
  status: some(
    ['FILLED', 'SETTLED', 'CANCELLED'],
    'CANCELLED when the venue declared it void; SETTLED does not occur.',
  ),
  taxes: list(
    'Always empty: taxes are not computed here.',
    Type.Object({ type: some(['TOTAL'], 'The kind of tax.'), amount: decimal('EUR.') }),
  ),
  transaction_time: instant('When the venue executed it, in UTC.'),
});

export const order = shape('Order', {
  id: uuid('The order. Ids are UUIDv7: their order is the order of creation.'),
  created_at: createdAt,
  updated_at: updatedAt,
  user_id: uuid('The owner of the account.'),
  account_id: uuid('The account.'),
  client_reference: text('The id of the liquidation.', { maxLength: 100 }),
  cash_amount: cash('Always 0, since units are ordered. What it earned is in `executions`.'),
  currency: some(['EUR'], 'ISO 4217.'),
  side: some(['SELL'], 'A liquidation only sells.'),
  instrument_id: isin('What is sold.'),
  instrument_id_type: some(['ISIN'], 'What `instrument_id` is.'),
  order_type: some(['MARKET'], 'Sold at the price of the market.'),
  quantity: decimal('Units to sell.'),
  limit_price: some([''], 'Empty: a market order has none.'),
  stop_price: some([''], 'Empty: a market order has none.'),
  status: some(
    ['NEW', 'PROCESSING', 'FILLED', 'CANCELLED'],
    'FILLED when all is sold, CANCELLED when it ended with less.',
  ),
  cancellation_reason: Type.Optional(
    some(
      [
        'CANCELLED_BY_CLIENT',
        'CANCELLED_BY_UPVEST_OPERATIONS',
        'CANCELLED_BY_TRADING_PARTNER',
        'CANCELLED_BY_UPVEST_PLATFORM',
      ],
      'Only of a CANCELLED order: who ended it.',
    ),
  ),
  fee: decimal('Always 0: fees are not computed here.'),
  initiation_flow: some(['ACCOUNT_LIQUIDATION'], 'What it is made for.'),
  execution_flow: some(['STRAIGHT_THROUGH'], 'Each order goes to the venue by itself.'),
  executions: list('What is sold of it so far.', execution),
});
