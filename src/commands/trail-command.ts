// `unwind trail`: who has changed what, and whether what was recorded is as it was.

import { type Command, Option } from 'commander';
import { operatorActView } from '../http/control-views.ts';
import type { AccountId, Id, TenantId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import { type ActKind, actKinds, allTenants } from '../trail/act.ts';
import { findAct, findActsOfAll, type RecordedAct } from '../trail/acts-store.ts';
import { accountId, clientId, idText, instant, wholeUpTo } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { type OnDatabase, outputTo, printJson, run, runOnDatabase } from './run.ts';
import { RefusedError } from './usage-error.ts';
import type { VerifyOptions } from './verify-command.ts';

interface ListOptions {
  readonly client?: TenantId;
  readonly account?: AccountId;
  readonly names?: string;
  readonly kind?: ActKind;
  readonly actor?: string;
  readonly operation?: string;
  readonly since?: Date;
  readonly before?: Date;
  readonly limit: number;
  readonly json?: true;
}

/** Acts shown at once, unless asked otherwise, and at most. */
const shownMax = { usual: 50, most: 10_000 };

export function addTrailCommands(program: Command): void {
  const trail = nounOf(program, 'trail');
  trail
    .command('list', { isDefault: true })
    .description('changes and who made them, the newest first')
    .option('--client <id>', 'only of this client (default: of all)', clientId)
    .option('--account <id>', 'only those that name this account', accountId)
    .addOption(
      new Option('--names <id>', 'only those that name this id: of a batch, halt, webhook, …')
        .argParser(idText<'act'>)
        .conflicts('account'),
    )
    .addOption(new Option('--kind <kind>', 'only those of this kind').choices(actKinds))
    .option('--actor <name>', 'only those of this key, person or user')
    .option('--operation <name>', 'only those of this operation, such as set_halt')
    .option('--since <time>', 'only since then: RFC 3339', instant)
    .option('--before <time>', 'only before then: RFC 3339', instant)
    .option('--limit <n>', 'so many at most', wholeUpTo(shownMax.most), shownMax.usual)
    .option('--json', 'one JSON document instead of text')
    .action((options: ListOptions) => runOnDatabase((on) => listActs(on, options)));
  trail
    .command('show')
    .description('one change with all that is known of it, as JSON')
    .argument('<act>', 'its id', idText<'act'>)
    .option('--json', 'one JSON document, which it prints anyway')
    .action((id: Id<'act'>) => runOnDatabase((on) => showAct(on, id)));
  trail
    .command('verify')
    .description('find what was edited, removed or inserted in the trail, executions and movements')
    .option('--checkpoint <file>', 'signed checkpoints (default: UNWIND_TRAIL_FILE)')
    .option('--key <file...>', 'keys that have signed them, public or private, in PEM')
    .option('--json', 'one JSON document instead of text')
    .action((options: VerifyOptions) => {
      return runOnDatabase(async (on, config) => {
        const { runVerify } = await import('./verify-command.ts');
        return runVerify(on, config, options);
      });
    });
  trail
    .command('key')
    .description('make a key that signs checkpoints, and its public part beside it')
    .argument('<file>', 'where to; must not be there yet')
    .action((file: string) => {
      return run(async () => {
        const { makeKey } = await import('./verify-command.ts');
        return makeKey(file, outputTo(process.stdout));
      });
    });
}

/** Lists acts. @returns 0, also where there are none. */
export async function listActs(
  { sql, stdout }: OnDatabase,
  { client: tenantId, account, names = account, json, ...filter }: ListOptions,
): Promise<number> {
  const acts = await findActsOfAll(sql, { ...filter, tenantId, names });
  if (json) return printJson(stdout, acts.map(shownOf));
  if (acts.length === 0) stdout.write('There are none.\n');
  for (const act of acts) stdout.write(`${linesOf(act).map(printableLine).join('\n')}\n`);
  return 0;
}

function linesOf({ at, name, role, origin, operation, target, reason, place }: RecordedAct) {
  const who = role === undefined ? name : `${name} (${role})`;
  const from = origin === undefined ? '' : ` from ${origin}`;
  return [
    `${at.toISOString()}  ${operation} ${target}`,
    `  by ${who}${from}, act ${place.id}`,
    ...(reason === undefined ? [] : [`  ${reason}`]),
  ];
}

/** Shows one act. @returns 0. @throws RefusedError where there is none. */
async function showAct({ sql, stdout }: OnDatabase, id: Id<'act'>): Promise<number> {
  const act = await findAct(sql, id);
  if (act === undefined) throw new RefusedError(`there is no act ${id}.`);
  return printJson(stdout, shownOf(act));
}

function shownOf(act: RecordedAct) {
  const { id, ...rest } = operatorActView(act);
  return { id, client_id: act.tenantId === allTenants ? null : act.tenantId, ...rest };
}
