// `unwind parked`: what waits for a person, and what a person can do about it.

import { inTransaction } from '../db/transaction.ts';
import type { TenantId } from '../ids.ts';
import { printableLine } from '../printable.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { closeFixProblem, countFixWaiting, findFixWaiting } from '../venue/fix/operate-store.ts';
import { resumeReports } from '../venue/inbox-store.ts';
import {
  type Choice,
  type Closing,
  closeParked,
  countParked,
  findParked,
  resumeParked,
} from '../work/parked-store.ts';
import { actOfCommand } from './acting.ts';
import { notDone, type OnDatabase, printJson } from './run.ts';

/** Items shown at once: more than a person reads; the count covers the rest. */
const shownMax = 1_000;

/** Lists what is parked. @returns 0 when nothing is, 1 when something waits. */
export async function listParked({ sql, stdout }: OnDatabase, json: boolean): Promise<number> {
  const items = await findParked(sql, shownMax);
  const waiting = await findFixWaiting(sql, shownMax);
  if (json) {
    const rows = items.map(({ tenantId, since, ...item }) => {
      return { client_id: tenantId, ...item, since: since.toISOString() };
    });
    const ofVenues = waiting.map(({ id, reason, since }) => {
      return { client_id: null, id, reason, tries: 1, since: since.toISOString() };
    });
    printJson(stdout, [...rows, ...ofVenues]);
  } else if (items.length + waiting.length === 0) {
    stdout.write('nothing is parked\n');
  } else {
    for (const { id, tenantId, reason, tries, since } of items) {
      const times = tries === 1 ? '1 try' : `${tries} tries`;
      stdout.write(
        `${printableLine(id)}\n  since ${since.toISOString()}, ${times}, client ${tenantId}\n`,
      );
      stdout.write(`  ${printableLine(reason)}\n`);
    }
    for (const { id, since, reason } of waiting) {
      stdout.write(`${printableLine(id)}\n  since ${since.toISOString()}\n`);
      stdout.write(`  ${printableLine(reason)}\n  then: ${endOfFix(id)}\n`);
    }
    const count = (await countParked(sql)) + (await countFixWaiting(sql));
    const shown = items.length + waiting.length;
    if (count > shown) stdout.write(`… and ${count - shown} more\n`);
  }
  return items.length + waiting.length === 0 ? 0 : 1;
}

/** The command that a person ends it with, once it is seen to: a session, or a message of one. */
function endOfFix(id: string): string {
  const [, venue, ...message] = id.split('/');
  if (message.length === 0) return `unwind fix resume ${venue} --reason …`;
  return `unwind parked close ${id} --reason …`;
}

/** Lets the service work on parked rows again. @returns 0, or 1 when nothing of that name is. */
export async function resume({ sql, clock, stdout }: OnDatabase, choice: Choice): Promise<number> {
  const resumed = await inTransaction(sql, async (tx) => {
    const now = clock.now();
    const ids = [...(await resumeParked(tx, choice, now)), ...(await resumeReports(tx, choice))];
    const target = choice === 'all' ? '/parked' : `/parked/${choice.id}`;
    const act = actOfCommand(now, { operation: 'resume_parked', target, detail: ids.join(' ') });
    if (ids.length > 0) await recordAct(tx, tenantOf(choice), act);
    return ids;
  });
  for (const id of resumed) stdout.write(`resumed ${id}\n`);
  if (resumed.length > 0) return 0;
  if (choice === 'all') {
    stdout.write('nothing is parked that could be resumed\n');
    return 0;
  }
  if (choice.id.startsWith('fix/')) {
    return notDone(stdout, `${choice.id} is not resumed here; use: ${endOfFix(choice.id)}`);
  }
  stdout.write(
    choice.id.startsWith('correction/')
      ? `${choice.id} cannot be resumed, only closed: unwind parked close ${choice.id} --reason …\n`
      : `nothing is parked as ${choice.id}\n`,
  );
  return 1;
}

/** Whose trail an act on parked rows stands in: that of all, where no client was named. */
function tenantOf(choice: Choice | Closing): TenantId {
  return choice === 'all' ? allTenants : (choice.tenantId ?? allTenants);
}

/** Marks a correction, or a problem of a FIX venue, as seen to. @returns 0, or 1 when nothing of that name is open. */
export async function close({ sql, clock, stdout }: OnDatabase, choice: Closing): Promise<number> {
  const isFix = choice.id.startsWith('fix/');
  const closing = { ...choice, now: clock.now() };
  const { actor, reason } = choice;
  const target = `/parked/${choice.id}`;
  const act = actOfCommand(closing.now, { operation: 'close_parked', target, actor, reason });
  const isClosed = await inTransaction(sql, async (tx) => {
    const closed = isFix ? await closeFixProblem(tx, closing) : await closeParked(tx, closing);
    if (closed) await recordAct(tx, tenantOf(choice), act);
    return closed;
  });
  if (isClosed) stdout.write(`closed ${choice.id}\n`);
  else if (isFix || choice.id.startsWith('correction/'))
    stdout.write(`nothing is open as ${choice.id}\n`);
  else
    stdout.write(
      'only corrections and problems of FIX venues are closed; everything else is resumed\n',
    );
  return isClosed ? 0 : 1;
}
