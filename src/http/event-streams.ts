// Streams of events (server-sent events): what is logged for a tenant goes out to its readers as it is
// logged. The readers of a process share one reading of each log. A reader holds a buffer of bounded size and
// its place in the log: one that does not read takes no more, and is disconnected in the end.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Readable } from 'node:stream';
import type { Clock, Stopwatch } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { LogPages, readHeads, readLogs } from '../deliveries/log-store.ts';
import type { TenantId } from '../ids.ts';
import { stream as limits } from '../limits.ts';
import { type ChangeState, changeParts, readChangeStates } from '../metrics/changes-store.ts';
import { Refusal } from '../refusal.ts';
import { Loop, type LoopLog } from '../work/loop.ts';
import { Reader, type StreamAsked } from './stream-reader.ts';

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
  /** Where each part stood when it was looked at, of the tenants whose readers want to know. */
  #states: ReadonlyMap<TenantId, ChangeState> = new Map();
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
      loop('stream_changes', () => this.#tellChanges(), limits.changesEveryMs),
      loop('stream_tokens', () => this.#checkTokens(), limits.tokenCheckEveryMs),
    ];
  }

  get count(): number {
    return this.#count;
  }

  start(): void {
    for (const loop of this.#loops) loop.start();
  }

  /** Says to every reader that the process stops. Idempotent. */
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

  /** Reports to readers which parts have changed; those that are new, all of them: it may have been just before. */
  async #tellChanges(): Promise<number> {
    const readers = [...this.#all()].filter(({ wantsChanges }) => wantsChanges);
    const tenantIds = [...new Set(readers.map(({ tenantId }) => tenantId))];
    const { sql, clock } = this.#options;
    const before = this.#states;
    this.#states =
      tenantIds.length === 0
        ? new Map()
        : await readChangeStates(sql, { tenantIds, now: clock.now() });
    for (const reader of readers) {
      const [known, state] = [before, this.#states].map((all) => all.get(reader.tenantId));
      reader.tellChanged(changeParts.filter((part) => known?.[part] !== state?.[part]));
    }
    return 0;
  }

  async #checkTokens(): Promise<number> {
    for (const reader of this.#all()) {
      if (!(await reader.holds())) reader.finish('token_ended');
    }
    return 0;
  }
}
