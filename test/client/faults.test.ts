// Why there is no response: told apart, with what to do about it, and tried again only where that helps.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { ApiError, Client, type ClientOptions, NoResponseError } from '@unwind/client';
import { type Identity, newAuthority, selfSigned } from '../egress/certificate.ts';
import { portOf } from '../support/condition.ts';
import { freePort } from '../support/port.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const own = {
  clientId: randomUUID(),
  clientSecret: 's',
  keyId: randomUUID(),
  privateKey,
  scopes: [],
};
const retry = { firstWaitMs: 5, longestWaitMs: 20 };

function clientAt(baseUrl: string, options: Partial<ClientOptions> = {}): Client {
  return new Client({ baseUrl, ...own, retry, ...options });
}

async function listening(t: TestContext, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  return portOf(server);
}

const trusted = newAuthority('Trusted in this file');
setDefaultCACertificates([...getCACertificates('default'), trusted.cert]);

async function fault(client: Client): Promise<NoResponseError> {
  const error = await client.webhooks.create({ title: 't', url: 'https://hooks.example' }).then(
    () => assert.fail('it was answered'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof NoResponseError, String(error));
  return error;
}

suite('what cannot come right by itself is reported after one attempt', () => {
  type Place = (t: TestContext) => Promise<string>;
  const tlsAt = (identity: Identity): Place => {
    return async (t) => {
      const server = createTlsServer({ key: identity.key, cert: identity.cert }, (_, response) => {
        response.end();
      });
      return `https://localhost:${await listening(t, server)}`;
    };
  };
  const table: readonly (readonly [string, Place, NoResponseError['reason'], RegExp])[] = [
    [
      'a host that does not exist',
      async () => 'http://nosuchhost.invalid:8080',
      'unknown_host',
      /^Cannot find the host nosuchhost\.invalid, after 1 attempt\. Is the host name of baseUrl right\?$/,
    ],
    [
      'https: where only http: is spoken',
      async (t) => `https://127.0.0.1:${await listening(t, createServer())}`,
      'tls',
      /^Cannot speak TLS with 127\.0\.0\.1:\d+ \(ERR_SSL_\w+\), after 1 attempt\. Should baseUrl begin with http:/,
    ],
    [
      'a certificate that signs itself',
      tlsAt(selfSigned({ names: ['localhost'] })),
      'certificate',
      /^The certificate of localhost:\d+ is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\), .* NODE_EXTRA_CA_CERTS/,
    ],
    [
      'a certificate of an authority that is not known here',
      tlsAt(newAuthority('Somebody').issue({ names: ['localhost'] })),
      'certificate',
      /is not trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
    ],
    [
      'a certificate that has expired',
      tlsAt(trusted.issue({ names: ['localhost'], to: new Date('2026-01-05T09:00:00Z') })),
      'certificate',
      /is not valid now \(CERT_HAS_EXPIRED\), after 1 attempt\. Is the clock of this machine right\?/,
    ],
    [
      'a certificate for another name',
      tlsAt(trusted.issue({ names: ['other.test'] })),
      'certificate',
      /^The certificate of the service is not for the name localhost, .* a name in baseUrl/,
    ],
    [
      'a port of something else',
      async (t) => {
        const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
        return `http://127.0.0.1:${await listening(t, server)}`;
      },
      'not_http',
      /^What answers at 127\.0\.0\.1:\d+ does not speak HTTP, after 1 attempt\./,
    ],
    [
      'a port that fetch never connects to',
      async () => 'http://127.0.0.1:6000',
      'port_blocked',
      /^The platform's fetch connects to no port 6000, after 1 attempt\./,
    ],
  ];
  for (const [what, place, reason, message] of table) {
    test(what, async (t) => {
      // With the waits of the usual policy: were it tried again, this would take its time.
      const error = await fault(clientAt(await place(t), { retry: {} }));
      assert.match(error.message, message);
      const facts = [error.reason, error.attempts, error.mayBeDone];
      assert.deepEqual(facts, [reason, 1, false]);
    });
  }

  test('an authority that is trusted is no fault', async (t) => {
    const server = createTlsServer(trusted.issue({ names: ['localhost'] }), (_, response) => {
      response.writeHead(401).end();
    });
    const client = clientAt(`https://localhost:${await listening(t, server)}`);
    const refused = client.webhooks.list().page();
    await assert.rejects(refused, (error) => error instanceof ApiError && error.status === 401);
  });
});

suite('what may come right by itself is tried again', () => {
  test('a refused connection, for as long as a service takes to start again', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const waits = { firstWaitMs: 20, longestWaitMs: 20 };
    const patient = { ...waits, attemptsMax: 1_000, deadlineMs: 3_600_000 };
    const error = await fault(clientAt(url, { retry: { ...patient, unreachableMs: 2_000 } }));
    assert.match(
      error.message,
      /^Cannot connect to 127\.0\.0\.1:\d+: connection refused, after \d+ attempts\. Is the service running there, and is the port of baseUrl right\?$/,
    );
    assert.deepEqual([error.reason, error.mayBeDone], ['refused', false]);
    assert.ok(error.attempts > 1 && error.attempts < 1_000);
    const few = await fault(clientAt(url, { retry: { ...patient, attemptsMax: 3 } }));
    assert.equal(few.attempts, 3);
    const none = await fault(clientAt(url, { retry: { ...patient, unreachableMs: 0 } }));
    assert.equal(none.attempts, 1);
  });

  test('what never arrived, also where it could be done twice', async (t) => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ access_token: 'a', expires_in: 60, scope: '' }));
    });
    const port = await listening(t, server);
    const gone = await freePort();
    const toGone: typeof fetch = (to, init) => {
      const url = new URL(String(to));
      if (url.pathname !== '/auth/token') url.port = String(gone);
      return fetch(url, init);
    };
    const options = { fetch: toGone, retry: { ...retry, attemptsMax: 3 } };
    const error = await fault(clientAt(`http://127.0.0.1:${port}`, options));
    assert.deepEqual([error.reason, error.attempts, error.mayBeDone], ['refused', 3, false]);
  });

  test('a service that was starting is found', async (t) => {
    const port = await freePort();
    const asked = Promise.withResolvers<void>();
    let attempts = 0;
    const counting: typeof fetch = (...args) => {
      attempts += 1;
      if (attempts === 3) asked.resolve();
      return fetch(...args);
    };
    const patient = { ...retry, attemptsMax: 10_000, unreachableMs: 60_000 };
    const call = clientAt(`http://127.0.0.1:${port}`, { fetch: counting, retry: patient })
      .webhooks.list()
      .page();
    await asked.promise;
    const server = createServer((_, response) => response.writeHead(403).end());
    await once(server.listen(port, '127.0.0.1'), 'listening');
    t.after(() => server.close());
    await assert.rejects(call, (error) => error instanceof ApiError && error.status === 403);
  });

  test('a connection that breaks off', async (t) => {
    const server = createServer((request) => request.socket.destroy());
    const url = `http://127.0.0.1:${await listening(t, server)}`;
    const error = await fault(clientAt(url, { retry: { ...retry, attemptsMax: 3 } }));
    assert.match(
      error.message,
      /^The connection to 127\.0\.0\.1:\d+ broke \(UND_ERR_SOCKET\), after 3 attempts\. If the service speaks TLS, use https:\.$/,
    );
    assert.equal(error.reason, 'broken');
  });

  test('http: where only https: is spoken reads like a connection that breaks off', async (t) => {
    const identity = selfSigned({ names: ['localhost'] });
    const url = `http://localhost:${await listening(t, createTlsServer(identity))}`;
    const error = await fault(clientAt(url, { retry: { ...retry, attemptsMax: 2 } }));
    assert.match(error.message, /after 2 attempts\. If the service speaks TLS, use https:\.$/);
  });

  test('a silence', async (t) => {
    const server = createServer(() => {});
    t.after(() => server.closeAllConnections());
    const url = `http://127.0.0.1:${await listening(t, server)}`;
    const error = await fault(clientAt(url, { retry: { ...retry, deadlineMs: 200 } }));
    assert.match(error.message, /^No response in time from 127\.0\.0\.1:\d+, after 1 attempt\.$/);
    assert.equal(error.reason, 'timeout');
  });
});

test('a redirect is not followed, and named', async (t) => {
  const server = createServer((_, response) => {
    response.writeHead(308, { location: 'https://api.example.com/' }).end();
  });
  const client = clientAt(`http://127.0.0.1:${await listening(t, server)}`);
  await assert.rejects(client.webhooks.list().page(), {
    name: 'ApiError',
    status: 308,
    detail: 'redirected to https://api.example.com/, which is not followed; is baseUrl right?',
  });
});

suite('an address that cannot be used is refused before anything is sent', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['', /^baseUrl "" cannot be read; expected is an address such as/],
    ['api.example.com', /^baseUrl "api\.example\.com" cannot be read/],
    ['localhost:8080', /^baseUrl "localhost:8080" does not begin with http:\/\/ or https:\/\//],
    ['ftp://api.example.com', /does not begin with http:/],
    ['http://user:word@localhost', /^baseUrl has a user or password in it/],
    ['http://localhost/?a=b', /has a query or fragment/],
    ['http://localhost/#a', /has a query or fragment/],
  ];
  for (const [baseUrl, message] of table) {
    test(JSON.stringify(baseUrl), () => {
      assert.throws(() => clientAt(baseUrl), { name: 'TypeError', message });
    });
  }
});

test('a key that the signature version does not take is refused before anything is sent', () => {
  const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
  const options = { dialect: '9421', privateKey: p521 } as const;
  assert.throws(() => clientAt('http://localhost', options), {
    name: 'UnusableKeyError',
    message: 'Signature version 9421 takes no key of ecdsa-p521.',
  });
});
