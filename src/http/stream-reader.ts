// One reader of a stream of events: its place in the log, and a buffer of bounded size. Who feeds it is
// event-streams.ts.

import { Readable } from 'node:stream';
import type { BatchId } from '../batches/batch.ts';
import type { Stopwatch } from '../clock.ts';
import type { LogRead } from '../deliveries/log-store.ts';
import type { LiquidationId, TenantId } from '../ids.ts';
import { stream as limits } from '../limits.ts';
import { type ChangePart, changeParts } from '../metrics/changes-store.ts';
import { isByName, type LoggedEvent } from '../webhooks/webhook.ts';
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
  /** Only events of this liquidation or batch; undefined: all of the tenant that are published. */
  readonly subject: LiquidationId | BatchId | undefined;
  readonly after: number;
  /** Whether it also gets the changes that no event of the log reports. */
  readonly changes: boolean;
  /** Said first where the log has dropped what follows the reader's place. */
  readonly gap: { readonly after: string; readonly up_to: string } | undefined;
  /** Whether the reader may still read. */
  readonly holds: () => Promise<boolean>;
}

interface Watching {
  readonly wants: (reader: Reader) => void;
  readonly closed: (reader: Reader) => void;
}

/** One stream: its place in the log, and a buffer of `bufferBytesMax`. */
export class Reader extends Readable {
  readonly tenantId: TenantId;
  readonly holds: () => Promise<boolean>;
  /** Whether a sender is about to give it something. */
  isServed = false;
  readonly wantsChanges: boolean;
  /** What has changed and was not reported yet. */
  readonly #changed = new Set<ChangePart>(changeParts);
  readonly #subject: StreamAsked['subject'];
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
    this.wantsChanges = asked.changes;
    this.#subject = asked.subject;
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
      this.#give(this.#subject === undefined ? part.text : this.#own(part.events));
    }
    if (this.isReady) this.#readTo = page.readTo;
  }

  /** Says that the stream lives, and how far it is, where nothing else was said for a while. */
  beat(): void {
    if (this.isReady && this.#silentMs >= limits.heartbeatMs) {
      this.#give(`: heartbeat\nid: ${toCursor(this.#readTo)}\n\n`);
    }
  }

  /** Says which parts have changed, once there is room for it. */
  tellChanged(parts: readonly ChangePart[]): void {
    for (const part of parts) this.#changed.add(part);
    if (this.#changed.size === 0 || !this.isReady) return;
    this.#give(`event: changed\ndata: ${JSON.stringify({ parts: [...this.#changed] })}\n\n`);
    this.#changed.clear();
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
    const own = events.filter(({ liquidationId }) => liquidationId === this.#subject);
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
  /** Those that are published; shared by all readers that get the whole log. */
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
    const published = events.filter(({ type }) => !isByName(type));
    const text = Buffer.from(published.map(textOf).join(''));
    made.push({ events, text, upTo: event.offset });
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
