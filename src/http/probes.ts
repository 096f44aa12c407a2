// The probes of whoever runs the service: alive while the process answers, ready while it can work.

import type { OpenRoute } from './open-route.ts';

/** What a probe learns: whether, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

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
