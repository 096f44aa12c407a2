// Who a person is at the console by what an identity provider says of them: a name, a role, and the clients
// they may look at. Pure; what the provider says was checked before.

import { parseId, type TenantId } from '../ids.ts';
import { isServicePerson } from '../person-name.ts';
import { printableLine } from '../printable.ts';
import { actLengths } from '../trail/act.ts';
import { type ConsoleRole, consoleRoles, type Person } from './person.ts';

/** How claims become a person. A claim is named as it is, or by the path to it: `realm_access.roles`. */
export interface OpenIdRules {
  readonly nameClaim: string;
  readonly rolesClaim: string;
  /** The values of that claim that give a role. */
  readonly roles: readonly RoleOfValue[];
  /** None: a person may look at every client. */
  readonly tenantsClaim: string | undefined;
}

export interface RoleOfValue {
  readonly role: ConsoleRole;
  readonly value: string;
}

export interface KnownPerson extends Person {
  /** The issuer, a space, and its own id of the person, which no two have and no one edits. */
  readonly subject: string;
  /** The clients they may look at; undefined: every one. */
  readonly tenants: readonly TenantId[] | undefined;
}

type Claims = Readonly<Record<string, unknown>>;

/** What a halt and the record of an act hold of a name. */
const nameMax = 100;
/** Characters of an id of a person (OpenID Connect Core section 2). */
const subjectMax = 255;
/** Characters of an issuer: what an act holds of both. */
const issuerMax = actLengths.subject - subjectMax - 1;
/** Values of one claim that are looked at, and clients of one person. */
const valuesMax = 1_000;

/** Whether a claim that the rules read is not there. */
export function lacksClaims(claims: Claims, rules: OpenIdRules): boolean {
  const { nameClaim, rolesClaim, tenantsClaim } = rules;
  const verified = nameClaim === 'email' ? 'email_verified' : undefined;
  return [nameClaim, verified, rolesClaim, tenantsClaim].some((name) => {
    return name !== undefined && claimOf(claims, name) === undefined;
  });
}

/** @returns a sentence where they may not be let in. */
export function personOf(
  claims: Claims,
  rules: OpenIdRules,
): KnownPerson | { readonly refused: string } {
  const id = textOf(claims['sub'], subjectMax);
  const issuer = textOf(claims['iss'], issuerMax);
  if (id === undefined || issuer === undefined) return { refused: 'The provider names nobody.' };
  const subject = `${issuer} ${id}`;
  // A person who may type an address in at the provider could type another's.
  const isProven = rules.nameClaim !== 'email' || claims['email_verified'] === true;
  const claimed = isProven ? nameOf(claimOf(claims, rules.nameClaim)) : undefined;
  const name = claimed ?? nameOf(id) ?? 'unnamed';
  if (isServicePerson(name)) {
    return {
      refused: `The service itself acts as ${name}: the claim ${rules.nameClaim} has to name a person.`,
    };
  }
  const given = new Set(valuesOf(claimOf(claims, rules.rolesClaim)));
  const role = consoleRoles.findLast((one) => {
    return rules.roles.some((rule) => rule.role === one && given.has(rule.value));
  });
  if (role === undefined) {
    const wanted = rules.roles.map(({ value }) => value).join(', ');
    return {
      refused: `${name} has no role here. Your organisation gives one by the claim ${rules.rolesClaim}: ${wanted}.`,
    };
  }
  const { tenantsClaim } = rules;
  if (tenantsClaim === undefined) return { name, role, subject, tenants: undefined };
  const tenants = valuesOf(claimOf(claims, tenantsClaim)).flatMap(
    (one) => parseId<'tenant'>(one) ?? [],
  );
  if (tenants.length > 0) return { name, role, subject, tenants };
  return {
    refused: `${name} may look at no client. Your organisation names them by the claim ${tenantsClaim}.`,
  };
}

function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part))
      return undefined;
    value = (value as Claims)[part];
  }
  return value;
}

/** A list, words in one text, or an object whose names are the values: providers do all three. */
function valuesOf(value: unknown): readonly string[] {
  const all = Array.isArray(value)
    ? value
    : typeof value === 'string'
      ? [value, ...value.split(/[\s,]+/)]
      : typeof value === 'object' && value !== null
        ? Object.keys(value)
        : [];
  return all.filter((one) => typeof one === 'string').slice(0, valuesMax);
}

function textOf(value: unknown, lengthMax: number): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= lengthMax ? value : undefined;
}

/** A name on one line: those who read the trail may do so on a terminal. */
function nameOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const shown = [...printableLine(value.trim())].slice(0, nameMax).join('');
  return shown === '' ? undefined : shown;
}
