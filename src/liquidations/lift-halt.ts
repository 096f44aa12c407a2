// Lifts a halt: what it held goes on by itself, since its rows are as they were; what has looked in vain
// meanwhile looks again now.

import type { Tx } from '../db/connect.ts';
import type { Halt } from '../halts/halt.ts';
import { markLifted } from '../halts/halts-store.ts';
import { haltWokenMax } from '../limits.ts';
import type { Decimal } from '../money.ts';
import { wakeHalted } from './due-store.ts';

/**
 * Lifts it whatever it holds; whether one person may, liquidations/ask-to-lift.ts decides.
 *
 * @param value what it holds, where there is a limit of that.
 * @returns the halt as it is then; undefined where it was lifted before.
 */
export async function liftHalt(
  tx: Tx,
  halt: Halt,
  lift: NonNullable<Halt['lift']>,
  value?: Decimal,
): Promise<Halt | undefined> {
  const lifted = await markLifted(tx, halt, lift, value);
  if (lifted !== undefined) await wakeHalted(tx, halt, { now: lift.at, limit: haltWokenMax });
  return lifted;
}
