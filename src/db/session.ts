// What a session has to be, whatever the defaults of the server, the database and the role are. The service
// sets it when it connects; behind a pooler that takes no settings it can only look, and be not ready.

import type { SqlOrTx } from './sql.ts';

/** Settings that change what values, results or plans are, and what they are for the service. */
export const pinned: Readonly<Record<string, string>> = {
  // How values are read and written as text.
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  timezone_abbreviations: 'Default',
  extra_float_digits: '1',
  bytea_output: 'hex',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  // Statements name the schema of all that is ours.
  search_path: '',
  // What a transaction may do and sees. Policies that would hide rows are an error.
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  default_transaction_deferrable: 'off',
  row_security: 'off',
  exit_on_error: 'off',
  idle_session_timeout: '0',
  // No kind of plan is forced or forbidden.
  plan_cache_mode: 'auto',
  enable_bitmapscan: 'on',
  enable_hashagg: 'on',
  enable_hashjoin: 'on',
  enable_indexonlyscan: 'on',
  enable_indexscan: 'on',
  enable_material: 'on',
  enable_memoize: 'on',
  enable_mergejoin: 'on',
  enable_nestloop: 'on',
  enable_partition_pruning: 'on',
  enable_seqscan: 'on',
  enable_sort: 'on',
};

/** Settings for `options` of a connection, as libpq writes them. Of two of one name the later holds. */
export function optionsText(settings: Readonly<Record<string, string | number>>): string {
  return Object.entries({ ...pinned, ...settings })
    .map(([name, value]) => `-c ${name}=${String(value).replace(/[ \\]/g, '\\$&')}`)
    .join(' ');
}

/** What cannot be set by everybody, or is bounded elsewhere, and has to be looked at. */
interface Requirement {
  readonly wanted: string;
  readonly holds: (value: string) => boolean;
}

function requirementsOf(): ReadonlyMap<string, Requirement> {
  const same = Object.entries(pinned)
    .filter(([name]) => !name.startsWith('enable_'))
    .map(
      ([name, wanted]) => [name, { wanted, holds: (value: string) => value === wanted }] as const,
    );
  const oneOf = (wanted: string, ...others: string[]): Requirement => {
    return { wanted, holds: (value) => [wanted, ...others].includes(value) };
  };
  // Values are in ms, and 0 is no bound. Shorter ones break off what usually ends in time.
  const bounded = (wanted: string, leastMs: number): Requirement => {
    return { wanted, holds: (value) => value === '0' || Number(value) >= leastMs };
  };
  return new Map<string, Requirement>([
    ...same,
    ['DateStyle', oneOf('ISO, MDY', 'ISO, DMY', 'ISO, YMD')],
    ['TimeZone', oneOf('UTC', 'Etc/UTC', 'GMT', 'Etc/GMT')],
    ['client_encoding', oneOf('UTF8')],
    ['search_path', oneOf('', '""', '"$user", public', 'public', 'pg_catalog')],
    ['row_security', oneOf('off', 'on')],
    ['extra_float_digits', oneOf('1', '0', '2', '3')],
    ['idle_session_timeout', { wanted: '0', holds: () => true }],
    // With another value neither triggers nor foreign keys are checked. Only a superuser sets it.
    ['session_replication_role', oneOf('origin')],
    ['statement_timeout', bounded('15s', 5_000)],
    ['lock_timeout', bounded('2s', 1_000)],
    ['idle_in_transaction_session_timeout', bounded('15s', 5_000)],
    // From PostgreSQL 17 on.
    ['transaction_timeout', bounded('0', 30_000)],
  ]);
}

/** One sentence for each setting of a session that is not what the service needs, with its remedy. */
export async function wrongSettings(sql: SqlOrTx): Promise<readonly string[]> {
  const required = requirementsOf();
  const rows = await sql<{ name: string; value: string }[]>`
    select n.name, s.setting as value
    from unnest(${[...required.keys()]}::text[]) as n (name)
    join pg_catalog.pg_settings s on lower(s.name) = lower(n.name)
    order by n.name`;
  return rows.flatMap(({ name, value }) => {
    const requirement = required.get(name);
    if (requirement === undefined || requirement.holds(value)) return [];
    const shown = value === '' ? 'empty' : value;
    return [`${name} is ${shown}: alter role … set ${name} = '${requirement.wanted}'`];
  });
}
