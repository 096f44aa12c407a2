// Lets a receiver say 100 before its response, which the request has not asked for. RFC 9110 15.2 has a
// client pass over every such interim response; undici 8 passes over all of them but 100, for which it
// breaks the connection. So the bytes of a 100 are read as those of a 103. A 101 leads to another
// protocol: the request fails, under a name of its own.

import type { Socket } from 'node:net';

/** The receiver changes to a protocol that was not asked for, and never comes to a response. */
class UnaskedUpgradeError extends Error {
  override readonly name = 'UnaskedUpgradeError';
  readonly code = 'UNASKED_UPGRADE';
}

/** Up to the last digit of the status: `HTTP/1.1 100`. */
const startLength = 12;
const isContinue = /^HTTP\/1\.[01] 100$/;
const isUpgrade = /^HTTP\/1\.[01] 101$/;
const isInterim = /^HTTP\/1\.[01] 1/;
/** A parser takes this for the last response of its connection, so it is read as one of HTTP/1.1. */
const oldInterim = 'HTTP/1.0 1';
const digit1 = '1'.charCodeAt(0);
const digit3 = '3'.charCodeAt(0);
/** CR LF CR LF: an interim response has no body, what follows is the next response. */
const endOfHead = 0x0d0a0d0a;

/** Follows the bytes of a connection as far as the head of a response is being read. */
class HeadReader {
  #start = '';
  #lastFour = 0;
  #isBehindHead = false;
  /** The first bytes of what may be an interim response of HTTP/1.0. */
  #held: Buffer = Buffer.alloc(0);

  /** A request is sent: the next byte that comes begins a response. */
  expect(): void {
    if (!this.#isBehindHead) return;
    this.#isBehindHead = false;
    this.#start = '';
    this.#lastFour = 0;
  }

  /** Changes a 100 to a 103. @returns what is known of it by now; undefined: there is a 101. */
  read(chunk: Buffer): Buffer | undefined {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = bytes.subarray(0, 0);
    for (const [i, byte] of bytes.entries()) {
      if (this.#isBehindHead) return bytes;
      this.#lastFour = ((this.#lastFour << 8) | byte) >>> 0;
      if (this.#start.length < startLength) {
        this.#start += String.fromCharCode(byte);
        if (this.#start.length < startLength) continue;
        if (isUpgrade.test(this.#start)) return undefined;
        if (isContinue.test(this.#start)) bytes[i] = digit3;
        this.#isBehindHead = !isInterim.test(this.#start);
        if (this.#start.startsWith(oldInterim)) bytes[i - 4] = digit1;
      } else if (this.#lastFour === endOfHead) {
        this.#start = '';
      }
    }
    return this.#holdBack(bytes);
  }

  /** Keeps a beginning that is not known yet for the next time. */
  #holdBack(bytes: Buffer): Buffer {
    const start = this.#start;
    const isOpen = start !== '' && start.length < startLength && !this.#isBehindHead;
    if (!isOpen || !(oldInterim.startsWith(start) || start.startsWith(oldInterim))) return bytes;
    const from = bytes.length - start.length;
    this.#start = '';
    this.#held = bytes.subarray(from);
    return bytes.subarray(0, from);
  }
}

/** Makes a connection to a receiver pass over 100, and fail at 101. */
export function passOverInterim(socket: Socket): void {
  const reader = new HeadReader();
  const read = socket.read.bind(socket);
  const write = socket.write.bind(socket) as (...given: readonly unknown[]) => boolean;
  Object.assign(socket, {
    read: (size?: number): unknown => {
      const chunk: unknown = read(size);
      if (!(chunk instanceof Buffer)) return chunk;
      const known = reader.read(chunk);
      if (known === undefined) {
        socket.destroy(new UnaskedUpgradeError('the receiver changes its protocol'));
      }
      return known === undefined || known.length === 0 ? null : known;
    },
    write: (...given: readonly unknown[]): boolean => {
      reader.expect();
      return write(...given);
    },
  });
}
