// The probes of those who operate the service: alive while the process answers, ready while it can work.
// They and the metrics are open to everybody, so what they cost is worked out once a second at most,
// however many ask.

import { type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { type OpenRoute, page } from './open-route.ts';

/** What a probe learns: whether, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

/** The paths that are answered even where too many connections are open. */
export const probePaths: readonly string[] = ['/healthz', '/readyz', '/metrics'];

/** `GET /healthz` and `GET /readyz`. */
export function probes(readiness: () => Promise<Readiness>): readonly OpenRoute[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      operation: 'check_liveness',
      work: async () => ({ status: 200, body: '{"status":"alive"}' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      operation: 'check_readiness',
      work: async () => {
        const { ready, checks } = await readiness();
        const body = JSON.stringify({ status: ready ? 'ready' : 'not_ready', checks });
        return { status: ready ? 200 : 503, body };
      },
    },
  ];
}

/**
 * `GET /metrics` for Prometheus. It counts all tenants together and asks for no token, so it exists
 * only where the operator has turned it on.
 */
export function metricsRoute(
  metrics: Pick<Metrics, 'render'>,
  stopwatch: Stopwatch = systemStopwatch,
): OpenRoute {
  const render = onceASecond(stopwatch, () => metrics.render());
  return page('/metrics', async () => ({ status: 200, ...(await render()) }));
}

const freshMs = 1_000;

/** Work whose result is shared by all who ask while it goes on, and for a second after it began. */
export function onceASecond<T>(stopwatch: Stopwatch, work: () => Promise<T>): () => Promise<T> {
  let last: { readonly result: Promise<T>; readonly begunAt: number } | undefined;
  let isRunning = false;
  return () => {
    const now = stopwatch.elapsedMs();
    if (last !== undefined && (isRunning || now - last.begunAt < freshMs)) return last.result;
    isRunning = true;
    const result = work().finally(() => {
      isRunning = false;
    });
    last = { result, begunAt: now };
    return result;
  };
}
