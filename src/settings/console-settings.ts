// The settings of signing in at the console through an OpenID provider, what one of them demands of another, and
// which way into the console they leave.

import { open } from 'node:fs/promises';
import type { RoleOfValue } from '../console/openid.ts';
import { consoleRoles } from '../console/person.ts';
import { isLoopbackName } from '../egress/address.ts';
import { whyUnreadable } from '../file-fault.ts';
import { isOpen } from './exposure.ts';
import { type Kind, type Mode, optionalText, setting, text } from './setting.ts';

/** An address that secrets go to: over TLS, or on this machine. */
function secureUrl(what: 'origin' | 'issuer'): Kind<string | undefined> {
  const example = what === 'origin' ? 'https://host' : 'https://host/path';
  return {
    shape: `${example}; default none`,
    read: (given) => {
      if (given === undefined) return undefined;
      const url = URL.canParse(given) ? new URL(given) : undefined;
      const isPlain = url?.protocol === 'http:' && isLoopbackName(url.hostname);
      if (url === undefined || !(url.protocol === 'https:' || isPlain)) {
        throw new RangeError('is not an https URL (http only for this machine itself)');
      }
      if (url.search + url.hash + url.username + url.password !== '') {
        throw new RangeError('has more than scheme, host and path');
      }
      if (what === 'issuer') return given;
      if (url.pathname !== '/') throw new RangeError(`has a path: expected is ${example}`);
      return url.origin;
    },
  };
}

/** Bytes of a file with one secret. */
const secretBytesMax = 4_096;

/** The secret that a file holds; it is read once, with the settings. */
const secretFile: Kind<string | undefined> = {
  shape: 'path of a file; default none',
  read: async (path) => {
    if (path === undefined) return undefined;
    const buffer = Buffer.alloc(secretBytesMax + 1);
    let length: number;
    try {
      await using handle = await open(path);
      length = (await handle.read(buffer, 0, buffer.length, 0)).bytesRead;
    } catch (error) {
      throw new RangeError(`names ${path}, which cannot be read: ${whyUnreadable(error)}`, {
        cause: error,
      });
    }
    const secret = buffer.toString('utf8', 0, length).trim();
    if (/^[\x21-\x7e]+$/.test(secret) && length <= secretBytesMax) return secret;
    throw new RangeError(`names ${path}, which does not hold one secret on one line`);
  },
};

/** Scopes that are asked of an identity provider. */
const openIdScopes: Kind<string> = {
  shape: 'words separated by spaces, openid among them; default openid profile email',
  read: (given = 'openid profile email') => {
    const words = given.split(/ +/).filter(Boolean);
    if (
      words.includes('openid') &&
      words.every((word) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(word))
    ) {
      return words.join(' ');
    }
    throw new RangeError('is not a list of scopes with openid among them');
  },
};

/** Which values of a claim give which role. */
const rolesOfValues: Kind<readonly RoleOfValue[]> = {
  shape:
    'role=value, separated by commas, a role as often as it has values; default viewer=viewer,operator=operator,risk=risk',
  read: (given = consoleRoles.map((role) => `${role}=${role}`).join(',')) => {
    return given.split(',').map((pair) => {
      const [, name, value = ''] = /^\s*(\w+)=(.+?)\s*$/.exec(pair) ?? [];
      const role = consoleRoles.find((one) => one === name);
      if (role !== undefined) return { role, value };
      throw new RangeError(`is not a list of role=value with the roles ${consoleRoles.join(', ')}`);
    });
  },
};

export const consoleSettings = {
  url: setting(
    'UNWIND_CONSOLE_URL',
    'where browsers reach the service; people who sign in through an OpenID provider come back there',
    secureUrl('origin'),
  ),
  issuer: setting(
    'UNWIND_OPENID_ISSUER',
    'the OpenID provider at which people sign in at the console (docs/console.md)',
    secureUrl('issuer'),
  ),
  clientId: setting(
    'UNWIND_OPENID_CLIENT_ID',
    'how the OpenID provider knows the service',
    optionalText,
  ),
  clientSecret: setting(
    'UNWIND_OPENID_CLIENT_SECRET_FILE',
    'file with the secret that the OpenID provider gave the service; without it PKCE alone stands for it',
    secretFile,
  ),
  scopes: setting(
    'UNWIND_OPENID_SCOPES',
    'scopes that the OpenID provider is asked for',
    openIdScopes,
  ),
  nameClaim: setting(
    'UNWIND_OPENID_NAME_CLAIM',
    'the claim with the name under which a person is recorded; where it is missing, or is an unverified email, sub',
    text('email'),
  ),
  rolesClaim: setting(
    'UNWIND_OPENID_ROLES_CLAIM',
    'the claim with the roles of a person, or the path to it, such as realm_access.roles',
    text('roles'),
  ),
  roles: setting(
    'UNWIND_OPENID_ROLES',
    'which values of that claim make a person viewer, operator or risk; the strongest counts',
    rolesOfValues,
  ),
  tenantsClaim: setting(
    'UNWIND_OPENID_CLIENTS_CLAIM',
    'the claim with the ids of the clients that a person may look at; without it every one',
    optionalText,
  ),
} as const;

/** Signing in through a provider needs all of it; half of it would let no one in, and say nothing. */
export function missingOfOpenId({
  url,
  issuer,
  clientId,
  clientSecret,
}: {
  readonly url: string | undefined;
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
}): readonly string[] {
  const needed = { UNWIND_CONSOLE_URL: url, UNWIND_OPENID_CLIENT_ID: clientId };
  if (issuer !== undefined) {
    return Object.entries(needed)
      .filter(([, value]) => value === undefined)
      .map(([name]) => `${name} is needed besides UNWIND_OPENID_ISSUER.`);
  }
  const isBegun = clientId !== undefined || clientSecret !== undefined;
  return isBegun ? ['UNWIND_OPENID_ISSUER is needed to sign people in at the console.'] : [];
}

/** As much of the settings as decides it. */
interface ConsoleConfig {
  readonly mode: Mode;
  readonly listen: { readonly host: string };
  readonly requests: {
    readonly trustedProxies: readonly string[];
    readonly endsTlsAtProxy: boolean;
  };
  readonly console: { readonly issuer: string | undefined };
}

/**
 * How people sign in at the console: through the provider where one is named, else by link, and that is for a
 * sandbox which only this machine reaches, also not through a proxy.
 */
export function wayIntoConsole({
  mode,
  listen,
  requests: { trustedProxies, endsTlsAtProxy },
  console: { issuer },
}: ConsoleConfig): 'openid' | 'link' | 'none' {
  if (issuer !== undefined) return 'openid';
  const isReached = isOpen({ isApi: true, host: listen.host, trustedProxies }) || endsTlsAtProxy;
  return mode === 'sandbox' && !isReached ? 'link' : 'none';
}

export function signsInByLink(config: ConsoleConfig): boolean {
  return wayIntoConsole(config) === 'link';
}

/** Whether browsers reach the service over TLS. */
export function isOverTls({
  console: { url },
}: {
  readonly console: { readonly url: string | undefined };
}): boolean {
  return url?.startsWith('https:') === true;
}
