// Makes this process one of those that share the built-in database's server. Membership is one
// session on the database `postgres` that holds a shared advisory lock. Who leaves gives it back
// and asks for it exclusively: exactly the last one gets it and stops the server, and a newcomer
// who is refused the shared lock knows that the server is about to stop. A killed process loses its
// session and with it the lock. Starting and stopping are left to embedded.ts.
import { connect } from '../db/connect.ts';
import { isConnectionError, isWrongPassword } from '../db/errors.ts';
import { EmbeddedError } from './embedded-error.ts';
import { database, ensureServiceRole, serviceRole, superuser } from './service-role.ts';

export interface Membership {
  /** Becomes true when the session has broken, and membership with it. */
  isLost(): boolean;
  /** Gives membership up. True when this was the last member, who then has to stop the server. */
  leave(): Promise<boolean>;
  /** Ends the session; a member that was killed has the same effect. Idempotent. */
  close(): Promise<void>;
}

export interface ServerAddress {
  readonly port: number;
  /** Of the superuser, who makes the role and the database and holds the membership. */
  readonly password: string;
  /** Of the role that the service works as. */
  readonly servicePassword: string;
}

// Any constant of 64 bits does; this one is "embedded" in ASCII.
const lockKey = '7308605957907703140';

/** The address of the service's own database on the server, for the service. */
export function serviceUrl({ port, servicePassword }: ServerAddress): string {
  return `postgres://${serviceRole}:${servicePassword}@127.0.0.1:${port}/${database}`;
}

/** The same for the superuser. */
export function adminUrl(server: ServerAddress): string {
  return urlOf(server, database);
}

/**
 * Joins the members of a running server and makes the service's database if it is not there.
 *
 * Answers undefined when the server takes no connections yet or any more, or is about to be stopped by
 * its last member. `onLost` is called once if the session breaks later.
 */
export async function joinServer(
  server: ServerAddress,
  onLost: () => void,
): Promise<Membership | undefined> {
  let state: 'joining' | 'member' | 'lost' | 'left' = 'joining';
  const sql = connect({
    url: urlOf(server, 'postgres'),
    max: 1,
    applicationName: 'unwind member',
    session: {
      onClose: () => {
        const wasMember = state === 'member';
        if (state !== 'left') state = 'lost';
        if (wasMember) onLost();
      },
    },
  });
  const isLost = () => state === 'lost';
  const close = () => {
    state = isLost() ? 'lost' : 'left';
    return sql.end();
  };
  try {
    const [answer] = await sql<{ joined: boolean }[]>`
      select pg_try_advisory_lock_shared(${lockKey}::bigint) as joined`;
    if (answer?.joined !== true) {
      await close();
      return undefined;
    }
    const { servicePassword } = server;
    await ensureServiceRole({ sql, adminUrl: adminUrl(server), servicePassword });
    // A process that is joining tries again by itself: only the loss of a member is reported.
    if (isLost()) {
      await close();
      return undefined;
    }
    state = 'member';
  } catch (error) {
    await close();
    if (isConnectionError(error)) return undefined;
    throw isWrongPassword(error) ? strangePassword(server, error) : error;
  }
  return {
    isLost,
    leave: async () => {
      state = 'left';
      const [given] = await sql<{ back: boolean }[]>`
        select pg_advisory_unlock_shared(${lockKey}::bigint) as back`;
      if (given?.back !== true) {
        return false; // the session had broken, and this is another one
      }
      const [answer] = await sql<{ last: boolean }[]>`
        select pg_try_advisory_lock(${lockKey}::bigint) as last`;
      return answer?.last === true;
    },
    close,
  };
}

function urlOf(server: ServerAddress, name: string): string {
  return `postgres://${superuser}:${server.password}@127.0.0.1:${server.port}/${name}`;
}

function strangePassword(server: ServerAddress, cause: unknown): EmbeddedError {
  return new EmbeddedError(
    'start_failed',
    `The database on port ${server.port} does not know the password kept beside its data. If the ` +
      'password of its user unwind was changed, write the new one into that file.',
    { cause },
  );
}
