// `unwind audit`: runs the audit and prints what it found, for people or for programs.

import { type AuditProgress, runAudit } from '../audit/run-audit.ts';
import { type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { printFailure, printReport, toJson } from './print-report.ts';
import { durationText, ProgressBar } from './progress-bar.ts';
import type { Output } from './run.ts';

export interface AuditCommand {
  /** A pool of at least `auditConnectionsMax` connections. */
  readonly sql: Sql;
  /** One JSON document instead of text. */
  readonly json: boolean;
  readonly stdout: Output;
  /** Where a progress bar can be drawn; undefined where there is no terminal. */
  readonly terminal?: NodeJS.WritableStream | undefined;
  readonly stopwatch?: Stopwatch;
}

/** How often the bar shows that a long check still runs, in ms. */
const redrawMs = 1_000;

/** @returns the exit code: 0 all is well, 1 something differs, 2 the audit could not be run. */
export async function runAuditCommand(command: AuditCommand): Promise<number> {
  const { json, stdout } = command;
  try {
    const report = await auditWithBar(command);
    stdout.write(json ? toJson(report) : printReport(report));
    return report.total === 0 ? 0 : 1;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    stdout.write(printFailure(reason, json));
    return 2;
  }
}

async function auditWithBar({ sql, terminal, stopwatch = systemStopwatch }: AuditCommand) {
  if (terminal === undefined) return runAudit(sql);
  const bar = new ProgressBar(terminal, stopwatch);
  const beganAtMs = stopwatch.elapsedMs();
  let progress: AuditProgress = { checksDone: 0, checksTotal: 1, running: [] };
  const draw = () => {
    const { checksDone, checksTotal, running } = progress;
    const elapsed = durationText(stopwatch.elapsedMs() - beganAtMs);
    const names = running.length === 0 ? '' : `: ${running.join(', ')}`;
    const detail = `${checksDone} of ${checksTotal} checks in ${elapsed}${names}`;
    bar.show({ subject: 'audit', done: checksDone / checksTotal, detail });
  };
  const stop = stopwatch.every(redrawMs, draw);
  try {
    return await runAudit(sql, (now) => {
      progress = now;
      draw();
    });
  } finally {
    stop();
    bar.clear();
  }
}
