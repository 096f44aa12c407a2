// `unwind liquidations explain`: why a liquidation is where it is, in plain sentences, and what a person can do.

import type { LiquidationId, TenantId } from '../ids.ts';
import { findStory, type Story } from '../liquidations/story-store.ts';
import type { SeenLiquidation, Wait, WaitReason } from '../liquidations/waits-store.ts';
import { findLiquidationsOfId } from '../liquidations/waits-store.ts';
import { printableLine } from '../printable.ts';
import { endWords } from './end-words.ts';
import { type OnDatabase, printJson } from './run.ts';
import { RefusedError } from './usage-error.ts';

/** What each reason means, and what helps; undefined: nothing has to be done. */
const meanings: Readonly<Record<WaitReason, readonly [means: string, helps?: string]>> = {
  parked: [
    'a step failed again and again and was set aside',
    'read the cause with "unwind parked", mend it, then "unwind parked resume"',
  ],
  stopping: ['it is to end early, and the venue still has orders of it'],
  rejected: [
    'the venue rejected the order for good',
    'ask the venue; "unwind liquidations abandon" ends it with what was sold',
  ],
  fraction: ['a part of a unit is left, and the venue trades whole units only'],
  odd_lot: ['what is left is less than a lot of the venue'],
  sent_unanswered: [
    'the order was sent, and the venue has not answered yet',
    'it is looked up by itself, and not sent again while a halt covers it ("unwind halts"); where that goes on, look at "unwind venues" and "unwind fix status"',
  ],
  inactive: ['the instrument does not trade', 'import instruments once it trades again'],
  unlisted: [
    'no venue of the service lists the instrument',
    'import listings.csv with a venue for it',
  ],
  locked: ['the book has locked the units', '"unwind positions unlock" frees them'],
  halted: [
    'a person or a venue has halted it',
    '"unwind halts" says who and why; "unwind halts lift" ends it',
  ],
  control: [
    'a pre-trade control has stopped its order before it was sent',
    'it goes once it keeps the limit; or `unwind controls stopped` lists it and `unwind controls release ID` lets it pass',
  ],
  no_rate: ['there is no fresh rate for the currency it is sold in', 'import rates.csv'],
  venue_closed: ['the venue is closed; it goes on when that opens'],
  retrying: ['the last attempt failed for a passing cause; the next one comes by itself'],
  release_delay: ['it is not released yet, and its client may still cancel it'],
  due_later: ['the next attempt has its time'],
  at_venue: ['the venue has the order and works on it'],
  next_round: ['what is left is sold in another round'],
  due: ['it is next; a working service takes it within a moment', 'look whether a worker runs'],
  reservation: [
    'the keeper of the holdings was asked and has not answered',
    'ask the keeper; a worker with UNWIND_RESERVATIONS_URL asks again by itself',
  ],
};

/** Explains one liquidation. @returns 0. @throws RefusedError where there is none, or several. */
export async function explainLiquidation(
  { sql, stdout }: OnDatabase,
  which: { readonly liquidationId: LiquidationId; readonly tenantId: TenantId | undefined },
  json: boolean,
): Promise<number> {
  const [one, ...others] = await findLiquidationsOfId(sql, which);
  const story = one && (await findStory(sql, one));
  if (one === undefined || story === undefined) {
    throw new RefusedError(`there is no liquidation ${which.liquidationId}.`);
  }
  if (others.length > 0) {
    const count = others.length + 1;
    throw new RefusedError(`${count} clients have a liquidation ${one.liquidationId}: name one.`);
  }
  const sentences = sentencesOf(one, story);
  if (json) printJson(stdout, { ...which, status: one.status, sentences });
  else for (const sentence of sentences) stdout.write(`${printableLine(sentence)}\n`);
  return 0;
}

/** What became of it, why it is where it is, and what helps: each a sentence. */
function sentencesOf(one: SeenLiquidation, story: Story): readonly string[] {
  return [
    beginning(one, story),
    progress(story, one),
    ...(story.endedAt ? [ending(one, story)] : waiting(one, story)),
  ];
}

function beginning({ accountId, createdAt, status }: SeenLiquidation, story: Story): string {
  const asked = `Account ${accountId} was to be sold on ${at(createdAt)}`;
  if (story.releasedAt !== undefined)
    return `${asked} and was released on ${at(story.releasedAt)}.`;
  return status === 'NEW'
    ? `${asked}; nothing of it is released yet.`
    : `${asked}, and ended before anything was released.`;
}

function progress(
  { orders, ordersLeftOut, endedAt }: Story,
  { proceeds }: SeenLiquidation,
): string {
  const count = orders.length + ordersLeftOut;
  if (count === 0) return 'It has no orders.';
  const open = orders.filter(({ endedAt }) => endedAt === undefined).length;
  const all = count === 1 ? 'which is final' : 'all of them final';
  const done = open === 0 ? all : `${count - open} of them final`;
  return `It has ${count} ${count === 1 ? 'order' : 'orders'}, ${done}, and has earned ${proceeds} EUR${endedAt ? '' : ' so far'}.`;
}

function ending({ endReason, endNote }: SeenLiquidation, { endedAt, stop, orders }: Story): string {
  const when = endedAt === undefined ? '' : ` on ${at(endedAt)}`;
  const left = endNote === undefined ? '' : ` Left in the account: ${endNote}.`;
  const cancelled = orders
    .filter(({ status }) => status === 'CANCELLED')
    .map(({ isin, cancellationReason, submission }) => {
      return { isin, reason: cancellationReason ?? submission?.reason };
    });
  const why = endWords(endReason, { note: stop?.note, cancelled });
  return `It ended${when}: ${why}.${left}`;
}

function waiting({ wait }: SeenLiquidation, { positions, stop }: Story): readonly string[] {
  const stopped =
    stop === undefined
      ? []
      : [`It was to end on ${at(stop.askedAt)}: ${stop.note ?? stop.reason}.`];
  if (wait === undefined) return [...stopped, 'Nothing holds it up.'];
  const whole = `It waits because ${meanings[wait.reason][0]}${spanOf(wait)}.`;
  const parts = positions.map((position) => {
    const price = position.priced ? '' : ', and the book has no price for it';
    const words = meanings[position.reason][0];
    return `${position.quantity} units of ${position.isin} are left: ${words}${spanOf(position)}${price}.`;
  });
  const reasons = new Set([wait.reason, ...positions.map(({ reason }) => reason)]);
  const helps = [...reasons].flatMap((reason) => meanings[reason][1] ?? []);
  return [...stopped, whole, ...parts, ...helps.map((help) => `To do: ${help}.`)];
}

function spanOf({ since, until, detail }: Pick<Wait, 'since' | 'until' | 'detail'>): string {
  const parts = [
    since && `since ${at(since)}`,
    until && `until ${at(until)} by the market clock`,
    detail,
  ];
  const known = parts.filter((part) => part !== undefined && part !== '');
  return known.length === 0 ? '' : ` (${known.join('; ')})`;
}

function at(instant: Date): string {
  return `${instant.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
