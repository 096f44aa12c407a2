// A TCP relay before a server, with the troubles of a network: it can go silent and cut lines.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from './condition.ts';
import type { AfterTest } from './database.ts';

/** The address of a database behind a relay. */
export function atPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

export interface Proxy {
  readonly port: number;
  /** How many connections it has taken so far. */
  accepted(): number;
  /** Passes nothing on any more, in both directions, and closes nothing. */
  fallSilent(): void;
  /** Breaks all connections as a crashed machine's neighbour does: with a reset. */
  cut(): void;
  /** Cuts, and takes no new connection until `comeBack`. */
  goAway(): void;
  comeBack(): void;
}

/** Starts a relay to a port of the loopback address; it ends with the test. */
export async function startProxy(t: AfterTest, target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  let isAway = false;
  const server = createServer((near) => {
    accepted += 1;
    if (isAway) {
      near.destroy();
      return;
    }
    const far = connect({ host: '127.0.0.1', port: target });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()); // the other end tells its own story
      socket.on('close', () => sockets.delete(socket));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) {
      socket.resetAndDestroy();
    }
  };
  t.after(async () => {
    cut();
    server.close();
    await once(server, 'close');
  });
  return {
    port: portOf(server),
    accepted: () => accepted,
    fallSilent: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    cut,
    goAway: () => {
      isAway = true;
      cut();
    },
    comeBack: () => {
      isAway = false;
    },
  };
}
