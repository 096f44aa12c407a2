// The kinds of settings: how the text of an environment variable is read, and what it may be. A RangeError
// reports a wrong text, without the text itself, which may be a secret.

import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import type { VenueProfile } from '../venue/venues-file.ts';
import { parseRoles, type Role } from './roles.ts';

export type Mode = 'sandbox' | 'live';

/** One setting: its name, what it means, and how it is read. */
export interface Setting<T> {
  readonly name: string;
  readonly meaning: string;
  readonly shape: string;
  /** @param text undefined where the variable is absent; the default may depend on the mode. */
  readonly read: (text: string | undefined, mode: Mode) => T | Promise<T>;
}

/** How the text of a setting is read. */
export type Kind<T> = Pick<Setting<T>, 'shape' | 'read'>;

/** A default that differs by mode. */
type ByMode<T> = Readonly<Record<Mode, T>>;

/** @param unit what the number is multiplied by, such as the ms of a day. */
export function integer(range: {
  min: number;
  max: number;
  otherwise: number | ByMode<number>;
  unit?: number;
}): Kind<number> {
  const { min, max, unit = 1 } = range;
  const { sandbox, live } = byMode(range.otherwise);
  const usual = sandbox === live ? `${live}` : `${sandbox} sandbox, ${live} live`;
  return {
    shape: `whole number, ${min} to ${max}; default ${usual}`,
    read: (text, mode) => {
      if (text === undefined) return (mode === 'live' ? live : sandbox) * unit;
      const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value * unit;
      throw new RangeError(`is not a whole number from ${min} to ${max}`);
    },
  };
}

function byMode(value: number | ByMode<number>): ByMode<number> {
  return typeof value === 'number' ? { sandbox: value, live: value } : value;
}

export function oneOf<const T extends string>(values: readonly T[]) {
  const read = (text: string): T => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new RangeError(`is not one of ${values.join(', ')}`);
    return found;
  };
  const shape = values.join(' or ');
  return {
    /** @param usual how the table of settings describes the default that the reader chooses. */
    optional: (usual: string): Kind<T | undefined> => ({
      shape: `${shape}; default ${usual}`,
      read: (text) => (text === undefined ? undefined : read(text)),
    }),
    otherwise: (usual: T): Kind<T> => ({
      shape: `${shape}; default ${usual}`,
      read: (text) => read(text ?? usual),
    }),
  };
}

export function onOff(otherwise: 'on' | 'off' | ByMode<'on' | 'off'>): Kind<boolean> {
  const usual = typeof otherwise === 'string' ? { sandbox: otherwise, live: otherwise } : otherwise;
  const choice = oneOf(['on', 'off']).optional(
    usual.sandbox === usual.live ? usual.live : `${usual.sandbox} sandbox, ${usual.live} live`,
  );
  return {
    shape: choice.shape,
    read: (text, mode) => (choice.read(text, mode) ?? usual[mode]) === 'on',
  };
}

export const yesNo: Kind<boolean> = {
  shape: 'yes or no; default no',
  read: (text, mode) => oneOf(['yes', 'no']).otherwise('no').read(text, mode) === 'yes',
};

export function text(otherwise: string): Kind<string> {
  return { shape: `text; default ${otherwise}`, read: (given) => given ?? otherwise };
}

/** A directory, as an absolute path. */
export function directory(otherwise: string): Kind<string> {
  return { shape: `text; default ${otherwise}`, read: (given) => resolve(given ?? otherwise) };
}

/** The same; none unless it is named. */
export const optionalDirectory: Kind<string | undefined> = {
  shape: 'text; default none',
  read: (given) => (given === undefined ? undefined : resolve(given)),
};

export const optionalText: Kind<string | undefined> = {
  shape: 'text; default none',
  read: (given) => given,
};

/** The name of a header, in lower case. */
export const headerName: Kind<string | undefined> = {
  shape: 'name such as x-client-certificate; default none',
  read: (given) => {
    if (given === undefined || /^[a-z0-9-]{1,64}$/i.test(given)) return given?.toLowerCase();
    throw new RangeError('is not the name of a header');
  },
};

export const roleList: Kind<ReadonlySet<Role>> = {
  shape: 'api or worker or api,worker; default api,worker',
  read: (given = 'api,worker') => parseRoles(given),
};

export const databaseUrl: Kind<string | undefined> = {
  shape: 'postgres://user:password@host:port/database; default the embedded PostgreSQL',
  read: (given) => {
    if (given !== undefined) refuseUnreadableUrl(given);
    return given;
  },
};

/**
 * A password with `@`, `/`, `?` or `#` in it ends the password too early, and the driver then looks for
 * another host or database than meant.
 */
function refuseUnreadableUrl(given: string): void {
  const rest = /^postgres(?:ql)?:\/\/(.*)$/s.exec(given)?.[1];
  if (rest === undefined) {
    throw new RangeError('is not a URL that begins with postgres:// or postgresql://');
  }
  const [beforeQuery = ''] = rest.split('?');
  const isCut =
    /[/#].*@|@.*@/s.test(beforeQuery) || !(beforeQuery.includes('@') || !rest.includes('@'));
  if (isCut || rest.includes('#')) {
    throw new RangeError(
      'cannot be read: in the user name and the password, write @ as %40, / as %2F, : as %3A, ' +
        '? as %3F, # as %23 and % as %25',
    );
  }
  if (/%(?![0-9a-f]{2})/i.test(rest)) {
    throw new RangeError(
      'cannot be read: a % in it is not followed by two hex digits; write % as %25',
    );
  }
  if (/\s/.test(rest))
    throw new RangeError('cannot be read: it holds white space; write it as %20');
  if (beforeQuery.split('@').at(-1)?.includes(',')) {
    throw new RangeError('names several hosts: name one, such as a proxy in front of them');
  }
  const isSocket = /@\//.test(rest) || rest.startsWith('/');
  if (!isSocket && !URL.canParse(given)) {
    throw new RangeError('cannot be read: expected is postgres://user:password@host:port/database');
  }
}

export const keeperUrl: Kind<string | undefined> = {
  shape: 'https://host/path, or off: the keeper is not asked any more; default none',
  read: (given) => {
    if (given === undefined || given === 'off') return given;
    const url = URL.parse(given);
    const isPlain = url !== null && `${url.search}${url.hash}${url.username}${url.password}` === '';
    if (!isPlain || !/^https?:$/.test(url.protocol)) {
      throw new RangeError('is not an http or https URL without query, fragment and credentials');
    }
    return url.href.replace(/\/+$/, '');
  },
};

export const errorsUrl: Kind<string | undefined> = {
  shape: 'https://host/path; default none',
  read: (given) => {
    if (given === undefined) return undefined;
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
      throw new RangeError('is not an http or https URL without query and fragment');
    }
    return given.replace(/\/+$/, '');
  },
};

/**
 * Four decimal numbers, or IPv6: `010.0.0.0/8` and `10/8` would be read as other networks than meant,
 * and IPv4 in IPv6 would never match, since such addresses are judged by the IPv4 address.
 */
function isNetwork(text: string): boolean {
  if (!text.includes(':')) {
    return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv4.isValidCIDRFourPartDecimal(text);
  }
  const isSix = ipaddr.IPv6.isValid(text) || ipaddr.IPv6.isValidCIDR(text);
  return isSix && !text.includes('%') && !text.toLowerCase().startsWith('::ffff:');
}

/** Addresses and networks, separated by commas. @throws RangeError */
export function readNetworks(given: string): readonly string[] {
  const all = given.split(',').map((one) => one.trim());
  if (all.every(isNetwork)) return all;
  throw new RangeError('is not a list of addresses and networks');
}

export const networks: Kind<readonly string[]> = {
  shape: 'addresses and networks such as 10.0.0.0/8, separated by commas; default none',
  read: (given) => (given === undefined ? [] : readNetworks(given)),
};

export function setting<T>(name: string, meaning: string, how: Kind<T>): Setting<T> {
  return { name, meaning, ...how };
}

/**
 * The venues that a file names. The file is read once, with the settings; what checks it is loaded only then,
 * since it takes longer than a short command does.
 */
export const venuesFile: Kind<readonly VenueProfile[] | undefined> = {
  shape: 'path of a JSON file',
  read: async (path) => {
    if (path === undefined) return undefined;
    const { readVenuesFile, VenuesFileError } = await import('../venue/venues-file.ts');
    try {
      return readVenuesFile(path, process.env);
    } catch (error) {
      if (!(error instanceof VenuesFileError)) throw error;
      throw new RangeError(`names ${path}, which ${error.message}`, { cause: error });
    }
  },
};

/** Parameters of a URL that hold no secret. */
const openParameters: ReadonlySet<string> = new Set([
  ...['host', 'port', 'user', 'dbname', 'application_name', 'sslmode', 'connect_timeout'],
]);

/**
 * A setting without the secrets that a URL can have in it. By its text: an address that only the driver
 * understands, as of a socket, has secrets as well.
 */
function shownSetting(text: string): string {
  const [, scheme, rest] = /^([^:/?#]*:\/\/)(.*)$/s.exec(text) ?? [];
  if (scheme === undefined || rest === undefined) return text;
  const [beforeQuery = '', ...queries] = rest.split(/[?#]/);
  const parameters = queries.flatMap((query) => query.split('&')).map(shownParameter);
  const query = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  // To the last one: a password can have an @ that was not encoded.
  const shown = beforeQuery.replace(/^([^:@]*):.*@/s, '$1:***@');
  return `${scheme}${shown}${query}`;
}

function shownParameter(parameter: string): string {
  const [name = ''] = parameter.split('=');
  return openParameters.has(name) ? parameter : `${name}=***`;
}

/** What an environment sets, by name, as it may be shown. */
export function shownSettings(
  all: readonly Setting<unknown>[],
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const set = all.flatMap(({ name }): [string, string][] => {
    const text = environment[name];
    return text === undefined || text === '' ? [] : [[name, shownSetting(text)]];
  });
  return Object.fromEntries(set);
}
