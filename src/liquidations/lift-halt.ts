// Lifts a halt: what it held goes on by itself, since its rows are as they were; what has looked in vain
// meanwhile looks again now. Where it holds more than the limit of the controls, a second person has to agree.

import {
  type Approval,
  type Asker,
  passedLimit,
  pendingApproval,
  totalOf,
} from '../approvals/approval.ts';
import { findFourEyesLimits, findHeld, insertApproval } from '../approvals/approvals-store.ts';
import type { Tx } from '../db/connect.ts';
import type { Halt } from '../halts/halt.ts';
import { markLifted } from '../halts/halts-store.ts';
import { newId } from '../ids.ts';
import { haltWokenMax } from '../limits.ts';
import type { Decimal } from '../money.ts';
import { wakeHalted } from './due-store.ts';

/**
 * Lifts it whatever it holds; whether one person may, `askToLift` decides.
 *
 * @param value what it holds, where there is a limit of that.
 * @returns the halt as it is then; undefined where it was lifted before.
 */
export async function liftHalt(
  tx: Tx,
  halt: Halt,
  lift: NonNullable<Halt['lift']>,
  value?: Decimal,
): Promise<Halt | undefined> {
  const lifted = await markLifted(tx, halt, lift, value);
  if (lifted !== undefined) await wakeHalted(tx, halt, { now: lift.at, limit: haltWokenMax });
  return lifted;
}

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
  const asked = {
    tenantId: halt.tenantId,
    approvalId: newId<'approval'>(),
    command: { operation: 'lift_halt', haltId: halt.haltId },
    ...{ value, valueMax, reason, asker },
  } as const;
  const approval = pendingApproval(asked, at);
  return (await insertApproval(tx, approval)) ? { as: 'asked', approval } : { as: 'pending' };
}
