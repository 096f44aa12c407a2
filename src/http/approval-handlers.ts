// The operations on approvals: what waits for a second person listed, approved, declined. An approval does what
// was asked for in its own commit.

import type { ApprovalId, Asker } from '../approvals/approval.ts';
import { findApproval, findApprovals } from '../approvals/approvals-store.ts';
import { assert, assertNever } from '../assert.ts';
import { everyTenant } from '../halts/halt.ts';
import { findHalt } from '../halts/halts-store.ts';
import { type Decision, decideLift } from '../liquidations/ask-to-lift.ts';
import { Refusal } from '../refusal.ts';
import { idOf } from './cursor.ts';
import { jsonBody } from './json-body.ts';
import { answerOnce, type ChangeOptions, refuseOtherPerson } from './once.ts';
import { keyPageAnswer } from './page.ts';
import { type Call, type Handler, idParam } from './pipeline.ts';
import { decideBody, listApprovalsQuery } from './pre-trade-schemas.ts';
import { approvalView } from './pre-trade-views.ts';
import { noQuery, queryReaderOf, readerOf, refuseUnprintable } from './schemas.ts';

export interface ApprovalHandlers {
  readonly list: Handler;
  readonly approve: Handler;
  readonly decline: Handler;
}

const readNoQuery = queryReaderOf(noQuery);
const readListQuery = queryReaderOf(listApprovalsQuery);
const readDecision = readerOf(decideBody);

const samePerson =
  'Who has asked for it cannot decide it: it takes another person, who signs by another key of the client or is ' +
  'signed in at the console.';
const notPending =
  'It is not pending any more: decided, expired, or its halt was lifted otherwise.';

/** Who asks for something, as far as a request proves it. */
export function askerOf({ caller: { act } }: Call, person: string): Asker {
  assert(act !== undefined, 'a change has an act');
  return { person, kind: act.kind, actor: act.name };
}

export function approvalHandlers(options: ChangeOptions): ApprovalHandlers {
  const { sql, clock } = options;
  const decide = (as: Decision['as']): Handler => {
    return async (call) => {
      const approvalId: ApprovalId = idParam<'approval'>(call, 'approval_id', 'not_found');
      readNoQuery(call.search);
      const body = readDecision(jsonBody(call), 'body');
      refuseUnprintable(body);
      refuseOtherPerson(call, body.person);
      const by = askerOf(call, body.person);
      const { tenantId } = call.caller;
      return answerOnce(options, call, async (tx, at) => {
        const approval = await findApproval(tx, { tenantId, approvalId }, at);
        const halt = approval && (await findHalt(tx, { tenantId, haltId: approval.haltId }));
        if (approval === undefined || halt === undefined || halt.tenantId === everyTenant) {
          return new Refusal('not_found', 'There is no such approval.');
        }
        const decided = await decideLift(
          tx,
          { approval, halt },
          { as, by, reason: body.reason, at },
        );
        switch (decided.as) {
          case 'decided':
            return { status: 200, body: JSON.stringify(approvalView(decided.approval)) };
          case 'same_person':
            return new Refusal('forbidden', samePerson);
          case 'over':
            return new Refusal('conflict', notPending);
          default:
            return assertNever(decided);
        }
      });
    };
  };
  return {
    list: async (call) => {
      const { cursor, limit = 100, pending: isPending = false } = readListQuery(call.search);
      const { tenantId } = call.caller;
      const below = cursor === undefined ? undefined : idOf<'approval'>(cursor);
      const query = { tenantId, isPending, below, limit, now: clock.now() };
      const { approvals, lookedTo } = await findApprovals(sql, query);
      const objects = approvals.map((one) => JSON.stringify(approvalView(one))).join(',');
      return keyPageAnswer(call, { objects, count: approvals.length, next: lookedTo }, limit);
    },
    approve: decide('approved'),
    decline: decide('declined'),
  };
}
