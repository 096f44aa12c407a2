// Lifts a halt, or asks a second person to agree where it holds more than the limit of the controls. Each is one
// transaction of the caller; of two that decide the same, one decides. Locks: the approval, then the halt.

import {
  type Approval,
  type Asker,
  approvalMs,
  isSamePerson,
  passedLimit,
  totalOf,
} from '../approvals/approval.ts';
import {
  findFourEyesLimits,
  findHeld,
  insertApproval,
  lockOpen,
  markDecided,
} from '../approvals/approvals-store.ts';
import { assert } from '../assert.ts';
import { later } from '../clock.ts';
import type { Tx } from '../db/connect.ts';
import type { Halt } from '../halts/halt.ts';
import { newId } from '../ids.ts';
import { liftHalt } from './lift-halt.ts';

export type LiftOutcome =
  | { readonly as: 'lifted'; readonly halt: Halt }
  | { readonly as: 'asked'; readonly approval: Approval }
  /** An approval of it is pending. */
  | { readonly as: 'pending' }
  /** It was lifted before. */
  | { readonly as: 'over' };

/** Lifts a halt where one person may, else asks for a second one. */
export async function askToLift(
  tx: Tx,
  halt: Halt,
  ask: { readonly at: Date; readonly asker: Asker; readonly reason: string },
): Promise<LiftOutcome> {
  const { at, asker, reason } = ask;
  if (halt.lift !== undefined) return { as: 'over' };
  const limits = await findFourEyesLimits(tx, halt);
  const held = limits.length === 0 ? undefined : await findHeld(tx, halt);
  const value = held && totalOf(held);
  const valueMax = held && passedLimit(held, limits);
  if (valueMax === undefined) {
    const lifted = await liftHalt(tx, halt, { at, by: asker.person, reason }, value);
    return lifted === undefined ? { as: 'over' } : { as: 'lifted', halt: lifted };
  }
  const approval: Approval = {
    tenantId: halt.tenantId,
    approvalId: newId<'approval'>(),
    haltId: halt.haltId,
    ...{ value, valueMax, reason, asker },
    askedAt: at,
    expiresAt: later(at, approvalMs),
    status: 'pending',
    decided: undefined,
  };
  return (await insertApproval(tx, approval)) ? { as: 'asked', approval } : { as: 'pending' };
}

export interface Decision {
  readonly as: 'approved' | 'declined';
  readonly by: Asker;
  readonly reason: string;
  readonly at: Date;
}

export type Decided =
  | { readonly as: 'decided'; readonly approval: Approval }
  /** Who has asked cannot decide. */
  | { readonly as: 'same_person' }
  /** It is not pending any more: decided, expired, or its halt was lifted otherwise. */
  | { readonly as: 'over' };

/** Agrees to a lift, which is done in the same commit, or declines it. A refusal has changed nothing. */
export async function decideLift(
  tx: Tx,
  { approval, halt }: { readonly approval: Approval; readonly halt: Halt },
  decision: Decision,
): Promise<Decided> {
  const { at } = decision;
  if (isSamePerson(approval.asker, decision.by)) return { as: 'same_person' };
  if (!(await lockOpen(tx, approval, at))) return { as: 'over' };
  if (decision.as === 'approved') {
    const value = totalOf(await findHeld(tx, halt));
    const { person: by } = approval.asker;
    const lifted = await liftHalt(tx, halt, { at, by, reason: approval.reason }, value);
    if (lifted === undefined) return { as: 'over' };
  } else if (halt.lift !== undefined) {
    return { as: 'over' };
  }
  const decided = await markDecided(tx, approval, decision);
  assert(decided !== undefined, 'an approval that is locked open can be decided');
  return { as: 'decided', approval: decided };
}
