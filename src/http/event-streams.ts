// Streams of events (server-sent events): what is logged for a tenant goes out to its readers as it is
// logged. The readers of a process share one reading of each log. A reader holds a buffer of bounded size and
// its place in the log: one that does not read takes no more, and is disconnected in the end.

import { AsyncLocalStorage } from 'node:async_hooks';
import { Readable } from 'node:stream';
import type { Clock, Stopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { LogPages, type LogRead, readHeads, readLogs } from '../deliveries/log-store.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { stream as limits } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import type { LoggedEvent } from '../webhooks/webhook.ts';
import { Loop, type LoopLog } from '../work/loop.ts';
import { toCursor } from './cursor.ts';

/** Why the service ends a stream. A reader goes on from its last id. */
const ends = {
  shutting_down: 'The process stops. Connect again: another one goes on from your last id.',
  token_ended: 'The access token has expired or was withdrawn. Connect again with another one.',
  slow_reader: 'Nothing was read for too long. Connect again with your last id.',
} as const;

type EndReason = keyof typeof ends;

/** What a reader wants, and from where. */
export interface StreamAsked {
  readonly tenantId: TenantId;
  /** Only events of this liquidation; undefined: all of the tenant. */
  readonly liquidationId: LiquidationId | undefined;
  readonly after: number;
  /** Said first where the log has dropped what follows the reader's place. */
  readonly gap: { readonly after: string; readonly up_to: string } | undefined;
  /** Whether the reader may still read. */
  readonly holds: () => Promise<boolean>;
}

export interface StreamsOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly stopwatch: Stopwatch;
  readonly log: LoopLog;
}

/** The readers of one process. */
export class EventStreams {
  readonly #options: StreamsOptions;
  readonly #readers = new Map<TenantId, Set<Reader>>();
  readonly #heads = new Map<TenantId, number>();
  readonly #pages: LogPages;
  readonly #loops: readonly Loop[];
  /** What goes on after a request must not end with the deadline of the request. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #count = 0;
  #isStopping = false;

  constructor(options: StreamsOptions) {
    const { sql, clock, log } = options;
    this.#options = options;
    this.#pages = new LogPages(async (asked) => {
      const [read] = await readLogs(sql, [asked]);
      return read ?? { events: [], readTo: asked.after, head: asked.after };
    }, limits.pageEventsMax);
    const loop = (name: string, step: () => Promise<number>, ms: number) => {
      return new Loop({ name, step, clock, log, idleMs: { first: ms, longest: ms } });
    };
    this.#loops = [
      loop('stream', () => this.#look(), limits.lookEveryMs),
      loop('stream_tokens', () => this.#checkTokens(), limits.tokenCheckEveryMs),
    ];
  }

  get count(): number {
    return this.#count;
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /** Tells every reader that the process stops. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const reader of this.#all()) reader.finish('shutting_down');
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  /** Begins a stream. @throws Refusal `service_unavailable` where there are too many. */
  open(asked: StreamAsked): Readable {
    const own = this.#readers.get(asked.tenantId) ?? new Set<Reader>();
    if (this.#count >= limits.readersMax || own.size >= limits.readersOfTenantMax) {
      const detail = 'Too many streams are open; GET /events reads the same log.';
      throw new Refusal('service_unavailable', detail, { headers: { 'retry-after': '10' } });
    }
    const reader = new Reader(asked, this.#options.stopwatch, {
      // What cannot be read now is read when the loop looks again.
      wants: (one) => void this.#outside(() => this.#serve(one)).catch(() => {}),
      closed: (one) => {
        if (!own.delete(one)) return;
        this.#count -= 1;
        if (own.size === 0) this.#readers.delete(asked.tenantId);
      },
    });
    own.add(reader);
    this.#readers.set(asked.tenantId, own);
    this.#count += 1;
    // It reads the log up to here by itself, and with the others from then on.
    const head = Math.max(this.#heads.get(asked.tenantId) ?? 0, asked.after);
    this.#heads.set(asked.tenantId, head);
    this.#loops[0]?.wake();
    if (this.#isStopping) reader.finish('shutting_down');
    return reader;
  }

  *#all(): Generator<Reader> {
    for (const own of this.#readers.values()) yield* [...own];
  }

  /** Looks where the logs of all that are read end, and serves who is behind. */
  async #look(): Promise<number> {
    const tenantIds = [...this.#readers.keys()];
    for (const known of this.#heads.keys()) {
      if (!this.#readers.has(known)) this.#heads.delete(known);
    }
    if (tenantIds.length === 0) return 0;
    for (const [tenantId, { head }] of await readHeads(this.#options.sql, tenantIds)) {
      this.#heads.set(tenantId, head);
    }
    const served = [...this.#all()].map((reader) => {
      if (reader.isStalled) reader.finish('slow_reader');
      return this.#serve(reader);
    });
    await Promise.all(served);
    for (const reader of this.#all()) reader.beat();
    return 0;
  }

  /** Gives a reader what there is for it, as long as it takes it. */
  async #serve(reader: Reader): Promise<void> {
    if (reader.isServed) return;
    reader.isServed = true;
    try {
      const head = () => this.#heads.get(reader.tenantId) ?? 0;
      while (reader.isReady && reader.readTo < head()) {
        const page = await this.#pages.next(reader.tenantId, reader.readTo);
        if (page.readTo <= reader.readTo) return;
        reader.takePage(page);
      }
    } finally {
      reader.isServed = false;
    }
  }

  async #checkTokens(): Promise<number> {
    for (const reader of this.#all()) {
      if (!(await reader.holds())) reader.finish('token_ended');
    }
    return 0;
  }
}

interface Watching {
  readonly wants: (reader: Reader) => void;
  readonly closed: (reader: Reader) => void;
}

/** One stream: its place in the log, and a buffer of `bufferBytesMax`. */
class Reader extends Readable {
  readonly tenantId: TenantId;
  readonly holds: () => Promise<boolean>;
  /** Whether somebody is about to give it something. */
  isServed = false;
  readonly #liquidationId: LiquidationId | undefined;
  readonly #stopwatch: Stopwatch;
  readonly #watching: Watching;
  #readTo: number;
  #isFull = false;
  #sentAtMs: number;
  #isFinished = false;

  constructor(asked: StreamAsked, stopwatch: Stopwatch, watching: Watching) {
    super({ highWaterMark: limits.bufferBytesMax });
    this.tenantId = asked.tenantId;
    this.holds = asked.holds;
    this.#liquidationId = asked.liquidationId;
    this.#readTo = asked.after;
    this.#stopwatch = stopwatch;
    this.#watching = watching;
    this.#sentAtMs = stopwatch.elapsedMs();
    const gap = asked.gap ? `event: gap\ndata: ${JSON.stringify(asked.gap)}\n\n` : '';
    this.#give(`retry: ${limits.retryMs}\nid: ${toCursor(asked.after)}\n\n${gap}`);
  }

  /** Everything up to here was given, or is not for it. */
  get readTo(): number {
    return this.#readTo;
  }

  get isReady(): boolean {
    return !this.#isFull && !this.#isFinished && !this.destroyed;
  }

  /** It has room for nothing, and for too long. */
  get isStalled(): boolean {
    return this.#isFull && this.#silentMs > limits.stalledMs;
  }

  get #silentMs(): number {
    return this.#stopwatch.elapsedMs() - this.#sentAtMs;
  }

  override _read(): void {
    this.#isFull = false;
    this.#watching.wants(this);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#isFinished = true;
    this.#watching.closed(this);
    done(error);
  }

  /** Takes of a page what it has room for. */
  takePage(page: LogRead): void {
    for (const part of partsOf(page)) {
      if (!this.isReady) return;
      this.#readTo = part.upTo;
      this.#give(this.#liquidationId === undefined ? part.text : this.#own(part.events));
    }
    if (this.isReady) this.#readTo = page.readTo;
  }

  /** Says that the stream lives, and how far it is, where nothing else was said for a while. */
  beat(): void {
    if (this.isReady && this.#silentMs >= limits.heartbeatMs) {
      this.#give(`: heartbeat\nid: ${toCursor(this.#readTo)}\n\n`);
    }
  }

  /** Ends the stream and says why. */
  finish(reason: EndReason): void {
    if (this.#isFinished) return;
    this.#give(`event: end\ndata: ${JSON.stringify({ reason, detail: ends[reason] })}\n\n`);
    this.#isFinished = true;
    this.push(null);
    this.#watching.closed(this);
  }

  #own(events: readonly LoggedEvent[]): string {
    const own = events.filter(({ liquidationId }) => liquidationId === this.#liquidationId);
    return own.map(textOf).join('');
  }

  #give(text: string | Buffer): void {
    if (text.length === 0) return;
    this.#sentAtMs = this.#stopwatch.elapsedMs();
    this.#isFull = !this.push(text);
  }
}

/** Events of a page that go out together. */
interface Part {
  readonly events: readonly LoggedEvent[];
  /** Shared by all readers that get the whole log. */
  readonly text: Buffer;
  readonly upTo: number;
}

const parts = new WeakMap<LogRead, readonly Part[]>();

/** A page in parts of about `partBytes`, made once for all its readers. */
function partsOf(page: LogRead): readonly Part[] {
  const known = parts.get(page);
  if (known !== undefined) return known;
  const made: Part[] = [];
  let events: LoggedEvent[] = [];
  let bytes = 0;
  for (const [i, event] of page.events.entries()) {
    events.push(event);
    bytes += event.bytes;
    if (bytes < limits.partBytes && i < page.events.length - 1) continue;
    made.push({ events, text: Buffer.from(events.map(textOf).join('')), upTo: event.offset });
    [events, bytes] = [[], 0];
  }
  parts.set(page, made);
  return made;
}

const webhookId = ',"webhook_id":"';

/** An event as `GET /events` shows it, with its place in the log as its id. */
function textOf({ offset, text }: LoggedEvent): string {
  return `id: ${toCursor(offset)}\ndata: ${text.slice(0, -webhookId.length)}}\n\n`;
}
