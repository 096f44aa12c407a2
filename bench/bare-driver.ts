// The floor of every statement: the driver alone, some connections, each one's next statement as
// soon as its last is answered.

import pg from 'pg';
import type { Sql } from '../src/db/connect.ts';
import { compile } from '../src/db/sql.ts';

export type Statement = ReturnType<typeof compile>;

/** What a store would send, instead of sending it. */
export async function statementOf(work: (sql: Sql) => Promise<unknown>): Promise<Statement> {
  const kept: Statement[] = [];
  const recorder = async (...template: Parameters<Sql>) => {
    const [strings, ...values] = template;
    kept.push(compile(strings, values, true));
    return [];
  };
  await work(recorder as unknown as Sql);
  const [statement] = kept;
  if (statement === undefined || kept.length > 1) throw new Error('not exactly one statement');
  return statement;
}

/** @returns statements a second. */
export async function runAll(
  url: string,
  statements: readonly Statement[],
  connections: number,
): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    }),
  );
  let next = 0;
  const begunAt = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      for (let at = next++; at < statements.length; at = next++) {
        const statement = statements[at];
        if (statement !== undefined) {
          await client.query({ ...statement, values: [...statement.values] });
        }
      }
    }),
  );
  const seconds = (performance.now() - begunAt) / 1_000;
  await Promise.all(clients.map((client) => client.end()));
  return statements.length / seconds;
}
