// Rows as the things they are of, where a thing has just the columns of its row: named in camel case, and
// undefined where the column is null.

type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;

/** The row of a thing: a column for each of its members. */
export type RowOf<Thing> = {
  readonly [Name in keyof Thing & string as SnakeCase<Name>]: undefined extends Thing[Name]
    ? Exclude<Thing[Name], undefined> | null
    : Thing[Name];
};

/** The thing of a row that has its columns and no others. */
export function thingOf<Thing>(row: RowOf<Thing>): Thing {
  const members = Object.entries(row).map(([column, value]) => {
    const name = column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return [name, value ?? undefined];
  });
  return Object.fromEntries(members) as Thing;
}
