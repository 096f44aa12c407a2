// Whether the keeper of the holdings is asked is a matter of the database, not of a process: the first worker that
// has a keeper records it, and each release reads it. So a worker without the setting delays what it cannot ask for,
// and sells nothing unasked; only a worker whose setting is `off` ends it, for all.

import type { Sql } from '../db/connect.ts';
import { untilClaimed } from '../halts/acknowledge-halt.ts';
import { beginDuty, endDuty, findDuty } from '../reservations/duty-store.ts';
import { endReservationWaits } from './reservation-waits-store.ts';

/** `unset`: this process asks no keeper, and does not say that none has to be asked. */
export type KeeperSetting = 'asks' | 'off' | 'unset';

interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Before a worker takes anything: records what its setting says. Idempotent. Releases that began before may
 * not have seen it, so it waits for those.
 */
export async function enterReservations(
  sql: Sql,
  { setting, now }: { readonly setting: KeeperSetting; readonly now: Date },
  log: Log,
): Promise<void> {
  const untilSeen = async () => {
    if (!(await untilClaimed(sql))) log.warn({}, 'reservations.claims_last');
  };
  if (setting === 'asks') {
    if (!(await beginDuty(sql, now))) return;
    log.info({}, 'reservations.begun');
    await untilSeen();
    return;
  }
  if (setting === 'off' && (await endDuty(sql, now))) {
    log.warn({}, 'reservations.ended');
    await untilSeen();
  }
  const duty = await findDuty(sql);
  // Where it has ended, what still waits is looked at again: also when that start broke off in between.
  if (duty === 'ended') await endReservationWaits(sql);
  if (duty === 'in_force') {
    const remedy =
      'This database is sold from only as the keeper of the holdings grants, and this process has no ' +
      'UNWIND_RESERVATIONS_URL: what it releases waits until a worker that has it asks. Set it here too, or to ' +
      '"off" at all workers if no keeper is to be asked any more.';
    log.warn({ remedy }, 'reservations.not_asked_here');
  }
}
