// Whether a process can do its work: it reaches a database of its version, and its loops, if it has any,
// run.

import type { Sql } from '../db/connect.ts';
import { isConnectionError } from '../db/errors.ts';
import { databaseFault } from '../db/fault.ts';
import { schemaState } from '../db/migrate.ts';
import { countParked } from '../work/parked-store.ts';
import type { Readiness } from './probes.ts';

export interface Watched {
  readonly sql: Sql;
  /** Number of the schema that this code expects. */
  readonly expectedSchema: number;
  readonly databaseUrl: string;
  /** Whether each loop has worked well lately; undefined for a process without loops. */
  readonly loops: (() => Readonly<Record<string, boolean>>) | undefined;
  readonly isStopping: () => boolean;
  /** What a person should know of this process although it works, by name. */
  readonly notices: Readonly<Record<string, string>>;
}

export async function readinessOf(watched: Watched): Promise<Readiness> {
  const { sql, loops, notices } = watched;
  const unhealthy = Object.entries(loops?.() ?? {}).flatMap(([name, isRunning]) =>
    isRunning ? [] : [name],
  );
  const running = unhealthy.length === 0 ? 'running' : `not running: ${unhealthy.join(', ')}`;
  const others = {
    ...(loops === undefined ? {} : { loops: running }),
    ...notices,
    ...(watched.isStopping() ? { service: 'stopping' } : {}),
  };
  try {
    const schema = await schemaState(sql, watched.expectedSchema);
    const serves = schema === 'current' || schema === 'ahead, compatible';
    const ready = serves && unhealthy.length === 0 && !watched.isStopping();
    // What waits for a person does not stop the rest, so it does not make the service unready.
    const parked = serves ? String(await countParked(sql)) : 'unknown';
    return { ready, checks: { database: 'reached', schema, parked, ...others } };
  } catch (error) {
    const fault = databaseFault(error, watched.databaseUrl);
    if (fault === undefined && !isConnectionError(error)) throw error;
    // Without the names of hosts and roles, which the log has: anybody may ask.
    const database = fault === undefined ? 'not reached' : `not reached: ${fault.brief}`;
    return { ready: false, checks: { database, schema: 'unknown', parked: 'unknown', ...others } };
  }
}
