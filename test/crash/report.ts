// Adds up cycles of a crash run: what happened, what it cost, and that nothing came of it.
import type { CycleReport } from './cycle.ts';
import type { Fault, FaultReport } from './faults.ts';
import { namedPoints, points } from './points.ts';
import type { World } from './world.ts';

/** How long something took after a fault, by what it was. */
export interface Recovery {
  readonly what: string;
  readonly ms: number;
}

/**
 * What had to go on after a fault, and how long after it the last of it did. Nothing is told where
 * the next fault struck before that.
 */
export function recoveriesOf(
  world: World,
  report: FaultReport,
  nextAt: number,
): readonly Recovery[] {
  const { fault, struckAt, mendedAt, underWay } = report;
  const firstAfter = (times: readonly number[]): number => {
    return times.find((at) => at > mendedAt) ?? Number.POSITIVE_INFINITY;
  };
  const untilLast = Math.max(
    struckAt,
    ...underWay.map((id) => world.finalAt.get(id) ?? Number.POSITIVE_INFINITY),
  );
  const all =
    fault.kind === 'database'
      ? [
          { what: 'database back, until a request is answered', at: firstAfter(world.answeredAt) },
          { what: 'database back, until a webhook arrives', at: firstAfter(world.arrivedAt) },
        ]
      : [{ what: workOf(fault), at: untilLast }];
  const since = fault.kind === 'database' ? mendedAt : struckAt;
  return all.flatMap(({ what, at }) => (at < nextAt ? { what, ms: at - since } : []));
}

function workOf(fault: Exclude<Fault, { kind: 'database' }>): string {
  switch (fault.kind) {
    case 'kill':
      return fault.again === 'now'
        ? 'killed and started again, until its work is done'
        : 'killed and away, until its work is done elsewhere';
    case 'kill all':
      return 'all killed and started again, until all work is done';
    case 'sleep':
      return 'asleep, until its work is done';
    case 'venue':
      return 'venue killed, cut or stalled, until all work is done';
    case 'stop':
      return 'stopped and started again, until its work is done';
  }
}

/** What a person wants to see, by name. */
export function linesOf(reports: readonly CycleReport[]): readonly (readonly [string, string])[] {
  const struck = reports.flatMap((report) => report.struck);
  const count = (kind: Fault['kind']) => struck.filter(({ fault }) => fault.kind === kind).length;
  const sum = (of: (report: CycleReport) => number): string => {
    return reports.reduce((before, report) => before + of(report), 0).toLocaleString('en');
  };
  const killed = count('kill') + 3 * count('kill all');
  return [
    ['cycles', String(reports.length)],
    ['processes killed', String(killed)],
    ['processes put to sleep past their leases', String(count('sleep'))],
    ['processes stopped and started again', String(count('stop'))],
    ['restarts of the database', String(count('database'))],
    ['liquidations', sum((report) => report.liquidations)],
    ['orders', sum((report) => report.orders)],
    ['events', sum((report) => report.events)],
    ['events delivered, to all receivers', sum((report) => report.deliveries)],
    ['requests sent again', sum((report) => report.retries)],
    ['deliveries repeated', sum((report) => report.repeatedDeliveries)],
    ['late writes without effect', sum((report) => report.staleWrites)],
    ['duplicates', sum((report) => report.duplicates)],
    ['losses', sum((report) => report.losses)],
    ['faults', sum((report) => report.faults.length)],
    ...longestOf(reports),
  ];
}

function longestOf(reports: readonly CycleReport[]): readonly (readonly [string, string])[] {
  const recoveries = reports.flatMap((report) => report.recoveries);
  const byWhat = Map.groupBy(recoveries, ({ what }) => what);
  const shown = (ms: number) => `${Math.round(ms).toLocaleString('en')} ms`;
  return [
    ['longest wait of a client for its answer', Math.max(...reports.map((r) => r.longestAnswerMs))],
    ...[...byWhat]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([what, all]) => {
        return [`longest: ${what}`, Math.max(...all.map(({ ms }) => ms))] as const;
      }),
  ].map(([name, ms]) => [String(name), shown(Number(ms))] as const);
}

/** How often each named point was struck, by kill and by sleep. */
export function pointLinesOf(
  reports: readonly CycleReport[],
): readonly (readonly [string, string])[] {
  const struck = reports.flatMap((report) => report.struck.map(({ fault }) => fault));
  return namedPoints.map((point) => {
    const at = (kind: Fault['kind']) => {
      return struck.filter((fault) => fault.kind === kind && 'at' in fault && fault.at === point);
    };
    const counts = `${at('kill').length} killed, ${at('sleep').length} asleep`;
    return [point, `${counts.padEnd(24)}${points[point]}`];
  });
}
