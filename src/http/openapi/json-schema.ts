// TypeBox schemas as the plain JSON of the document: a part that has a name among the components
// becomes a reference to it.

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

export interface JsonObject {
  readonly [name: string]: Json;
}

/** Names of the components, by the schema itself. */
export type Names = ReadonlyMap<unknown, string>;

/** A schema, or a reference where it has a name. @throws TypeError for what JSON cannot say. */
export function toJsonSchema(schema: unknown, names: Names): Json {
  const name = names.get(schema);
  return name === undefined ? toComponent(schema, names) : { $ref: `#/components/schemas/${name}` };
}

/** A schema that has a name, for its place among the components; its parts become references. */
export function toComponent(value: unknown, names: Names): Json {
  if (Array.isArray(value)) return value.map((one) => toJsonSchema(one, names));
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([name, one]) => [name, toJsonSchema(one, names)]));
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return value;
  throw new TypeError(`A schema holds a ${typeof value}, which JSON cannot say.`);
}
