// `GET /metrics` for Prometheus. It counts all tenants together and asks for no token, so it exists
// only where the operator has turned it on.

import { type Stopwatch, systemStopwatch } from '../clock.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { OpenRoute } from './open-route.ts';
import { onceASecond } from './probes.ts';

export function metricsRoute(
  metrics: Pick<Metrics, 'render'>,
  stopwatch: Stopwatch = systemStopwatch,
): OpenRoute {
  const render = onceASecond(stopwatch, () => metrics.render());
  return {
    method: 'GET',
    path: '/metrics',
    operation: 'page',
    work: async () => ({ status: 200, ...(await render()) }),
  };
}
