// Opens the socket of a connection and knows which of several hosts to turn to. TLS, authentication
// and everything after the first byte are left to the driver.
import { connect as connectSocket, Socket } from 'node:net';

/** One place where the database may be: TCP, or a local socket when `host` begins with a slash. */
export type DatabaseHost = { readonly host: string; readonly port: number };

/** Trouble of the line itself; `code` is in the style of Node's own socket errors. */
export class LineError extends Error {
  readonly code: 'ECONNRESET' | 'ETIMEDOUT';

  constructor(code: 'ECONNRESET' | 'ETIMEDOUT', message: string) {
    super(message);
    this.name = 'LineError';
    this.code = code;
  }
}

/**
 * Opens a socket. A server (or a proxy before it) that takes the connection and closes it without
 * a word is an error of the socket: the driver would take it for an invitation to dial again.
 */
export function dial({ host, port }: DatabaseHost): Socket {
  const socket = host.startsWith('/')
    ? connectSocket({ path: `${host}/.s.PGSQL.${port}` })
    : connectSocket({ host, port, noDelay: true });
  socket.once('end', () => {
    if (socket.bytesRead === 0) {
      socket.destroy(new LineError('ECONNRESET', 'the database closed without a word'));
    }
  });
  // The driver reads the property `host` when it checks the name in a certificate.
  return Object.assign(socket, { host });
}

/** A socket that breaks as soon as it is looked after, for a connection that lives only once. */
export function deadSocket(): Socket {
  const socket = new Socket();
  setImmediate(() => {
    socket.destroy(new LineError('ECONNRESET', 'the connection to the database is closed'));
  });
  return socket;
}
