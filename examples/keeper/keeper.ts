// The keeper of the holdings, as one would write it: verifies who asks, grants what is free, remembers what it
// has said by the id of the reservation, and lets go what was not sold. Its ledger is in memory, for an example; a
// real one commits before it answers.
//
//   UNWIND_RESERVATIONS_URL=http://127.0.0.1:8090 npm start
//   npm exec -- node examples/keeper/keeper.ts 8090 .unwind/sandbox-client.json

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@unwind/client';
import {
  deliveryRules,
  headerPairs,
  type PublicJwk,
  parsePublicJwk,
  SignatureError,
  verifyMessage,
} from '@unwind/signatures';
import Big from 'big.js';

/** What `GET /auth/verify_keys` answers for a client. */
export type FetchKeys = (
  clientId: string,
) => Promise<{ readonly keys: readonly (PublicJwk & { readonly kid: string })[] }>;

interface Question {
  readonly reservation_id: string;
  readonly client_id: string;
  readonly account_id: string;
  readonly positions: readonly { readonly isin: string; readonly quantity: string }[];
}

interface Report {
  readonly number: number;
  readonly positions: readonly {
    readonly isin: string;
    readonly sold: string;
    readonly released: string;
  }[];
}

interface Entry {
  readonly accountId: string;
  readonly answer: string;
  /** Units held back, by ISIN: as granted, until a report says what was sold. */
  granted: ReadonlyMap<string, Big>;
  report: Report | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** How many units of an instrument may be sold of an account, and why not more. */
export type Limit = (
  accountId: string,
  isin: string,
) => { units: string; reason: string } | undefined;

/** The ledger: what was asked, granted, sold and let go. */
export class Ledger {
  readonly #limit: Limit;
  readonly #entries = new Map<string, Entry>();

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Reservations, with what was granted and what was reported last. */
  get entries(): ReadonlyMap<string, Readonly<Entry>> {
    return this.#entries;
  }

  /** The same reservation is answered the same, however often it is asked. */
  ask(question: Question): Answer {
    const { reservation_id: id, account_id: accountId, positions } = question;
    const known = this.#entries.get(id);
    if (known !== undefined) return { status: 200, body: known.answer };
    const given = positions.map(({ isin, quantity }) => {
      const limit = this.#limit(accountId, isin);
      const free = limit && new Big(limit.units).minus(this.#heldBack(accountId, isin));
      if (limit === undefined || free === undefined || free.gte(quantity))
        return { isin, quantity };
      return { isin, quantity: (free.gt(0) ? free : new Big(0)).toFixed(), reason: limit.reason };
    });
    const granted = new Map(given.map(({ isin, quantity }) => [isin, new Big(quantity)]));
    const answer = JSON.stringify({ reservation_id: id, positions: given });
    this.#entries.set(id, { accountId, answer, granted, report: undefined });
    return { status: 200, body: answer };
  }

  /** The highest number counts; one that was never asked for has nothing to let go, now or later. */
  take(id: string, report: Report): Answer {
    const entry = this.#entries.get(id);
    if (entry === undefined) {
      const answer = JSON.stringify({ reservation_id: id, positions: [] });
      this.#entries.set(id, { accountId: '', answer, granted: new Map(), report });
    } else if (entry.report === undefined || entry.report.number < report.number) {
      entry.report = report;
    }
    return { status: 204, body: '' };
  }

  /** What is granted and not reported yet, and what was sold. */
  #heldBack(accountId: string, isin: string): Big {
    let sum = new Big(0);
    for (const entry of this.#entries.values()) {
      if (entry.accountId !== accountId) continue;
      const reported = entry.report?.positions.find((one) => one.isin === isin);
      sum = sum.plus(reported?.sold ?? entry.granted.get(isin) ?? 0);
    }
    return sum;
  }
}

/** A server around a ledger. */
export function keeperServer(
  ledger: Ledger,
  keysOf: FetchKeys,
  now: () => Date = () => new Date(),
): Server {
  return createServer(async (request, response) => {
    try {
      const { method = '', url = '', rawHeaders } = request;
      const content = Buffer.concat(await request.toArray());
      const asked = { method, url, rawHeaders, body: content };
      const { status, body } = await answer(ledger, { keysOf, now }, asked);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    } catch (error) {
      const isForged = error instanceof SignatureError;
      response.writeHead(isForged ? 401 : 500).end();
      if (!isForged) throw error;
    }
  });
}

/** A request as it came. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly body: Buffer;
}

/** The answer to one request. @throws SignatureError where it is not signed as it has to be. */
export async function answer(
  ledger: Pick<Ledger, 'ask' | 'take'>,
  { keysOf, now }: { readonly keysOf: FetchKeys; readonly now: () => Date },
  { method, url, rawHeaders, body }: Asked,
): Promise<Answer> {
  const headers = headerPairs(rawHeaders);
  const [, clientId = ''] =
    headers.find(([name]) => name.toLowerCase() === 'upvest-client-id') ?? [];
  const { keys } = await keysOf(clientId);
  await verifyMessage(
    { method, target: url, headers, body },
    {
      rules: deliveryRules,
      clientId: undefined,
      keys: (keyid) => {
        const jwk = keys.find(({ kid }) => kid === keyid);
        return jwk && { ...parsePublicJwk(jwk), clientId: undefined, live: true };
      },
      now: Math.floor(now().getTime() / 1_000),
      isReplay: () => false,
    },
  );
  const json = JSON.parse(body.toString());
  // The signature proves the client of the header; the body must speak of the same.
  if (json.client_id !== clientId) return { status: 403, body: '{}' };
  if (url === '/reservations') return ledger.ask(json);
  const [, id] = /^\/reservations\/([0-9a-f-]{36})\/reports$/.exec(url) ?? [];
  return id === undefined ? { status: 404, body: '{}' } : ledger.take(id, json);
}

if (import.meta.main) {
  const [port = '8090', file = '.unwind/sandbox-client.json'] = process.argv.slice(2);
  const own = JSON.parse(await readFile(file, 'utf8'));
  const client = new Client({
    baseUrl: own.base_url,
    clientId: own.client_id,
    clientSecret: own.client_secret,
    keyId: own.keys[0].key_id,
    privateKey: await readFile(own.keys[0].private_key_file, 'utf8'),
    scopes: ['webhooks:read'],
  });
  const ledger = new Ledger(() => undefined);
  const server = keeperServer(ledger, async () => {
    return (await client.webhooks.verifyKeys()) as Awaited<ReturnType<FetchKeys>>;
  });
  server.listen(Number(port), '127.0.0.1');
  await once(server, 'listening');
  process.stdout.write(`grants everything at port ${(server.address() as AddressInfo).port}\n`);
}
