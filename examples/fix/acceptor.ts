// A small FIX 4.4 acceptor to try the FIX venue with: one session, orders executed as its market says,
// a journal on disk from which it goes on after a kill, and a ledger of every order and execution. It
// shares the encoding with the service and nothing else: what it counts, it counts itself.
//
//   node examples/fix/acceptor.ts --port 9876 --journal acceptor.jsonl

import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { type Decimal, decimal, zero } from '../../src/money.ts';
import {
  encodeMessage,
  type Field,
  type FixMessage,
  Framer,
  fieldOf,
} from '../../src/venue/fix/codec.ts';

/** How the market treats an order: what it fills, one after the other, and how it ends. */
export interface Course {
  readonly fills: readonly Fill[];
  /** `open`: it rests until it is cancelled. */
  readonly end: 'filled' | 'open' | 'cancelled' | 'rejected';
}

export interface Fill {
  readonly quantity: string;
  readonly price: string;
}

export type Market = (order: { isin: string; quantity: string }) => Course;

/** An order as the acceptor knows it. */
export interface LedgerOrder {
  readonly clientOrderId: string;
  readonly isin: string;
  readonly quantity: Decimal;
  readonly venueOrderId: string;
  /** How often it came as a new order, under whatever number. */
  readonly received: number;
  readonly executions: readonly LedgerExecution[];
  readonly status: 'working' | 'filled' | 'cancelled' | 'rejected';
}

export interface LedgerExecution {
  readonly execId: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
}

export interface AcceptorOptions {
  readonly port: number;
  readonly journal: string;
  readonly market: Market;
  readonly compId?: string;
  /** Orders rest until `step` is called; otherwise they are executed when they come. */
  readonly isStepped?: boolean;
  /** Called for every message of both directions. */
  readonly onMessage?: (direction: 'in' | 'out', message: FixMessage) => void;
}

type Entry =
  | { readonly entry: 'in'; readonly next: number }
  | {
      readonly entry: 'out';
      readonly number: number;
      readonly at: string;
      readonly fields: readonly Field[];
    }
  | { readonly entry: 'reset' }
  | {
      readonly entry: 'order';
      readonly clientOrderId: string;
      readonly isin: string;
      readonly quantity: string;
      readonly venueOrderId: string;
    }
  | { readonly entry: 'repeat'; readonly clientOrderId: string }
  | {
      readonly entry: 'execution';
      readonly clientOrderId: string;
      readonly execId: string;
      readonly quantity: string;
      readonly price: string;
    }
  | {
      readonly entry: 'end';
      readonly clientOrderId: string;
      readonly status: LedgerOrder['status'];
    };

interface Sent {
  readonly at: string;
  readonly fields: readonly Field[];
}

interface State {
  nextIn: number;
  nextOut: number;
  readonly sent: Map<number, Sent>;
  readonly orders: Map<string, LedgerOrder>;
  executions: number;
}

const sessionTypes: ReadonlySet<string> = new Set(['0', '1', '2', '3', '4', '5', 'A']);

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #state: State = {
    nextIn: 1,
    nextOut: 1,
    sent: new Map(),
    orders: new Map(),
    executions: 0,
  };
  readonly #file: number;
  readonly #server: Server;
  #peer: Peer | undefined;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#file = openSync(options.journal, 'a+');
    for (const line of readFileSync(options.journal, 'utf8').split('\n')) {
      // A line that a kill has cut off never took effect.
      if (line.endsWith('}')) this.#fold(JSON.parse(line) as Entry);
    }
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @returns the port it listens on. */
  async listen(): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(this.#options.port, '127.0.0.1', resolve);
    await promise;
    return this.port;
  }

  /** Where it listens. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#options.port;
  }

  /** The number that its next message gets, and the one it expects. */
  get numbers(): { readonly out: number; readonly in: number } {
    return { out: this.#state.nextOut, in: this.#state.nextIn };
  }

  get ledger(): readonly LedgerOrder[] {
    return [...this.#state.orders.values()];
  }

  /** Cuts the connection, as a network does. */
  cut(): void {
    this.#peer?.socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
    closeSync(this.#file);
  }

  #accept(socket: Socket): void {
    // A session has one connection: the newer one counts.
    this.#peer?.socket.destroy();
    const peer = {
      socket,
      framer: new Framer('FIX.4.4'),
      isLoggedOn: false,
      isLeaving: false,
      asked: 0,
      id: '',
    };
    this.#peer = peer;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      if (this.#peer !== peer) return;
      const entries: Entry[] = [];
      const out: Buffer[] = [];
      for (const framed of peer.framer.push(chunk)) {
        if (framed.kind === 'message') this.#take(peer, framed.message, { entries, out });
      }
      this.#write(entries);
      socket.write(Buffer.concat(out));
      if (peer.isLeaving) socket.end();
    });
  }

  /** On disk before anything that follows from it is sent. */
  #write(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    writeSync(this.#file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    fsyncSync(this.#file);
  }

  #take(peer: Peer, message: FixMessage, to: Output): void {
    this.#options.onMessage?.('in', message);
    const number = Number(fieldOf(message, 34));
    const isRepeat = fieldOf(message, 43) === 'Y';
    const { nextIn } = this.#state;
    if (message.type === 'A') this.#logOn(peer, message, to);
    else if (!peer.isLoggedOn) peer.socket.destroy();
    else if (number < nextIn && !isRepeat) this.#refuseLow(peer, number, to);
    else if (number >= nextIn) this.#count(peer, { message, number }, to);
  }

  #count(peer: Peer, of: { message: FixMessage; number: number }, to: Output): void {
    const { message, number } = of;
    if (message.type === '2') this.#resend(message, to);
    if (number > this.#state.nextIn) {
      this.#askFor(peer, number, to);
      return;
    }
    const next = message.type === '4' ? Number(fieldOf(message, 36)) : number + 1;
    this.#record({ entry: 'in', next }, to);
    this.#handle(peer, message, to);
  }

  #logOn(peer: Peer, message: FixMessage, to: Output): void {
    const number = Number(fieldOf(message, 34));
    peer.id = fieldOf(message, 49) ?? '';
    if (fieldOf(message, 141) === 'Y') this.#record({ entry: 'reset' }, to);
    if (number < this.#state.nextIn) {
      this.#refuseLow(peer, number, to);
      return;
    }
    peer.isLoggedOn = true;
    const isNext = number === this.#state.nextIn;
    if (isNext) this.#record({ entry: 'in', next: number + 1 }, to);
    const resets = fieldOf(message, 141) === 'Y' ? '|141=Y' : '';
    this.#send(fieldsOf(`35=A|98=0|108=${fieldOf(message, 108) ?? '30'}${resets}`), to);
    if (!isNext) this.#askFor(peer, number, to);
    // What a kill has cut off between an order and its executions.
    if (this.#options.isStepped) return;
    for (const { clientOrderId, status } of this.ledger) {
      if (status === 'working') this.#execute(clientOrderId, 1, to);
    }
  }

  #refuseLow(peer: Peer, number: number, to: Output): void {
    const text = `MsgSeqNum too low, expecting ${this.#state.nextIn} but received ${number}`;
    this.#send(fieldsOf(`35=5|58=${text}`), to);
    peer.isLeaving = true;
  }

  #askFor(peer: Peer, number: number, to: Output): void {
    if (peer.asked >= number) return;
    peer.asked = number;
    this.#send(fieldsOf(`35=2|7=${this.#state.nextIn}|16=0`), to);
  }

  #handle(peer: Peer, message: FixMessage, to: Output): void {
    switch (message.type) {
      case '1':
        this.#send(fieldsOf(`35=0|112=${fieldOf(message, 112)}`), to);
        break;
      case '5':
        this.#send(fieldsOf('35=5'), to);
        peer.isLeaving = true;
        break;
      case 'D':
        this.#trade(message, to);
        break;
      case 'F':
        this.#cancel(message, to);
        break;
      case 'H':
        this.#reportStatus(message, to);
        break;
    }
  }

  #trade(message: FixMessage, to: Output): void {
    const clientOrderId = fieldOf(message, 11) ?? '';
    const isin = fieldOf(message, 48) ?? fieldOf(message, 55) ?? '';
    const quantity = fieldOf(message, 38) ?? '0';
    if (this.#state.orders.has(clientOrderId)) {
      this.#record({ entry: 'repeat', clientOrderId }, to);
      const rejected = '150=8|39=8|103=6|58=duplicate order';
      this.#send(this.#report(clientOrderId, rejected), to);
      return;
    }
    const venueOrderId = `A${this.#state.orders.size + 1}`;
    this.#record({ entry: 'order', clientOrderId, isin, quantity, venueOrderId }, to);
    const course = this.#options.market({ isin, quantity });
    if (course.end === 'rejected') {
      this.#record({ entry: 'end', clientOrderId, status: 'rejected' }, to);
      const rejected = '150=8|39=8|103=1|58=not admitted to trading';
      this.#send(this.#report(clientOrderId, rejected), to);
      return;
    }
    this.#send(this.#report(clientOrderId, '150=0|39=0'), to);
    if (!this.#options.isStepped) this.#execute(clientOrderId, 1, to);
  }

  /** Executes a share of what is left of every open order. */
  step(share = 1): void {
    const to: Output = { entries: [], out: [] };
    for (const { clientOrderId, status } of this.ledger) {
      if (status === 'working') this.#execute(clientOrderId, share, to);
    }
    this.#write(to.entries);
    this.#peer?.socket.write(Buffer.concat(to.out));
  }

  #execute(clientOrderId: string, share: number, to: Output): void {
    const order = this.#state.orders.get(clientOrderId);
    if (order === undefined) return;
    const { isin, quantity } = order;
    const { fills, end } = this.#options.market({ isin, quantity: quantity.toFixed() });
    const left = fills.slice(order.executions.length);
    const now = left.slice(0, Math.ceil(left.length * share));
    for (const [i, fill] of now.entries()) {
      const isLast = end === 'filled' && i === left.length - 1;
      this.#fill(clientOrderId, fill, isLast, to);
    }
    if (end === 'cancelled' && now.length === left.length) {
      this.#end(clientOrderId, clientOrderId, to);
    }
  }

  #fill(clientOrderId: string, fill: Fill, isLast: boolean, to: Output): void {
    const execId = `E${this.#state.executions + 1}`;
    this.#record({ entry: 'execution', clientOrderId, execId, ...fill }, to);
    if (isLast) this.#record({ entry: 'end', clientOrderId, status: 'filled' }, to);
    const trade = `150=F|39=${isLast ? 2 : 1}|32=${fill.quantity}|31=${fill.price}`;
    this.#send(this.#report(clientOrderId, trade, { execId }), to);
  }

  #cancel(message: FixMessage, to: Output): void {
    const clientOrderId = fieldOf(message, 41) ?? '';
    const requestId = fieldOf(message, 11) ?? '';
    const order = this.#state.orders.get(clientOrderId);
    if (order?.status === 'working') {
      this.#end(clientOrderId, requestId, to);
      return;
    }
    const ids = `37=${order?.venueOrderId ?? 'NONE'}|11=${requestId}|41=${clientOrderId}`;
    const [status, reason] = order === undefined ? [8, 1] : [2, 0];
    this.#send(fieldsOf(`35=9|${ids}|39=${status}|434=1|102=${reason}`), to);
  }

  #end(clientOrderId: string, requestId: string, to: Output): void {
    this.#record({ entry: 'end', clientOrderId, status: 'cancelled' }, to);
    const cancelled = `41=${clientOrderId}|150=4|39=4`;
    this.#send(this.#report(clientOrderId, cancelled, { name: requestId }), to);
  }

  #reportStatus(message: FixMessage, to: Output): void {
    const clientOrderId = fieldOf(message, 11) ?? '';
    const order = this.#state.orders.get(clientOrderId);
    if (order === undefined) {
      const unknown = '37=NONE|17=0|150=I|39=8|103=5|14=0|58=unknown order';
      this.#send(fieldsOf(`35=8|11=${clientOrderId}|${unknown}`), to);
      return;
    }
    const status = { working: '0', filled: '2', cancelled: '4', rejected: '8' }[order.status];
    this.#send(this.#report(clientOrderId, `150=I|39=${status}`), to);
  }

  #report(
    clientOrderId: string,
    says: string,
    { execId = `S${this.#state.nextOut}`, name = clientOrderId } = {},
  ): readonly Field[] {
    const order = this.#state.orders.get(clientOrderId);
    const sold = (order?.executions ?? []).reduce((sum, one) => sum.plus(one.quantity), zero);
    const left = order?.status === 'working' ? order.quantity.minus(sold) : zero;
    const ids = `37=${order?.venueOrderId ?? 'NONE'}|11=${name}|17=${execId}`;
    const amounts = `151=${left.toFixed()}|14=${sold.toFixed()}|6=0`;
    const what = `55=${order?.isin ?? '[N/A]'}|54=2`;
    return fieldsOf(`35=8|${ids}|${says}|${what}|${amounts}|60=${timestamp()}`);
  }

  #resend(message: FixMessage, to: Output): void {
    const upTo = Number(fieldOf(message, 16)) || this.#state.nextOut - 1;
    let open = Number(fieldOf(message, 7));
    const fill = (next: number) => {
      if (next <= open) return;
      this.#repeat(
        { number: open, fields: fieldsOf(`35=4|123=Y|36=${next}`), at: timestamp() },
        to,
      );
    };
    for (let number = open; number <= upTo; number += 1) {
      const sent = this.#state.sent.get(number);
      if (sent === undefined || sessionTypes.has(sent.fields[0]?.[1] ?? '')) continue;
      fill(number);
      this.#repeat({ number, ...sent }, to);
      open = number + 1;
    }
    fill(upTo + 1);
  }

  #send(fields: readonly Field[], to: Output): void {
    const number = this.#state.nextOut;
    const at = timestamp();
    this.#record({ entry: 'out', number, at, fields }, to);
    to.out.push(this.#encode(number, fields, fieldsOf(`52=${at}`)));
  }

  #repeat({ number, fields, at }: Sent & { readonly number: number }, to: Output): void {
    const header = fieldsOf(`43=Y|52=${timestamp()}|122=${at}`);
    to.out.push(this.#encode(number, fields, header));
  }

  #encode(number: number, fields: readonly Field[], header: readonly Field[]): Buffer {
    const { compId = 'ACCEPTOR', onMessage } = this.#options;
    const [type = [35, '0'] as const, ...rest] = fields;
    const sides = fieldsOf(`49=${compId}|56=${this.#peer?.id}|34=${number}`);
    const all = [type, ...sides, ...header, ...rest];
    onMessage?.('out', { type: type[1], fields: all });
    return encodeMessage('FIX.4.4', all);
  }

  #record(entry: Entry, to: Output): void {
    this.#fold(entry);
    to.entries.push(entry);
  }

  #fold(entry: Entry): void {
    const state = this.#state;
    switch (entry.entry) {
      case 'in':
        state.nextIn = entry.next;
        break;
      case 'out':
        state.nextOut = entry.number + 1;
        state.sent.set(entry.number, { at: entry.at, fields: entry.fields });
        break;
      case 'reset':
        state.nextIn = 1;
        state.nextOut = 1;
        state.sent.clear();
        break;
      case 'order': {
        const { clientOrderId, isin, venueOrderId } = entry;
        const quantity = decimal(entry.quantity);
        const begun = { received: 1, executions: [], status: 'working' } as const;
        state.orders.set(clientOrderId, { clientOrderId, isin, quantity, venueOrderId, ...begun });
        break;
      }
      case 'repeat':
        this.#change(entry.clientOrderId, (order) => ({ ...order, received: order.received + 1 }));
        break;
      case 'execution': {
        state.executions += 1;
        const { execId, quantity, price } = entry;
        const execution = { execId, quantity: decimal(quantity), price: decimal(price) };
        this.#change(entry.clientOrderId, (order) => {
          return { ...order, executions: [...order.executions, execution] };
        });
        break;
      }
      case 'end':
        this.#change(entry.clientOrderId, (order) => ({ ...order, status: entry.status }));
        break;
    }
  }

  #change(clientOrderId: string, change: (order: LedgerOrder) => LedgerOrder): void {
    const order = this.#state.orders.get(clientOrderId);
    if (order !== undefined) this.#state.orders.set(clientOrderId, change(order));
  }
}

interface Peer {
  readonly socket: Socket;
  readonly framer: Framer;
  isLoggedOn: boolean;
  /** What was written is the last. */
  isLeaving: boolean;
  /** The number up to which it was asked to send again. */
  asked: number;
  id: string;
}

/** What a batch of messages leads to: on disk first, then on the wire. */
interface Output {
  readonly entries: Entry[];
  readonly out: Buffer[];
}

function timestamp(): string {
  return new Date().toISOString().replaceAll('-', '').replace('T', '-').slice(0, -1);
}

/** The fields of a text such as `35=0|112=id`. */
function fieldsOf(text: string): readonly Field[] {
  return text.split('|').map((field): Field => {
    const [tag = '', ...value] = field.split('=');
    return [Number(tag), value.join('=')];
  });
}

/** The instrument whose orders end half-way. */
const endsHalfWay = 'IE00BF2GFH28';

/**
 * Executes every order in two parts at one price. An instrument named REFUSED is not admitted, and one
 * ends half-way, like at the simulated venue.
 */
export const plainMarket: Market = ({ isin, quantity }) => {
  if (isin.includes('REFUSED')) return { fills: [], end: 'rejected' };
  const half = { quantity: decimal(quantity).times('0.5').toFixed(), price: '100.25' };
  if (isin === endsHalfWay) return { fills: [half], end: 'cancelled' };
  return { fills: [half, half], end: 'filled' };
};

/** The ledger in a journal, whether or not its acceptor runs. */
export function readLedger(journal: string): readonly LedgerOrder[] {
  return new Acceptor({ port: 0, journal, market: plainMarket }).ledger;
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, journal: { type: 'string' } },
  });
  const journal = values.journal ?? 'acceptor.jsonl';
  const options = { port: Number(values.port ?? '9876'), journal, market: plainMarket };
  const port = await new Acceptor(options).listen();
  process.stdout.write(`listens on 127.0.0.1:${port}, journal ${journal}\n`);
}
