// Rows as the things they are of, where a thing has just the columns of its row: named in camel case,
// undefined where the column is null, and a decimal where the column is numeric.

import type { Decimal, decimal } from '../money.ts';

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
