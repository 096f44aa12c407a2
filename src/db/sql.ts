// What stores write SQL with: tagged templates whose values become parameters, on a pool and on one
// transaction. It answers for a transaction's statements running on its own connection or not at
// all. Trying again is left to transaction.ts, connecting to connect.ts.
import { createHash } from 'node:crypto';
import pg from 'pg';
import {
  breaksConnection,
  ConnectionLostError,
  command,
  type Driver,
  end,
  type Lent,
  onSomeConnection,
  run,
  type Statement,
  watchLent,
} from './connection.ts';

/** What a statement may carry as a parameter; PostgreSQL infers its type from the statement. */
export type Value = Scalar | readonly Scalar[] | Fragment;
export type Scalar = string | number | bigint | boolean | Date | Uint8Array | null;

/** Rows of a result; `count` is how many rows the statement returned or changed. */
export type Rows<Row> = readonly Row[] & { readonly count: number };

type AnyRow = Readonly<Record<string, unknown>>;

/** Runs one statement. `Found` is the type of its rows, as an array. */
export interface SqlOrTx {
  <Found extends readonly object[] = readonly AnyRow[]>(
    strings: TemplateStringsArray,
    ...values: readonly Value[]
  ): Promise<Rows<Found[number]>>;
  /** Runs a text of several statements, without parameters. For migrations. */
  script(text: string): Promise<void>;
}

/** A pool: each statement runs on some connection, committed by itself. */
export interface Sql extends SqlOrTx {
  /** One transaction, run once; `inTransaction` is the way to use it. */
  transact<T>(options: TransactOptions, work: (tx: Tx) => Promise<T>): Promise<T>;
  /** How its connections are used at the moment. */
  use(): PoolUse;
  /** Waits a random time, up to so many ms: rivals that come back at once meet again. */
  rest(msMax: number): Promise<void>;
  /** Lets what runs end for some seconds, then closes every connection. Idempotent. */
  end(): Promise<void>;
}

/** Connections of a pool, and who waits for one. */
export interface PoolUse {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
}

/** One transaction. It ends with the work it was made for; later statements are refused. */
export interface Tx extends SqlOrTx {
  readonly isTransaction: true;
  /** The process id that the server gave when this connection was made; a pooler gives one of its own. */
  readonly processId: number | null;
  /**
   * Runs a part that may fail: then only what it did is undone, and the transaction goes on.
   * @throws what the part threw.
   */
  savepoint<T>(work: (inner: Tx) => Promise<T>): Promise<T>;
}

export interface TransactOptions {
  /** What follows `begin`. */
  readonly mode: string;
  /** Settings of this transaction. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** How long the server may leave a statement unanswered, if longer than usual. */
  readonly silenceMs: number | null;
}

/** A part of a statement with its own parameters, to be set into another one. */
export class Fragment {
  readonly strings: readonly string[];
  readonly values: readonly Value[];

  constructor(strings: readonly string[], values: readonly Value[]) {
    this.strings = strings;
    this.values = values;
  }
}

export function fragment(strings: TemplateStringsArray, ...values: readonly Value[]): Fragment {
  return new Fragment(strings, values);
}

/** SQL text of our own that is put together elsewhere; never anything that came from outside. */
export function raw(text: string): Fragment {
  return new Fragment([text], []);
}

/** A name in a statement, quoted. */
export function identifier(name: string): Fragment {
  return new Fragment([pg.escapeIdentifier(name)], []);
}

/** Makes the templates of a pool. */
export function makeSql(driver: Driver): Sql {
  const lentNow = watchLent(driver.pool);
  let ended: Promise<void> | undefined;
  const tagged = (strings: TemplateStringsArray, ...values: readonly Value[]) => {
    return onSomeConnection(driver, null, (lent) => runTemplate(lent, strings, values));
  };
  return Object.assign(tagged, {
    script: (text: string) => {
      return onSomeConnection(driver, null, async (lent) => {
        await command(lent, text);
      });
    },
    transact: <T>(options: TransactOptions, work: (tx: Tx) => Promise<T>) => {
      return onSomeConnection(driver, options.silenceMs, (lent) => transact(lent, options, work));
    },
    rest: driver.rest,
    use: () => useOf(driver),
    end: () => {
      ended ??= end(driver, lentNow);
      return ended;
    },
  }) as Sql;
}

function useOf({ pool }: Driver): PoolUse {
  const { totalCount, idleCount, waitingCount } = pool;
  return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
}

async function runTemplate(
  lent: Lent,
  strings: TemplateStringsArray,
  values: readonly Value[],
): Promise<Rows<AnyRow>> {
  const { rows, count } = await run<AnyRow>(lent, compile(strings, values, lent.prepare));
  return Object.assign(rows, { count });
}

/** A transaction while its work runs. Its statements take turns on the one connection. */
interface Scope {
  isOpen: boolean;
  failure: { readonly error: unknown } | null;
  last: Promise<unknown>;
}

async function transact<T>(
  lent: Lent,
  options: TransactOptions,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  let result: T;
  try {
    await command(lent, beginText(options));
    result = await within(lent, work);
  } catch (error) {
    if (!breaksConnection(error)) {
      await rollBack(lent, error);
    }
    throw error;
  }
  // PostgreSQL answers COMMIT with ROLLBACK where a statement has failed.
  const outcome = await command(lent, 'commit');
  if (outcome !== 'COMMIT') throw new Error(`the transaction was not committed: ${outcome}`);
  return result;
}

/** Fails if one of the statements has, whatever the work made of it: all is lost by then. */
async function within<T>(lent: Lent, work: (tx: Tx) => Promise<T>): Promise<T> {
  const scope: Scope = { isOpen: true, failure: null, last: Promise.resolve() };
  try {
    const result = await work(makeTx(lent, scope));
    await scope.last;
    if (scope.failure !== null) throw scope.failure.error;
    return result;
  } finally {
    scope.isOpen = false;
    await scope.last;
  }
}

function makeTx(lent: Lent, scope: Scope): Tx {
  const inTurn = <T>(statement: () => Promise<T>): Promise<T> => {
    if (!scope.isOpen) {
      return Promise.reject(new Error('the transaction of this statement has ended'));
    }
    const result = scope.last.then(statement);
    scope.last = result.catch((error: unknown) => {
      scope.failure ??= { error };
    });
    return result;
  };
  const tagged = (strings: TemplateStringsArray, ...values: readonly Value[]) => {
    return inTurn(() => runTemplate(lent, strings, values));
  };
  return Object.assign(tagged, {
    isTransaction: true as const,
    processId: lent.processId,
    savepoint: async <T>(work: (inner: Tx) => Promise<T>): Promise<T> => {
      const outcome = await inTurn(() => runInSavepoint(lent, work));
      if ('error' in outcome) throw outcome.error;
      return outcome.result;
    },
    script: (text: string) => {
      return inTurn(async () => {
        await command(lent, text);
      });
    },
  }) as Tx;
}

/** A savepoint: an error undoes the part; one that breaks the connection undoes everything. */
async function runInSavepoint<T>(
  lent: Lent,
  work: (inner: Tx) => Promise<T>,
): Promise<{ result: T } | { error: unknown }> {
  await command(lent, 'savepoint piece');
  try {
    const result = await within(lent, work);
    await command(lent, 'release savepoint piece');
    return { result };
  } catch (error) {
    if (breaksConnection(error)) throw error;
    await command(lent, 'rollback to savepoint piece; release savepoint piece');
    return { error };
  }
}

/** Where the server does not confirm, the connection is closed, which has the same effect. */
async function rollBack(lent: Lent, reason: unknown): Promise<void> {
  try {
    await command(lent, 'rollback');
  } catch {
    throw new ConnectionLostError('no answer to rollback', { cause: reason });
  }
}

function beginText({ mode, settings }: TransactOptions): string {
  const set = Object.entries(settings).map(([name, value]) => `; set local ${name} = '${value}'`);
  return `begin ${mode}${set.join('')}`;
}

/** Texts of templates without fragments, with the name each is prepared under. */
const compiled = new WeakMap<TemplateStringsArray, { name: string; text: string }>();

/** The statement that a template with its values makes. */
export function compile(
  strings: TemplateStringsArray,
  values: readonly Value[],
  prepare: boolean,
): Statement {
  // The same template may be given a fragment at one time and a value at another.
  const hasFragments = values.some((value) => value instanceof Fragment);
  const known = hasFragments ? undefined : compiled.get(strings);
  if (known !== undefined) {
    const { name, text } = known;
    return prepare ? { name, text, values } : { text, values };
  }
  const flat: Value[] = [];
  const text = flatten(strings, values, flat);
  const name = createHash('sha1').update(text).digest('base64url');
  if (!hasFragments) compiled.set(strings, { name, text });
  return prepare ? { name, text, values: flat } : { text, values: flat };
}

function flatten(strings: readonly string[], values: readonly Value[], flat: Value[]): string {
  let text = strings[0] ?? '';
  for (const [i, value] of values.entries()) {
    if (value instanceof Fragment) {
      text += flatten(value.strings, value.values, flat);
    } else {
      flat.push(value);
      text += `$${flat.length}`;
    }
    text += strings[i + 1] ?? '';
  }
  return text;
}
