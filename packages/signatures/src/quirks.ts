// What known clients do wrong: each mistake is tried on a signature that does not verify, and the one
// under which it does verify is named, with its remedy. Nothing is accepted because of it.

import { hash } from 'node:crypto';
import { verifyBytes } from './algorithm.ts';
import { componentValue } from './base.ts';
import { type Check, dueScheme, refusedParts } from './check.ts';
import { maxAgeS, maxAheadS } from './limits.ts';
import { fieldValue } from './message.ts';
import type { ParsedSignature } from './parse.ts';
import { outcome, SignatureError } from './signature-error.ts';

/** A mistake that explains why a signature does not verify. */
export interface Quirk {
  readonly quirk: QuirkName;
  readonly detail: string;
  readonly remedy: string;
}

const quirks = {
  query_null: [
    'The signer added ?null, as if there were a query.',
    'Sign no query where there is none.',
  ],
  content_length_characters: [
    'The signer counted content-length in characters.',
    'Count the bytes of the body in UTF-8.',
  ],
  apostrophe_encoded: [
    "The signer wrote %27 where the request has '.",
    'Sign path and query exactly as they are sent, after the library that sends has encoded them.',
  ],
  apostrophe_decoded: [
    "The signer wrote ' where the request has %27.",
    'Sign path and query exactly as they are sent, after the library that sends has encoded them.',
  ],
  target_decoded: [
    'The signer decoded path or query.',
    'Sign path and query exactly as they are sent, percent-encoded.',
  ],
  header_undefined: [
    'The signer signed the text "undefined" for a header that is not sent.',
    'Leave headers out of the list that the request does not have, such as content-type without a body.',
  ],
  accept_first_value: [
    'The signer signed only the first value of accept.',
    'Sign the whole value of accept, with its commas.',
  ],
  newline_at_end: [
    'The signer put a line feed at the end of the base.',
    'End the base with its last line; nothing follows it.',
  ],
  key_of_another_client: [
    'The keyid names a key of another client.',
    'Send the client id that the key belongs to, or sign with a key of this client.',
  ],
  header_in_parts: [
    'The signer split a header such as cache-control: max-age=0 into parts, name:key.',
    'Sign the header whole, or leave it out of the list; the policy compatible takes these parts.',
  ],
  created_in_milliseconds: [
    'The signer wrote its times in milliseconds.',
    'Write created and expires in whole seconds since 1970.',
  ],
  clock_ahead: [
    'The clock of the signer is {off} ahead.',
    'Set the clock of the signing machine by NTP, and take the time in UTC.',
  ],
  clock_behind: [
    'The clock of the signer is {off} behind, or the request waited that long.',
    'Set the clock of the signing machine by NTP, and sign each request when it is sent.',
  ],
  body_reserialised: [
    'The digest is that of the same JSON, written in another way.',
    'Send the very bytes that were digested; do not parse and write the body again.',
  ],
} as const;

/** The name of a mistake. */
export type QuirkName = keyof typeof quirks;

export const quirkNames = Object.keys(quirks) as readonly QuirkName[];

/** Bases that are tried for one signature; each costs a verification. */
const triedMax = 12;

/** The value of a component as a client with a mistake has it; undefined where that changes nothing. */
type Mistake = (component: string, value: string | undefined) => string | undefined;

/**
 * The mistakes of known clients in one signature; empty where none explains it. Only a candidate costs
 * verifications.
 */
export async function quirksOf(
  check: Check,
  signature: ParsedSignature,
  isCandidate: boolean,
): Promise<readonly Quirk[]> {
  const own = check.keys(signature.keyid);
  const others = own !== undefined && own.clientId !== check.clientId;
  const clock = clockQuirk(check, signature);
  const names = [
    ...(others ? (['key_of_another_client'] as const) : []),
    ...(refusedParts(check, signature) ? (['header_in_parts'] as const) : []),
    ...(isCandidate ? await baseQuirks(check, signature) : []),
    ...(clock === undefined ? [] : [clock.quirk]),
    ...(isReserialised(check) ? (['body_reserialised'] as const) : []),
  ];
  return names.map((quirk) => {
    const [detail, remedy] = quirks[quirk];
    return { quirk, detail: detail.replace('{off}', clock?.off ?? ''), remedy };
  });
}

/** Times beyond this are no seconds: it is the year 5138. */
const secondsMax = 100_000_000_000;

/** By how much the signer's clock is off, as far as a signature shows: nothing of a delay that is admitted. */
function clockQuirk(
  { now }: Check,
  { created, expires = created + maxAgeS }: ParsedSignature,
): { readonly quirk: QuirkName; readonly off: string } | undefined {
  if (created > secondsMax) return { quirk: 'created_in_milliseconds', off: '' };
  const ahead = created - now;
  if (ahead > maxAheadS) return { quirk: 'clock_ahead', off: durationOf(ahead) };
  // What a signature may live is no sign of the clock: only what is beyond.
  if (-ahead > maxAgeS) return { quirk: 'clock_behind', off: durationOf(-ahead) };
  return expires < now ? { quirk: 'clock_behind', off: durationOf(now - expires) } : undefined;
}

const hourS = 3_600;
/** How long a request may have been under way, where a clock is off by hours. */
const underWayS = 60;

function durationOf(seconds: number): string {
  const hours = Math.round(seconds / hourS);
  const isHours = hours >= 1 && hours <= 14 && Math.abs(seconds - hours * hourS) <= underWayS;
  return isHours ? `${seconds} s (${hours} h, as if local time were UTC)` : `${seconds} s`;
}

async function baseQuirks(check: Check, signature: ParsedSignature): Promise<readonly QuirkName[]> {
  const key = check.keys(signature.keyid);
  const scheme = key && outcome(() => dueScheme(check.parsed.dialect, signature, key));
  if (key === undefined || scheme === undefined || scheme instanceof SignatureError) return [];
  const holds = (base: string) => {
    return verifyBytes({ scheme, key: key.publicKey, base }, signature.signature);
  };
  const right = baseWith(check, signature, (_, value) => value);
  if (right !== undefined && (await holds(right))) return [];
  const tried = new Set([right]);
  for (const [quirk, base] of mistakenBases(check, signature, right)) {
    if (base === undefined || tried.has(base) || tried.size > triedMax) continue;
    tried.add(base);
    if (await holds(base)) return [quirk];
  }
  return [];
}

function mistakenBases(
  check: Check,
  signature: ParsedSignature,
  right: string | undefined,
): readonly (readonly [QuirkName, string | undefined])[] {
  const { message } = check.parsed;
  const onTarget = (change: (value: string) => string): Mistake => {
    return (component, value) => {
      return targets.test(component) && value !== undefined ? change(value) : value;
    };
  };
  const mistakes: readonly (readonly [QuirkName, Mistake])[] = [
    [
      'query_null',
      (component, value) => (message.query === '' ? nullQuery(component, value) : value),
    ],
    [
      'content_length_characters',
      (component, value) => (component === 'content-length' ? charactersOf(message.body) : value),
    ],
    ['apostrophe_encoded', onTarget((value) => value.replaceAll("'", '%27'))],
    ['apostrophe_decoded', onTarget((value) => value.replaceAll('%27', "'"))],
    ['target_decoded', onTarget(decoded)],
    [
      'header_undefined',
      (component, value) => (component.startsWith('@') ? value : (value ?? 'undefined')),
    ],
    [
      'accept_first_value',
      (component, value) => (component === 'accept' ? value?.split(',')[0]?.trim() : value),
    ],
  ];
  return [
    ...mistakes.map(([quirk, mistake]) => [quirk, baseWith(check, signature, mistake)] as const),
    ['newline_at_end', right === undefined ? undefined : `${right}\n`],
  ];
}

/** Components that hold path or query, alone or with more. */
const targets = /^@(path|query|request-target|target-uri)$|^\*request-target$/;

function nullQuery(component: string, value: string | undefined): string | undefined {
  if (component === '@query') return '?null';
  return targets.test(component) && component !== '@path' ? `${value}?null` : value;
}

function charactersOf(body: Uint8Array): string {
  return String(new TextDecoder().decode(body).length);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not percent-encoded UTF-8: no client decodes it
  }
}

/** The base with the values that a mistake makes; undefined where it cannot be made so either. */
function baseWith(
  { parsed: { dialect, message } }: Check,
  { components, params, canonical }: ParsedSignature,
  mistake: Mistake,
): string | undefined {
  const lines: string[] = [];
  for (const name of components) {
    const found = outcome(() => componentValue(dialect, message, name, params));
    const value = mistake(name, found instanceof SignatureError ? undefined : found);
    if (value === undefined || value.includes('\n')) return undefined;
    lines.push(`${dialect.baseName(name)}: ${value}`);
  }
  if (dialect.signsParams) lines.push(`${dialect.baseName('@signature-params')}: ${canonical}`);
  return lines.join('\n');
}

/** Whether the digest that was sent is that of the body's JSON in a usual form. */
function isReserialised({ parsed: { dialect, message } }: Check): boolean {
  const sent = fieldValue(message, dialect.digest.name);
  const digests = sent === undefined ? [] : outcome(() => dialect.digest.read(sent));
  if (digests instanceof SignatureError) return false;
  const [first] = digests;
  if (first === undefined) return false;
  const is = (body: string | Uint8Array) => {
    return hash(first.algorithm, body, 'buffer').equals(first.digest);
  };
  return !is(message.body) && otherForms(message.body).some(is);
}

function otherForms(body: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(body);
  try {
    const value = JSON.parse(text);
    const sorted = JSON.stringify(sortedMembers(value));
    const widths = [undefined, 2, 4].map((width) => JSON.stringify(value, undefined, width));
    return [...widths, spaced(value), sorted, text.trimEnd(), `${text}\n`];
  } catch {
    return [text.trimEnd(), `${text}\n`];
  }
}

/** As Python writes it by default. */
function spaced(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}: ${spaced(one)}`,
  );
  return `{${members.join(', ')}}`;
}

function sortedMembers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sortedMembers);
  const members = [...Object.entries(value)].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, one]) => [name, sortedMembers(one)]));
}
