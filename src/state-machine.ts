// What a state machine is: from each state, what may happen and where it leads. The tables stand with
// their subjects; the code that changes a state asks them, triggers of the database mirror them, and
// docs/state-machines.md draws them.

import { ImpossibleState } from './assert.ts';

/** From each state: where each cause leads. What is not listed cannot happen there. */
export type Transitions<State extends string> = Readonly<
  Record<State, Readonly<Partial<Record<string, State>>>>
>;

/** Every cause that leads anywhere in a table. */
export type CauseOf<Table extends Transitions<string>> = {
  [State in keyof Table]: keyof Table[State] & string;
}[keyof Table];

/** The state that a cause leads to. @throws ImpossibleState where it cannot happen. */
export function follow<State extends string, Table extends Transitions<State>>(
  table: Table & Transitions<State>,
  step: { readonly from: State; readonly cause: CauseOf<Table> },
): State {
  const { from, cause } = step;
  const to = (table[from] as Readonly<Partial<Record<string, State>>>)[cause];
  if (to === undefined) throw new ImpossibleState(`nothing ${from} can be ${cause}`);
  return to;
}
