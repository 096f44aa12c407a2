// Statements about what cannot be. Where one fails, the fault is ours: the unit of work is stopped.

/** Our own mistake: a state that the code holds to be impossible. */
export class ImpossibleState extends Error {
  override readonly name = 'ImpossibleState';
}

/** @throws ImpossibleState when the condition does not hold. */
export function assert(condition: boolean, statement: string): asserts condition {
  if (!condition) throw new ImpossibleState(statement);
}

/** Closes a `switch` over a union: a variant not handled does not compile. */
export function assertNever(value: never): never {
  throw new ImpossibleState(`unhandled variant ${JSON.stringify(value)}`);
}

/** The first element of what must have one. @throws ImpossibleState when there is none. */
export function first<T>(rows: readonly T[]): T {
  const [row] = rows;
  assert(row !== undefined, 'at least one row');
  return row;
}
