// What stores write SQL with: tagged templates whose values become parameters, on a pool and on one
// transaction. It answers for a transaction's statements running on its own connection or not at all.
// Trying again is left to transaction.ts, connecting to connect.ts.
import { createHash } from 'node:crypto';
import pg from 'pg';

/** What a statement may carry as a parameter; PostgreSQL infers its type from the statement. */
export type Value = Scalar | readonly Scalar[] | Fragment;
type Scalar = string | number | bigint | boolean | Date | Uint8Array | null;

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
  /** Lets what runs end for some seconds, then closes every connection. Idempotent. */
  end(): Promise<void>;
}

/** One transaction. It ends with the work it was made for; later statements are refused. */
export interface Tx extends SqlOrTx {
  readonly isTransaction: true;
}

export type TransactOptions = {
  /** What follows `begin`. */
  readonly mode: string;
  /** Settings of this transaction. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** How long the server may leave a statement unanswered, if longer than usual. */
  readonly silenceMs: number | null;
};

/** The connection broke, or none could be had: whether the statement took effect is not known. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
  readonly code = 'CONNECTION_LOST';
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

type Statement = { readonly name?: string; readonly text: string; readonly values: Scalar[] };

export type Driver = {
  readonly pool: pg.Pool;
  /** Whether statements are prepared by name, once for each connection. */
  readonly prepare: boolean;
  /** How long what runs may go on after `end`. */
  readonly closeMs: number;
};

/** A connection lent to one user of it. */
type Lent = {
  readonly client: pg.PoolClient;
  readonly prepare: boolean;
  readonly silenceMs: number | null;
};

/** Makes the templates of a pool. */
export function makeSql(driver: Driver): Sql {
  const lentClients = new Set<pg.PoolClient>();
  driver.pool.on('acquire', (client) => lentClients.add(client));
  driver.pool.on('release', (_error, client) => lentClients.delete(client));
  let ended: Promise<void> | undefined;
  const tagged = async (strings: TemplateStringsArray, ...values: readonly Value[]) => {
    return onSomeConnection(driver, null, (lent) => run(lent, strings, values));
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
    end: () => {
      ended ??= end(driver, lentClients);
      return ended;
    },
  }) as Sql;
}

/** Lends a connection. One that broke, or whose state nobody knows, is closed afterwards. */
async function onSomeConnection<T>(
  { pool, prepare }: Driver,
  silenceMs: number | null,
  work: (lent: Lent) => Promise<T>,
): Promise<T> {
  const client = await acquire(pool);
  let isUsable = false;
  try {
    const result = await work({ client, prepare, silenceMs });
    isUsable = true;
    return result;
  } catch (error) {
    isUsable = !breaksConnection(error);
    throw error;
  } finally {
    client.release(!isUsable);
  }
}

async function acquire(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw named(error);
  }
}

async function end({ pool, closeMs }: Driver, lent: ReadonlySet<pg.PoolClient>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const breakOff = async () => {
    await Promise.all([...lent].map((client) => client.end()));
    late.resolve();
  };
  const timer = setTimeout(() => breakOff().catch(late.reject), closeMs);
  try {
    await Promise.race([pool.end(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function run(
  { client, prepare, silenceMs }: Lent,
  strings: TemplateStringsArray,
  values: readonly Value[],
): Promise<Rows<AnyRow>> {
  try {
    const statement = compile(strings, values, prepare);
    const { rows, rowCount } = await client.query<AnyRow>({ ...statement, ...patience(silenceMs) });
    return Object.assign(rows, { count: rowCount ?? 0 });
  } catch (error) {
    throw named(error);
  }
}

/** Sends one of our own statements. @returns what the server calls it, such as `COMMIT`. */
async function command({ client, silenceMs }: Lent, text: string): Promise<string> {
  try {
    const results: pg.QueryResult | pg.QueryResult[] = await client.query({
      text,
      ...patience(silenceMs),
    });
    const last = Array.isArray(results) ? results.at(-1) : results;
    return last?.command ?? '';
  } catch (error) {
    throw named(error);
  }
}

function patience(silenceMs: number | null) {
  return silenceMs === null ? {} : { query_timeout: silenceMs };
}

/** Whatever is no answer of the server is trouble of the connection. */
function named(error: unknown): unknown {
  if (error instanceof pg.DatabaseError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new ConnectionLostError(`the database does not answer: ${reason}`, { cause: error });
}

/**
 * True for errors after which a connection is of no more use. The word for how severe an error is
 * comes in the server's language, so the codes with which PostgreSQL ends sessions count as well.
 */
function breaksConnection(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const { code = '', severity } = error;
    return severity === 'FATAL' || severity === 'PANIC' || sessionEnds.test(code);
  }
  return error instanceof ConnectionLostError;
}

// 08 connection, 25006 a server that is no primary any more, 25P03 and 25P04 time in a transaction,
// 57P01 to 57P05 shutdown, crash, dropped database, idle session.
const sessionEnds = /^(?:08...|25006|25P0[34]|57P0[1-5])$/;

/** A transaction while its work runs. Its statements take turns on the one connection. */
type Scope = {
  isOpen: boolean;
  failure: { readonly error: unknown } | null;
  last: Promise<unknown>;
};

async function transact<T>(
  lent: Lent,
  options: TransactOptions,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  await command(lent, beginText(options));
  let result: T;
  try {
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
    return inTurn(() => run(lent, strings, values));
  };
  return Object.assign(tagged, {
    isTransaction: true as const,
    script: (text: string) => {
      return inTurn(async () => {
        await command(lent, text);
      });
    },
  }) as Tx;
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

function compile(
  strings: TemplateStringsArray,
  values: readonly Value[],
  prepare: boolean,
): Statement {
  const known = compiled.get(strings);
  if (known !== undefined) {
    const { name, text } = known;
    const plain = values as readonly Scalar[];
    return prepare ? { name, text, values: [...plain] } : { text, values: [...plain] };
  }
  const flat: Scalar[] = [];
  const text = flatten(strings, values, flat);
  const name = createHash('sha1').update(text).digest('base64url');
  const hasFragments = values.some((value) => value instanceof Fragment);
  if (!hasFragments) compiled.set(strings, { name, text });
  return prepare ? { name, text, values: flat } : { text, values: flat };
}

function flatten(strings: readonly string[], values: readonly Value[], flat: Scalar[]): string {
  let text = strings[0] ?? '';
  for (const [i, value] of values.entries()) {
    if (value instanceof Fragment) {
      text += flatten(value.strings, value.values, flat);
    } else {
      flat.push(value as Scalar);
      text += `$${flat.length}`;
    }
    text += strings[i + 1] ?? '';
  }
  return text;
}
