// The kinds of settings: how the text of an environment variable is read, and what it may be. A text
// that is none is told by a RangeError, without the text itself, which may be a secret.

import ipaddr from 'ipaddr.js';
import { parseRoles, type Role } from './roles.ts';

/** One setting: its name, what it means, and how it is read. */
export interface Setting<T> {
  readonly name: string;
  readonly meaning: string;
  readonly shape: string;
  readonly read: (text: string | undefined) => T;
}

export function integer(range: { min: number; max: number; otherwise: number }) {
  return {
    shape: `whole number, ${range.min} to ${range.max}; default ${range.otherwise}`,
    read: (text: string | undefined): number => {
      if (text === undefined) return range.otherwise;
      const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
      if (value >= range.min && value <= range.max) return value;
      throw new RangeError(`is no whole number from ${range.min} to ${range.max}`);
    },
  };
}

export function oneOf<const T extends string>(values: readonly T[], otherwise: T) {
  return {
    shape: `${values.join(' or ')}; default ${otherwise}`,
    read: (text: string | undefined): T => {
      const found = values.find((value) => value === (text ?? otherwise));
      if (found === undefined) throw new RangeError(`is none of ${values.join(', ')}`);
      return found;
    },
  };
}

export function onOff(otherwise: 'on' | 'off') {
  const choice = oneOf(['on', 'off'], otherwise);
  return { shape: choice.shape, read: (text: string | undefined) => choice.read(text) === 'on' };
}

export function text(otherwise: string) {
  return {
    shape: `text; default ${otherwise}`,
    read: (given: string | undefined): string => given ?? otherwise,
  };
}

export const optionalText = {
  shape: 'text; default none',
  read: (given: string | undefined): string | undefined => given,
};

export const roleList = {
  shape: 'api or worker or api,worker; default api,worker',
  read: (given = 'api,worker'): ReadonlySet<Role> => parseRoles(given),
};

export const databaseUrl = {
  shape: 'postgres://user:password@host:port/database; default the embedded PostgreSQL',
  read: (given: string | undefined): string | undefined => {
    if (given === undefined || /^postgres(ql)?:\/\//.test(given)) return given;
    throw new RangeError('is no postgres:// URL');
  },
};

export const errorsUrl = {
  shape: 'https://host/path; default none',
  read: (given: string | undefined): string | undefined => {
    if (given === undefined) return undefined;
    const url = URL.canParse(given) ? new URL(given) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== '') {
      throw new RangeError('is no http or https URL without query and fragment');
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

export const networks = {
  shape: 'addresses and networks such as 10.0.0.0/8, separated by commas; default none',
  read: (given: string | undefined): readonly string[] => {
    const all = given?.split(',').map((one) => one.trim()) ?? [];
    if (all.every(isNetwork)) return all;
    throw new RangeError('is no list of addresses and networks');
  },
};

export function setting<T>(
  name: string,
  meaning: string,
  how: Pick<Setting<T>, 'shape' | 'read'>,
): Setting<T> {
  return { name, meaning, ...how };
}
