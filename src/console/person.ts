// Who may do what at the console: a role is a set of scopes, the same that clients have. There is no right
// that only the console knows.

import { assertNever } from '../assert.ts';
import { type Scope, scopes } from '../auth/scope.ts';

export const consoleRoles = ['viewer', 'operator', 'risk'] as const;

/** `viewer` reads; `operator` also starts, cancels and repairs; `risk` is an operator who may also halt. */
export type ConsoleRole = (typeof consoleRoles)[number];

export interface Person {
  /** As the trail names them. */
  readonly name: string;
  readonly role: ConsoleRole;
}

const operatorScopes: readonly Scope[] = [
  'account_liquidations:admin',
  'batches:admin',
  'webhooks:admin',
  'parked:admin',
  'tests:admin',
];

const readScopes: readonly Scope[] = scopes.filter((scope) => scope.endsWith(':read'));

/** What a role may ask for. */
export function scopesOf(role: ConsoleRole): readonly Scope[] {
  switch (role) {
    case 'viewer':
      return readScopes;
    case 'operator':
      return [...readScopes, ...operatorScopes];
    case 'risk':
      return [...readScopes, ...operatorScopes, 'controls:admin', 'halts:admin'];
    default:
      return assertNever(role);
  }
}
