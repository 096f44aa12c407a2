// The connections of a simulated process: their statements take their turn on the real database and
// meet with trouble: errors that the server itself raises, and connections that break before or after
// a statement took effect.
//
// What nobody could see costs no turn: to begin a transaction, to take its weak lock of halts, and to end one that has
// done nothing.
import assert from 'node:assert/strict';
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
  /** How long the answer to a statement is under way, in simulated ms. */
  readonly slownessOf: (what: { commits: boolean }) => number;
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
  hasWeakLock: boolean;
}

/** What the server answered to a statement. */
type Sent = {
  /** Whether its transaction is over. */
  readonly isEnd: boolean;
  readonly backend: Backend | undefined;
} & (
  | { readonly isWell: true; readonly answer: Answer }
  | { readonly isWell: false; readonly error: unknown }
);

interface Taken {
  readonly asked: Statement;
  readonly sent: Sent;
  readonly note: Note;
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
    const { actor, scheduler, backends, pauseOf, slownessOf } = this.#link;
    if (asked.text.startsWith('begin')) {
      // Timeouts of one transaction go by the real clock.
      const begin = asked.text.replace(/;.*$/s, '');
      const fresh = { hasDone: false, isBehindRead: false, hasWeakLock: false };
      session.transaction = { begin, ...fresh };
      return { command: 'BEGIN', rows: [], rowCount: null };
    }
    const { transaction, backend } = session;
    const isWeak = transaction !== undefined && weakLock.test(asked.text);
    if (isWeak && (transaction.hasWeakLock || transaction.begin !== undefined)) {
      if (!transaction.hasWeakLock) transaction.begin += `; ${asked.text.trim()}`;
      transaction.hasWeakLock = true;
      return { command: 'LOCK', rows: [], rowCount: null };
    }
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
    const isAlone = transaction === undefined && changes.test(asked.text);
    const lateMs = slownessOf({ commits: isCommit || isAlone });
    const answer = await scheduler.performInTwo(actor, call, (note) => {
      return this.#carryOut(session, asked, note);
    });
    if (lateMs > 0) {
      // It may hold locks meanwhile.
      const late = { ...call, label: `${label} is answered`, delayMs: lateMs };
      await scheduler.perform(actor, late, async () => {});
    }
    return answer;
  }

  /** At the server. @returns what follows from it here, when its answer is given. */
  async #carryOut(session: Session, asked: Statement, note: Note): Promise<() => Promise<Answer>> {
    const fate = this.#link.fateOf(asked.text);
    switch (fate.type) {
      case 'well': {
        const sent = await this.#send(session, asked);
        return async () => this.#take(session, { asked, sent, note });
      }
      case 'error': {
        const sent = await this.#refuse(session, asked, fate.code);
        note(`refused ${fate.code}`);
        return async () => this.#take(session, { asked, sent, note: () => {} });
      }
      case 'lost':
      case 'killed': {
        if (fate.when === 'after') await this.#send(session, asked);
        note(`${fate.type} ${fate.when}`);
        return async () => {
          if (session.backend !== undefined) session.backend.isAsked = false;
          if (fate.type === 'killed') await this.#link.onKilled();
          await this.#close(session);
          throw new Error('Connection terminated unexpectedly');
        };
      }
    }
  }

  /** What the server has answered: only now, since answers of the server come in any order. */
  #take(session: Session, { asked, sent, note }: Taken): Answer {
    const transaction = sent.isEnd ? undefined : session.transaction;
    this.#giveBack(session, sent);
    if (!sent.isWell) {
      if (transaction !== undefined) transaction.hasDone = true;
      if (sent.error instanceof pg.DatabaseError) note(`error ${sent.error.code}`);
      throw sent.error;
    }
    const { rows = [], rowCount } = sent.answer;
    const bytes = rows.some((row) => Object.values(row ?? {}).some(Buffer.isBuffer));
    note(`${rowCount} ${bytes ? '' : fingerprint([asked.values ?? [], rows])}`);
    if (transaction !== undefined) {
      const isChange = changes.test(asked.text);
      transaction.isBehindRead = !isChange;
      if (isChange || rowCount !== 0) transaction.hasDone = true;
    }
    return sent.answer;
  }

  #giveBack(session: Session, { backend, isEnd }: Sent): void {
    if (backend !== undefined) backend.isAsked = false;
    if (isEnd) session.transaction = undefined;
    // One that was closed meanwhile is taken back already.
    if (session.transaction !== undefined || backend === undefined) return;
    if (session.backend !== backend) return;
    session.backend = undefined;
    this.#link.backends.giveBack(backend);
  }

  /** Sends a statement, behind the begin of its transaction where it is the first. */
  async #send(session: Session, asked: Statement): Promise<Sent> {
    const isEnd = asked.text === 'commit' || asked.text === 'rollback';
    if (!session.isOpen) {
      const error = new Error('Connection terminated unexpectedly');
      return { isWell: false, error, isEnd, backend: undefined };
    }
    const begin = session.transaction?.begin;
    if (session.transaction !== undefined) session.transaction.begin = undefined;
    const { backends } = this.#link;
    const backend = session.backend ?? (await backends.lend(session.config, asked.text));
    session.backend = backend;
    backend.isAsked = true;
    const statements = begin === undefined ? [asked] : [{ text: begin }, asked];
    try {
      return { isWell: true, answer: await send(backend, statements), isEnd, backend };
    } catch (error) {
      return { isWell: false, error, isEnd, backend };
    }
  }

  /** Lets the server itself raise the error, so that it is one in every respect. */
  async #refuse(session: Session, { text }: Statement, code: string): Promise<Sent> {
    const raise = `do $$ begin raise exception 'simulated' using errcode = '${code}'; end $$`;
    const sent = await this.#send(session, { text: raise });
    assert.ok(!sent.isWell, 'the server raised no error');
    // A COMMIT that fails ends its transaction all the same.
    if (text !== 'commit') return sent;
    await this.#send(session, { text: 'rollback' });
    return { ...sent, isEnd: true };
  }
}

/** Nothing waits for it, so it is not seen before the statement that follows, and is taken with it. */
const weakLock = /^\s*lock table unwind\.halts in row share mode\s*$/;

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
