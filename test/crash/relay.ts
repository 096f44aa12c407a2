// A relay between one process and PostgreSQL that reads along, and stops at the named points of the
// steps: before a commit is passed to the server, right after, and before its answer is passed back.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { hasWorked, isPolled, type Moment, type Point, type StepName, stepOf } from './points.ts';
import { Answered, Asked, applicationNameOf, Framer, type Message } from './wire.ts';

/** Decides at a point: undefined to go on at once, else whether to go on, once that is known. */
export type Gate = (point: Point) => Promise<boolean> | undefined;

export interface Relay {
  readonly port: number;
}

/** Starts a relay to a port of the loopback address; it ends with the run. */
export async function startRelay(t: AfterTest, target: number, gate: Gate): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: target });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy()); // the other end tells its own story
      socket.on('close', () => sockets.delete(socket));
    }
    new Line(near, far, gate).start();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return { port: portOf(server) };
}

/** One connection of the process, and what is known of the question under way on it. */
class Line {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #gate: Gate;
  readonly #asked = new Asked();
  readonly #answered = new Answered();
  #pool = '';
  /** Messages of a question that is not complete, and of its answer. */
  #question: Message[] = [];
  #answer: Message[] = [];
  #texts: readonly string[] | undefined;
  #isInTransaction = false;
  /** Steps that have had something to do in the transaction that is open. */
  readonly #stepsDone = new Set<StepName>();

  constructor(near: Socket, far: Socket, gate: Gate) {
    this.#near = near;
    this.#far = far;
    this.#gate = gate;
  }

  start(): void {
    this.#pass(this.#near, new Framer({ opens: true }), (message) => this.#ask(message));
    this.#pass(this.#far, new Framer({ opens: false }), (message) => this.#reply(message));
    this.#near.on('close', () => this.#far.destroy());
    this.#far.on('close', () => this.#near.destroySoon());
  }

  /** Messages of one direction are taken one after the other, also while one of them is held. */
  #pass(from: Socket, framer: Framer, take: (message: Message) => Promise<void>): void {
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      for (const message of framer.push(chunk)) last = last.then(() => take(message));
    });
    from.on('end', () => {
      void last.then(() => {
        for (const { bytes } of this.#answer.splice(0)) this.#near.write(bytes);
        this.#near.end();
        this.#far.end();
      });
    });
  }

  async #ask(message: Message): Promise<void> {
    if (message.type === '') {
      this.#pool = applicationNameOf(message) ?? '';
      this.#far.write(message.bytes);
      return;
    }
    if (!'PBDEHSQC'.includes(message.type)) {
      this.#far.write(message.bytes);
      return;
    }
    this.#question.push(message);
    const texts = this.#asked.read(message);
    if (texts === undefined) return;
    this.#texts = texts;
    const committing = this.#committing(texts);
    if (!(await this.#mayPass(committing, 'before'))) return;
    for (const { bytes } of this.#question.splice(0)) this.#far.write(bytes);
    await this.#mayPass(committing, 'during');
  }

  /** The steps whose commit a question is. */
  #committing(texts: readonly string[]): readonly StepName[] {
    if (texts.length === 1 && texts[0]?.toLowerCase() === 'commit') return [...this.#stepsDone];
    if (this.#isInTransaction) return [];
    return this.#stepsOf(texts).filter((step) => !isPolled(step));
  }

  #stepsOf(texts: readonly string[]): readonly StepName[] {
    return texts.flatMap((text) => stepOf(this.#pool, text) ?? []);
  }

  async #reply(message: Message): Promise<void> {
    const texts = this.#texts;
    if (texts === undefined) {
      this.#near.write(message.bytes); // the opening, or news nobody has asked for
      return;
    }
    this.#answer.push(message);
    const outcome = this.#answered.read(message);
    if (outcome === undefined) return;
    this.#texts = undefined;
    const worked = outcome.failed
      ? []
      : this.#stepsOf(texts).filter((step) => hasWorked(step, outcome.rows));
    for (const step of worked) this.#stepsDone.add(step);
    this.#isInTransaction = outcome.inTransaction;
    const committed = outcome.inTransaction ? [] : [...this.#stepsDone];
    if (!outcome.inTransaction) this.#stepsDone.clear();
    if (!outcome.failed && !(await this.#mayPass(committed, 'after'))) return;
    for (const { bytes } of this.#answer.splice(0)) this.#near.write(bytes);
  }

  async #mayPass(steps: readonly StepName[], moment: Moment): Promise<boolean> {
    for (const step of steps) {
      const verdict = this.#gate(`${step} ${moment}`);
      if (verdict === undefined || (await verdict)) continue;
      this.#near.destroy();
      this.#far.destroy();
      return false;
    }
    return true;
  }
}
