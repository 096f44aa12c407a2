// The bytes of one connection: what has come and was not read yet, and what is written, with bounds on
// both. It knows nothing of messages.

import type { Duplex } from 'node:stream';
import { explain } from './open-socket.ts';

/** Bytes that wait to be read before the socket is stopped. */
const unreadBytesMax = 1_024 * 1_024;
/** How long bytes may wait to leave, in ms: while the session lives, and at its end. */
const flushMsMax = 10_000;
const closeMsMax = 1_000;

export class Wire {
  readonly #socket: Duplex;
  #chunks: Buffer[] = [];
  #unreadBytes = 0;
  #lost: string | undefined;

  /** @param onNews called when there is something to read, or the connection is lost. */
  constructor(socket: Duplex, onNews: () => void) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#unreadBytes += chunk.length;
      if (this.#unreadBytes > unreadBytesMax) socket.pause();
      onNews();
    });
    const lose = (reason: string) => {
      this.#lost ??= reason;
      onNews();
    };
    socket.on('error', (error) => lose(`the connection broke: ${explain(error)}`));
    socket.on('close', () => lose('the venue closed the connection'));
  }

  get hasUnread(): boolean {
    return this.#chunks.length > 0;
  }

  /** Why nothing will come any more; undefined as long as something may. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** What has come since the last time. */
  read(): readonly Buffer[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#unreadBytes = 0;
    this.#socket.resume();
    return chunks;
  }

  /** Returns once the socket takes more; a venue that reads nothing loses the connection. */
  async write(bytes: Buffer): Promise<void> {
    const socket = this.#socket;
    if (bytes.length === 0 || socket.destroyed || socket.write(bytes)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      this.#lost ??= 'the venue reads nothing';
      socket.destroy();
    }, flushMsMax);
    socket.once('drain', resolve);
    socket.once('close', resolve);
    await promise;
    clearTimeout(timer);
  }

  /** Lets what was written leave, for a moment, and ends the connection. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (!socket.destroyed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once('close', resolve);
      socket.end(resolve);
      const timer = setTimeout(resolve, closeMsMax);
      await promise;
      clearTimeout(timer);
    }
    socket.destroy();
  }
}
