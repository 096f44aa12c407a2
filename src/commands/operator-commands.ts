// The commands by which an operator finds what is stuck and deals with it: `unwind liquidations`, `unwind
// abandon` and `unwind parked`.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Clock, later } from '../clock.ts';
import type { AccountId, LiquidationId, TenantId } from '../ids.ts';
import { type LiquidationStatus, liquidationTransitions } from '../liquidations/liquidation.ts';
import { type WaitReason, waitReasons } from '../liquidations/waits-store.ts';
import { nameOfUser } from '../person-name.ts';
import { runAbandon } from './abandon-command.ts';
import {
  accountId,
  clientId,
  liquidationId,
  personName,
  reasonText,
  wholeUpTo,
} from './arguments.ts';
import { listLiquidations, showLiquidation } from './liquidations-command.ts';
import { nounOf } from './nouns.ts';
import { close, listParked, resume } from './parked-command.ts';
import { addPreviewCommand } from './preview-command.ts';
import { runOnDatabase } from './run.ts';
import { addScheduleCommand } from './schedule-command.ts';
import { addSellingCommands } from './selling-commands.ts';

interface OfClient {
  readonly client?: TenantId;
}

export function addOperatorCommands(program: Command): void {
  addLiquidationsCommands(program);
  describeAbandon(nounOf(program, 'abandon'));
  addParkedCommands(program);
}

function describeAbandon(command: Command): void {
  command
    .description('end a liquidation that is stuck, with what was sold')
    .argument('<liquidation>', 'its id', liquidationId)
    .requiredOption('--reason <text>', 'why, for those who ask later')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: LiquidationId, { reason, client }: OfClient & { reason: string }) => {
      return runOnDatabase((on) =>
        runAbandon({ ...on, liquidationId: id, tenantId: client, reason }),
      );
    });
}

interface ListOptions extends OfClient {
  readonly account?: AccountId;
  readonly status?: LiquidationStatus;
  readonly waiting?: WaitReason;
  readonly stuck?: true;
  readonly olderThan?: number;
  readonly limit: number;
  readonly json?: boolean;
}

/** Liquidations shown at once, unless asked otherwise, and at most. */
const shownMax = { usual: 50, most: 10_000 };

function addLiquidationsCommands(program: Command): void {
  const statuses = Object.keys(liquidationTransitions);
  const liquidations = nounOf(program, 'liquidations');
  liquidations
    .command('list', { isDefault: true })
    .description('list them, the newest first')
    .option('--client <id>', 'only of this client', clientId)
    .option('--account <id>', 'only of this account', accountId)
    .addOption(new Option('--status <status>', 'only of this status').choices(statuses))
    .addOption(new Option('--waiting <reason>', 'only what waits for this').choices(waitReasons))
    .option('--stuck', 'only what a person has to look at')
    .option('--older-than <minutes>', 'only what was created so long ago', minutes)
    .option('--limit <n>', 'so many at most', wholeUpTo(shownMax.most), shownMax.usual)
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false, olderThan, ...options }: ListOptions) => {
      const { client, account, status, waiting, stuck: isStuck = false, limit } = options;
      const filter = {
        tenantId: client,
        accountId: account,
        status,
        reason: waiting,
        isStuck,
        limit,
      };
      return runOnDatabase((on) => {
        const createdBefore = olderThan === undefined ? undefined : minutesAgo(on.clock, olderThan);
        return listLiquidations({ ...on, json }, { ...filter, createdBefore });
      }, client);
    });
  liquidations
    .command('show')
    .description('one liquidation: each position that is not sold and why, and its orders')
    .argument('<liquidation>', 'its id', liquidationId)
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .option('--timeline', 'and what happened, in its order')
    .option('--json', 'one JSON document instead of text')
    .action((id: LiquidationId, options: OfClient & { json?: boolean; timeline?: true }) => {
      const { client, json = false, timeline: hasTimeline = false } = options;
      const which = { liquidationId: id, tenantId: client, hasTimeline };
      return runOnDatabase((on) => showLiquidation({ ...on, json }, which));
    });
  addPreviewCommand(liquidations);
  addScheduleCommand(liquidations);
  liquidations
    .command('explain')
    .description('why one is where it is, in plain sentences, and what can be done')
    .argument('<liquidation>', 'its id', liquidationId)
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((id: LiquidationId, { client, json = false }: OfClient & { json?: boolean }) => {
      return runOnDatabase(async (on) => {
        const { explainLiquidation } = await import('./explain-liquidation.ts');
        return explainLiquidation(on, { liquidationId: id, tenantId: client }, json);
      });
    });
  addSellingCommands(liquidations);
  describeAbandon(liquidations.command('abandon'));
}

function minutesAgo(clock: Clock, count: number): Date {
  return later(clock.now(), -count * 60_000);
}

function minutes(text: string): number {
  if (/^[0-9]{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is no whole number of minutes.');
}

function addParkedCommands(program: Command): void {
  const parked = nounOf(program, 'parked');
  parked
    .command('list', { isDefault: true })
    .description('list it; exits 1 when there is something')
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false }: { json?: boolean }) => runOnDatabase((on) => listParked(on, json)));
  parked
    .command('resume')
    .description('let the service work on it again')
    .argument('[id]', 'as listed')
    .option('--all', 'everything that can be resumed')
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string | undefined, { all, client }: OfClient & { all?: true }) => {
      if ((id === undefined) === (all === undefined)) parked.error('Name one id, or --all.');
      const choice = id === undefined ? 'all' : { id, tenantId: client };
      return runOnDatabase((on) => resume(on, choice));
    });
  parked
    .command('close')
    .description('mark a correction, or a problem of a FIX venue, as seen to')
    .argument('<id>', 'as listed')
    .requiredOption('--reason <text>', 'what was done about it', reasonText)
    .option('--actor <name>', 'who has seen to it', personName, nameOfUser())
    .option('--client <id>', 'whose it is, if clients have the same id', clientId)
    .action((id: string, { client, ...by }: OfClient & { actor: string; reason: string }) =>
      runOnDatabase((on) => close(on, { id, tenantId: client, ...by })),
    );
}
