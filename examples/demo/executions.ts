// Reads executions as anybody may: plain SQL on the published views.

import pino from 'pino';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';

export interface ShownExecution {
  /** Time of day, UTC. */
  readonly at: string;
  readonly isin: string;
  readonly quantity: string;
  readonly price: string;
  readonly proceeds: string;
}

export async function findExecutions(
  env: Readonly<Record<string, string | undefined>>,
  liquidationId: string,
): Promise<readonly ShownExecution[]> {
  return withDatabase(await readConfig(env), pino({ level: 'silent' }), async (sql) => {
    return sql<ShownExecution[]>`
      select
        to_char(e.executed_at, 'HH24:MI:SS.MS') as at, e.isin, e.quantity, e.price, e.proceeds
      from unwind_v1.executions e
      where e.liquidation_id = ${liquidationId}
      order by e.executed_at, e.execution_id`;
  });
}
