// What a receiver may answer, byte by byte: nothing it says throws, lasts longer than the timeout, is
// read without end, or passes for a receiver that is not there.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { FairSlots } from '../../src/deliveries/sharing.ts';
import { type Attempt, keptResponse, post, receiverAgent } from '../../src/egress/post.ts';
import { toResponseView } from '../../src/http/webhook-views.ts';
import { newId } from '../../src/ids.ts';
import { settingsOf } from '../deliveries/queues.ts';
import { eventually, portOf } from '../support/condition.ts';

const { privateKey } = generateKeyPairSync('ed25519');
/** Far beyond what even a busy machine takes for any of them. */
const patienceMs = 60_000;

interface TestPeer {
  readonly url: string;
  readonly sockets: readonly Socket[];
}

/** Does what it likes with each connection, once the first bytes of a request have come. */
async function startPeer(
  t: TestContext,
  act: (socket: Socket, request: Buffer) => void,
): Promise<TestPeer> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (request) => act(socket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${portOf(server)}/`, sockets };
}

function sender(
  t: TestContext,
  { timeoutMs = patienceMs, ...life }: { timeoutMs?: number; connectionLifeMs?: number } = {},
) {
  const agent = receiverAgent({ policy: { allowLoopback: true }, timeoutMs, ...life });
  t.after(() => agent.destroy());
  const algorithm = 'ed25519' as const;
  const key = { keyId: newId<'key'>(), algorithm, privateKey, standardKeys: [] };
  const signings = new FairSlots(2);
  return (url: string): Promise<Attempt> => {
    const webhook = settingsOf({ url, signatureVersion: '15', signatureAlgorithm: algorithm });
    const stop = new AbortController().signal;
    const clock = { now: () => new Date('2026-01-05T09:00:00.000Z') };
    const how = { key, clock, timeoutMs, stop, signings };
    return post(agent, { webhook, body: '{}', messageId: 'e', ...how });
  };
}

function saying(text: string) {
  return (socket: Socket): void => {
    socket.end(text, 'latin1');
  };
}

/** Begins, and says the same again and again as fast as it is taken. */
function flooding(start: string, again: string) {
  const chunk = again.repeat(Math.ceil(16_384 / again.length));
  return (socket: Socket): void => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(chunk)) {}
    };
    socket.on('drain', pour);
    socket.write(start);
    pour();
  };
}

/** Begins, and then says one byte from time to time. */
function dripping(start: string) {
  return (socket: Socket): void => {
    socket.write(start);
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(timer));
  };
}

const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`;

describe('an answer that is none', () => {
  const table: readonly (readonly [what: string, (socket: Socket) => void])[] = [
    ['nothing', (socket) => socket.end()],
    ['a reset', (socket) => socket.resetAndDestroy()],
    ['half a status', saying('HTTP/1.1 20')],
    ['no HTTP', saying('hello')],
    ['HTTP/0.9', saying('<html>')],
    ['a status of four digits', saying('HTTP/1.1 2000 X\r\n\r\n')],
    ['status 000', saying('HTTP/1.1 000 X\r\n\r\n')],
    ['a length below zero', saying(`${ok}content-length: -3\r\n\r\n`)],
    ['two lengths', saying(`${ok}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd`)],
    ['a length and chunks', saying(`${ok}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n`)],
    ['lines without CR', saying('HTTP/1.1 200 OK\ncontent-length: 0\n\n')],
    ['a folded header', saying(`${ok}x: a\r\n b\r\n\r\n`)],
    ['headers without end', flooding(ok, 'x: y\r\n')],
    ['a header without end', flooding(`${ok}x: `, 'y')],
    ['information without end', flooding('', 'HTTP/1.1 103 X\r\nlink: <a>\r\n\r\n')],
    ['100 without end', flooding('', 'HTTP/1.1 100 Continue\r\n\r\n')],
  ];
  for (const [what, act] of table) {
    test(`${what}: has been reached, and says why it failed`, async (t) => {
      const { url } = await startPeer(t, act);
      const attempt = await sender(t)(url);
      assert.ok(attempt.type === 'unanswered' && attempt.wasReached, JSON.stringify(attempt));
      assert.match(attempt.reason, /^[A-Za-z_]{5,40}$/);
      assert.notEqual(attempt.reason, 'undefined');
      assert.ok(attempt.durationMs < patienceMs, 'and is not waited for any longer');
    });
  }

  test('a header that never ends is waited for until the timeout', async (t) => {
    const { url } = await startPeer(t, dripping(`${ok}x: `));
    const attempt = await sender(t, { timeoutMs: 300 })(url);
    assert.ok(attempt.type === 'unanswered' && attempt.wasReached);
  });
});

/** Says texts as packets of their own, each once the one before it was sent. */
function sayingInTurn(...texts: readonly string[]) {
  return (socket: Socket): void => {
    socket.setNoDelay(true);
    const say = (at: number): void => {
      const text = texts[at];
      if (text === undefined) socket.end();
      else socket.write(text, 'latin1', () => setImmediate(say, at + 1));
    };
    say(0);
  };
}

describe('what comes unasked before an answer (RFC 9110 15.2)', () => {
  const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
  const goOn = 'HTTP/1.1 100 Continue\r\n\r\n';
  const oldGoOn = 'HTTP/1.0 100 Continue\r\n\r\n';
  const oldEnd = 'HTTP/1.0 204 No Content\r\n\r\n';
  const end = 'HTTP/1.1 204 No Content\r\n\r\n';
  const table: readonly (readonly [what: string, (socket: Socket) => void])[] = [
    ['100', saying(goOn + end)],
    ['100 with a header', saying(`HTTP/1.1 100 Continue\r\nx: HTTP/1.1 200 OK\r\n\r\n${end}`)],
    ['100 without a reason', saying(`HTTP/1.1 100\r\n\r\n${end}`)],
    ['102', saying(`HTTP/1.1 102 Processing\r\n\r\n${end}`)],
    ['103', saying(early + end)],
    ['100 of HTTP/1.0', saying(`HTTP/1.0 100 Continue\r\n\r\n${end}`)],
    ['100 before a response of HTTP/1.0', saying(oldGoOn + oldEnd)],
    ['100 and response of HTTP/1.0, byte by byte', sayingInTurn(...oldGoOn, ...oldEnd)],
    ['103 of HTTP/1.0', saying(`HTTP/1.0 103 Early Hints\r\n\r\n${oldEnd}`)],
    ['103 and 100', saying(early + goOn + end)],
    ['100 three times', saying(goOn.repeat(3) + end)],
    ['100 in a packet of its own', sayingInTurn(goOn, end)],
    ['100 byte by byte', sayingInTurn(...goOn, ...end)],
    ['199', saying(`HTTP/1.1 199 X\r\n\r\n${end}`)],
  ];
  for (const [what, act] of table) {
    test(`${what} is passed over`, async (t) => {
      const { url } = await startPeer(t, act);
      const attempt = await sender(t)(url);
      assert.ok(attempt.type === 'answered' && attempt.status === 204, JSON.stringify(attempt));
    });
  }

  test('100 is passed over at each request of a connection, and the bytes of answers stay', async (t) => {
    const body = 'HTTP/1.1 100 Continue';
    const answer = `${ok}content-length: ${body.length}\r\n\r\n`;
    const peer = await startPeer(t, (socket) => {
      socket.write(goOn + answer, () => socket.write(body));
    });
    const send = sender(t);
    for (let i = 0; i < 3; i += 1) {
      const attempt = await send(peer.url);
      assert.ok(attempt.type === 'answered' && attempt.status === 200, JSON.stringify(attempt));
      assert.equal(attempt.answer, body);
    }
    assert.equal(peer.sockets.length, 1);
  });

  for (const headers of ['upgrade: x\r\nconnection: upgrade\r\n', 'upgrade: x\r\n', '']) {
    test(`101 ${headers.replaceAll('\r\n', ', ')}is a failure with a name`, async (t) => {
      const act = saying(`HTTP/1.1 101 Switching Protocols\r\n${headers}\r\n`);
      const { url } = await startPeer(t, act);
      const { durationMs: _, ...attempt } = await sender(t)(url);
      const reason = 'UNASKED_UPGRADE';
      assert.deepEqual(attempt, { type: 'unanswered', reason, wasReached: true });
    });
  }
});

describe('an answer whose body', () => {
  const table: readonly (readonly [what: string, (socket: Socket) => void])[] = [
    ['is shorter than it says', saying(`${ok}content-length: 100\r\n\r\nabc`)],
    ['has a bad chunk', saying(`${chunked}ZZ\r\nabc`)],
    ['has a chunk larger than any', saying(`${chunked}fffffffffffffff\r\nabc`)],
    ['has an extension without end', flooding(`${chunked}1;`, 'e')],
    ['has trailers without end', flooding(`${chunked}0\r\n`, 't: e\r\n')],
    ['has no end', flooding(`${chunked}ffffff\r\n`, 'e')],
    ['comes byte by byte', dripping(`${ok}content-length: 100000\r\n\r\n`)],
    [
      'is compressed',
      saying(`${ok}content-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08`),
    ],
    ['is followed by other answers', saying(`${ok}content-length: 0\r\n\r\n`.repeat(5))],
  ];
  for (const [what, act] of table) {
    test(`${what} counts by its status, and is not read on`, async (t) => {
      const peer = await startPeer(t, act);
      const begun = performance.now();
      const attempt = await sender(t)(peer.url);
      assert.ok(attempt.type === 'answered' && attempt.status === 200, JSON.stringify(attempt));
      assert.ok(
        performance.now() - begun < patienceMs,
        'it does not hold its place to the timeout',
      );
      assert.ok(attempt.answer.length <= 4_096);
    });
  }
});

describe('what a receiver said is kept', () => {
  test('without what a terminal obeys and a database refuses', async (t) => {
    const body = '\\0\\x1b[31mred\\u009b0m\\u202eevil\\u2066\\ud83d'.replaceAll('\\0', '\0');
    const said = JSON.parse(`"${body.replaceAll('\0', '\\u0000').replaceAll('\\x1b', '\\u001b')}"`);
    const bytes = Buffer.concat([
      Buffer.from(`HTTP/1.1 400 X\r\nx: \x9b31m\r\n\r\n`, 'latin1'),
      Buffer.from(`a\tb\n${said}`),
      // A character of four bytes that is cut off in its middle.
      Buffer.from([0xf0, 0x9f]),
    ]);
    const { url } = await startPeer(t, (socket) => socket.end(bytes));
    const attempt = await sender(t)(url);
    const text = keptResponse(attempt) + JSON.stringify(toResponseView(attempt));
    assert.match(text, /a\tb\n/);
    assert.match(text, /red/);
    assert.doesNotMatch(text, /[^\P{Cc}\t\n\r]|\p{Bidi_Control}/u);
    assert.equal(text, text.toWellFormed());
  });

  test('under the names it gave, whatever they are', async (t) => {
    const odd = '__proto__: a\r\nconstructor: b\r\ntoString: c\r\n__proto__: d\r\n';
    const { url } = await startPeer(t, saying(`${ok}${odd}content-length: 0\r\n\r\n`));
    const view = JSON.stringify(toResponseView(await sender(t)(url)));
    assert.match(view, /"__proto__":"a,d","constructor":"b","tostring":"c"/);
  });
});

describe('connections', () => {
  const keptAlive = `${ok}keep-alive: timeout=600\r\ncontent-length: 0\r\n\r\n`;

  test('are used again, and replaced after their life', async (t) => {
    const lasting = await startPeer(t, (socket) => socket.write(keptAlive));
    const sendToLasting = sender(t);
    for (let i = 0; i < 5; i += 1) await sendToLasting(lasting.url);
    assert.equal(lasting.sockets.length, 1);

    const passing = await startPeer(t, (socket) => socket.write(keptAlive));
    const sendToPassing = sender(t, { connectionLifeMs: 20 });
    const attemptsMax = 500;
    for (let i = 0; i < attemptsMax && passing.sockets.length < 3; i += 1) {
      const attempt = await sendToPassing(passing.url);
      assert.equal(attempt.type, 'answered');
    }
    assert.ok(passing.sockets.length >= 3, 'a name that leads elsewhere by now is followed');
  });

  test('to one receiver are not used up by another tenant whose requests hang', async (t) => {
    const { url, sockets } = await startPeer(t, (socket, request) => {
      if (request.includes('/other')) socket.end(`${ok}content-length: 0\r\n\r\n`);
    });
    const send = sender(t);
    let ended = 0;
    const hanging = Array.from({ length: 40 }, () => send(url).finally(() => (ended += 1)));
    await eventually('all of them are under way', () => sockets.length === 40);
    const attempt = await send(`${url}other`);
    assert.deepEqual([attempt.type, ended], ['answered', 0]);
    for (const socket of sockets) socket.destroy();
    await Promise.all(hanging);
  });
});
