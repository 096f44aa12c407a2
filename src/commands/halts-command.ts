// `unwind halts`: stops the release and the sending of orders, of one client or of all; lists and lifts.

import { type Command, InvalidArgumentError } from 'commander';
import { valueText } from '../approvals/approval.ts';
import { findLiftApprovers } from '../approvals/approvals-store.ts';
import { assertNever } from '../assert.ts';
import { isIsin } from '../book/isin.ts';
import { inTransaction } from '../db/transaction.ts';
import { findHaltEffect, type HaltEffect } from '../halts/effect-store.ts';
import { everyTenant, type HaltId, type HaltTarget } from '../halts/halt.ts';
import { findHalt, findHalts, insertHalt } from '../halts/halts-store.ts';
import { type AccountId, newId, type TenantId } from '../ids.ts';
import { nameOfUser } from '../person-name.ts';
import { printableLine } from '../printable.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand, askerOfCommand, type By } from './acting.ts';
import { accountId, clientId, idText, mic, personName, reasonText } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { notDone, type OnDatabase, printJson, runOnDatabase } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

interface SetOptions {
  readonly client?: TenantId;
  readonly everything?: true;
  readonly account?: AccountId;
  readonly isin?: string;
  readonly venue?: string;
  readonly reason: string;
  readonly actor: string;
  readonly dryRun?: true;
  readonly cancel?: true;
}

export function addHaltCommands(program: Command): void {
  const halts = nounOf(program, 'halts');
  halts
    .command('set')
    .description('halt; ends once no order that is covered can reach a venue any more')
    .option('--client <id>', 'of this client (default: of all clients)', clientId)
    .option('--everything', 'of all clients, all of it')
    .option('--account <id>', 'only of this account', accountId)
    .option('--isin <isin>', 'only this instrument', isinText)
    .option('--venue <mic>', 'only what goes to this venue', mic)
    .option('--cancel', 'and have venues cancel what is open there')
    .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--actor <name>', 'who has decided it', personName, nameOfUser())
    .option('--dry-run', 'only say what it would stop')
    .action((options: SetOptions) => runOnDatabase((on) => setHalt(on, options)));
  halts
    .command('list', { isDefault: true })
    .description('halts in force, the newest first')
    .option('--all', 'and those that were lifted')
    .option('--client <id>', 'only those that hold for this client', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((options: ListOptions) =>
      runOnDatabase((on) => listHalts(on, options), options.client),
    );
  halts
    .command('lift')
    .description('lift a halt; what it held goes on')
    .argument('<halt>', 'its id', idText<'halt'>)
    .requiredOption('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--actor <name>', 'who has decided it', personName, nameOfUser())
    .action((id: HaltId, by: By) => runOnDatabase((on) => lift(on, id, by)));
}

function isinText(text: string): string {
  if (isIsin(text)) return text;
  throw new InvalidArgumentError('It is no ISIN, or its check digit is wrong.');
}

/** @throws UsageError where it would halt more than was said. */
function targetOf(options: SetOptions): HaltTarget {
  const { client, everything, account, isin, venue } = options;
  if (everything && (client ?? account ?? isin ?? venue) !== undefined) {
    throw new UsageError('--everything stands alone.');
  }
  if (account !== undefined && client === undefined) {
    throw new UsageError('--account needs --client: whose account it is.');
  }
  if (!everything && (client ?? isin ?? venue) === undefined) {
    throw new UsageError('say what to halt: --client, --isin, --venue or --everything.');
  }
  return { tenantId: client ?? everyTenant, accountId: account, isin, venue };
}

/** Halts, or says what it would stop. @returns 0; 1 where it is in force, but not acknowledged. */
export async function setHalt(on: OnDatabase, options: SetOptions): Promise<number> {
  const { sql, clock, stdout } = on;
  const target = targetOf(options);
  const { findMissing } = await import('../liquidations/missing-of-halt.ts');
  const missing = await findMissing(sql, target);
  if (missing !== undefined) {
    const { member, value, hint } = missing;
    throw new RefusedError(`there is no ${member} ${value}${hint}; nothing is halted.`);
  }
  if (options.dryRun) {
    const effect = await findHaltEffect(sql, target);
    const what = heldText(effect);
    stdout.write(
      `A halt of ${placeOf(target)} would hold ${what}; ${effect.ordersAtVenue} orders are at a venue.\n`,
    );
    return 0;
  }
  const { reason, actor: person } = options;
  const haltId = newId<'halt'>();
  const setAt = clock.now();
  const halt = {
    ...target,
    haltId,
    strength: options.cancel ? 'cancel' : 'release',
    reason,
    person,
    setAt,
    lift: undefined,
  } as const;
  const act = actOfCommand(setAt, {
    ...{ operation: 'set_halt', target: `/halts/${haltId}`, actor: person, reason },
    detail: placeOf(target),
  });
  await inTransaction(sql, async (tx) => {
    await insertHalt(tx, halt);
    await recordAct(tx, halt.tenantId, act);
  });
  const { untilAcknowledged } = await import('../halts/acknowledge-halt.ts');
  const isAcknowledged = await untilAcknowledged(sql, clock, halt);
  if (isAcknowledged) {
    const effect = await findHaltEffect(sql, target);
    const what = heldText(effect);
    stdout.write(`Halted ${placeOf(target)}: no such order is sent any more. It holds ${what};\n`);
    const then = options.cancel
      ? 'are being cancelled there; what is left of them is sent again when it is lifted'
      : 'are at a venue and go on there';
    stdout.write(`${effect.ordersAtVenue} orders ${then}. Lift it by\n`);
  } else {
    stdout.write(
      `The halt of ${placeOf(target)} is in force, but a process may still be sending what\n`,
    );
    stdout.write('it claimed before. Set it once more to wait for that again. Lift this one by\n');
  }
  stdout.write(`  unwind halts lift ${haltId} --reason …\n`);
  return isAcknowledged ? 0 : 1;
}

function heldText({ liquidations, positions, orders }: HaltEffect): string {
  return `${liquidations} liquidations to release, ${positions} positions without an order and ${orders} orders to send`;
}

function placeOf(target: HaltTarget): string {
  const { tenantId, accountId: account, isin, venue } = target;
  const whose = tenantId === everyTenant ? 'all clients' : `client ${tenantId}`;
  const parts = [
    account && `account ${account}`,
    isin && `instrument ${isin}`,
    venue && `venue ${venue}`,
  ].filter(Boolean);
  return [...parts, whose].join(' of ');
}

interface ListOptions {
  readonly all?: true;
  readonly client?: TenantId;
  readonly json?: boolean;
}

const listedMax = 1_000;

/** Lists halts. @returns 0, also where there are none. */
export async function listHalts(
  { sql, stdout }: Pick<OnDatabase, 'sql' | 'stdout'>,
  { all, client: tenantId, json = false }: ListOptions,
): Promise<number> {
  const inForce = all ? undefined : true;
  const query = { tenantId, inForce, below: undefined, limit: listedMax };
  const { things: halts } = await findHalts(sql, query);
  const approvers = all ? await findLiftApprovers(sql, halts) : new Map<HaltId, string>();
  if (json) {
    const { haltView } = await import('../http/halt-handlers.ts');
    const shown = halts.map((halt) => {
      const approver = { lift_approved_by: approvers.get(halt.haltId) };
      return { client_id: halt.tenantId, ...haltView(halt), ...approver };
    });
    return printJson(stdout, shown);
  }
  if (halts.length === 0) stdout.write('There are none.\n');
  for (const halt of halts) {
    const { lift: lifted } = halt;
    const approver = approvers.get(halt.haltId);
    const by = [lifted?.by, ...(approver === undefined ? [] : [`approved by ${approver}`])];
    const lines = [
      `${halt.haltId}  ${placeOf(halt)}${halt.strength === 'cancel' ? ', cancels what is open' : ''}`,
      `  set ${halt.setAt.toISOString()} by ${halt.person}: ${halt.reason}`,
      ...(lifted
        ? [`  lifted ${lifted.at.toISOString()} by ${by.join(', ')}: ${lifted.reason}`]
        : []),
    ];
    stdout.write(`${lines.map(printableLine).join('\n')}\n`);
  }
  return 0;
}

/** Lifts a halt, or asks for a second person. @returns 0; 1 where there is none to lift, or one person may not. */
export async function lift(
  { sql, clock, stdout }: OnDatabase,
  haltId: HaltId,
  { reason, actor: by }: By,
): Promise<number> {
  const halt = await findHalt(sql, { tenantId: undefined, haltId });
  if (halt === undefined) return notDone(stdout, `There is no halt ${haltId}.`);
  const at = clock.now();
  const act = actOfCommand(at, {
    ...{ operation: 'lift_halt', target: `/halts/${haltId}`, actor: by, reason },
  });
  const { askToLift } = await import('../liquidations/lift-halt.ts');
  const lifted = await inTransaction(sql, async (tx) => {
    const result = await askToLift(tx, halt, { at, asker: askerOfCommand(by), reason });
    if (['lifted', 'asked'].includes(result.as)) await recordAct(tx, halt.tenantId, act);
    return result;
  });
  switch (lifted.as) {
    case 'lifted':
      stdout.write(`Lifted halt ${haltId}: ${placeOf(halt)} goes on.\n`);
      return 0;
    case 'asked': {
      const { approvalId, value } = lifted.approval;
      stdout.write(`Not lifted: it holds ${valueText(value)}, so a second person has to agree:\n`);
      stdout.write(`  unwind approvals approve ${approvalId} --actor … --reason …\n`);
      return 1;
    }
    case 'pending':
      return notDone(stdout, 'Not lifted: it waits for a second person; see `unwind approvals`.');
    case 'over':
      return notDone(stdout, `Halt ${haltId} was lifted before.`);
    default:
      return assertNever(lifted);
  }
}
