// `unwind audit`: runs the audit and prints what it found, for people or for programs.

import { runAudit } from '../audit/run-audit.ts';
import type { Sql } from '../db/connect.ts';
import { printFailure, printReport, toJson } from './print-report.ts';
import type { Output } from './run.ts';

export interface AuditCommand {
  /** A pool of at least `auditConnectionsMax` connections. */
  readonly sql: Sql;
  /** One JSON document instead of text. */
  readonly json: boolean;
  readonly stdout: Output;
}

/** @returns the exit code: 0 all is well, 1 something differs, 2 the audit could not be run. */
export async function runAuditCommand({ sql, json, stdout }: AuditCommand): Promise<number> {
  try {
    const report = await runAudit(sql);
    stdout.write(json ? toJson(report) : printReport(report));
    return report.total === 0 ? 0 : 1;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    stdout.write(printFailure(reason, json));
    return 2;
  }
}
