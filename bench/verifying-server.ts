// A bare Fastify that verifies the signature of every request with one known key and answers
// `{}`: what the service cannot be faster than. No token, no route table, no database.

import {
  checkSignatures,
  compatibleRules,
  headerPairs,
  parsePublicKey,
  parseSignatures,
  verifySignatures,
} from '@unwind/signatures';
import fastify from 'fastify';

const {
  BENCH_TENANT: clientId = '',
  BENCH_KEY_ID: keyId,
  BENCH_PUBLIC_KEY: pem = '',
} = process.env;
const key = { ...parsePublicKey(pem), clientId, live: true };

const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
app.all('/*', async ({ raw, body }, reply) => {
  const { method = 'GET', url: target = '/', rawHeaders } = raw;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const headers = headerPairs(rawHeaders);
  const checked = checkSignatures({
    parsed: parseSignatures({ method, target, headers, body: bytes }),
    rules: compatibleRules,
    clientId,
    keys: (keyid) => (keyid === keyId ? key : undefined),
    now: Math.floor(Date.now() / 1_000),
    isReplay: () => false,
  });
  await verifySignatures(checked);
  reply.code(method === 'POST' ? 202 : 200).header('content-type', 'application/json');
  return reply.send('{}');
});
await app.listen({ host: '127.0.0.1', port: 0 });
process.on('SIGTERM', () => void app.close());
console.log(`listens at ${app.listeningOrigin}`);
