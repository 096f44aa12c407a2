// Writes the report of an audit: aligned text for people, quiet when all is well, or one JSON
// document for programs.

import type { Difference } from '../audit/check.ts';
import type { AuditReport, CheckResult } from '../audit/run-audit.ts';
import { printableLine } from '../printable.ts';

/** Longer values are cut in the text form; the JSON form has all of them. */
const valueCharactersMax = 240;

/** The report as text; ends with a line end. */
export function printReport(report: AuditReport): string {
  const { results, total } = report;
  const failed = results.filter((result) => result.total > 0);
  const verdict =
    total === 0
      ? [`All is well: ${results.length} checks found no difference.`]
      : [
          `${plural(total, 'difference')} in ${failed.length} of ${results.length} checks.`,
          ...failed.flatMap((result) => ['', ...linesOf(result)]),
        ];
  return `${[headline(report), '', ...countLines(report), '', ...verdict].join('\n')}\n`;
}

/** What is printed when the audit could not be run; ends with a line end. */
export function printFailure(reason: string, json: boolean): string {
  if (json) return `${JSON.stringify({ ok: false, error: reason })}\n`;
  return `The audit could not be run, so nothing is known: ${reason}\n`;
}

function headline({ at, durationMs }: AuditReport): string {
  return `Audit of ${at.toISOString()}, in ${(durationMs / 1000).toFixed(1)} s`;
}

function countLines({ counts }: AuditReport): string[] {
  const { liquidations, orders, journalEntries, ...others } = counts;
  const rows: [string, number, string][] = [
    ['tenants', others.tenants, ''],
    ['accounts', others.accounts, ''],
    ['positions', others.positions, ''],
    ['movements', others.movements, ''],
    ['liquidations', totalOf(liquidations), breakdown(liquidations)],
    ['orders', totalOf(orders), breakdown(orders)],
    ['submissions', others.submissions, ''],
    ['executions', others.executions, ''],
    ['events', others.events, ''],
    ['journal entries', journalEntries, ''],
  ];
  const names = Math.max(...rows.map(([name]) => name.length));
  const figures = Math.max(...rows.map(([, count]) => grouped(count).length));
  return rows.map(([name, count, rest]) => {
    return `  ${name.padEnd(names)}  ${grouped(count).padStart(figures)}  ${rest}`.trimEnd();
  });
}

function totalOf(byStatus: Readonly<Record<string, number>>): number {
  return Object.values(byStatus).reduce((before, count) => before + count, 0);
}

/** The statuses in the order of a life, then whatever else there is. */
function breakdown(byStatus: Readonly<Record<string, number>>): string {
  const life = ['NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED'];
  const others = Object.keys(byStatus).filter((status) => !life.includes(status));
  return [...life, ...others]
    .filter((status) => byStatus[status] !== undefined)
    .map((status) => `${status} ${grouped(byStatus[status] ?? 0)}`)
    .join(', ');
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function linesOf({ check, total, differences }: CheckResult): string[] {
  const left = total - differences.length;
  return [
    `${check.name}: ${plural(total, 'difference')}`,
    `  ${check.says}`,
    ...differences.flatMap(differenceLines),
    ...(left > 0 ? [`  … and ${grouped(left)} more`] : []),
  ];
}

function differenceLines(difference: Difference): string[] {
  const { tenantId, subject, subjectId, expected, found, message } = difference;
  const where = `${subject} ${subjectId} of tenant ${tenantId ?? 'unknown'}`;
  return [
    `  ${shown(where)}: ${shown(message)}`,
    `    expected  ${shown(expected)}`,
    `    found     ${shown(found)}`,
  ];
}

function shown(value: string | null): string {
  if (value === null) return 'nothing';
  const text = printableLine(value);
  return text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}…` : text;
}

/** The report as one JSON document; ends with a line end. Times in ms, instants in UTC. */
export function toJson({ at, counts, results, total, durationMs }: AuditReport): string {
  const { journalEntries, ...otherCounts } = counts;
  const document = {
    ok: total === 0,
    at: at.toISOString(),
    duration_ms: Math.round(durationMs),
    counts: { ...otherCounts, journal_entries: journalEntries },
    difference_count: total,
    checks: results.map((result) => ({
      name: result.check.name,
      says: result.check.says,
      difference_count: result.total,
      duration_ms: Math.round(result.durationMs),
      differences: result.differences.map((difference) => ({
        tenant_id: difference.tenantId,
        subject: difference.subject,
        subject_id: difference.subjectId,
        expected: difference.expected,
        found: difference.found,
        message: difference.message,
      })),
    })),
  };
  return `${JSON.stringify(document)}\n`;
}
