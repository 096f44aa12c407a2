// Whether a process can do its work: it reaches a database of its version, and its loops, if it has any,
// run.

import type { Stopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { isPassing } from '../db/errors.ts';
import { databaseFault } from '../db/fault.ts';
import { probeDatabase } from '../db/probe.ts';
import type { CheckpointState } from '../trail/export-checkpoints.ts';
import { findSessionStatuses } from '../venue/fix/operate-store.ts';
import { countParked } from '../work/parked-store.ts';
import { onceASecond, type Readiness } from './probes.ts';

export interface Watched {
  /** A connection of its own, which requests cannot take away. */
  readonly sql: Sql;
  readonly now: () => Date;
  /** Number of the schema that this code expects. */
  readonly expectedSchema: number;
  readonly databaseUrl: string;
  /** Whether each loop has worked well lately; undefined for a process without loops. */
  readonly loops: (() => Readonly<Record<string, boolean>>) | undefined;
  /** How this process signs the trail; undefined where it does not. */
  readonly signing: () => CheckpointState | undefined;
  /** Whether the clock of this machine is right, in words. */
  readonly clock: () => string;
  readonly isStopping: () => boolean;
  /** What a person should know of this process although it works, by name. */
  readonly notices: Readonly<Record<string, string>>;
}

/**
 * What says whether the process is ready. The database is asked once a second at most, however many
 * want to know; loops and a stop show at once.
 */
export function readinessOf(watched: Watched, stopwatch: Stopwatch): () => Promise<Readiness> {
  const askDatabase = onceASecond(stopwatch, () => databaseState(watched));
  return async () => {
    const { serves, checks } = await askDatabase();
    const { loops, notices, isStopping } = watched;
    const signing = watched.signing();
    const unhealthy = Object.entries(loops?.() ?? {}).flatMap(([name, isRunning]) => {
      return isRunning ? [] : [name];
    });
    const running = unhealthy.length === 0 ? 'running' : `not running: ${unhealthy.join(', ')}`;
    return {
      ready: serves && unhealthy.length === 0 && !isStopping(),
      checks: {
        ...checks,
        clock: watched.clock(),
        ...(loops === undefined ? {} : { loops: running }),
        // A person has to look; the rest goes on.
        ...(signing && { trail: signingText(signing) }),
        ...notices,
        ...(isStopping() ? { service: 'stopping' } : {}),
      },
    };
  };
}

function signingText({ isFailing, lastAt }: CheckpointState): string {
  if (isFailing) return 'not signed: see the log';
  return lastAt === undefined ? 'nothing signed yet' : 'signed';
}

interface DatabaseState {
  readonly serves: boolean;
  readonly checks: Readiness['checks'];
}

async function databaseState({
  sql,
  now,
  expectedSchema,
  databaseUrl,
}: Watched): Promise<DatabaseState> {
  try {
    const state = await probeDatabase(sql, expectedSchema);
    const { schema, wrongSettings } = state;
    const isKnown = schema === 'current' || schema === 'ahead, compatible';
    // What waits for a person does not stop the rest, so it does not make the service unready.
    const parked = isKnown ? String(await countParked(sql)) : 'unknown';
    const venues = isKnown ? await findSessionStatuses(sql, now()) : {};
    return {
      serves: isKnown && wrongSettings.length === 0,
      checks: {
        database: 'reached',
        schema,
        parked,
        ...Object.fromEntries(
          Object.entries(venues).map(([mic, status]) => [`venue ${mic}`, status]),
        ),
        ...(wrongSettings.length === 0 ? {} : { settings: wrongSettings.join('; ') }),
      },
    };
  } catch (error) {
    const fault = databaseFault(error, databaseUrl);
    if (fault === undefined && !isPassing(error)) throw error;
    // Without the names of hosts and roles, which the log has: anybody may ask.
    const database = fault === undefined ? 'not reached' : `not reached: ${fault.brief}`;
    return { serves: false, checks: { database, schema: 'unknown', parked: 'unknown' } };
  }
}
