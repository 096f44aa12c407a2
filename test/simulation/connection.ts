// The connections of a simulated process: their statements take their turn on the real database and
// meet with trouble: errors that the server itself raises, and connections that break before or after
// a statement took effect.
//
// What nobody could see costs no turn: to begin a transaction, and to end one that has done nothing.
import pg from 'pg';
import { type Answer, type Backend, type Backends, type Statement, send } from './backends.ts';
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
  readonly backends: Backends;
  readonly fateOf: (text: string) => Fate;
  /** How long a transaction pauses before its next statement, in simulated ms. */
  readonly pauseOf: (step: StepOfTransaction) => number;
  /** Kills the process that the connection belongs to. */
  readonly onKilled: () => Promise<void>;
}

/** A statement that is not the first of its transaction. */
export interface StepOfTransaction {
  readonly isBehindRead: boolean;
  readonly isCommit: boolean;
}

/** A simulated connection. */
interface Session {
  readonly name: string;
  readonly config: pg.ClientConfig;
  isOpen: boolean;
  /** Lent for the transaction, or the statement, that is under way. */
  backend: Backend | undefined;
  transaction: Transaction | undefined;
}

interface Transaction {
  /** Not sent yet: goes with the first statement. */
  begin: string | undefined;
  hasDone: boolean;
  isBehindRead: boolean;
}

/** The connections a process has open, so that they die with it. */
export class Connections {
  readonly #open = new Set<Session>();
  readonly #link: Link;
  #opened = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The driver's client class for the pools of the process. */
  get Client(): typeof pg.Client {
    const begin = (client: pg.Client, config: pg.ClientConfig) => this.#begin(client, config);
    return class extends pg.Client {
      constructor(config?: string | pg.ClientConfig) {
        super(config);
        begin(this, typeof config === 'object' ? config : {});
      }
    };
  }

  async terminateAll(): Promise<void> {
    for (const session of this.#open) await this.#close(session);
  }

  async #close(session: Session): Promise<void> {
    this.#open.delete(session);
    session.isOpen = false;
    const { backend } = session;
    session.backend = undefined;
    if (backend !== undefined) await this.#link.backends.takeBack(backend);
  }

  #begin(client: pg.Client, config: pg.ClientConfig): void {
    this.#opened += 1;
    const name = `#${this.#opened}`;
    const unused = { isOpen: true, backend: undefined, transaction: undefined };
    const session: Session = { name, config, ...unused };
    const connect = (callback: (error: Error | null, client?: pg.Client) => void) => {
      this.#open.add(session);
      process.nextTick(callback, null, client);
    };
    const query = (asked: Statement): Promise<Answer> => this.#query(session, asked);
    const end = (callback?: () => void) => {
      void this.#close(session);
      client.emit('end');
      callback?.();
    };
    // Its own socket is never opened.
    const nothing = () => {};
    Object.assign(client, { connect, query, end, ref: nothing, unref: nothing });
  }

  async #query(session: Session, asked: Statement): Promise<Answer> {
    const { actor, scheduler, backends, pauseOf } = this.#link;
    if (asked.text.startsWith('begin')) {
      // Timeouts of one transaction go by the real clock.
      const begin = asked.text.replace(/;.*$/s, '');
      session.transaction = { begin, hasDone: false, isBehindRead: false };
      return { command: 'BEGIN', rows: [], rowCount: null };
    }
    const { transaction, backend } = session;
    const isCommit = asked.text === 'commit';
    if (isCommit && transaction?.hasDone === false && session.isOpen) {
      session.backend = undefined;
      session.transaction = undefined;
      if (backend !== undefined) void backends.endIdly(backend, 'commit');
      return { command: 'COMMIT', rows: [], rowCount: null };
    }
    const isFirst = transaction === undefined || transaction.begin !== undefined;
    const isBehindRead = transaction?.isBehindRead === true;
    const delayMs = isFirst ? 0 : pauseOf({ isBehindRead, isCommit });
    const label = `${session.name} ${shown(asked.text)}`;
    const pid = () => session.backend?.pid;
    const call = { label, pid, delayMs, thread: session.name };
    return scheduler.perform(actor, call, (note) => this.#carryOut(session, asked, note));
  }

  async #carryOut(session: Session, asked: Statement, note: Note): Promise<Answer> {
    const fate = this.#link.fateOf(asked.text);
    switch (fate.type) {
      case 'well':
        return this.#send(session, asked, note);
      case 'error':
        note(`refused ${fate.code}`);
        return this.#refuse(session, asked, fate.code);
      case 'lost':
      case 'killed': {
        if (fate.when === 'after') await this.#send(session, asked, note).catch(() => undefined);
        note(`${fate.type} ${fate.when}`);
        if (fate.type === 'killed') await this.#link.onKilled();
        await this.#close(session);
        throw new Error('Connection terminated unexpectedly');
      }
    }
  }

  async #send(session: Session, asked: Statement, note: Note): Promise<Answer> {
    const { transaction } = session;
    try {
      const answer = await this.#sendBehindBegin(session, asked);
      const { rows = [], rowCount } = answer;
      const bytes = rows.some((row) => Object.values(row ?? {}).some(Buffer.isBuffer));
      note(`${rowCount} ${bytes ? '' : fingerprint([asked.values ?? [], rows])}`);
      if (transaction !== undefined) {
        const isChange = changes.test(asked.text);
        transaction.isBehindRead = !isChange;
        if (isChange || rowCount !== 0) transaction.hasDone = true;
      }
      return answer;
    } catch (error) {
      if (transaction !== undefined) transaction.hasDone = true;
      if (!(error instanceof pg.DatabaseError)) throw error;
      note(`error ${error.code}`);
      throw error;
    }
  }

  async #sendBehindBegin(session: Session, asked: Statement): Promise<Answer> {
    if (!session.isOpen) throw new Error('Connection terminated unexpectedly');
    const { transaction } = session;
    const begin = transaction?.begin;
    if (transaction !== undefined) transaction.begin = undefined;
    const backend = session.backend ?? (await this.#link.backends.lend(session.config));
    session.backend = backend;
    const isEnd = asked.text === 'commit' || asked.text === 'rollback';
    if (isEnd) session.transaction = undefined;
    try {
      return await send(backend, begin === undefined ? [asked] : [{ text: begin }, asked]);
    } finally {
      // One that was closed meanwhile is taken back already.
      if (session.transaction === undefined && session.backend === backend) {
        session.backend = undefined;
        this.#link.backends.giveBack(backend);
      }
    }
  }

  /** Lets the server itself raise the error, so that it is one in every respect. */
  async #refuse(session: Session, { text }: Statement, code: string): Promise<Answer> {
    const raise = `do $$ begin raise exception 'simulated' using errcode = '${code}'; end $$`;
    const { transaction } = session;
    try {
      await this.#sendBehindBegin(session, { text: raise });
    } catch (error) {
      if (transaction !== undefined) transaction.hasDone = true;
      // A COMMIT that fails ends its transaction all the same.
      if (text === 'commit') await this.#sendBehindBegin(session, { text: 'rollback' });
      throw error;
    }
    throw new Error('the server raised no error');
  }
}

const changes = /\b(?:insert into|update (?:unwind|simulated_venue)\.|delete from|make_event_part)/;

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
