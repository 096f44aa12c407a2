// Takes messages of the venue in: in one commit they count, orders change, and reports are added for
// the service. Nothing is answered before.

import type { Sql } from '../../db/connect.ts';
import { againAfterConflict } from '../../db/transaction.ts';
import { encodeFields, type FixMessage } from './codec.ts';
import type { Effect } from './effects.ts';
import { numberIn } from './header.ts';
import { findSentAs, type InMessage, recordIn } from './message-store.ts';
import { conclude, type FixOrder, type NewReport, type Surroundings } from './order.ts';
import { findOrdersNamed } from './order-store.ts';
import type { VersionTerms } from './profile.ts';
import { type Reading, readMessage, readRejection } from './reading.ts';
import type { Writer } from './session-store.ts';

export type Received = Extract<Effect, { type: 'receive' }>;

/** What came of a run of messages. */
export interface Taken {
  /** Orders that are committed as they are here. */
  readonly changed: readonly FixOrder[];
  /** What a person should look at. */
  readonly problems: readonly string[];
}

interface Book {
  readonly orders: Map<string, FixOrder>;
  readonly changed: Set<string>;
  readonly executions: Map<string, Map<string, string>>;
  readonly reports: (NewReport & { readonly name: string })[];
}

/**
 * Receives messages that follow each other, `from` being the number expected so far.
 * @throws SessionLostError where another process writes the session.
 */
export function receiveMessages(
  sql: Sql,
  writer: Writer,
  run: {
    received: readonly Received[];
    from: number;
    terms: VersionTerms;
    /** The venue cancels orders where the connection breaks. */
    cancelsByItself: boolean;
    now: Date;
  },
): Promise<Taken> {
  const { received, from, terms, cancelsByItself, now } = run;
  const around = { day: writer.day, cancelsByItself };
  const to = received.at(-1)?.next ?? from;
  const readings = received.map(({ message, fault }) => {
    return fault === undefined ? readMessage(message, terms) : undefined;
  });
  // Only the writer of a session changes orders that were sent: what is read here still holds when it is
  // written, or the number expected has moved and nothing is.
  return againAfterConflict(sql, async () => {
    const rejections = received.flatMap(({ message }) => readRejection(message) ?? []);
    const rejected = await findSentAs(sql, writer, rejections);
    const names = [...readings.flatMap((one) => one?.names ?? []), ...rejected.values()];
    const book = await openBook(sql, { venue: writer.venue, names });
    const messages = received.map((one, i): InMessage => {
      const { message, fault } = one;
      const problem = fault
        ? `rejected: field ${fault.tag ?? '?'} (reason ${fault.reason})`
        : (take(book, readings[i], around) ?? takeRejection(book, message, rejected));
      return {
        message,
        number: numberIn(message, 34) ?? 0,
        fields: encodeFields(message.fields),
        clientOrderId: nameIn(book, readings[i]),
        problem,
      };
    });
    const orders = [...book.changed].flatMap((name) => book.orders.get(name) ?? []);
    const reports = book.reports.flatMap(({ name, ...report }) => {
      const order = book.orders.get(name);
      return order === undefined ? [] : { ...report, order };
    });
    await recordIn(sql, writer, { from, to, messages, orders, reports, now });
    const problems = messages.flatMap(({ message, number, problem }) => {
      return problem === undefined ? [] : `message ${number} (35=${message.type}): ${problem}`;
    });
    return { changed: orders, problems };
  });
}

async function openBook(sql: Sql, of: { venue: string; names: readonly string[] }): Promise<Book> {
  const book: Book = {
    orders: new Map(),
    changed: new Set(),
    executions: new Map(),
    reports: [],
  };
  for (const [name, { order, executions }] of await findOrdersNamed(sql, of)) {
    book.orders.set(name, order);
    book.executions.set(name, new Map(executions));
  }
  return book;
}

function nameIn(book: Book, reading: Reading | undefined): string | undefined {
  return reading?.names.find((name) => book.orders.has(name));
}

/** @returns what a person should look at. */
function take(
  book: Book,
  reading: Reading | undefined,
  around: Omit<Surroundings, 'executions'>,
): string | undefined {
  if (reading === undefined) return undefined;
  const name = nameIn(book, reading);
  const order = name === undefined ? undefined : book.orders.get(name);
  if (name === undefined || order === undefined) {
    return `no order of ours is named ${reading.names.join(' or ') || 'in it'}`;
  }
  const executions = book.executions.get(name) ?? new Map<string, string>();
  const conclusion = conclude(order, reading, { ...around, executions });
  if (conclusion.order !== order) {
    book.orders.set(name, conclusion.order);
    book.changed.add(name);
  }
  for (const report of conclusion.reports) {
    book.reports.push({ ...report, name });
    const { event, execId } = report;
    if (execId === undefined || !('trade' in event)) continue;
    book.executions.set(name, executions.set(execId, event.trade.venueExecutionId));
  }
  return conclusion.problems.length === 0 ? undefined : conclusion.problems.join('; ');
}

/** A new order that the venue could not even read is rejected for good. */
function takeRejection(
  book: Book,
  message: FixMessage,
  rejected: ReadonlyMap<number, string>,
): string | undefined {
  const rejection = readRejection(message);
  if (rejection === undefined) return undefined;
  const name = rejected.get(rejection.number);
  const order = name === undefined ? undefined : book.orders.get(name);
  const text = `our message ${rejection.number} was rejected: ${rejection.reason}`;
  if (name === undefined || order?.status !== 'SENT') return text;
  const { reason } = rejection;
  book.orders.set(name, { ...order, status: 'DONE', rejection: { reason, isTemporary: false } });
  book.changed.add(name);
  return text;
}
