// `unwind parked`: what waits for a person, and what a person can do about it.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { printableLine } from '../printable.ts';
import { resumeReports } from '../venue/inbox-store.ts';
import {
  type Choice,
  type Closing,
  closeParked,
  countParked,
  findParked,
  resumeParked,
} from '../work/parked-store.ts';
import type { Output } from './run.ts';

export interface ParkedCommand {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stdout: Output;
}

/** Items shown at once: more than a person reads; the count covers the rest. */
const shownMax = 1_000;

/** Lists what is parked. @returns 0 when nothing is, 1 when something waits. */
export async function listParked({ sql, stdout }: ParkedCommand, json: boolean): Promise<number> {
  const items = await findParked(sql, shownMax);
  if (json) {
    const shown = items.map(({ tenantId, since, ...item }) => {
      return { client_id: tenantId, ...item, since: since.toISOString() };
    });
    stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  } else if (items.length === 0) {
    stdout.write('nothing is parked\n');
  } else {
    for (const { id, tenantId, reason, tries, since } of items) {
      const times = tries === 1 ? '1 try' : `${tries} tries`;
      stdout.write(
        `${printableLine(id)}\n  since ${since.toISOString()}, ${times}, client ${tenantId}\n`,
      );
      stdout.write(`  ${printableLine(reason)}\n`);
    }
    const count = await countParked(sql);
    if (count > items.length) stdout.write(`… and ${count - items.length} more\n`);
  }
  return items.length === 0 ? 0 : 1;
}

/** Lets the service work on parked rows again. @returns 0, or 1 when nothing of that name is. */
export async function resume(
  { sql, clock, stdout }: ParkedCommand,
  choice: Choice,
): Promise<number> {
  const resumed = await inTransaction(sql, async (tx) => [
    ...(await resumeParked(tx, choice, clock.now())),
    ...(await resumeReports(tx, choice)),
  ]);
  for (const id of resumed) stdout.write(`resumed ${id}\n`);
  if (resumed.length > 0) return 0;
  if (choice === 'all') {
    stdout.write('nothing is parked that could be resumed\n');
    return 0;
  }
  stdout.write(
    choice.id.startsWith('correction/')
      ? `${choice.id} cannot be resumed, only closed: unwind parked close ${choice.id} --reason …\n`
      : `nothing is parked as ${choice.id}\n`,
  );
  return 1;
}

/** Marks a correction as seen to. @returns 0, or 1 when nothing of that name is open. */
export async function close(
  { sql, clock, stdout }: ParkedCommand,
  choice: Closing,
): Promise<number> {
  const isClosed = await closeParked(sql, { ...choice, now: clock.now() });
  if (isClosed) stdout.write(`closed ${choice.id}\n`);
  else if (choice.id.startsWith('correction/')) stdout.write(`nothing is open as ${choice.id}\n`);
  else stdout.write('only corrections are closed; everything else is resumed\n');
  return isClosed ? 0 : 1;
}
