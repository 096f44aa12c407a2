// What an integrator does with the two packages, in plain JavaScript, so that any runtime can run it:
// signs and verifies in every dialect, calls a service, receives deliveries. Prints what held.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { ApiError, Client, NoResponseError } from '@unwind/client';
import { webhookReceiver } from '@unwind/client/webhooks';
import {
  allDialects,
  compatibleRules,
  deliveryRules,
  headerPairs,
  inspectSignature,
  parsePrivateKey,
  parsePublicJwk,
  signMessage,
  usualComponents,
  verifyMessage,
} from '@unwind/signatures';

const pairs = {
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ecdsa-p384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  'ecdsa-p521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: () => generateKeyPairSync('ed25519'),
};

const results = {};

async function step(name, work) {
  try {
    await work();
    results[name] = 'held';
  } catch (error) {
    results[name] = `${error.name}: ${error.message}`;
  }
}

function holds(condition, what) {
  if (!condition) throw new Error(what);
}

const nowS = () => Math.floor(Date.now() / 1000);

/** A message as it is sent, signed, and what verifies it. */
async function signed(dialect, { privateKey, publicKey }, message) {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const jwk = publicKey.export({ format: 'jwk' });
  const covered = ['content-type', 'content-length', 'digest', 'upvest-client-id'];
  const added = await signMessage({
    dialect,
    message,
    components: usualComponents({ dialect, message, headers: covered, expires: true }),
    params: {
      keyid: 'k1',
      created: nowS(),
      expires: nowS() + 60,
      ...(dialect === '1' ? {} : { nonce: crypto.randomUUID() }),
    },
    key: parsePrivateKey(pem),
  });
  const headers = [...message.headers, ...Object.entries(added)];
  const key = { ...parsePublicJwk(jwk), clientId: undefined, live: true };
  return { message: { ...message, headers }, key, jwk: { ...jwk, kid: 'k1' } };
}

function newMessage(json, target = '/hooks?from=unwind') {
  const body = new TextEncoder().encode(JSON.stringify(json));
  const headers = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
  ];
  return { method: 'POST', target, headers, body };
}

for (const [dialect, { schemes }] of Object.entries(allDialects)) {
  for (const [algorithm, newPair] of Object.entries(pairs)) {
    if (!schemes.has(algorithm)) continue;
    await step(`version ${dialect} by ${algorithm}`, async () => {
      const { message, key } = await signed(dialect, newPair(), newMessage({ a: 1 }));
      const check = {
        rules: deliveryRules,
        clientId: undefined,
        keys: () => key,
        now: nowS(),
        isReplay: () => false,
      };
      const { keyid } = await verifyMessage(message, check);
      holds(keyid === 'k1', keyid);
      const changed = { ...message, target: '/other?from=unwind' };
      const refused = await verifyMessage(changed, check).catch((error) => error);
      holds(refused.code === 'signature_invalid', String(refused));
    });
  }
}

await step('a signature is inspected', async () => {
  const { message, key } = await signed('15', pairs.ed25519(), newMessage({ a: 1 }));
  const context = { keys: () => key, now: nowS(), rules: compatibleRules, clientId: undefined };
  const inspection = await inspectSignature(message, { ...context, isReplay: () => false });
  holds(inspection.signatures.length === 1, 'one signature');
});

const event = {
  id: 'e1',
  created_at: '2026-01-05T09:00:00Z',
  type: 'ACCOUNT_LIQUIDATION.FILLED',
  object: { id: 'l1', status: 'FILLED' },
  webhook_id: 'w1',
};

await step('a delivery is read, by node:http and by Request', async () => {
  const pair = pairs['ecdsa-p256']();
  const { message, jwk } = await signed('6', pair, newMessage(event));
  const receiver = webhookReceiver({ keys: async () => ({ keys: [jwk] }) });
  const server = createServer(async (request, response) => {
    const { status, error } = await receiver.receive(request, () => {});
    response.writeHead(status).end(error?.message);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}${message.target}`;
  const headers = message.headers.filter(([name]) => name !== 'content-length');
  const init = { method: 'POST', headers, body: message.body };
  try {
    const response = await fetch(url, init);
    holds(response.status === 204, `${response.status} ${await response.text()}`);
    const forged = await fetch(url, { ...init, body: '{}' });
    holds(forged.status === 401, `${forged.status} ${await forged.text()}`);
    const request = new Request(url, { ...init, headers: message.headers });
    const events = await receiver.read(request);
    holds(events[0].id === 'e1', 'the event');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

const credentials = {
  clientId: 'ebabcf4d-61c3-4942-875c-e265a7c2d062',
  clientSecret: 'secret',
  keyId: 'k1',
  scopes: ['account_liquidations:admin'],
};

await step('a service is called, and verifies the call', async () => {
  const { privateKey, publicKey } = pairs.ed25519();
  const key = { ...parsePublicJwk(publicKey.export({ format: 'jwk' })), live: true };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url: target, rawHeaders } = request;
    const body = Buffer.concat(chunks);
    const message = { method, target, headers: headerPairs(rawHeaders), body };
    const check = { clientId: credentials.clientId, now: nowS(), isReplay: () => false };
    const keys = () => ({ ...key, clientId: credentials.clientId });
    await verifyMessage(message, { ...check, keys, rules: compatibleRules }).catch((error) => {
      response.setHeader('x-refused', error.message);
    });
    const isRefused = response.hasHeader('x-refused');
    const isToken = target === '/auth/token';
    const json = isToken ? { access_token: 't', expires_in: 60, scope: 'a' } : { id: 'l1' };
    response.writeHead(isRefused ? 400 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isRefused ? response.getHeader('x-refused') : json));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  try {
    const client = new Client({ baseUrl, ...credentials, privateKey });
    const { id } = await client.liquidations.create('a1', { user_id: 'u1' });
    holds(id === 'l1', String(id));
  } catch (error) {
    throw error instanceof ApiError ? new Error(error.detail) : error;
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

async function reasonAt(baseUrl) {
  const { privateKey } = pairs.ed25519();
  const retry = { firstWaitMs: 1, longestWaitMs: 1, attemptsMax: 2 };
  const client = new Client({ baseUrl, ...credentials, privateKey, retry });
  const error = await client.webhooks
    .list()
    .page()
    .catch((reason) => reason);
  if (!(error instanceof NoResponseError)) throw error;
  return error.reason;
}

await step('a refused connection is told apart', async () => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const reason = await reasonAt(`http://127.0.0.1:${port}`);
  holds(reason === 'refused', reason);
});

await step('a host that does not exist is told apart', async () => {
  const reason = await reasonAt('http://nosuchhost.invalid:8080');
  holds(reason === 'unknown_host', reason);
});

await step('https where only http is spoken is told apart', async () => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reason = await reasonAt(`https://127.0.0.1:${server.address().port}`);
  server.close();
  holds(reason === 'tls', reason);
});

console.log(JSON.stringify(results, undefined, 2));
