// The scopes of the API: the contract's 33, those of our extensions, and `tests:admin` of the sandbox.

/** Each with its meaning, as the API document lists it. */
export const scopeMeanings = {
  'account_liquidations:admin': 'Create, read and cancel liquidations',
  'account_liquidations:read': 'Read liquidations',
  'account_returns:read': 'Read the returns of accounts',
  'accounts:admin': 'Create, change and close accounts and account groups',
  'accounts:read': 'Read accounts and account groups',
  'checks:admin': 'Create checks of users',
  'checks:read': 'Read checks of users',
  'credit_fundings:read': 'Read credit fundings',
  'fees:admin': 'Create and read fees',
  'fees:read': 'Read fees',
  'instruments:read': 'Read instruments',
  'mandates:admin': 'Create, change and delete mandates',
  'mandates:read': 'Read mandates',
  'orders:admin': 'Create, change and cancel orders',
  'orders:read': 'Read orders and their executions',
  'payments:admin': 'Create payments in and withdrawals',
  'payments:read': 'Read payments in and withdrawals',
  'portfolios:admin': 'Change portfolios',
  'portfolios:read': 'Read portfolios',
  'positions:read': 'Read positions',
  'reference_accounts:admin': 'Create, change and delete reference accounts',
  'reference_accounts:read': 'Read reference accounts',
  'reports:read': 'Read reports',
  'taxes:admin': 'Change tax residencies',
  'taxes:read': 'Read tax residencies',
  'topups:admin': 'Create top-ups',
  'topups:read': 'Read top-ups',
  'transactions:read': 'Read cash and securities transactions',
  'users:admin': 'Create, change and delete users',
  'users:read': 'Read users',
  'valuations:read': 'Read valuations',
  'webhooks:admin': 'Create, change and delete webhooks',
  'webhooks:read': 'Read webhooks and the keys of their signatures',
  'controls:admin': 'Set pre-trade controls, and release orders that they have stopped',
  'controls:read': 'Read pre-trade controls and the orders that they have stopped',
  'batches:admin': 'Make, steer and read batches',
  'batches:read': 'Read batches',
  'halts:admin': 'Set, read and lift halts',
  'halts:read': 'Read halts',
  'trail:read': 'Read the trail: who has changed what',
  'parked:admin': 'Read, resume and close what waits for a person',
  'parked:read': 'Read what waits for a person',
  'tests:admin': 'Steer the sandbox: clock, market and faults',
} as const;

export type Scope = keyof typeof scopeMeanings;

export const scopes = Object.keys(scopeMeanings) as readonly Scope[];

const known: ReadonlySet<string> = new Set(scopes);

export function isScope(text: string): text is Scope {
  return known.has(text);
}
