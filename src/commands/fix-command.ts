// `unwind fix`: how sessions with venues stand, what passes over them, and what a person does when one has
// stopped.

import type { Command } from 'commander';
import type { Tx } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import { printableLine } from '../printable.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { describeMessage } from '../venue/fix/names.ts';
import {
  findLog,
  findSessions,
  type LogPlace,
  type Operated,
  resetSession,
  resumeSession,
  type ShownSession,
} from '../venue/fix/operate-store.ts';
import { actOfCommand, type CommandAct } from './acting.ts';
import { mic, reasonText, sequenceNumber } from './arguments.ts';
import { restFor } from './follow.ts';
import { nounOf } from './nouns.ts';
import { type OnDatabase, printJson, runOnDatabase } from './run.ts';
import { UsageError } from './usage-error.ts';

const followEveryMs = 500;
const shownMax = 200;

export function addFixCommands(program: Command): void {
  const fix = nounOf(program, 'fix');
  fix
    .command('status', { isDefault: true })
    .description('how each session stands; exits 1 when one has failed')
    .option('--json', 'one JSON document instead of text')
    .action(({ json = false }: { json?: boolean }) => runOnDatabase((on) => showStatus(on, json)));
  fix
    .command('log')
    .description('the messages of the trading day, with named fields; passwords are masked')
    .option('--venue <mic>', 'of this venue', mic)
    .option('--follow', 'go on until Ctrl-C')
    .option('--json', 'each message as a line of JSON')
    .action((which: LogOptions) => {
      const stopped = new AbortController();
      // The reader is gone, as behind `| head`: there is nothing to follow for.
      process.stdout.on('error', () => stopped.abort());
      return runOnDatabase((on) => showLog(on, { ...which, signal: stopped.signal }));
    });
  fix
    .command('resume')
    .description('let a session that has failed go on, after its cause is mended')
    .argument('<venue>', 'market code, ISO 10383', mic)
    .requiredOption('--reason <text>', 'what was found and agreed', reasonText)
    .option('--next-in <number>', 'the number expected of the venue, as agreed', sequenceNumber)
    .option('--next-out <number>', 'the number of the next message, as agreed', sequenceNumber)
    .action((venue: string, options: ResumeOptions) => {
      return runOnDatabase((on) => {
        const { reason, nextIn, nextOut } = options;
        const detail = JSON.stringify({ next_in: nextIn, next_out: nextOut });
        const what = { operation: 'resume_fix_session', reason, detail };
        return operate(on, { venue, ...what }, (tx, now) => {
          return resumeSession(tx, { venue, reason, nextIn, nextOut, now });
        });
      });
    });
  fix
    .command('reset')
    .description('begin the numbers of a session anew; refused while orders are open')
    .argument('<venue>', 'market code, ISO 10383', mic)
    .requiredOption('--reason <text>', 'why, and with whom it was agreed', reasonText)
    .action((venue: string, { reason }: { reason: string }) => {
      return runOnDatabase((on) => {
        const what = { venue, operation: 'reset_fix_session', reason };
        return operate(on, what, (tx, now) => resetSession(tx, { venue, reason, now }));
      });
    });
}

interface LogOptions {
  readonly venue?: string;
  readonly follow?: true;
  readonly json?: true;
}

interface Following extends LogOptions {
  readonly signal: AbortSignal;
  /** Waits until the next look; default half a second. */
  readonly rest?: () => Promise<unknown>;
}

interface ResumeOptions {
  readonly reason: string;
  readonly nextIn?: number;
  readonly nextOut?: number;
}

/** @returns 1 where a session has failed. */
async function showStatus({ sql, clock, stdout }: OnDatabase, json: boolean): Promise<number> {
  const sessions = await findSessions(sql, clock.now());
  if (json) printJson(stdout, sessions);
  else if (sessions.length === 0) stdout.write('no venue was ever connected\n');
  else for (const session of sessions) stdout.write(`${statusText(session)}\n`);
  return sessions.some(({ status }) => status === 'failed') ? 1 : 0;
}

function statusText(session: ShownSession): string {
  const { venue, status, reason, since, isHeld, tradingDay, nextIn, nextOut } = session;
  const isLost = status === 'ready' && !isHeld;
  const lines = [
    `${venue}  ${isLost ? 'ready, but no process holds it' : status} since ${since.toISOString()}`,
    `  trading day ${tradingDay}, next number in ${nextIn}, out ${nextOut}`,
    `  ${session.queued} queued, ${session.openOrders} open orders, ${session.problems} problems`,
  ];
  if (reason !== undefined) lines.push(`  ${printableLine(reason)}`);
  if (status === 'failed') {
    lines.push(`  when its cause is mended: unwind fix resume ${venue} --reason …`);
  }
  return lines.join('\n');
}

/** Prints the latest messages, then with `follow` each that comes, until the signal. @returns 0 */
export async function showLog(
  { sql, clock, stdout }: OnDatabase,
  { venue, follow, json, signal, rest = () => restFor(followEveryMs, signal) }: Following,
): Promise<number> {
  let after: LogPlace = { in: 0, out: 0 };
  let day: string | undefined;
  for (let oldestFirst = false; !signal.aborted; oldestFirst = true) {
    const sessions = await findSessions(sql, clock.now());
    const session = venue === undefined ? sessions[0] : sessions.find((one) => one.venue === venue);
    const shown = session?.venue ?? venue;
    if (shown === undefined) throw new UsageError('no venue was ever connected.');
    // The numbers of a trading day begin anew.
    if (session?.tradingDay !== day) after = { in: 0, out: 0 };
    day = session?.tradingDay;
    const messages = await findLog(sql, { venue: shown, after, limit: shownMax, oldestFirst });
    for (const { direction, number, at, message, problem } of messages) {
      after = { ...after, [direction]: Math.max(after[direction], number) };
      if (json) {
        const shownMessage = { direction, number, at, message: describeMessage(message), problem };
        stdout.write(`${JSON.stringify(shownMessage)}\n`);
        continue;
      }
      const arrow = direction === 'in' ? '←' : '→';
      const time = at.toISOString().slice(11, 23);
      stdout.write(
        `${time} ${arrow} ${String(number).padStart(6)} ${printableLine(describeMessage(message))}\n`,
      );
      if (problem !== undefined) stdout.write(`${' '.repeat(21)}! ${printableLine(problem)}\n`);
    }
    if (follow === undefined) return 0;
    // There may be more than are read at once: they come without a rest.
    if (!oldestFirst || messages.length < shownMax) await rest();
  }
  return 0;
}

async function operate(
  { sql, clock, stdout }: OnDatabase,
  { venue, ...what }: Omit<CommandAct, 'target'> & { readonly venue: string },
  work: (tx: Tx, now: Date) => Promise<Operated>,
): Promise<number> {
  const now = clock.now();
  const act = actOfCommand(now, { ...what, target: `/venues/${venue}/fix` });
  const operated = await inTransaction(sql, async (tx) => {
    const result = await work(tx, now);
    if (result === 'done') await recordAct(tx, allTenants, act);
    return result;
  });
  const texts: Readonly<Record<Operated, string>> = {
    done: `${venue}: done; a running service connects within seconds`,
    unknown: `${venue} was never connected`,
    running: `${venue}: its session runs; stop the service first, or wait until it has failed`,
    'orders open': `${venue}: orders are open there, and their reports might be lost; end them first`,
  };
  stdout.write(`${texts[operated]}\n`);
  return operated === 'done' ? 0 : 1;
}
