// `GET /metrics` for Prometheus. It counts all tenants together and asks for no token, so it exists
// only where whoever runs the service has turned it on.

import type { Metrics } from '../metrics/metrics.ts';
import type { OpenRoute } from './open-route.ts';

export function metricsRoute(metrics: Metrics): OpenRoute {
  return {
    method: 'GET',
    path: '/metrics',
    operation: 'page',
    work: async () => ({ status: 200, ...(await metrics.render()) }),
  };
}
