// Bytes on a socket: what no HTTP client would send, and the responses as they come back.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { AfterTest } from '../support/database.ts';
import type { HttpService, Outgoing, Reply } from '../support/http.ts';

/** A connection that collects what comes back. */
export interface Wire {
  readonly socket: Socket;
  write(bytes: string | Buffer): void;
  /** The next response; interim ones (1xx) count. Fails when the connection ends before. */
  answer(toHead?: boolean): Promise<Reply>;
  /** What else comes until the service ends the connection, or resets it. */
  rest(): Promise<string>;
}

const patienceMs = 60_000;

/** Opens a connection; it ends with the test. */
export async function openWire(t: AfterTest, { port }: HttpService): Promise<Wire> {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(async () => {
    socket.destroy();
  });
  let received = Buffer.alloc(0);
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  const tell = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    tell();
  });
  socket.on('error', () => {}); // a reset: 'close' follows and is what counts
  socket.on('close', () => {
    isOver = true;
    tell();
  });
  await once(socket, 'connect');

  /** Waits until something can be taken from what was received. */
  const take = async <T>(attempt: () => T | undefined): Promise<T> => {
    const deadline = AbortSignal.timeout(patienceMs);
    const expired = once(deadline, 'abort');
    for (;;) {
      const taken = attempt();
      if (taken !== undefined) return taken;
      assert.ok(!isOver, `the connection ended after: ${received}`);
      await Promise.race([wake.promise, expired]);
      assert.ok(!deadline.aborted, `nothing more came after: ${received}`);
    }
  };
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    answer: (toHead = false) => {
      return take(() => {
        const parsed = parseAnswer(received, toHead);
        if (parsed !== undefined) received = received.subarray(parsed.length);
        return parsed?.reply;
      });
    },
    rest: () => take(() => (isOver ? received.toString() : undefined)),
  };
}

/** Sends bytes on a connection of their own and reads one response. */
export async function exchange(
  t: AfterTest,
  service: HttpService,
  bytes: string | Buffer,
): Promise<Reply> {
  const wire = await openWire(t, service);
  wire.write(bytes);
  return wire.answer();
}

function parseAnswer(bytes: Buffer, toHead: boolean): { reply: Reply; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...lines] = bytes.subarray(0, headEnd).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? assert.fail(statusLine));
  const headers = Object.fromEntries(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const bodyLength = toHead ? 0 : Number(headers['content-length'] ?? 0);
  const length = headEnd + 4 + bodyLength;
  if (bytes.length < length) return undefined;
  const text = bytes.subarray(headEnd + 4, length).toString('utf8');
  const isJson = /json/.test(headers['content-type'] ?? '') && text !== '';
  const json: Reply['json'] = isJson ? JSON.parse(text) : {};
  return { reply: { status, headers, text, json }, length };
}

/** A request as its bytes. */
export function bytesOf({ method, target, headers, body }: Outgoing): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}\r\n`), body]);
}
