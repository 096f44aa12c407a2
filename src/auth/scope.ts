// The scopes of the API: the contract's 33, those of our extensions, and `tests:admin` of the sandbox.

export const scopes = [
  'account_liquidations:admin',
  'account_liquidations:read',
  'account_returns:read',
  'accounts:admin',
  'accounts:read',
  'checks:admin',
  'checks:read',
  'credit_fundings:read',
  'fees:admin',
  'fees:read',
  'instruments:read',
  'mandates:admin',
  'mandates:read',
  'orders:admin',
  'orders:read',
  'payments:admin',
  'payments:read',
  'portfolios:admin',
  'portfolios:read',
  'positions:read',
  'reference_accounts:admin',
  'reference_accounts:read',
  'reports:read',
  'taxes:admin',
  'taxes:read',
  'topups:admin',
  'topups:read',
  'transactions:read',
  'users:admin',
  'users:read',
  'valuations:read',
  'webhooks:admin',
  'webhooks:read',
  'controls:admin',
  'controls:read',
  'batches:admin',
  'batches:read',
  'halts:admin',
  'halts:read',
  'trail:read',
  'parked:admin',
  'parked:read',
  'tests:admin',
] as const;

export type Scope = (typeof scopes)[number];

const known: ReadonlySet<string> = new Set(scopes);

export function isScope(text: string): text is Scope {
  return known.has(text);
}
