// The shapes of requests, one schema each: what validates a request is also its type.

import { type Static, type TObject, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { later } from '../clock.ts';
import { type Id, parseId } from '../ids.ts';
import { hasLostPlus, parseDate, parseInstant } from '../instant.ts';
import { isServicePerson } from '../person-name.ts';
import { isPrintableLine } from '../printable.ts';
import { Refusal } from '../refusal.ts';
import { moment, only, pageLimit, some, text, uuid, whole } from './members.ts';

export const createLiquidationBody = only({ user_id: uuid('The user who owns the account.') });

/** The same under the later contract: exactly one owner is named. */
export const laterCreateLiquidationBody = only(
  {
    user_id: Type.Optional(createLiquidationBody.properties.user_id),
    business_id: Type.Optional(
      uuid('The business that owns the account. Accounts belong to users here: 404.'),
    ),
  },
  { minProperties: 1, maxProperties: 1 },
);

/** The part of a list that is asked for. */
export const paging = {
  offset: Type.Optional(
    whole('How many items to skip.', { minimum: 0, maximum: 2_147_483_647, default: 0 }),
  ),
  limit: Type.Optional(
    whole('The most items to answer; with 0 there are none, and `total_count` is still true.', {
      minimum: 0,
      maximum: 1_000,
      default: 100,
    }),
  ),
};

/** The direction of a list that goes both ways. */
export const bothWays = Type.Optional(
  some(['ASC', 'DESC'], 'The sort order: ascending or descending.', { default: 'ASC' }),
);

/** The order of a list: there is one sort key and one direction. */
function sortedBy<const Key extends string>(key: Key) {
  return {
    sort: Type.Optional(
      Type.Literal(key, { default: key, description: 'What the list is sorted by.' }),
    ),
    order: Type.Optional(
      Type.Literal('ASC', { default: 'ASC', description: 'The sort order: ascending.' }),
    ),
  };
}

export const listLiquidationsQuery = only({
  ...sortedBy('id'),
  ...paging,
  start_date: Type.Optional(moment('Only liquidations created at this time or later.')),
  end_date: Type.Optional(moment('Only liquidations created before this time.')),
});

/** The same under the later contract: an empty page is not asked for. */
export const laterListLiquidationsQuery = only({
  ...listLiquidationsQuery.properties,
  limit: Type.Optional(whole('The most items to answer.', pageLimit)),
});

/** A request to be explained, as the text that went over the wire. */
export const inspectBody = only({
  request: Type.String({ minLength: 1, maxLength: 16_384 }),
  public_key: Type.Optional(text('PEM; default the registered key.', { maxLength: 4_096 })),
  at: Type.Optional(text('RFC 3339; default now.', { maxLength: 40 })),
});

/** Longest field of the form that asks for a token, in characters. */
export const tokenFieldLengthMax = 1_000;

export const tokenForm = only({
  client_id: text('The id of the client, a UUID.', { maxLength: tokenFieldLengthMax }),
  client_secret: text('The secret given to the client when it was registered.', {
    maxLength: tokenFieldLengthMax,
    format: 'password',
  }),
  grant_type: Type.String({ const: 'client_credentials' }),
  scope: text(
    'The scopes asked for, separated by spaces; all must be granted to the client. A sandbox leaves ' +
      'out those it does not know.',
    { maxLength: tokenFieldLengthMax },
  ),
});

export const revokeForm = only({
  client_id: tokenForm.properties.client_id,
  client_secret: tokenForm.properties.client_secret,
  token: text('The access token to revoke.', { maxLength: tokenFieldLengthMax }),
  token_type_hint: Type.Optional(
    text('Changes nothing: there are only access tokens.', { maxLength: tokenFieldLengthMax }),
  ),
});

/** Reads a value of one shape or refuses it, naming the place. */
export type Reader<T> = (value: unknown, what: string) => T;

/** A reader of bodies. @throws Refusal `bad_request`. */
export function readerOf<S extends TSchema>(schema: S): Reader<Static<S>> {
  const validator = Compile(schema);
  return (value, what) => {
    if (validator.Check(value)) return value as Static<S>;
    const detail = explain([...validator.Errors(value)]);
    throw new Refusal('bad_request', `The ${what} is not as it must be: ${detail}.`);
  };
}

/** Characters of names that a response repeats. */
const namesLengthMax = 500;

interface Complaint {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** The first complaint is about the place; unknown members are named before. */
function explain(complaints: readonly Complaint[]): string {
  const [first] = complaints;
  if (first === undefined) return 'it has another shape';
  const whole = complaints.find(({ keyword }) => keyword === 'additionalProperties');
  if (whole !== undefined) {
    return unknownMembers(whole.instancePath, Object.values(whole.params).flat());
  }
  // Complaints end after a few: of many members there are only those of each, and none of the whole.
  const places = complaints.filter(({ keyword }) => keyword === 'boolean').map(placeOf);
  const [{ parent } = { parent: undefined }] = places;
  if (parent !== undefined) {
    const names = places.filter((one) => one.parent === parent).map(({ name }) => name);
    return unknownMembers(parent, [...names, '…']);
  }
  return `${shownPlace(first.instancePath)} ${first.message}`;
}

/** A member and what it is in, of a JSON pointer (RFC 6901). */
function placeOf({ instancePath }: Complaint): { readonly parent: string; readonly name: string } {
  const at = instancePath.lastIndexOf('/');
  const name = instancePath
    .slice(at + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
  return { parent: instancePath.slice(0, at), name };
}

function unknownMembers(place: string, names: readonly string[]): string {
  return `${shownPlace(place)} has unknown members (${names.join(', ').slice(0, namesLengthMax)})`;
}

function shownPlace(instancePath: string): string {
  return instancePath === '' ? '(root)' : instancePath.slice(0, namesLengthMax);
}

/** The pairs of a query or form as sent: a question mark at its begin belongs to the first name. */
export function pairsOf(text: string): URLSearchParams {
  // One is taken away, as that of a whole query.
  return new URLSearchParams(`?${text}`);
}

/** A parameter as the schema has it: what is no number or truth value stays a text, and is refused. */
function parameterOf(type: unknown, text: string): unknown {
  if (type === 'integer' && /^[0-9]{1,10}$/.test(text)) return Number(text);
  if (type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

/**
 * A reader of query strings: each parameter once, digits become numbers where a number is due.
 * @throws Refusal `bad_request`.
 */
export function queryReaderOf<S extends TObject>(schema: S): (search: string) => Static<S> {
  const read = readerOf(schema);
  const types = new Map(
    Object.entries(schema.properties).map(([name, { type }]: [string, { type?: unknown }]) => {
      return [name, type];
    }),
  );
  return (search) => {
    // Without a prototype, so that no name is special: not even `__proto__`.
    const values: Record<string, unknown> = Object.create(null);
    for (const [name, value] of pairsOf(search)) {
      if (Object.hasOwn(values, name)) {
        throw new Refusal('bad_request', `The query parameter ${name} is given more than once.`);
      }
      values[name] = parameterOf(types.get(name), value);
    }
    return read(values, 'query');
  };
}

/** Of an operation that takes no query. @throws Refusal `bad_request` for whatever there is. */
export const readNoQuery = queryReaderOf(only({}));

/**
 * RFC 3339 date-time, or a date as its first instant in UTC. What is finer than a millisecond counts up:
 * what was recorded within it is before it. @throws Refusal `bad_request`.
 */
export function readInstant(text: string | undefined, name: string): Date | undefined {
  if (text === undefined) return undefined;
  const day = parseDate(text);
  if (day !== undefined) return day;
  const { at, isFiner } = parseInstant(text) ?? {};
  if (at === undefined) throw new Refusal('bad_request', `${name} is no RFC 3339 date or time.`);
  return isFiner ? later(at, 1) : at;
}

/** Like `readInstant`, of a query parameter. @throws Refusal `bad_request`. */
export function readQueryInstant(text: string | undefined, parameter: string): Date | undefined {
  const name = `The query parameter ${parameter}`;
  if (text !== undefined && hasLostPlus(text)) {
    const detail = `${name} holds a plus that was not encoded: send it as %2B.`;
    throw new Refusal('bad_request', detail);
  }
  return readInstant(text, name);
}

/** An id that was sent: the schema knows its form only, not the versions. @throws Refusal `bad_request`. */
export function readId<Thing extends string>(text: string, name: string): Id<Thing> {
  const id = parseId<Thing>(text);
  if (id === undefined) throw new Refusal('bad_request', `${name} is no UUID.`);
  return id;
}

/**
 * Words that operators read on terminals, by the names of their members, and who says them: no one as the service itself.
 * @throws Refusal `bad_request`.
 */
export function refuseUnfitWords(words: {
  readonly reason?: string;
  readonly person?: string;
}): void {
  for (const name of ['reason', 'person'] as const) {
    if (isPrintableLine(words[name] ?? '')) continue;
    throw new Refusal('bad_request', `/${name} has characters for control or direction.`);
  }
  const { person } = words;
  if (person === undefined || !isServicePerson(person)) return;
  const detail = `/person is a name under which the service itself acts (${person}): give that of a person.`;
  throw new Refusal('bad_request', detail);
}
