// Rows as the things they are of, where a thing has just the columns of its row: named in camel case,
// undefined where the column is null, and a decimal where the column is numeric. And the other way round:
// things as the rows of a table that a statement is given.

import { type Decimal, type decimal, plain } from '../money.ts';
import { Fragment, type Scalar } from './sql.ts';

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

/** The row of a thing: a column for each of its members, decimals as their texts. */
export type RowOf<Thing> = {
  readonly [Name in keyof Thing & string as SnakeCase<Name>]: undefined extends Thing[Name]
    ? TextOfDecimal<Exclude<Thing[Name], undefined>> | null
    : TextOfDecimal<Thing[Name]>;
};

type TextOfDecimal<Member> = Member extends Decimal ? string : Member;

/** Names each member that is a decimal. */
type Decimals<Thing> = {
  readonly [Name in keyof Thing as Exclude<Thing[Name], undefined> extends Decimal
    ? Name
    : never]-?: typeof decimal;
};

const members = new Map<string, string>();

/** What the member of a column is called. */
function memberOf(column: string): string {
  const known = members.get(column);
  if (known !== undefined) return known;
  const name = column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  members.set(column, name);
  return name;
}

/** The thing of a row that has its columns and no others. */
export function thingOf<Thing>(
  row: RowOf<Thing>,
  ...[decimals]: keyof Decimals<Thing> extends never ? [] : [Decimals<Thing>]
): Thing {
  const read: Readonly<Record<string, typeof decimal>> = decimals ?? {};
  const thing: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    const name = memberOf(column);
    const toDecimal = read[name];
    thing[name] = value === null ? undefined : toDecimal ? toDecimal(String(value)) : value;
  }
  return thing as Thing;
}

/** What a column of a given table may hold: null where undefined. */
type Given = string | number | boolean | Date | Uint8Array | Decimal | null | undefined;

type Trimmed<Text extends string> = Text extends `${' ' | '\n'}${infer Rest}`
  ? Trimmed<Rest>
  : Text;

type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Name;

/** The members that columns are of, by their list. */
type MembersOf<List extends string> = List extends `${infer First},${infer Rest}`
  ? MembersOf<First> | MembersOf<Rest>
  : Trimmed<List> extends `${string} for ordinality${string}`
    ? never
    : Trimmed<List> extends `${infer Column} ${string}`
      ? CamelCase<Column>
      : Trimmed<List>;

/** Names the members of a thing, or of one of its kinds, that a column may hold. */
type Givable<Thing, Held> = Thing extends unknown
  ? keyof { [Name in keyof Thing as Thing[Name] extends Held ? Name : never]: true }
  : never;

/** A table with the name and the columns that a text gives it, if each column is a member. */
type Table<Text extends string, Thing, Held = Given> = Text extends `${string} (${infer List})`
  ? MembersOf<List> extends Givable<Thing, Held>
    ? Text
    : `${Exclude<MembersOf<List>, Givable<Thing, Held>>} is no such member`
  : 'name (column type, ...)';

/**
 * SQL: things as a table, for `from`. `.as` names it and its columns, as in `n (order_id uuid, isin text)`:
 * each is the member of its name, and `place for ordinality`, as the last one, counts the rows from 1. What
 * is alike in all rows may be given beside the things.
 */
export function rowsOf<Thing extends object, Alike extends object = object>(
  things: readonly Thing[],
  alike?: Alike,
) {
  const cellOf = (thing: Thing, member: string): unknown => {
    const source: object = alike && member in alike ? alike : thing;
    return (source as Readonly<Record<string, unknown>>)[member];
  };
  return {
    as: <const Text extends string>(text: Text & Table<Text, Thing & Alike>): Fragment => {
      const { columns, strings } = tableOf(text);
      const values = columns.map(({ member, type }) => {
        return things.map((thing) => toScalar(cellOf(thing, member) as Given, type));
      });
      return new Fragment(strings, values);
    },
    /** The same of one JSON text: a column may be a list of texts, but none a decimal, and none counts the rows. */
    asRecords: <const Text extends string>(
      text: Text & Table<Text, Thing & Alike, Exclude<Given, Decimal> | readonly string[]>,
    ): Fragment => {
      const { columns } = tableOf(text);
      const records = things.map((thing) => {
        return Object.fromEntries(columns.map(({ name, member }) => [name, cellOf(thing, member)]));
      });
      return new Fragment(['json_to_recordset(', `::json) as ${text}`], [JSON.stringify(records)]);
    },
  };
}

function toScalar(value: Given, type: string): Scalar {
  const isDecimal = type === 'numeric' && typeof value === 'object' && value !== null;
  return isDecimal ? plain(value as Decimal) : ((value ?? null) as Scalar);
}

interface TableText {
  readonly columns: readonly {
    readonly name: string;
    readonly member: string;
    readonly type: string;
  }[];
  /** The statement around the lists of values, one of each column. */
  readonly strings: readonly string[];
}

const tables = new Map<string, TableText>();

function tableOf(text: string): TableText {
  const known = tables.get(text);
  if (known !== undefined) return known;
  const [alias, list = ''] = text.split(/ \(|\)$/);
  const all = list.split(',').map((column) => column.trim().split(' '));
  const given = all.filter(([, type]) => type !== 'for');
  const columns = given.map(([name = '', type = '']) => ({ name, member: memberOf(name), type }));
  const as = given.length < all.length ? 'with ordinality as' : 'as';
  const end = `) ${as} ${alias} (${all.map(([column]) => column).join(', ')})`;
  const casts = columns.map(({ type }) => `::${type}[]`);
  const strings = [
    'unnest(',
    ...casts.slice(0, -1).map((cast) => `${cast}, `),
    `${casts.at(-1)}${end}`,
  ];
  const table = { columns, strings };
  tables.set(text, table);
  return table;
}
