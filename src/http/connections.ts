// What clients may hold of this process: connections, in total and by address, and bytes of responses
// that they do not read. Where there are too many connections the longest idle one makes room; a few
// places beyond are kept for probes, so that a flood does not make the service look dead.

import type { Server, ServerResponse } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import {
  connectionsMax,
  idleConnectionMs,
  spareConnectionsMax,
  unreadBytesMax,
} from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { networkOf } from './rates.ts';
import { connectionEvent } from './secure-server.ts';

/** How many connections may be open at once, those for probes apart. */
export interface ConnectionLimits {
  readonly total: number;
  readonly ofAddress: number;
  /** Bytes of responses that may be unread before more are refused. */
  readonly unreadBytes: number;
}

/** Half of the descriptors that the process may have; of these, half for one address. */
export function usualConnectionLimits(): ConnectionLimits {
  const total = Math.min(connectionsMax, Math.floor(descriptorsMax() / 2));
  return { total, ofAddress: Math.ceil(total / 2), unreadBytes: unreadBytesMax };
}

function descriptorsMax(): number {
  // It would look up the names of all peers, and wait for the servers of names meanwhile.
  Object.assign(process.report, { excludeNetwork: true });
  const report: unknown = process.report.getReport();
  const { userLimits } = report as { userLimits?: { open_files?: { soft: unknown } } };
  const soft = Number(userLimits?.open_files?.soft);
  return Number.isFinite(soft) ? soft : Number.POSITIVE_INFINITY;
}

interface Held {
  readonly address: string;
  /** Beyond the limits: only a probe is answered on it, once. */
  readonly isSpare: boolean;
  /** Requests that are being answered. */
  underWay: number;
  /** Bytes of responses that are not read yet. */
  unreadBytes: number;
}

/** Connections of one address, or all of them. */
class Group {
  count = 0;
  /** Without a request under way; the longest idle first. */
  readonly idle = new Set<Socket>();
}

/** Keeps count of the connections of one server. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #proxies: BlockList;
  readonly #held = new Map<Socket, Held>();
  readonly #all = new Group();
  readonly #spare = new Group();
  readonly #byAddress = new Map<string, Group>();
  #unreadBytes = 0;

  /** @param proxies addresses and networks behind which there are many clients. */
  constructor(limits: ConnectionLimits, proxies: readonly string[]) {
    this.#limits = limits;
    this.#proxies = blockListOf(proxies);
  }

  watch(server: Server): void {
    const adapt = () => {
      const isPressed = this.#all.count > (this.#limits.total * 3) / 4;
      server.keepAliveTimeout = isPressed ? idleConnectionMs.pressed : idleConnectionMs.usual;
    };
    adapt();
    server.on(connectionEvent(server), (socket: Socket) => {
      if (!this.#admit(socket)) return void socket.destroy();
      socket.once('close', () => {
        this.#remove(socket);
        adapt();
      });
      adapt();
    });
    server.on('request', ({ socket }, response: ServerResponse) => {
      this.#begin(socket);
      response.once('close', () => this.#end(socket));
    });
  }

  /**
   * On a spare connection only probes are answered, and the response ends it.
   * @returns headers of the response. @throws Refusal `service_unavailable`
   */
  check(socket: Socket, isProbe: boolean): Readonly<Record<string, string>> {
    if (this.#held.get(socket)?.isSpare !== true) return {};
    const headers = { connection: 'close' };
    if (isProbe) return headers;
    throw new Refusal('service_unavailable', 'Too many connections are open.', {
      headers: { ...headers, 'retry-after': '1' },
    });
  }

  /** @throws Refusal `service_unavailable` where clients leave too many bytes unread. */
  checkUnread(): void {
    if (this.#unreadBytes < this.#limits.unreadBytes) return;
    throw new Refusal('service_unavailable', 'Too many responses are not read.', {
      headers: { 'retry-after': '1' },
    });
  }

  /**
   * Counts the bytes of a response until they are read, or its connection ends: a response that waits behind
   * another one of its connection says nothing when that ends, and one that comes later is not read.
   */
  countUnread(response: ServerResponse, bytes: number): void {
    const held = this.#held.get(response.req.socket);
    if (held === undefined) return;
    held.unreadBytes += bytes;
    this.#unreadBytes += bytes;
    response.once('close', () => this.#forgetUnread(held, bytes));
  }

  #forgetUnread(held: Held, bytes: number): void {
    const counted = Math.min(bytes, held.unreadBytes);
    held.unreadBytes -= counted;
    this.#unreadBytes -= counted;
  }

  /** Ends every connection without a request under way, also those that have not sent one yet. */
  closeIdle(): void {
    for (const group of [this.#all, this.#spare]) while (this.#closeLongestIdle(group));
  }

  /** Makes room where there is none. @returns whether the connection may stay. */
  #admit(socket: Socket): boolean {
    const { remoteAddress = '' } = socket;
    const { total, ofAddress } = this.#limits;
    const address = networkOf(remoteAddress);
    const own = this.#byAddress.get(address);
    const isTooMany =
      own !== undefined && own.count >= ofAddress && !isAmong(this.#proxies, remoteAddress);
    const hasRoom = !isTooMany || this.#closeLongestIdle(own);
    const isSpare = !hasRoom || (this.#all.count >= total && !this.#closeLongestIdle(this.#all));
    const isSpareFull = isSpare && this.#spare.count >= spareConnectionsMax;
    if (isSpareFull && !this.#closeLongestIdle(this.#spare)) return false;
    const held = { address, isSpare, underWay: 0, unreadBytes: 0 };
    this.#held.set(socket, held);
    for (const group of this.#groupsOf(held)) {
      group.count += 1;
      group.idle.add(socket);
    }
    return true;
  }

  /** @returns whether there was one. */
  #closeLongestIdle(group: Group): boolean {
    const [socket] = group.idle;
    if (socket === undefined) return false;
    this.#remove(socket);
    socket.destroy();
    return true;
  }

  #groupsOf({ address, isSpare }: Held): readonly Group[] {
    if (isSpare) return [this.#spare];
    const own = this.#byAddress.get(address) ?? new Group();
    this.#byAddress.set(address, own);
    return [this.#all, own];
  }

  #begin(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.underWay += 1;
    for (const group of this.#groupsOf(held)) group.idle.delete(socket);
  }

  #end(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.underWay -= 1;
    if (held.underWay > 0) return;
    for (const group of this.#groupsOf(held)) group.idle.add(socket);
  }

  /** At once when it is closed to make room; then its end finds nothing any more. */
  #remove(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    this.#forgetUnread(held, held.unreadBytes);
    const groups = this.#groupsOf(held);
    for (const group of groups) {
      group.count -= 1;
      group.idle.delete(socket);
    }
    if (this.#byAddress.get(held.address)?.count === 0) this.#byAddress.delete(held.address);
  }
}

function blockListOf(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function isAmong(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
