// `unwind liquidations schedule`: a liquidation that is released at a time, or when a venue opens next.

import { randomBytes, randomUUID } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findTenant } from '../auth/store.ts';
import { findOwner } from '../book/read-store.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { parseInstant } from '../instant.ts';
import type { CreateSettings } from '../liquidations/create-liquidation.ts';
import { OpenLiquidations } from '../liquidations/open-liquidations.ts';
import { type ReleaseTime, scheduleLiquidation } from '../liquidations/schedule-liquidation.ts';
import { Refusal } from '../refusal.ts';
import { actOfCommand } from './acting.ts';
import { accountId, clientId, mic, reasonText } from './arguments.ts';
import { notDone, type OnClient, runForClient } from './run.ts';
import { UsageError } from './usage-error.ts';

interface ScheduleOptions {
  readonly at?: Date;
  readonly openingOf?: string;
  readonly reason?: string;
  readonly client?: TenantId;
}

export function addScheduleCommand(liquidations: Command): void {
  liquidations
    .command('schedule')
    .description('liquidate an account later; until then it can be cancelled')
    .argument('<account>', 'its id', accountId)
    .addOption(
      new Option('--at <time>', 'at this time of the market clock: RFC 3339')
        .argParser(timeText)
        .conflicts('openingOf'),
    )
    .option('--opening-of <mic>', 'when this venue opens next', mic)
    .option('--reason <text>', 'why, for those who ask later', reasonText)
    .option('--client <id>', 'whose account it is (default: the sandbox client)', clientId)
    .action((account: AccountId, { client, ...options }: ScheduleOptions) => {
      return runForClient(client, async (to, { liquidations: settings }) => {
        const what = {
          accountId: account,
          release: releaseTimeOf(options),
          reason: options.reason,
        };
        return runSchedule(to, what, settings);
      });
    });
}

function timeText(text: string): Date {
  const parsed = parseInstant(text);
  if (parsed !== undefined) return parsed.at;
  throw new InvalidArgumentError('It is no RFC 3339 time, such as 2026-07-01T09:00:00+02:00.');
}

function releaseTimeOf({ at, openingOf }: ScheduleOptions): ReleaseTime {
  if (at !== undefined) return { at };
  if (openingOf !== undefined) return { openingOf };
  throw new UsageError('say when to release it: --at or --opening-of.');
}

/** Creates it. @returns 0; 1 where it is refused. */
export async function runSchedule(
  on: OnClient,
  what: {
    readonly accountId: AccountId;
    readonly release: ReleaseTime;
    readonly reason: string | undefined;
  },
  settings: CreateSettings,
): Promise<number> {
  const { sql, clock, tenantId, stdout } = on;
  const tenant = await findTenant(sql, tenantId);
  const userId = await findOwner(sql, { tenantId, accountId: what.accountId });
  if (tenant === undefined || userId === undefined) {
    return notDone(stdout, `Client ${tenantId} has no account ${what.accountId}.`);
  }
  const request = {
    ...what,
    tenantId,
    userId,
    contract: tenant.contract,
    act: actOfCommand(clock.now(), {
      operation: 'schedule_liquidation',
      target: '/liquidations',
      reason: what.reason,
    }),
    // Nothing was signed, and no request comes a second time.
    signature: { basesSha256: [], expiresAt: clock.now() },
    idempotencyKey: randomUUID().replaceAll('-', ''),
    requestHash: randomBytes(32),
    hasRoom: await new OpenLiquidations(sql, clock).hasRoom(tenantId),
  };
  try {
    const { body } = await scheduleLiquidation(sql, clock, request, settings);
    const { id, release } = JSON.parse(body) as { id: string; release: { at: string } };
    stdout.write(`Liquidation ${id} is released at ${release.at}, by the market clock.\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    stdout.write(`${error.message}\n`);
    return 1;
  }
}
