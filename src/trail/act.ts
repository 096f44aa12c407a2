// An act that changes something, as the trail keeps it: who, when, from where, why, and what. Pure.

import type { TenantId } from '../ids.ts';
import { nilId } from '../ids.ts';

/**
 * `client`: a signed request. `person`: a person at the console. `command`: a person at the command line. `start`:
 * a process whose settings are others than before.
 */
export const actKinds = ['client', 'person', 'command', 'start'] as const;

export type ActKind = (typeof actKinds)[number];

/** Who acts, and from where. */
export interface Actor {
  readonly kind: ActKind;
  /** The key that signed a request, the name of a person. */
  readonly name: string;
  /** Of a person at the console. */
  readonly role: string | undefined;
  /** Of a person who signed in through an identity provider: its issuer, a space, its own id of the person. */
  readonly subject?: string | undefined;
  /** The address of a request; user and machine of a command. */
  readonly origin: string | undefined;
}

/** What is about to be changed; recorded in the commit of the change, or not at all. */
export interface Act extends Actor {
  /** When it was asked for. */
  readonly at: Date;
  readonly operation: string;
  /** What it is done to: a path of the API. */
  readonly target: string;
  readonly reason: string | undefined;
  /** What changed, where operation and target do not say it. */
  readonly detail: string | undefined;
  /** SHA-256 of method, path and body of a request. */
  readonly requestSha256: Buffer | undefined;
}

/** The tenant of an act that concerns all of them; no tenant has this id. */
export const allTenants = nilId as TenantId;

/** The longest texts that are kept; what is longer is cut. */
export const actLengths = {
  actor: 200,
  role: 100,
  subject: 1_000,
  origin: 200,
  operation: 100,
  target: 500,
  reason: 500,
  detail: 4_000,
} as const;

/** An act of which more is known once it is done. */
export function withMore(act: Act, more: Partial<Pick<Act, 'target' | 'detail' | 'reason'>>): Act {
  return { ...act, ...more };
}
