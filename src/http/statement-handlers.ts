// The statement of a liquidation that has ended, signed, part by part.

import { type WriterOfStatements, writeStatement } from '../statements/write-statement.ts';
import { statementQuery } from './control-schemas.ts';
import { json, nextLink } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { queryReaderOf } from './schemas.ts';

const readQuery = queryReaderOf(statementQuery);

export function statementHandlers(on: WriterOfStatements) {
  return {
    retrieve: async (call) => {
      const liquidationId = idParam<'liquidation'>(call, 'account_liquidation_id', 'not_found');
      const { part = 1 } = readQuery(call.search);
      const { tenantId } = call.caller;
      const { signed, parts } = await writeStatement(on, { tenantId, liquidationId, part });
      const response = json(200, signed);
      if (part >= parts) return response;
      return { ...response, headers: nextLink(call, { part: String(part + 1) }) };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type StatementHandlers = ReturnType<typeof statementHandlers>;
