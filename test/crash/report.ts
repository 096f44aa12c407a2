// Adds up cycles of a crash run.
import type { CycleReport } from './cycle.ts';

export interface Total {
  readonly faults: readonly string[];
  /** What a person wants to see, by name. */
  readonly lines: readonly (readonly [name: string, value: string])[];
}

export function totalOf(reports: readonly CycleReport[]): Total {
  const sum = (of: (report: CycleReport) => number): string => {
    return reports.reduce((before, report) => before + of(report), 0).toLocaleString('en');
  };
  const longest = (of: (report: CycleReport) => number): string => {
    return `${Math.max(0, ...reports.map(of)).toLocaleString('en')} ms`;
  };
  return {
    faults: reports.flatMap((report) => report.faults),
    lines: [
      ['cycles', String(reports.length)],
      ['kills', sum((report) => report.kills)],
      ['liquidations', sum((report) => report.liquidations)],
      ['orders', sum((report) => report.orders)],
      ['events', sum((report) => report.events)],
      ['requests sent again', sum((report) => report.retries)],
      ['deliveries repeated', sum((report) => report.repeatedDeliveries)],
      ['duplicates', sum((report) => report.duplicates)],
      ['losses', sum((report) => report.losses)],
      ['faults', sum((report) => report.faults.length)],
      ['longest until a request is answered', longest((r) => r.longestOutageMs.requests)],
      ['longest until a webhook arrives', longest((r) => r.longestOutageMs.deliveries)],
    ],
  };
}
