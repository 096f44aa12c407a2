// Says in words what keeps the database from being used: the cause, what mends it, and whether it may pass
// by itself. Codes decide (SQLSTATE, Node, OpenSSL); text does only where the driver or PgBouncer, neither
// of which translates what it says, has one code or none for several causes.

import pg from 'pg';
import { ConnectionLostError } from './connection.ts';

/** What is wrong with a database, for the person who runs the service. It holds no password. */
export interface DatabaseFault {
  /** A few words that name no host, role or database: for probes, which anybody may read. */
  readonly brief: string;
  /** A sentence. */
  readonly cause: string;
  /** A sentence: what to do. */
  readonly remedy: string;
  /** Whether waiting may help: a server that is down, and not a password that is wrong. */
  readonly passes: boolean;
}

/** A database that cannot be used as it is. */
export class DatabaseFaultError extends Error {
  override readonly name = 'DatabaseFaultError';
  readonly fault: DatabaseFault;

  constructor(fault: DatabaseFault, options?: ErrorOptions) {
    super(`${fault.cause} ${fault.remedy}`, options);
    this.fault = fault;
  }
}

type Target = ReturnType<typeof targetOf>;
type Explain = (target: Target, said: string) => DatabaseFault;

const causesMax = 8;

/** @param url where the database is. @returns undefined for an error that is no trouble of it. */
export function databaseFault(error: unknown, url: string): DatabaseFault | undefined {
  const target = targetOf(url);
  for (const one of causesOf(error)) {
    if (one instanceof DatabaseFaultError) return one.fault;
    const said = one.message.trim().replace(/[.]$/, '');
    const explain = one instanceof pg.DatabaseError ? serverFault(one) : systemFault(one);
    // Where a caller has put it in words already, the file is one of a command, such as that which it writes.
    const isOfDatabase = one === error || error instanceof ConnectionLostError;
    if (explain === unreadableFile && !isOfDatabase) continue;
    if (explain !== undefined) return explain(target, said);
  }
  return undefined;
}

/** The error, what it was caused by, and the tries that it sums up, such as one for each address. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  let next = error;
  while (next instanceof Error && causes.length < causesMax) {
    causes.push(next);
    if (next instanceof AggregateError) causes.push(...next.errors.slice(0, causesMax));
    next = next.cause;
  }
  return causes;
}

/** @param passes a fault that a server has for a while is waited for. */
function fault(brief: string, cause: string, remedy: string, passes = false): DatabaseFault {
  return { brief, cause, remedy, passes };
}

const passes = true;

const unreachable = (why: string, remedy: string): Explain => {
  return ({ place }) =>
    fault(why, `Cannot connect to the database at ${place}: ${why}.`, remedy, passes);
};

const closedFirewall = 'Is the address right, and does a firewall let it through?';

const distrusted: Explain = (_target, said) =>
  fault(
    'its certificate is not trusted',
    `The database's certificate is not trusted: ${said}.`,
    'Set sslrootcert=/path/to/ca.pem in DATABASE_URL, the certificate of those who signed it.',
  );

const unreadableFile: Explain = (_target, said) =>
  fault(
    'a certificate or key file cannot be read',
    `A file that DATABASE_URL names cannot be used: ${said}.`,
    'Correct sslrootcert, sslcert or sslkey: each names a file in PEM.',
  );

const timedOut = unreachable('no answer in time', closedFirewall);
const noRoute = unreachable('there is no way to it', closedFirewall);

const ended = unreachable(
  'the connection was ended',
  'Its log says why. Is it PostgreSQL that listens there?',
);

/** By the code of a system error, of TLS or of OpenSSL. */
const systemFaults: Readonly<Record<string, Explain>> = {
  ECONNREFUSED: unreachable('connection refused', 'Is PostgreSQL running there?'),
  ECONNRESET: ended,
  EPIPE: ended,
  ETIMEDOUT: timedOut,
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  EHOSTDOWN: noRoute,
  EADDRNOTAVAIL: noRoute,
  ENOTFOUND: ({ host }) =>
    fault(
      'its host name is unknown',
      `Cannot find the host ${host} of DATABASE_URL.`,
      'Is the name spelt as the name server knows it?',
    ),
  EAI_AGAIN: ({ host }) =>
    fault(
      'its host name cannot be looked up',
      `Cannot find the host ${host} of DATABASE_URL: the name server does not answer.`,
      'Is the name right, and is this machine connected?',
      passes,
    ),
  CERT_HAS_EXPIRED: () =>
    fault(
      'its certificate has expired',
      "The database's certificate has expired, or the clock of this machine is ahead.",
      'Renew the certificate, or set the clock.',
    ),
  CERT_NOT_YET_VALID: () =>
    fault(
      'its certificate is not valid yet',
      "The database's certificate is not valid yet, or the clock of this machine is behind.",
      'Set the clock.',
    ),
  ERR_TLS_CERT_ALTNAME_INVALID: ({ host }, said) =>
    fault(
      'its certificate is for another name',
      `The database's certificate is not for ${host}: ${said}.`,
      'Use a name in DATABASE_URL that the certificate holds.',
    ),
  SELF_SIGNED_CERT_IN_CHAIN: distrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: distrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: distrusted,
  UNABLE_TO_GET_ISSUER_CERT: distrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: distrusted,
  CERT_UNTRUSTED: distrusted,
  CERT_REVOKED: distrusted,
  CERT_SIGNATURE_FAILURE: distrusted,
  INVALID_CA: distrusted,
};

/** What the driver says without a code. */
const driverFaults: readonly (readonly [RegExp, Explain])[] = [
  [/^timeout |connection timeout$/, timedOut],
  [/^Connection terminated/, ended],
  [
    /does not support SSL/,
    ({ place }) =>
      fault(
        'it speaks no TLS',
        `The database at ${place} speaks no TLS, which sslmode in DATABASE_URL asks for.`,
        'Turn ssl on there, or set sslmode=disable where the way to it is safe.',
      ),
  ],
  [
    /^SASL: .*password/,
    ({ role }) =>
      fault(
        'the password is missing',
        `The database asks for the password of the role ${role}, and DATABASE_URL holds none.`,
        'Write it into the URL: postgres://user:password@host:port/database.',
      ),
  ],
];

function systemFault(error: Error): Explain | undefined {
  const code = 'code' in error ? String(error.code) : '';
  const syscall = 'syscall' in error ? error.syscall : undefined;
  if (syscall === 'connect' && (code === 'ENOENT' || code === 'EACCES')) {
    const why =
      code === 'ENOENT' ? 'there is no such socket' : 'the socket is closed to this account';
    return unreachable(why, 'Is PostgreSQL running, and is this its unix_socket_directories?');
  }
  const known = systemFaults[code];
  if (known !== undefined) return known;
  // A socket is read too, but how it fails is known by now.
  if (syscall === 'open' || syscall === 'read' || code.startsWith('ERR_OSSL')) {
    return unreadableFile;
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return (_target, said) =>
      fault(
        'TLS failed',
        `TLS with the database failed: ${said}.`,
        'Does it speak TLS 1.2 or newer on this port?',
      );
  }
  return driverFaults.find(([text]) => text.test(error.message))?.[1];
}

/** By SQLSTATE. */
const serverFaults: Readonly<Record<string, Explain>> = {
  '28P01': ({ place, role }) =>
    fault(
      'the password is wrong',
      `The database at ${place} did not accept the password of the role ${role}.`,
      `Correct DATABASE_URL, or set the password there: alter role ${quoted(role)} password '…'.`,
    ),
  '28000': ({ place, role }, said) =>
    fault(
      'the role may not log in',
      `The database at ${place} does not let the role ${role} in: ${said}.`,
      'Correct DATABASE_URL, give the role login, or add a line to pg_hba.conf there; where it ' +
        'demands TLS, add sslmode=verify-full to the URL.',
    ),
  '3D000': ({ place, role, database }) =>
    fault(
      'there is no such database',
      `There is no database ${database} at ${place}.`,
      `Make it: create database ${quoted(database)} owner ${quoted(role)} encoding 'UTF8' template template0.`,
    ),
  '42501': ({ role, database }, said) =>
    fault(
      'a right is missing',
      `The role ${role} lacks a right in the database ${database}: ${said}.`,
      `Give it: grant create, temporary on database ${quoted(database)} to ${quoted(role)}; ` +
        'or connect as the owner of what is there.',
    ),
  '25006': ({ place }) =>
    fault(
      'it is read-only',
      `The database at ${place} is read-only.`,
      'Point DATABASE_URL at the primary.',
    ),
  '53300': ({ place }, said) =>
    fault(
      'it has no connection left',
      `The database at ${place} has no connection left: ${said}.`,
      'Raise max_connections there, or lower UNWIND_DATABASE_CONNECTIONS.',
      passes,
    ),
  '55000': ({ place, database }, said) =>
    fault(
      'it is closed to connections',
      `The database at ${place} does not go on: ${said}.`,
      `Where it is closed on purpose, open it: alter database ${quoted(database)} allow_connections true.`,
    ),
  '57P03': ({ place }, said) =>
    fault(
      'it takes no connections yet',
      `The database at ${place} takes no connections now: ${said}.`,
      'It usually does soon.',
      passes,
    ),
  '26000': preparedElsewhere,
  '42P05': preparedElsewhere,
  '08P01': poolerFault,
};

function preparedElsewhere({ place }: Target, said: string): DatabaseFault {
  return fault(
    'prepared statements get lost',
    `What answers at ${place} looks like a pooler in transaction mode: ${said}.`,
    'Set UNWIND_DATABASE_PREPARE=off, and UNWIND_DATABASE_SESSION_SETTINGS=off as well.',
  );
}

/** PgBouncer has this one code for almost everything that it says itself. */
function poolerFault({ place }: Target, said: string): DatabaseFault {
  if (/unsupported startup parameter/.test(said)) {
    return fault(
      'it is a pooler that takes no settings',
      `What answers at ${place} looks like a pooler in transaction mode: ${said}.`,
      'Set UNWIND_DATABASE_SESSION_SETTINGS=off, and before PgBouncer 1.21 also ' +
        'UNWIND_DATABASE_PREPARE=off; give the role its timeouts (docs/configuration.md).',
    );
  }
  const isDown = /server login|server conn|cannot connect|shut|timeout|suspended/.test(said);
  return fault(
    isDown ? 'the pooler does not reach it' : 'the pooler refused the connection',
    `The pooler at ${place} refused the connection: ${said}.`,
    isDown
      ? 'Is the PostgreSQL behind it running?'
      : "Compare DATABASE_URL with the pooler's settings.",
    isDown,
  );
}

function serverFault({ code = '' }: pg.DatabaseError): Explain | undefined {
  const known = serverFaults[code];
  if (known !== undefined) return known;
  if (code.startsWith('28')) return serverFaults['28000'];
  if (code.startsWith('57P') || code.startsWith('08')) return ended;
  if (code.startsWith('53') || code.startsWith('58')) {
    return ({ place }, said) =>
      fault(
        'it is out of resources',
        `The database at ${place} cannot go on: ${said}.`,
        'Its log says more.',
        passes,
      );
  }
  return undefined;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** What messages name of a URL: never the password. `place` is host and port, or the socket. */
export function targetOf(url: string) {
  const { hostname, port, username, pathname, searchParams } = URL.canParse(url)
    ? new URL(url)
    : new URL(url.replace('@/', '@localhost/').replace('///', '//localhost/'));
  const host = searchParams.get('host') ?? decodeURIComponent(hostname || 'localhost');
  const role = decodeURIComponent(searchParams.get('user') ?? username);
  const database = decodeURIComponent(pathname.slice(1)) || role;
  const usedPort = searchParams.get('port') ?? (port || '5432');
  const place = host.startsWith('/') ? `${host}/.s.PGSQL.${usedPort}` : `${host}:${usedPort}`;
  return { host, place, role, database };
}
