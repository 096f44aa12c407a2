// An approval: what one person has asked for, and a second one has to agree to before it is done. Pure: what is
// held and the limits go in, whether it needs a second person comes out.

import type { BatchId } from '../batches/batch.ts';
import { later } from '../clock.ts';
import { everyTenant, type HaltId } from '../halts/halt.ts';
import type { Id, TenantId } from '../ids.ts';
import { accountCurrency, type Decimal, plain, sum } from '../money.ts';
import { nameKey } from '../person-name.ts';
import type { ActKind } from '../trail/act.ts';

export type ApprovalId = Id<'approval'>;

/** How long a second person may take to approve, in ms: then it has to be asked for again. */
export const approvalMs = 24 * 3_600_000;

/** What needs a second person. */
export const approvalOperations = ['lift_halt', 'start_batch'] as const;

export type ApprovalOperation = (typeof approvalOperations)[number];

/** What is asked for. */
export type ApprovalCommand =
  | { readonly operation: 'lift_halt'; readonly haltId: HaltId }
  | { readonly operation: 'start_batch'; readonly batchId: BatchId };

/** `void`: its halt was lifted otherwise, or its batch was cancelled. */
export const approvalStatuses = ['pending', 'approved', 'declined', 'expired', 'void'] as const;

/** What is answered where there is nothing to decide any more. */
export const notPending =
  'It is not pending any more: decided, expired, its halt was lifted otherwise, or its batch was cancelled.';

/** Who asks or decides: a name, and what proves it, such as the key of a client. */
export interface Asker {
  readonly person: string;
  readonly kind: ActKind;
  readonly actor: string;
}

export interface Approval {
  /** Of the halt or batch: `everyTenant` where a halt is across all. */
  readonly tenantId: TenantId;
  readonly approvalId: ApprovalId;
  readonly command: ApprovalCommand;
  /** What the halt held, or the batch could sell, in EUR; undefined: a price was not known. */
  readonly value: Decimal | undefined;
  /** The limit that it is above. */
  readonly valueMax: Decimal;
  readonly reason: string;
  readonly asker: Asker;
  readonly askedAt: Date;
  readonly expiresAt: Date;
  readonly status: (typeof approvalStatuses)[number];
  readonly decided: { readonly at: Date; readonly by: string; readonly reason: string } | undefined;
}

/** An undecided approval, as it is asked for now. */
export function pendingApproval(
  asked: Pick<
    Approval,
    'tenantId' | 'approvalId' | 'command' | 'value' | 'valueMax' | 'reason' | 'asker'
  >,
  now: Date,
): Approval {
  return {
    ...asked,
    askedAt: now,
    expiresAt: later(now, approvalMs),
    status: 'pending',
    decided: undefined,
  };
}

/**
 * Whether two are one person, as far as can be seen: the same name, however it is written, or the same key of a
 * client, whatever names it gives.
 */
export function isSamePerson(a: Asker, b: Asker): boolean {
  const isSameKey = a.kind === 'client' && b.kind === 'client' && a.actor === b.actor;
  return isSameKey || nameKey(a.person) === nameKey(b.person);
}

/** What a halt holds, or a batch could sell, of one tenant; `value` undefined: a price is not known. */
export interface Held {
  readonly tenantId: TenantId;
  readonly value: Decimal | undefined;
}

/** A limit of one tenant, or across all (`everyTenant`). */
export interface FourEyesLimit {
  readonly tenantId: TenantId;
  readonly max: Decimal;
}

/** All that a halt holds; undefined where a price is not known. */
export function totalOf(held: readonly Held[]): Decimal | undefined {
  const known = held.flatMap(({ value }) => value ?? []);
  return known.length === held.length ? sum(known) : undefined;
}

/**
 * The smallest limit that what is held is above, where there is one. What is equal to a limit keeps it; where a
 * price is not known, every limit is taken as passed. Limits across all hold for the total.
 */
export function passedLimit(
  held: readonly Held[],
  limits: readonly FourEyesLimit[],
): Decimal | undefined {
  const isAbove = ({ tenantId, max }: FourEyesLimit): boolean => {
    const own = tenantId === everyTenant ? held : held.filter((one) => one.tenantId === tenantId);
    return totalOf(own)?.gt(max) ?? true;
  };
  const passed = limits.filter(isAbove).map(({ max }) => max);
  return passed.length === 0 ? undefined : passed.reduce((a, b) => (a.lt(b) ? a : b));
}

/** How much of what was asked for may have come on top by the time of the approval: a tenth. */
const valueGrowth = '1.1';

/** Whether something is worth so much more than when it was asked for that the question was another. */
export function hasGrown(asked: Decimal | undefined, now: Decimal | undefined): boolean {
  return asked !== undefined && (now === undefined || now.gt(asked.times(valueGrowth)));
}

/** Why something that has grown is not approved, and what to do. */
export function grownText({ command, value }: Approval, now: Decimal | undefined): string {
  const [then, today, remedy] =
    command.operation === 'lift_halt'
      ? ['the halt held', 'it holds', 'ask for the lift again']
      : ['the batch could sell', 'it could sell', 'make another batch'];
  const above = now === undefined ? '' : ', more than a tenth above that';
  return (
    `When it was asked for, ${then} ${valueText(value)}; now ${today} ${valueText(now)}${above}. ` +
    `Decline it, and ${remedy}.`
  );
}

/** The value for a person. */
export function valueText(value: Decimal | undefined): string {
  return value === undefined
    ? 'a value that is not known, for want of a price'
    : `${accountCurrency} ${plain(value)}`;
}
