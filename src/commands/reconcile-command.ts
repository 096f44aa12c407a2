// `unwind reconcile`: compares the record of a venue or custodian with ours, for people or for programs.

import { whyUnreadable } from '../file-fault.ts';
import type { TenantId } from '../ids.ts';
import { reconcile } from '../reconcile/reconcile.ts';
import type { Compared, DayRange } from '../reconcile/reconcile-store.ts';
import { differenceKinds, type RecordDifference } from '../reconcile/record.ts';
import { findMarketTime } from '../venue/calendar-store.ts';
import type { OnDatabase, Output } from './run.ts';
import { UsageError } from './usage-error.ts';

export interface ReconcileCommand extends OnDatabase {
  readonly venue: string;
  readonly file: string;
  readonly from?: string;
  readonly until?: string;
  readonly client?: TenantId;
  readonly json?: true;
}

/**
 * @returns the exit code: 0 both agree, 1 they differ.
 * @throws UsageError where the record cannot be read.
 */
export async function runReconcile(command: ReconcileCommand): Promise<number> {
  const { sql, clock, stdout, venue, file, client: tenantId } = command;
  const days = daysOf(command);
  const print = command.json ? printerOfJson(stdout, venue) : printerOfText(stdout, venue);
  const wall = clock.now();
  const market = await findMarketTime(sql, wall);
  const now = market > wall ? market : wall;
  let reconciled: Awaited<ReturnType<typeof reconcile>>;
  try {
    reconciled = await reconcile(sql, { venue, file, days, tenantId, now, ...print });
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(`${file} cannot be read: ${whyUnreadable(error)}.`);
  }
  switch (reconciled.outcome) {
    case 'compared':
      print.end(reconciled);
      return reconciled.differences === 0 ? 0 : 1;
    case 'empty':
      throw new UsageError(
        `${file} has no line: name the days to compare with --from and --until.`,
      );
    case 'unreadable': {
      const { badLines, count } = reconciled;
      const lines = badLines.map(({ line, reason }) => {
        return line === undefined ? `${file}: ${reason}` : `${file}:${line}: ${reason}`;
      });
      const more = count > badLines.length ? [`and ${count - badLines.length} more`] : [];
      throw new UsageError(['nothing was compared:', ...lines, ...more].join('\n  '));
    }
  }
}

function daysOf({ from, until }: ReconcileCommand): DayRange | undefined {
  if (from === undefined && until === undefined) return undefined;
  const [first, last] = [from ?? until ?? '', until ?? from ?? ''];
  if (first > last) throw new UsageError(`--from ${first} is after --until ${last}.`);
  return { from: first, until: last };
}

interface Printer {
  onCompared(compared: Compared, days: DayRange): void;
  onDifferences(differences: readonly RecordDifference[]): void;
  end(compared: Compared): void;
}

function printerOfText(stdout: Output, venue: string): Printer {
  return {
    onCompared: ({ lines, executions }, { from, until }) => {
      const days = from === until ? from : `${from} to ${until}`;
      const here = `${executions} ${executions === 1 ? 'execution' : 'executions'} here`;
      const there = `${lines} ${lines === 1 ? 'line' : 'lines'} in the record`;
      stdout.write(`${venue}, ${days} (UTC): ${here}, ${there}\n`);
    },
    onDifferences: (differences) => {
      stdout.write(differences.map((one) => `${textOf(one)}\n`).join(''));
    },
    end: ({ differences }) => {
      const found = differences === 1 ? '1 difference' : `${differences} differences`;
      stdout.write(differences === 0 ? 'Both agree.\n' : `${found}.\n`);
    },
  };
}

function textOf(difference: RecordDifference): string {
  const { kind, line, executionId, clientOrderId, isin, here, there } = difference;
  const place = line === undefined ? '' : `line ${line}: `;
  const order = clientOrderId === undefined ? '' : ` of order ${clientOrderId}`;
  const sides = [
    ...(here === undefined ? [] : [`here ${here}`]),
    ...(there === undefined ? [] : [`there ${there}`]),
  ];
  const words = `${kind}: ${differenceKinds[kind]}`;
  return `  ${place}${words}: ${isin} execution ${executionId}${order}, ${sides.join(', ')}`;
}

/** One document, written page by page. */
function printerOfJson(stdout: Output, venue: string): Printer {
  let isFirst = true;
  return {
    onCompared: ({ lines, executions, differences: count }, { from, until }) => {
      const head = { venue, from, until, executions, lines, difference_count: count };
      stdout.write(`${JSON.stringify(head).slice(0, -1)},"differences":[`);
    },
    onDifferences: (differences) => {
      for (const one of differences) {
        const { kind, line, executionId, clientOrderId, isin, tenantId, here, there } = one;
        const names = { execution_id: executionId, client_order_id: clientOrderId };
        const shown = { kind, line, ...names, isin, client_id: tenantId, here, there };
        stdout.write(`${isFirst ? '' : ','}\n${JSON.stringify(shown)}`);
        isFirst = false;
      }
    },
    end: () => {
      stdout.write(`${isFirst ? '' : '\n'}]}\n`);
    },
  };
}
