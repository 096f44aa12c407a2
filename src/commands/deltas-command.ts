// `unwind positions`: deltas as an operator brings them, one by the command line or many from a file,
// all of them or none. A file is read as those of an import are: every bad line is reported.

import { type Delta, deltaColumns, readDelta } from '../book/delta.ts';
import { importLockMsMax } from '../book/import-limits.ts';
import { type BadLine, byLine } from '../book/import-report.ts';
import { readCsv } from '../book/read-csv.ts';
import { isUniqueViolation } from '../db/errors.ts';
import { inTransaction } from '../db/transaction.ts';
import { whyUnreadable } from '../file-fault.ts';
import { deltasOfFileMax, overtakenTriesMax } from '../limits.ts';
import { applyDeltas, type DeltaResult } from '../liquidations/apply-deltas.ts';
import { plain } from '../money.ts';
import type { Act } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { actOfCommand } from './acting.ts';
import { notDone, type OnClient } from './run.ts';

/** One delta as typed, in the order of `deltaColumns`. @returns the exit code: 0 done, 1 refused. */
export async function runDelta(command: OnClient, fields: readonly string[]): Promise<number> {
  const { stdout } = command;
  const read = readDelta(fields);
  if ('fault' in read) return notDone(stdout, `Nothing was changed: ${read.fault}.`);
  const result = await apply(command, [read.delta]);
  if (result.outcome === 'refused') {
    const reasons = result.refusals.map(({ reason }) => reason).join('; ');
    return notDone(stdout, `Nothing was changed: ${reasons}.`);
  }
  for (const { delta, isRepeated } of result.deltas) {
    const was = isRepeated ? 'was applied before, nothing was changed' : 'is applied';
    stdout.write(`${delta.type} of ${plain(delta.quantity)} ${delta.isin} ${was}.\n`);
  }
  return 0;
}

/** A file of deltas. @returns the exit code: 0 done, 1 refused; then nothing of it was applied. */
export async function runDeltaFile(command: OnClient, file: string): Promise<number> {
  const { stdout } = command;
  const read = await readOrExplain(file);
  if (typeof read === 'string') {
    return notDone(stdout, `Nothing was changed: ${file} cannot be read: ${read}.`);
  }
  const { deltas, lines, badLines } = read;
  const result = badLines.length > 0 ? undefined : await apply(command, deltas);
  const refused: readonly BadLine[] =
    result?.outcome === 'refused'
      ? result.refusals.map(({ place, reason }) => ({ line: lines[place], reason }))
      : badLines;
  if (result?.outcome === 'applied') {
    const repeated = result.deltas.filter((one) => one.isRepeated).length;
    stdout.write(`Applied ${deltas.length - repeated} deltas; ${repeated} were applied before.\n`);
    return 0;
  }
  for (const { line, reason } of refused) {
    stdout.write(line === undefined ? `${file}: ${reason}\n` : `${file}:${line}: ${reason}\n`);
  }
  return notDone(stdout, 'Nothing was changed: correct these lines and apply the file again.');
}

/** Tries again when a set with the same references was first: then it sees them. */
async function apply(
  { sql, clock, tenantId }: OnClient,
  deltas: readonly Delta[],
): Promise<DeltaResult> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await inTransaction(
        sql,
        async (tx) => {
          const now = clock.now();
          const result = await applyDeltas(tx, { tenantId, deltas, now });
          await recordAct(tx, tenantId, actOf(result, now));
          return result;
        },
        { lockTimeoutMs: importLockMsMax },
      );
    } catch (error) {
      if (!isUniqueViolation(error) || tries >= overtakenTriesMax) throw error;
    }
  }
}

/** Undefined where nothing was changed. */
function actOf(result: DeltaResult, now: Date): Act | undefined {
  if (result.outcome !== 'applied') return undefined;
  const fresh = result.deltas.filter((one) => !one.isRepeated).map(({ delta }) => delta);
  if (fresh.length === 0) return undefined;
  const detail = fresh.map(({ type, accountId, isin, quantity, reference }) => {
    return [type, accountId, isin, plain(quantity), reference].join(',');
  });
  return actOfCommand(now, {
    ...{ operation: 'apply_position_deltas', target: '/positions', detail: detail.join('\n') },
  });
}

interface DeltaFile {
  readonly deltas: readonly Delta[];
  /** Where each of them stands. */
  readonly lines: readonly number[];
  readonly badLines: readonly BadLine[];
}

/** The file, or why the file system does not give it. */
async function readOrExplain(file: string): Promise<DeltaFile | string> {
  try {
    return await readDeltaFile(file);
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return whyUnreadable(error);
    throw error;
  }
}

async function readDeltaFile(file: string): Promise<DeltaFile> {
  const deltas: Delta[] = [];
  const lines: number[] = [];
  const badLines: BadLine[] = [];
  for await (const part of readCsv(file, Object.keys(deltaColumns), deltasOfFileMax)) {
    badLines.push(...part.badLines);
    for (const { line, fields } of part.lines) {
      const read = readDelta(fields);
      if ('fault' in read) {
        badLines.push({ line, reason: read.fault });
      } else {
        deltas.push(read.delta);
        lines.push(line);
      }
    }
  }
  return { deltas, lines, badLines: badLines.sort(byLine) };
}
