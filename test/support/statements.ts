// Writes down what is sent to the database, at the driver's own connections, whoever sends it.
import pg from 'pg';

/** A statement as the driver was given it. */
export interface SentStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Runs work and tells which statements were sent meanwhile, in their order. */
export async function sentDuring<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly statements: readonly SentStatement[] }> {
  const statements: SentStatement[] = [];
  const { prototype } = pg.Client;
  const query: unknown = Reflect.get(prototype, 'query');
  const watched = function (this: pg.Client, ...args: readonly unknown[]): unknown {
    statements.push(toStatement(args[0]));
    return Reflect.apply(query as (...all: unknown[]) => unknown, this, args);
  };
  Reflect.set(prototype, 'query', watched);
  try {
    return { result: await work(), statements };
  } finally {
    Reflect.set(prototype, 'query', query);
  }
}

function toStatement(sent: unknown): SentStatement {
  if (typeof sent === 'string') return { text: sent, values: [] };
  const { text, values = [] } = sent as { text: string; values?: readonly unknown[] };
  return { text, values };
}

/** A statement with its values in it, as the planner sees those of one that is sent unnamed. */
export function withValues({ text, values }: SentStatement): string {
  return text.replaceAll(/\$(\d+)/g, (_, place: string) => literalOf(values[Number(place) - 1]));
}

function literalOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return `'{${value.map(elementOf).join(',')}}'`;
  return `'${textOf(value).replaceAll("'", "''")}'`;
}

function elementOf(value: unknown): string {
  if (value === null) return 'NULL';
  return `"${textOf(value).replaceAll("'", "''").replaceAll('"', '\\"')}"`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
