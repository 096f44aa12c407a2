// Two forms of one published client, a proxy that signs for tools like Postman: of a list in `accept` it
// signs the first item, and a value such as `max-age=0` it splits into components `name:key`. Both are of
// drafts 15 and 6, and taken only where the rules say so; docs/decisions/0034-forms-of-a-proxy.md says what
// an attacker gains.

import { fieldValue, type ReadMessage } from './message.ts';

/** `cache-control:max-age`: one key of a header that holds a dictionary. */
const memberForm = /^([a-z0-9!#$%&'+.^_`|~-]+):([a-z0-9_.*-]+)$/;

/**
 * Headers that are signed whole or not at all: they say who sends what to whom, or how a request is read.
 */
const wholeForm: ReadonlySet<string> = new Set([
  'accept',
  'authorization',
  'connection',
  'content-digest',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'digest',
  'expect',
  'forwarded',
  'host',
  'idempotency-key',
  'signature',
  'signature-input',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'upvest-api-version',
  'upvest-client-id',
  'upvest-signature-version',
]);

/** A dictionary has at most as many members as a signature has components. */
const membersMax = 32;

/** Whether a component has the form of a member. */
export function isMember(component: string): boolean {
  return memberForm.test(component);
}

/** The value of a member as the proxy signs it; undefined where the header has none of this key. */
export function memberValue(message: ReadMessage, component: string): string | undefined {
  const [, name = '', key = ''] = memberForm.exec(component) ?? [];
  return membersOf(message, name)?.get(key);
}

/**
 * The first member among components that protects its header in part only: of a header that has to be
 * signed whole, or beside a member that is not listed. Undefined where there is none.
 */
export function partialMember(
  message: ReadMessage,
  components: readonly string[],
): string | undefined {
  return components.find((component) => {
    const [, name = ''] = memberForm.exec(component) ?? [];
    if (name === '') return false;
    const keys = [...(membersOf(message, name)?.keys() ?? [])];
    return keys.length === 0 || !keys.every((key) => components.includes(`${name}:${key}`));
  });
}

/** Keys in lower case, values as text or in quotes, with comma and space between: as the proxy reads it. */
function membersOf(message: ReadMessage, name: string): ReadonlyMap<string, string> | undefined {
  const value = wholeForm.has(name) ? undefined : fieldValue(message, name);
  if (value === undefined || !value.includes('=')) return undefined;
  const members = new Map<string, string>();
  for (const part of value.split(', ')) {
    const [, key = '', text = ''] = /^([a-z0-9_.*-]+)=("[^"\\]*"|[^"(][^"]*)$/.exec(part) ?? [];
    if (key === '' || members.has(key) || members.size === membersMax) return undefined;
    members.set(key, text);
  }
  return members;
}

/** The message with the first item of `accept` alone; undefined where there is no list in it. */
export function withFirstAccepted(message: ReadMessage): ReadMessage | undefined {
  const value = fieldValue(message, 'accept');
  const end = value?.indexOf(', ') ?? -1;
  if (value === undefined || end < 1) return undefined;
  const lines = new Map([...message.lines, ['accept', [value.slice(0, end)]]]);
  return { ...message, lines };
}
