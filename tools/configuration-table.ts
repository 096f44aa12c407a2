// Prints docs/configuration.md, made of the settings themselves so that it cannot go stale:
//   node tools/configuration-table.ts > docs/configuration.md
import { allSettings } from '../src/settings/config.ts';

/** The page as text. */
export function configurationPage(): string {
  const rows = allSettings.map(({ name, meaning, shape }) => {
    return `| \`${name}\` | ${meaning} | ${shape.replaceAll('|', '\\|')} |`;
  });
  return [
    '# Configuration',
    '',
    'Every setting is an environment variable. They are read once, at the start, and checked as a whole:',
    'each wrong one is named, and nothing starts. An empty variable counts as absent.',
    '',
    '| Variable | Meaning | Form |',
    '| --- | --- | --- |',
    ...rows,
    '',
    '## The embedded database',
    '',
    'It lies in `UNWIND_HOME/pg18`. Where root runs the service and the account that PostgreSQL runs under',
    'cannot reach that directory, the data lies in `/var/lib/unwind/<id>` and `pg18` is a link to it: remove',
    'both to start anew. The file `home` beside the data names the directory it belongs to.',
    'The service works there as the role `unwind_service`, which owns the database and is no superuser; the',
    'password of the superuser `unwind` lies beside the data.',
    '',
    '## Several processes',
    '',
    'Roles, what processes of one database have to share, how a process stops and its exit codes:',
    '[processes.md](processes.md).',
    '',
    '## A database of your own',
    '',
    '`DATABASE_URL` takes any PostgreSQL 15 to 18. Its user needs to create schemas (for `unwind migrate`) and',
    'temporary tables (for `unwind import`). Through PgBouncer in transaction mode set both',
    '`UNWIND_DATABASE_PREPARE=off` (before version 1.21) and `UNWIND_DATABASE_SESSION_SETTINGS=off`, and give',
    'the role its timeouts (`alter role … set statement_timeout`, `lock_timeout`,',
    '`idle_in_transaction_session_timeout`). Several hosts in one URL are not taken: put a proxy in front.',
    '',
    '`sslmode` in the URL is `disable` (the default), `verify-full` or `no-verify`. `prefer`, `require` and `verify-ca` mean `verify-full`',
    "here: TLS, with the certificate checked up to `sslrootcert` or the machine's own roots, and the host's name as well.",
    '',
    'Limits that are part of the design stand in [`src/limits.ts`](../src/limits.ts), those of batches in',
    '[`src/batches/limits.ts`](../src/batches/limits.ts), those of one file at its head; each has its reason.',
    '',
  ].join('\n');
}

if (import.meta.main) process.stdout.write(configurationPage());
