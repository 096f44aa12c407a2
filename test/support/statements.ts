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
