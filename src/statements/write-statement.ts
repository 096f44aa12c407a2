// Writes a part of the statement of a liquidation, signed with the client's Ed25519 key, which also signs its
// deliveries: it is published, and every public key that was ever used is kept.

import { createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { assert } from '../assert.ts';
import type { Seal } from '../auth/seal.ts';
import { findDeliveryKey } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { inTransaction } from '../db/transaction.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { statementExecutionsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { type SignedStatement, type Statement, signStatement } from './statement.ts';
import { findExecutions, findInstruments, findSource } from './statement-store.ts';

export interface WriterOfStatements {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
}

export interface WrittenPart {
  readonly signed: SignedStatement;
  readonly parts: number;
}

/**
 * @param part from 1 on; `executionsMax` of a part.
 * @throws Refusal `not_found` (no such liquidation or part), `conflict` (it has not ended).
 */
export async function writeStatement(
  { sql, clock, seal }: WriterOfStatements,
  which: {
    readonly tenantId: TenantId;
    readonly liquidationId: LiquidationId;
    readonly part: number;
  },
  executionsMax = statementExecutionsMax,
): Promise<WrittenPart> {
  const { tenantId, liquidationId, part } = which;
  const statement = await inTransaction(
    sql,
    async (tx): Promise<Statement> => {
      const source = await findSource(tx, { tenantId, liquidationId });
      if (source === undefined) throw new Refusal('not_found', 'There is no such liquidation.');
      const { head, status, proceeds } = source;
      if (head === undefined) {
        throw new Refusal(
          'conflict',
          `The liquidation is ${status}: a statement tells of its end.`,
        );
      }
      assert(head.totals.proceeds === proceeds, 'proceeds are the sum of executions');
      const parts = Math.max(1, Math.ceil(head.totals.executions / executionsMax));
      if (part > parts) throw new Refusal('not_found', `There is no such part: it has ${parts}.`);
      const offset = (part - 1) * executionsMax;
      const page = { tenantId, liquidationId, offset, limit: executionsMax };
      return {
        ...head,
        part,
        parts,
        ...(part === 1 ? { instruments: [...(await findInstruments(tx, page))] } : {}),
        executions: [...(await findExecutions(tx, page))],
      };
    },
    { isolation: 'repeatable read' },
  );
  const key = await findDeliveryKey(sql, seal, {
    tenantId,
    algorithm: 'ed25519',
    now: clock.now(),
  });
  assert(key !== undefined, 'every client has a key that signs');
  const { keyId, privateKey } = key;
  const publicJwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
  const signed = await signStatement(statement, { keyId, privateKey, publicJwk });
  return { signed, parts: statement.parts };
}
