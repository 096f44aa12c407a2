// `GET /tests/liquidations/{id}/explanation` of a sandbox: why a liquidation waits, and each position of
// it. In live mode there is no such route; the command `unwind liquidations show` says the same.

import type { Sql } from '../db/connect.ts';
import {
  findLiquidationsOfId,
  findWaitingPositions,
  type Wait,
} from '../liquidations/waits-store.ts';
import { Refusal } from '../refusal.ts';
import type { Explanation } from './explanation-schema.ts';
import { json } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { noQuery, queryReaderOf } from './schemas.ts';

export interface ExplanationHandlers {
  readonly explain: Handler;
}

const readNoQuery = queryReaderOf(noQuery);

export function explanationHandlers({ sql }: { readonly sql: Sql }): ExplanationHandlers {
  return {
    explain: async (call) => {
      const liquidationId = idParam<'liquidation'>(call, 'account_liquidation_id', 'not_found');
      readNoQuery(call.search);
      const which = { tenantId: call.caller.tenantId, liquidationId };
      const [found] = await findLiquidationsOfId(sql, which);
      if (found === undefined) throw new Refusal('not_found', 'There is no such liquidation.');
      const positions = await findWaitingPositions(sql, which);
      const body: Explanation = {
        id: liquidationId,
        account_id: found.accountId,
        status: found.status,
        ...(found.wait === undefined ? {} : shown(found.wait)),
        positions: positions.map((position) => {
          const { isin, quantity, priced } = position;
          return { ...shown(position), isin, quantity, priced };
        }),
      };
      return json(200, body);
    },
  };
}

/** What is undefined is absent in JSON. */
function shown({ reason: why, isin, since, until, detail }: Wait) {
  return {
    reason: why,
    ...(isin === undefined ? {} : { isin }),
    ...(since === undefined ? {} : { since: since.toISOString() }),
    ...(until === undefined ? {} : { until: until.toISOString() }),
    ...(detail === undefined ? {} : { detail }),
  };
}
