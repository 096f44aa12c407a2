// A name server on loopback that answers from a table, or keeps silent.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { AfterTest } from '../support/database.ts';

/** The response about a name: addresses, and names it is an alias of on the way there. */
export type NameAnswer =
  | { readonly addresses: readonly string[]; readonly alias?: string }
  | 'no such name'
  | 'failed'
  | 'silence';

const codes = { 'no such name': 3, failed: 2 } as const;
const kinds = { A: 1, CNAME: 5, AAAA: 28 } as const;

export interface TestNameServer {
  /** As a resolver takes it. */
  readonly server: string;
  /** Names asked for so far, each with every question about it. */
  readonly asked: readonly string[];
}

/** Starts one; it ends with the test. */
export async function startNameServer(
  t: AfterTest,
  answerTo: (name: string, kind: 'A' | 'AAAA') => NameAnswer,
): Promise<TestNameServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, from) => {
    const { name, kind, end } = questionOf(query);
    asked.push(name);
    const answer = answerTo(name, kind === kinds.A ? 'A' : 'AAAA');
    if (answer === 'silence') return;
    const records = typeof answer === 'string' ? [] : recordsOf(answer, kind);
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180 | (typeof answer === 'string' ? codes[answer] : 0), 2);
    head.writeUInt16BE(records.length, 6);
    head.writeUInt32BE(0, 8);
    const reply = Buffer.concat([head, query.subarray(12, end), ...records]);
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(async () => {
    socket.close();
  });
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

function questionOf(query: Buffer): { name: string; kind: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), kind: query.readUInt16BE(at + 1), end: at + 5 };
}

function recordsOf(
  { addresses, alias }: { readonly addresses: readonly string[]; readonly alias?: string },
  kind: number,
): readonly Buffer[] {
  const own = addresses.filter((one) => kind === (isIPv6(one) ? kinds.AAAA : kinds.A));
  if (alias === undefined) return own.map((one) => record(asked, kind, addressBytes(one)));
  const name = nameBytes(alias);
  return [
    record(asked, kinds.CNAME, name),
    ...own.map((one) => record(name, kind, addressBytes(one))),
  ];
}

/** The name that was asked for, by reference. */
const asked = Buffer.from([0xc0, 12]);

function record(name: Buffer, kind: number, content: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(kind, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(60, 4);
  head.writeUInt16BE(content.length, 8);
  return Buffer.concat([name, head, content]);
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => {
    return Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]);
  });
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** IPv6 addresses are written in full, eight groups. */
function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  return Buffer.from(
    address
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}
