// The act of a start: a process whose settings are others than at the start before it at the same address.

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { nameOfUser } from '../person-name.ts';
import { allTenants } from '../trail/act.ts';
import { findActsOfAll, recordAct } from '../trail/acts-store.ts';
import type { Config } from './config.ts';
import { packageVersion } from './package-version.ts';

const operation = 'start_service';

type Shown = Readonly<Record<string, string>>;

/** Records with what settings a process starts here, where they are not those of the start before. */
export async function recordStart(
  sql: Sql,
  clock: Clock,
  config: Pick<Config, 'given' | 'listen' | 'roles' | 'venue'>,
): Promise<void> {
  const { host, port } = config.listen;
  const target = `/processes/${hostname()}:${host}:${port}`;
  const settings = shownOf(config);
  const [last] = await findActsOfAll(sql, {
    ...{ tenantId: allTenants, kind: 'start', operation, target, limit: 1 },
  });
  const settings_sha256 = digestOf(settings);
  if (last?.detail?.startsWith(`{"settings_sha256":"${settings_sha256}"`)) return;
  const before = settingsIn(last?.detail);
  const changed = before && changesOf(before, settings);
  await recordAct(sql, allTenants, {
    ...{ kind: 'start', operation, target, at: clock.now() },
    name: nameOfUser(),
    role: [...config.roles].join(','),
    origin: hostname(),
    reason: undefined,
    // In this order, since what is too long is cut at its end.
    detail: JSON.stringify({ settings_sha256, changed, settings }),
    requestSha256: undefined,
  });
}

function shownOf({ given, venue }: Pick<Config, 'given' | 'venue'>): Shown {
  const { profiles } = venue;
  const digest =
    profiles === undefined
      ? {}
      : { venues_sha256: createHash('sha256').update(JSON.stringify(profiles)).digest('hex') };
  return { version: packageVersion, ...given, ...digest };
}

function digestOf(settings: Shown): string {
  const entries = Object.entries(settings).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

/** The settings of an earlier start; undefined where there is none, or its record was cut. */
function settingsIn(detail: string | undefined): Shown | undefined {
  try {
    return (Object(JSON.parse(detail ?? 'null')) as { settings?: Shown }).settings;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What is another value now, or is not set any more: before and after. */
function changesOf(
  before: Shown,
  now: Shown,
): Readonly<Record<string, readonly [before: string | null, now: string | null]>> {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  const differing = [...names].filter((name) => before[name] !== now[name]);
  return Object.fromEntries(
    differing.map((name) => [name, [before[name] ?? null, now[name] ?? null]]),
  );
}
