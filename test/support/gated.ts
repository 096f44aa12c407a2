// Stops a transaction between its statements, so that a test decides what happens in between.
import type { Sql, Tx } from '../../src/db/connect.ts';

/** Called before each statement of a transaction, counted from 0, and before its commit. */
export type Gate = (statement: number | 'commit') => Promise<void>;

/** The same pool, whose transactions pass the gate before each statement. */
export function gated(sql: Sql, gate: Gate): Sql {
  return new Proxy(sql, {
    get: (target, name, receiver) => {
      if (name !== 'transact') return Reflect.get(target, name, receiver);
      const transact: Sql['transact'] = (options, work) => {
        return target.transact(options, async (tx) => {
          const result = await work(gatedTx(tx, gate));
          await gate('commit');
          return result;
        });
      };
      return transact;
    },
  });
}

function gatedTx(tx: Tx, gate: Gate): Tx {
  let statement = 0;
  return new Proxy(tx, {
    apply: async (target, receiver, args) => {
      await gate(statement++);
      return Reflect.apply(target, receiver, args);
    },
  });
}
