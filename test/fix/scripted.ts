// A venue whose every byte is written by the test: for what no engine would send.

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type Clock, systemClock } from '../../src/clock.ts';
import {
  encodeMessage,
  type Field,
  type FixMessage,
  Framer,
  fieldOf,
} from '../../src/venue/fix/codec.ts';
import { timestampOf } from '../../src/venue/fix/header.ts';
import { eventually, portOf } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';

const patienceMs = 120_000;

export class ScriptedVenue {
  readonly port: number;
  /** Whether the test answers a Logout itself; otherwise the connection is closed at once. */
  answersLogout = false;
  /** Of SendingTime. */
  clock: Clock = systemClock;
  #socket: Socket | undefined;
  #received: FixMessage[] = [];
  #connections = 0;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(t: AfterTest): Promise<ScriptedVenue> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const venue = new ScriptedVenue(portOf(server));
    server.on('connection', (socket) => venue.#accept(socket));
    t.after(async () => {
      venue.#socket?.destroy();
      server.close();
      await once(server, 'close');
    });
    return venue;
  }

  get connections(): number {
    return this.#connections;
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    this.#socket = socket;
    const framer = new Framer('FIX.4.4');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      for (const framed of framer.push(chunk)) {
        if (framed.kind !== 'message') continue;
        this.#received.push(framed.message);
        if (framed.message.type === '5' && !this.answersLogout) socket.destroy();
      }
    });
  }

  /** The next message of a type, and what came before it is forgotten. */
  async next(type: string): Promise<FixMessage> {
    const find = () => this.#received.findIndex((message) => message.type === type);
    await eventually(`a message of type ${type}`, () => find() >= 0, patienceMs);
    const at = find();
    const [message] = this.#received.slice(at);
    this.#received = this.#received.slice(at + 1);
    if (message === undefined) throw new Error('it was there');
    return message;
  }

  /** Writes a message such as `35=0|34=5`; the other fields of the header are added. */
  send(text: string, header: { from?: string; to?: string } = {}): void {
    const { from = 'ACCEPTOR', to = 'UNWIND' } = header;
    const fields = text.split('|').map((field): Field => {
      const [tag = '', ...value] = field.split('=');
      return [Number(tag), value.join('=')];
    });
    const sides: readonly Field[] = [
      [49, from],
      [56, to],
      [52, timestampOf(this.clock.now())],
    ];
    const [type, ...rest] = fields;
    this.raw(encodeMessage('FIX.4.4', [type ?? [35, '0'], ...sides, ...rest]));
  }

  raw(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  /** Answers the Logon and the TestRequest behind it, under numbers from `next` on. */
  async logOn(next = 1, also = ''): Promise<void> {
    await this.next('A');
    await this.answerLogon(next, also);
  }

  /** The same where the Logon has been looked at. */
  async answerLogon(next = 1, also = ''): Promise<void> {
    this.send(`35=A|34=${next}|98=0|108=30${also === '' ? '' : `|${also}`}`);
    const asked = await this.next('1');
    this.send(`35=0|34=${next + 1}|112=${fieldOf(asked, 112)}`);
  }

  /** Breaks the connection, as a network does. */
  cut(): void {
    this.#socket?.destroy();
  }

  /** An execution report of an order, under a number. */
  report(number: number, order: FixMessage, says: string): void {
    const name = fieldOf(order, 11);
    this.send(`35=8|34=${number}|37=V-${name}|11=${name}|${says}|55=X|54=2|151=0|6=0`);
  }
}
