// `unwind abandon`: an operator ends a liquidation that is stuck. The command only records the intent;
// the service, now or once it runs, carries it out.

import { inTransaction } from '../db/transaction.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { overtakenTriesMax } from '../limits.ts';
import { askToStop, type StopRow } from '../liquidations/stop-store.ts';
import type { Act } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand } from './acting.ts';
import { notDone, type OnDatabase } from './run.ts';

export interface AbandonCommand extends OnDatabase {
  readonly liquidationId: LiquidationId;
  readonly tenantId: TenantId | undefined;
  /** Why, for those who ask later; kept with the liquidation. */
  readonly reason: string;
}

/** The longest reason, in characters: a sentence or two. */
const reasonLengthMax = 500;

/**
 * Asks for the end of a liquidation with what was sold. Idempotent: the first reason stays.
 *
 * @returns 0 when it is or was asked for, 1 when there is nothing to end.
 */
export async function runAbandon(command: AbandonCommand): Promise<number> {
  const { sql, clock, stdout, liquidationId, tenantId } = command;
  const note = command.reason.trim();
  if (note === '' || note.length > reasonLengthMax) {
    return notDone(stdout, `the reason has to have 1 to ${reasonLengthMax} characters`);
  }
  for (let tries = 1; tries <= overtakenTriesMax; tries += 1) {
    const now = clock.now();
    const row = await inTransaction(sql, async (tx) => {
      const asked = await askToStop(tx, { liquidationId, tenantId, note, now });
      if (asked?.is_asked) await recordAct(tx, asked.tenant_id, actOf(liquidationId, note, now));
      return asked;
    });
    const reply = replyTo(liquidationId, row);
    if (reply !== undefined) {
      stdout.write(`${reply.text}\n`);
      return reply.code;
    }
  }
  return notDone(stdout, `liquidation ${liquidationId} is being changed by others; try again`);
}

function actOf(liquidationId: LiquidationId, reason: string, now: Date): Act {
  const target = `/liquidations/${liquidationId}`;
  return actOfCommand(now, { operation: 'abandon_liquidation', target, reason });
}

/** Undefined when it changed under the statement and has to be asked for again. */
function replyTo(
  liquidationId: LiquidationId,
  row: StopRow | undefined,
): { readonly text: string; readonly code: number } | undefined {
  if (row === undefined) return { text: `there is no liquidation ${liquidationId}`, code: 1 };
  if (row.tenants > 1) {
    return {
      text: `${row.tenants} clients have a liquidation ${liquidationId}: name one`,
      code: 1,
    };
  }
  const what = `liquidation ${liquidationId} of client ${row.tenant_id}`;
  if (row.is_asked) {
    const how = row.status === 'NEW' ? '' : ', after its open orders are cancelled at the venue';
    return { text: `${what} is ${row.status} and will be ended by the service${how}`, code: 0 };
  }
  if (row.status !== 'NEW' && row.status !== 'PROCESSING') {
    return { text: `${what} has ended already: it is ${row.status}`, code: 1 };
  }
  if (row.stop_asked_at === null) return undefined;
  const why = row.stop_note ?? 'it has reached its age';
  return {
    text: `${what} is being ended since ${row.stop_asked_at.toISOString()}: ${why}`,
    code: 0,
  };
}
