// Reads a database URL. It answers for what in `DATABASE_URL` is acceptable and for hosts, user
// and options in it; connecting is left to connect.ts.
import type { DatabaseHost } from './dial.ts';

/** What a database URL says. `options` are the parameters behind the question mark. */
export type DatabaseAddress = {
  readonly hosts: readonly DatabaseHost[];
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
  readonly options: Readonly<Record<string, string>>;
};

const defaultPort = 5432;
const maxHosts = 8;

/** A database URL nobody can connect with. The message never holds the URL: it has a password. */
export class DatabaseUrlError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(
      `The database URL ${message}; expected postgres://user:password@host:5432/name.`,
      options,
    );
    this.name = 'DatabaseUrlError';
  }
}

/**
 * Reads `postgres://user:password@host:port/database?option=value`.
 *
 * Several hosts are separated by commas, as libpq has it; `?host=/var/run/postgresql` names a local
 * socket. Throws `DatabaseUrlError`.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const parts = /^postgres(?:ql)?:\/\/([^/?#]*)(.*)$/s.exec(text);
  if (parts === null) {
    throw new DatabaseUrlError('does not begin with postgres:// or postgresql://');
  }
  const authority = parts[1] ?? '';
  const at = authority.lastIndexOf('@');
  const { user, password } = readLogin(at === -1 ? '' : authority.slice(0, at));
  const rest = readRest(parts[2] ?? '');
  const { host: hostOption, ...options } = Object.fromEntries(rest.searchParams);
  const hosts = authority.slice(at + 1) || hostOption || 'localhost';
  return {
    hosts: readHosts(hosts),
    user,
    password,
    database: decode(rest.pathname.slice(1)) || null,
    options,
  };
}

/** The same address with another database name, for administration beside the service's own. */
export function withDatabase(url: string, database: string): string {
  const parts = /^(postgres(?:ql)?:\/\/[^/?#]*)(?:\/[^?#]*)?(.*)$/s.exec(url);
  if (parts === null) {
    throw new DatabaseUrlError('does not begin with postgres:// or postgresql://');
  }
  return `${parts[1]}/${encodeURIComponent(database)}${parts[2]}`;
}

function readLogin(login: string): { user: string | null; password: string | null } {
  const colon = login.indexOf(':');
  const user = colon === -1 ? login : login.slice(0, colon);
  return {
    user: decode(user) || null,
    password: colon === -1 ? null : decode(login.slice(colon + 1)),
  };
}

function readRest(rest: string): URL {
  try {
    return new URL(rest === '' ? '/' : rest, 'http://database');
  } catch (cause) {
    throw new DatabaseUrlError('has an unreadable path', { cause });
  }
}

function readHosts(text: string): readonly DatabaseHost[] {
  const hosts = text.split(',').map(readHost);
  if (hosts.length > maxHosts) {
    throw new DatabaseUrlError(`names more than ${maxHosts} hosts`);
  }
  return hosts;
}

function readHost(text: string): DatabaseHost {
  const parts = /^(\[[0-9a-f:.%]+\]|[^:[\]]*)(?::(\d{1,5}))?$/i.exec(text);
  const port = Number(parts?.[2] ?? defaultPort);
  if (parts === null || port < 1 || port > 65535) {
    throw new DatabaseUrlError('has an unreadable host or port');
  }
  const host = decode((parts[1] ?? '').replace(/^\[|\]$/g, ''));
  return { host: host || 'localhost', port };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new DatabaseUrlError('has a broken percent sign', { cause });
  }
}
