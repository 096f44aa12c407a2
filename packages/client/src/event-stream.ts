// The events of a client as they happen: one stream after the other, each of which goes on where the one
// before ended.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from './call.ts';
import type { EventGap } from './contract.ts';
import type { StreamQuery } from './control.ts';
import { LogGapError } from './errors.ts';
import type { LoggedEvent } from './events.ts';
import type { StreamBody } from './exchange.ts';

/** An event, and its place in the log: once you have made sure of it, write `cursor` down. */
export interface StreamedEvent {
  readonly cursor: string;
  readonly event: LoggedEvent;
}

/** Three times the silence that the service keeps at most, in ms. */
const silenceMsMax = 30_000;
/** Wait before a stream that ended is opened again, in ms; at random from a half to the whole of it. */
const pauseMs = 1_000;
/** Characters of one message: the event of a liquidation of 5,000 orders has half a million. */
const messageLengthMax = 16 * 1024 * 1024;

/** Loop over it once: `for await (const { cursor, event } of client.stream({}, signal))`. */
export class EventStream implements AsyncIterable<StreamedEvent> {
  readonly #caller: Caller;
  readonly #query: StreamQuery;
  readonly #signal: AbortSignal;
  #cursor: string | undefined;

  constructor(caller: Caller, query: StreamQuery, signal: AbortSignal) {
    this.#caller = caller;
    this.#query = query;
    this.#signal = signal;
    this.#cursor = query.after;
  }

  /** The place behind which the next connection goes on; undefined before the first. */
  get cursor(): string | undefined {
    return this.#cursor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamedEvent, void, undefined> {
    for (;;) {
      yield* this.#once();
      const wait = pauseMs * (0.5 + Math.random() / 2);
      await sleep(wait, undefined, { signal: this.#signal }).catch(() => {});
      this.#signal.throwIfAborted();
    }
  }

  /** One connection, until one side ends it or it is silent for too long. */
  async *#once(): AsyncGenerator<StreamedEvent, void, undefined> {
    const { after: _, ...query } = this.#query;
    const broken = new AbortController();
    const signal = AbortSignal.any([this.#signal, broken.signal]);
    const place = this.#cursor === undefined ? {} : { 'last-event-id': this.#cursor };
    const headers = { accept: 'text/event-stream', ...place };
    const body = await this.#caller.open({
      method: 'GET',
      target: '/stream',
      query,
      headers,
      signal,
    });
    let watch: NodeJS.Timeout | undefined;
    const hear = () => {
      clearTimeout(watch);
      watch = setTimeout(() => broken.abort(), silenceMsMax);
    };
    try {
      hear();
      for await (const message of messagesOf(body, hear)) {
        // While its event is looked at, nothing is expected.
        clearTimeout(watch);
        const event = eventOf(message);
        if (event !== undefined) yield { cursor: message.id ?? '', event };
        this.#cursor = message.id ?? this.#cursor;
        hear();
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      // What breaks off is opened again; the rest is for the caller.
      if (error instanceof LogGapError || error instanceof MessageError) throw error;
    } finally {
      clearTimeout(watch);
      broken.abort();
    }
  }
}

/** What came is no stream of this service. */
class MessageError extends Error {
  override readonly name = 'MessageError';
}

interface Message {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

/** The event of a message; undefined for one that only says the offset, or why the stream ends. */
function eventOf({ type, data }: Message): LoggedEvent | undefined {
  if (type === 'gap') throw new LogGapError(JSON.parse(data) as EventGap);
  if (type !== 'message' || data === '') return undefined;
  return JSON.parse(data) as LoggedEvent;
}

/** Server-sent events of a body, as the HTML standard reads them. */
async function* messagesOf(body: StreamBody, hear: () => void): AsyncGenerator<Message> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    hear();
    text += decoder.decode(chunk, { stream: true });
    if (text.length > messageLengthMax)
      throw new MessageError('A message of the stream is too long.');
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    for (const block of blocks) yield messageOf(block);
  }
}

function messageOf(block: string): Message {
  let id: string | undefined;
  let type = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
    if (name === 'id') id = value;
    if (name === 'event') type = value;
    if (name === 'data') data.push(value);
  }
  return { id, type, data: data.join('\n') };
}
