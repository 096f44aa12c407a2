// `unwind approvals`: what waits for a second person, approved or declined by one.

import type { Command } from 'commander';
import {
  type Approval,
  type ApprovalId,
  approvalOperations,
  notPending,
  valueText,
} from '../approvals/approval.ts';
import { findApproval, findApprovals } from '../approvals/approvals-store.ts';
import { assertNever } from '../assert.ts';
import { type Decision, decideApproval } from '../batches/decide-approval.ts';
import { inTransaction } from '../db/transaction.ts';
import { approvalView } from '../http/pre-trade-views.ts';
import type { TenantId } from '../ids.ts';
import { nameOfUser } from '../person-name.ts';
import { printableLine } from '../printable.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand, askerOfCommand, type By } from './acting.ts';
import { clientId, idText, personName, reasonText } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { notDone, type OnDatabase, printJson, runOnDatabase } from './run.ts';

interface ListOptions {
  readonly all?: true;
  readonly client?: TenantId;
  readonly json?: boolean;
}

export function addApprovalCommands(program: Command): void {
  const approvals = nounOf(program, 'approvals');
  approvals
    .command('list', { isDefault: true })
    .description('what waits for a second person, the latest first')
    .option('--all', 'and what was decided, has expired or is void')
    .option('--client <id>', 'only of this client', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((options: ListOptions) =>
      runOnDatabase((on) => listApprovals(on, options), options.client),
    );
  const verbs = [
    ['approve', 'approved', 'agree to it as the second person: it is done'],
    ['decline', 'declined', 'say no to it as the second person'],
  ] as const;
  for (const [name, as, description] of verbs) {
    approvals
      .command(name)
      .description(description)
      .argument('<approval>', 'its id, as `unwind approvals list` shows it', idText<'approval'>)
      .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
      .option('--actor <name>', 'who decides it', personName, nameOfUser())
      .action((id: ApprovalId, by: By) => runOnDatabase((on) => decide(on, { id, as }, by)));
  }
}

const listedMax = 1_000;

/** Lists approvals. @returns 0, also where there are none. */
export async function listApprovals(
  { sql, clock, stdout }: OnDatabase,
  { all, client: tenantId, json = false }: ListOptions,
): Promise<number> {
  const now = clock.now();
  const isPending = all === undefined;
  const query = {
    tenantId,
    operations: approvalOperations,
    isPending,
    below: undefined,
    limit: listedMax,
    now,
  };
  const { things: approvals } = await findApprovals(sql, query);
  if (json) {
    const shown = approvals.map((one) => ({ client_id: one.tenantId, ...approvalView(one) }));
    return printJson(stdout, shown);
  }
  if (approvals.length === 0) stdout.write('There are none.\n');
  for (const { approvalId, status, command, value, asker, askedAt, reason, ...one } of approvals) {
    const { decided } = one;
    const lines = [
      `${approvalId}  ${status}: ${commandText(command)} ${valueText(value)}`,
      `  asked ${askedAt.toISOString()} by ${asker.person}: ${reason}`,
      ...(decided
        ? [`  ${status} ${decided.at.toISOString()} by ${decided.by}: ${decided.reason}`]
        : [`  until ${one.expiresAt.toISOString()}`]),
    ];
    stdout.write(`${lines.map(printableLine).join('\n')}\n`);
  }
  return 0;
}

function commandText(command: Approval['command']): string {
  return command.operation === 'lift_halt'
    ? `lift halt ${command.haltId}, which holds`
    : `start batch ${command.batchId}, which could sell`;
}

function outcomeText(command: Approval['command'], as: Decision['as']): string {
  const isApproved = as === 'approved';
  return command.operation === 'lift_halt'
    ? `halt ${command.haltId} ${isApproved ? 'is lifted' : 'stays'}`
    : `batch ${command.batchId} ${isApproved ? 'starts when it is due' : 'is cancelled'}`;
}

/** Approves or declines. @returns 0; 1 where it is refused. */
export async function decide(
  { sql, clock, stdout }: OnDatabase,
  { id: approvalId, as }: { readonly id: ApprovalId; readonly as: Decision['as'] },
  { reason, actor }: By,
): Promise<number> {
  const at = clock.now();
  const operation = as === 'approved' ? 'approve' : 'decline_approval';
  const target = `/approvals/${approvalId}/${as === 'approved' ? 'approve' : 'decline'}`;
  const decided = await inTransaction(sql, async (tx) => {
    const approval = await findApproval(tx, { tenantId: undefined, approvalId }, at);
    if (approval === undefined) return undefined;
    const by = askerOfCommand(actor);
    const outcome = await decideApproval(tx, approval, { as, by, reason, at });
    if (outcome.as === 'decided') {
      await recordAct(
        tx,
        approval.tenantId,
        actOfCommand(at, { operation, target, actor, reason }),
      );
    }
    return outcome;
  });
  switch (decided?.as) {
    case undefined:
      return notDone(stdout, `There is no approval ${approvalId}.`);
    case 'same_person':
      return notDone(
        stdout,
        'Who has asked for it cannot decide it: it takes another person (--actor names who decides).',
      );
    case 'over':
      return notDone(stdout, notPending);
    case 'grown':
      return notDone(stdout, `Not approved. ${decided.why}`);
    case 'decided': {
      const verb = as === 'approved' ? 'Approved' : 'Declined';
      stdout.write(`${verb}: ${outcomeText(decided.approval.command, as)}.\n`);
      return 0;
    }
    default:
      return assertNever(decided);
  }
}
