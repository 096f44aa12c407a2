// `POST /tests/positions` of the sandbox: changes positions by deltas, also while a liquidation runs on
// their account. In live mode there is no such route; the command `unwind positions` does the same.

import { type Delta, deltaColumns, readDelta } from '../book/delta.ts';
import { applyDeltas, type DeltaResult, type RefusedDelta } from '../liquidations/apply-deltas.ts';
import { plain } from '../money.ts';
import { Refusal, type RefusalCode } from '../refusal.ts';
import { jsonBody } from './json-body.ts';
import { applyDeltasBody } from './market-schemas.ts';
import { type ChangeOptions, respondOnce } from './once.ts';
import type { Handler } from './pipeline.ts';
import { readerOf, readNoQuery } from './schemas.ts';

const readBody = readerOf(applyDeltasBody);

export function positionHandlers(options: ChangeOptions) {
  return {
    applyDeltas: async (call) => {
      readNoQuery(call.search);
      const { deltas } = readBody(jsonBody(call), 'body');
      const set = deltas.map((fields, place) => readMember(fields, place));
      const { tenantId } = call.caller;
      return respondOnce(options, call, async (tx, now) => {
        return responseOf(await applyDeltas(tx, { tenantId, deltas: set, now }));
      });
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type PositionHandlers = ReturnType<typeof positionHandlers>;

type Fields = Readonly<Record<keyof typeof deltaColumns, string>>;

/** @throws Refusal `bad_request`. */
function readMember(fields: Fields, place: number): Delta {
  const columns = Object.keys(deltaColumns) as (keyof Fields)[];
  const read = readDelta(columns.map((column) => fields[column]));
  if ('delta' in read) return read.delta;
  throw new Refusal('bad_request', `/deltas/${place}/${read.fault}.`);
}

function responseOf(result: DeltaResult): { status: number; body: string } | Refusal {
  if (result.outcome === 'refused') return refusalOf(result.refusals);
  const data = result.deltas.map(({ delta, isRepeated }) => ({
    type: delta.type,
    account_id: delta.accountId,
    isin: delta.isin,
    quantity: plain(delta.quantity),
    reference: delta.reference,
    outcome: isRepeated ? 'repeated' : 'applied',
  }));
  return { status: 200, body: JSON.stringify({ data }) };
}

const codes = {
  account_unknown: 'not_found',
  instrument_unknown: 'not_found',
  reference_used: 'unprocessable_content',
  more_than_locked: 'conflict',
  more_than_free: 'conflict',
} as const satisfies Record<RefusedDelta['refusal']['type'], RefusalCode>;

/** Names every refused delta; the first of them gives the code. */
function refusalOf(refusals: readonly RefusedDelta[]): Refusal {
  const [first] = refusals;
  const code = first === undefined ? 'conflict' : codes[first.refusal.type];
  const reasons = refusals.map(({ place, reason }) => `/deltas/${place}/${reason}`);
  return new Refusal(code, `${reasons.join('; ')}. Nothing was applied.`);
}
