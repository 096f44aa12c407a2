// A receiver of webhooks as a process of its own: takes bodies as fast as they come, counts their
// events, and notes how old each was. By path: `/good…` answers 204, `/fail…` 500, `/hang…` never.
// `GET /` says how much came since the last time it was asked, `GET /lags` how old each event was.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

interface Event {
  readonly id: string;
  readonly created_at: string;
}

let requests = 0;
let events = 0;
let lagsMs: number[] = [];

const server = createServer(async (request, response) => {
  const { url = '/', method } = request;
  if (method === 'GET' && url === '/lags') {
    response.end(JSON.stringify(lagsMs));
    lagsMs = [];
    return;
  }
  if (method === 'GET') {
    response.end(JSON.stringify({ requests, events }));
    requests = 0;
    events = 0;
    return;
  }
  if (url.startsWith('/hang')) return;
  const taken = await eventsOf(request);
  if (url.startsWith('/fail')) {
    response.writeHead(500).end();
    return;
  }
  const now = Date.now();
  requests += 1;
  events += taken.length;
  for (const event of taken) lagsMs.push(now - Date.parse(event.created_at));
  response.writeHead(204).end();
});

async function eventsOf(request: IncomingMessage): Promise<readonly Event[]> {
  const body = JSON.parse((await buffer(request)).toString()) as Event | { payload: Event[] };
  return 'payload' in body ? body.payload : [body];
}

server.listen(0, '127.0.0.1', () => {
  console.log(`listens at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('SIGTERM', () => process.exit(0));
