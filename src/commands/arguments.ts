// The arguments of the command line that are more than text: each is read, or refused in one sentence.

import { InvalidArgumentError } from 'commander';
import { isScope, type Scope, scopes } from '../auth/scope.ts';
import { isLoopbackName } from '../egress/address.ts';
import { type Id, parseId } from '../ids.ts';
import { parseInstant } from '../instant.ts';
import { isServicePerson } from '../person-name.ts';
import { isPrintableLine } from '../printable.ts';
import type { Mode } from '../settings/config.ts';
import { parseRoles, type Role } from '../settings/roles.ts';
import { packageSizes } from '../webhooks/webhook.ts';
import { UsageError } from './usage-error.ts';

/** Reads an option that may be given several times. */
export function each<T>(read: (text: string) => T) {
  return (text: string, before: readonly T[] = []): readonly T[] => [...before, read(text)];
}

/** An id of something. */
export function idText<Thing extends string>(text: string): Id<Thing> {
  const id = parseId<Thing>(text);
  if (id === undefined) throw new InvalidArgumentError('It is no UUID.');
  return id;
}

/** A client id. */
export const clientId = idText<'tenant'>;

/** The id of a key. */
export const keyId = idText<'key'>;

/** A name for people. */
export function displayName(text: string): string {
  return textForPeople(text, 100);
}

/** Who decides something: no one as the service itself. */
export function personName(text: string): string {
  if (!isServicePerson(text)) return displayName(text);
  throw new InvalidArgumentError('The service itself acts under this name.');
}

/** Why something is done: a sentence or two. */
export function reasonText(text: string): string {
  return textForPeople(text, 500);
}

function textForPeople(text: string, charactersMax: number): string {
  const isFit = text.length <= charactersMax && text.trim() !== '' && isPrintableLine(text);
  if (isFit) return text;
  throw new InvalidArgumentError(
    `It has to have 1 to ${charactersMax} characters, none of them for control or direction.`,
  );
}

/** The id of an account. */
export const accountId = idText<'account'>;

/** The id of a liquidation. */
export const liquidationId = idText<'liquidation'>;

/** Roles of a process, separated by commas. */
export function roleList(text: string): ReadonlySet<Role> {
  try {
    return parseRoles(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidArgumentError(`It ${error.message}.`);
  }
}

/** Scopes, separated by spaces or commas, or `all`. */
export function scopeList(text: string): readonly Scope[] {
  if (text === 'all') return scopes;
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  const known = names.filter(isScope);
  const unknown = names.filter((name) => !isScope(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`Unknown: ${unknown.join(', ')}.`);
  if (known.length === 0) throw new InvalidArgumentError('It names no scope.');
  return [...new Set(known)];
}

/**
 * The scopes that a client may have in a mode: `all` leaves out in live mode what only a sandbox has.
 *
 * @throws UsageError for a scope of sandboxes that is named in live mode.
 */
export function scopesIn(mode: Mode, given: readonly Scope[]): readonly Scope[] {
  if (mode === 'sandbox' || !given.includes('tests:admin')) return given;
  if (given === scopes) return scopes.filter((scope) => scope !== 'tests:admin');
  throw new UsageError('tests:admin is a scope of sandboxes, and this is live mode.');
}

/** Kinds of events, separated by commas; which there are, the service knows. */
export function kindList(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => /^[A-Z_]+$/.test(name))) return names;
  throw new InvalidArgumentError('Kinds look like ACCOUNT_LIQUIDATION, with commas between them.');
}

/** Where a receiver is. */
export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError('It is no http or https URL.');
}

/** Whether a secret may be sent there: by TLS, or within this machine. */
export function keepsSecrets(url: URL): boolean {
  return url.protocol === 'https:' || isLoopbackName(url.hostname);
}

/** Where the service is, which is sent the secret of a client. */
export function serviceUrl(text: string): URL {
  const url = httpUrl(text);
  if (keepsSecrets(url)) return url;
  throw new InvalidArgumentError('By http a secret is sent to this machine only; use https.');
}

/** A market identifier code (ISO 10383). */
export function mic(text: string): string {
  if (!/^[A-Z0-9]{4}$/.test(text)) throw new InvalidArgumentError('It is no market code.');
  return text;
}

/** A day, as `YYYY-MM-DD`. */
export function day(text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  if (isDay && new Date(text).toISOString().startsWith(text)) return text;
  throw new InvalidArgumentError('It is no day such as 2026-01-31.');
}

/** Bytes of a package of events, or `none`. */
export function packageSize(text: string): number | 'none' {
  if (text === 'none') return text;
  const bytes = /^[0-9]{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (bytes >= packageSizes.min && bytes <= packageSizes.max) return bytes;
  const { min, max } = packageSizes;
  throw new InvalidArgumentError(`It is neither none nor a whole number from ${min} to ${max}.`);
}

const hoursMax = 8_760;

/** A duration in hours, at most a year; decimals make it shorter than an hour. */
export function hours(text: string): number {
  const value = /^[0-9]{1,4}([.][0-9]{1,4})?$/.test(text) ? Number(text) : Number.NaN;
  if (value <= hoursMax) return value;
  throw new InvalidArgumentError(`It is no number from 0 to ${hoursMax}, such as 1 or 0.25.`);
}

/** A number of a FIX session: from 1 on. */
export function sequenceNumber(text: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is no whole number from 1 on.');
}

/** A whole number from 1 on. */
export function wholeUpTo(most: number): (text: string) => number {
  return (text) => {
    const isShort = text.length <= String(most).length;
    const value = isShort && /^[0-9]+$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`It is no whole number from 1 to ${most}.`);
  };
}

/** How many items a page may have. */
export const pageLimit = wholeUpTo(1_000);

/** An instant in RFC 3339, or a day: its first instant in UTC. */
export function instant(text: string): Date {
  const at = parseInstant(text)?.at;
  if (at === undefined) {
    throw new InvalidArgumentError('It is no time such as 2026-01-31T09:00:00Z.');
  }
  return at;
}
