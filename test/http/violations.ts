// Values that a schema of the API document forbids, one for each thing it says: what a request has to
// be refused for.
import type { Part } from '../support/document.ts';

/** What a schema forbids, and a value that does it; undefined: the value is left out. */
export interface Violation {
  readonly name: string;
  readonly value: unknown;
}

const unknownMember = 'something_else';

/** All single violations of a schema around a value that fits it. */
export function violationsOf(schema: Part, good: unknown): readonly Violation[] {
  if (schema['type'] === 'object') return violationsOfObject(schema, good as Part);
  if (schema['type'] === 'array') return violationsOfArray(schema, good as readonly unknown[]);
  return violationsOfScalar(schema).map(([name, value]) => ({ name, value }));
}

function violationsOfObject(schema: Part, good: Part): readonly Violation[] {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Part>);
  const required = (schema['required'] ?? []) as readonly string[];
  const without = required.map((name): Violation => {
    return { name: `without ${name}`, value: { ...good, [name]: undefined } };
  });
  const within = properties.flatMap(([name, member]) => {
    return violationsOf(member, good[name] ?? fitting(member)).map((one): Violation => {
      return { name: `${name}: ${one.name}`, value: { ...good, [name]: one.value } };
    });
  });
  const more = { name: `with ${unknownMember}`, value: { ...good, [unknownMember]: 1 } };
  return [{ name: 'no object', value: [] }, ...without, ...within, more];
}

function violationsOfArray(schema: Part, good: readonly unknown[]): readonly Violation[] {
  const items = schema['items'] as Part;
  const [first = fitting(items)] = good;
  const within = violationsOf(items, first).map(({ name, value }): Violation => {
    return { name: `[0] ${name}`, value: [value] };
  });
  const { minItems, maxItems, uniqueItems } = schema;
  const tooMany = Array.from({ length: Number(maxItems ?? 0) + 1 }, () => first);
  return [
    { name: 'no array', value: 'text' },
    ...(Number(minItems ?? 0) > 0 ? [{ name: 'empty', value: [] }] : []),
    ...(maxItems === undefined ? [] : [{ name: 'too many', value: tooMany }]),
    ...(uniqueItems === true ? [{ name: 'twice the same', value: [first, first] }] : []),
    ...within,
  ];
}

type Named = readonly [name: string, value: unknown];

function violationsOfScalar(schema: Part): readonly Named[] {
  const { type, minimum, maximum } = schema;
  if (type === 'boolean') return [['no boolean', 'yes']];
  if (type !== 'integer') return violationsOfText(schema);
  return [
    ['no number', 'many'],
    ['a fraction', 1.5],
    ...(minimum === undefined ? [] : [['too small', Number(minimum) - 1] as const]),
    ...(maximum === undefined ? [] : [['too large', Number(maximum) + 1] as const]),
  ];
}

function violationsOfText(schema: Part): readonly Named[] {
  const { pattern, format, minLength, maxLength } = schema;
  const fits = typeof pattern === 'string' ? new RegExp(pattern, 'u') : /^/;
  const unfit = ['~', 'x\u0007y', ''].find((text) => !fits.test(text));
  const isChoice = schema['enum'] !== undefined || schema['const'] !== undefined;
  return [
    ['no text', 7],
    ...(isChoice ? [['none of them', 'SOMETHING_ELSE'] as const] : []),
    ...(format === 'uuid' ? [['no UUID', 'not-a-uuid'] as const] : []),
    ...(unfit === undefined ? [] : [['another pattern', unfit] as const]),
    ...(Number(minLength ?? 0) > 0 ? [['empty', ''] as const] : []),
    ...(maxLength === undefined ? [] : [['too long', 'x'.repeat(Number(maxLength) + 1)] as const]),
  ];
}

/** Something that fits, for a member that the good value leaves out. */
function fitting(schema: Part): unknown {
  const { type, minimum, examples } = schema;
  const [first] = (schema['enum'] ?? examples ?? []) as readonly unknown[];
  if (first !== undefined) return first;
  if (type === 'object') return {};
  if (type === 'array') return [fitting(schema['items'] as Part)];
  if (type === 'boolean') return true;
  return type === 'integer' ? Number(minimum ?? 0) : 'text';
}
