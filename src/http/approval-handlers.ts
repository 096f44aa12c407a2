// The operations on approvals: what waits for a second person listed, approved, declined. An approval does what
// was asked for in its own commit. Each needs the scope of what was asked for.

import {
  type ApprovalId,
  type ApprovalOperation,
  type Asker,
  approvalOperations,
  notPending,
} from '../approvals/approval.ts';
import { findApproval, findApprovals } from '../approvals/approvals-store.ts';
import { assert, assertNever } from '../assert.ts';
import type { Scope } from '../auth/scope.ts';
import { type Decision, decideApproval } from '../batches/decide-approval.ts';
import { Refusal } from '../refusal.ts';
import { idOf } from './cursor.ts';
import { type ChangeOptions, decidedBody, respondOnce } from './once.ts';
import { keyPageResponse } from './page.ts';
import { type Call, type Handler, idParam } from './pipeline.ts';
import { decideBody, listApprovalsQuery } from './pre-trade-schemas.ts';
import { approvalView } from './pre-trade-views.ts';
import { queryReaderOf, readerOf, readNoQuery } from './schemas.ts';

const readListQuery = queryReaderOf(listApprovalsQuery);
const readDecision = readerOf(decideBody);

const samePerson =
  'Who has asked for it cannot decide it: it takes another person, who signs by another key of the client or is ' +
  'signed in at the console.';

const scopesOf: Readonly<
  Record<ApprovalOperation, { readonly read: Scope; readonly admin: Scope }>
> = {
  lift_halt: { read: 'halts:read', admin: 'halts:admin' },
  start_batch: { read: 'batches:read', admin: 'batches:admin' },
};

/** Who asks for something, as far as a request proves it. */
export function askerOf({ caller: { act } }: Call, person: string): Asker {
  assert(act !== undefined, 'a change has an act');
  return { person, kind: act.kind, actor: act.name };
}

export interface ApprovalOptions extends ChangeOptions {
  /** Called when something was decided. */
  readonly onDecided: () => void;
}

export function approvalHandlers(options: ApprovalOptions) {
  const { sql, clock, onDecided } = options;
  const decide = (as: Decision['as']): Handler => {
    return async (call) => {
      const approvalId: ApprovalId = idParam<'approval'>(call, 'approval_id', 'not_found');
      readNoQuery(call.search);
      const body = decidedBody(call, readDecision);
      const by = askerOf(call, body.person);
      const { tenantId } = call.caller;
      const response = await respondOnce(options, call, async (tx, at) => {
        const approval = await findApproval(tx, { tenantId, approvalId }, at);
        if (approval === undefined) return new Refusal('not_found', 'There is no such approval.');
        const { admin } = scopesOf[approval.command.operation];
        if (!call.caller.scopes.includes(admin)) {
          return new Refusal('forbidden', `It takes the scope ${admin}.`);
        }
        const decided = await decideApproval(tx, approval, { as, by, reason: body.reason, at });
        switch (decided.as) {
          case 'decided':
            return { status: 200, body: JSON.stringify(approvalView(decided.approval)) };
          case 'same_person':
            return new Refusal('forbidden', samePerson);
          case 'over':
            return new Refusal('conflict', notPending);
          case 'grown':
            return new Refusal('conflict', decided.why);
          default:
            return assertNever(decided);
        }
      });
      onDecided();
      return response;
    };
  };
  return {
    list: async (call) => {
      const { cursor, limit = 100, pending: isPending = false } = readListQuery(call.search);
      const { tenantId, scopes } = call.caller;
      const operations = approvalOperations.filter((operation) => {
        const { read, admin } = scopesOf[operation];
        return scopes.includes(read) || scopes.includes(admin);
      });
      const below = cursor === undefined ? undefined : idOf<'approval'>(cursor);
      const query = { tenantId, operations, isPending, below, limit, now: clock.now() };
      const { things: approvals, next } = await findApprovals(sql, query);
      const objects = approvals.map((one) => JSON.stringify(approvalView(one))).join(',');
      return keyPageResponse(call, { objects, count: approvals.length, next }, limit);
    },
    approve: decide('approved'),
    decline: decide('declined'),
  } satisfies Readonly<Record<string, Handler>>;
}

export type ApprovalHandlers = ReturnType<typeof approvalHandlers>;
