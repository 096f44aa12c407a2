// The connections of a simulated process: real ones to the real database, whose statements take
// their turn and meet with trouble: errors that the server itself raises, and connections that break
// before or after a statement took effect.
import pg from 'pg';
import type { Sql } from '../../src/db/connect.ts';
import { fingerprint } from './history.ts';
import type { Actor, Note, Scheduler } from './scheduler.ts';

/** What happens to one statement. */
export type Fate =
  | { readonly type: 'well' }
  /** The server refuses it with this SQLSTATE; the transaction is gone. */
  | { readonly type: 'error'; readonly code: string }
  /** The connection breaks, or the whole process dies, before it took effect or after. */
  | { readonly type: 'lost' | 'killed'; readonly when: 'before' | 'after' };

export interface Link {
  readonly actor: Actor;
  readonly scheduler: Scheduler;
  /** Ends connections at the server and waits until they are gone. */
  readonly admin: Sql;
  readonly fateOf: (text: string) => Fate;
  /** Kills the process that the connection belongs to. */
  readonly onKilled: () => Promise<void>;
  readonly onServerError: (error: pg.DatabaseError) => void;
}

type Query = { readonly text: string; readonly values?: readonly unknown[] };
type Answer = { readonly rows: readonly unknown[]; readonly rowCount: number | null };

/** The connections a process has open, so that they die with it. */
export class Connections {
  readonly #open = new Set<number>();
  readonly #link: Link;
  #opened = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The driver's client class for the pools of the process. */
  get Client(): typeof pg.Client {
    const begin = (client: pg.Client) => this.#begin(client);
    return class extends pg.Client {
      constructor(config?: string | pg.ClientConfig) {
        super(config);
        begin(this);
      }
    };
  }

  async terminateAll(): Promise<void> {
    for (const pid of this.#open) await terminate(this.#link.admin, pid);
    this.#open.clear();
  }

  #begin(client: pg.Client): void {
    const { actor, scheduler } = this.#link;
    this.#opened += 1;
    const name = `#${this.#opened}`;
    const pidOf = () => (client as pg.Client & { processID: number }).processID;
    const reallyConnect = client.connect.bind(client);
    const reallyQuery = client.query.bind(client) as unknown as (q: Query) => Promise<Answer>;
    const connect = (callback: (error: Error | null, client?: pg.Client) => void) => {
      const act = async () => {
        await reallyConnect();
        this.#open.add(pidOf());
      };
      scheduler.perform(actor, { label: `${name} connect` }, act).then(
        () => callback(null, client),
        (error: Error) => callback(error),
      );
    };
    const query = (asked: Query): Promise<Answer> => {
      // Timeouts of one transaction go by the real clock.
      const q = { ...asked, text: asked.text.replace(/^(begin [^;]*);.*$/s, '$1') };
      const label = `${name} ${shown(q.text)}`;
      const act = (note: Note) => {
        return this.#carryOut(q, { note, pid: pidOf(), send: reallyQuery });
      };
      return scheduler.perform(actor, { label, pid: pidOf }, act);
    };
    Object.assign(client, { connect, query });
  }

  async #carryOut(q: Query, sent: Sent): Promise<Answer> {
    const fate = this.#link.fateOf(q.text);
    switch (fate.type) {
      case 'well':
        return this.#send(q, sent);
      case 'error':
        sent.note(`refused ${fate.code}`);
        return refuse(q, sent, fate.code);
      case 'lost':
      case 'killed': {
        if (fate.when === 'after') await this.#send(q, sent).catch(() => undefined);
        sent.note(`${fate.type} ${fate.when}`);
        if (fate.type === 'killed') await this.#link.onKilled();
        await terminate(this.#link.admin, sent.pid);
        this.#open.delete(sent.pid);
        throw new Error('Connection terminated unexpectedly');
      }
    }
  }

  async #send(q: Query, sent: Sent): Promise<Answer> {
    try {
      const answer = await sent.send(q);
      const { rows = [], rowCount = 0 } = answer;
      const bytes = rows.some((row) => Object.values(row ?? {}).some(Buffer.isBuffer));
      sent.note(`${rowCount} ${bytes ? '' : fingerprint([q.values ?? [], rows])}`);
      return answer;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      sent.note(`error ${error.code}`);
      this.#link.onServerError(error);
      throw error;
    }
  }
}

interface Sent {
  readonly note: Note;
  readonly pid: number;
  readonly send: (q: Query) => Promise<Answer>;
}

/** Lets the server itself raise the error, so that it is one in every respect. */
async function refuse(q: Query, { send }: Sent, code: string): Promise<Answer> {
  try {
    await send({
      text: `do $$ begin raise exception 'simulated' using errcode = '${code}'; end $$`,
    });
  } catch (error) {
    // A COMMIT that fails ends its transaction all the same.
    if (q.text === 'commit') await send({ text: 'rollback' });
    throw error;
  }
  throw new Error('the server raised no error');
}

async function terminate(admin: Sql, pid: number): Promise<void> {
  await admin`select pg_terminate_backend(${pid}, 10000)`;
}

/** The kind of a statement and the first table it is about. */
function shown(text: string): string {
  const [verb = ''] = text.trim().split(/\s/, 1);
  const change = /\b(?:insert into|update|delete from) (?:unwind|simulated_venue)\.(\w+)/.exec(
    text,
  );
  const table = change ?? /\bfrom (?:unwind|simulated_venue)\.(\w+)/.exec(text);
  return table === null
    ? verb
    : `${change === null ? 'read' : change[0].split(' ')[0]} ${table[1]}`;
}
