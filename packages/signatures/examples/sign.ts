// Signs a request with RFC 9421 and verifies it, as its receiver does.
import { generateKeyPairSync } from 'node:crypto';
import {
  parsePrivateKey,
  parsePublicKey,
  SignatureError,
  signMessage,
  strictRules,
  usualComponents,
  verifyMessage,
} from '@unwind/signatures';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const clientId = 'ebabcf4d-61c3-4942-875c-e265a7c2d062';

const body = new TextEncoder().encode('{"user_id":"084a00a8-4a37-4d2d-b276-71ec5e2be0e3"}');
const message = {
  method: 'POST',
  target: '/accounts/debf2026-f2da-4ff0-bb84-92e45babb1e3/liquidations',
  headers: [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['upvest-client-id', clientId],
  ],
  body,
} as const;

const now = Math.floor(Date.now() / 1_000);
const dialect = '9421';
const headers = ['content-type', 'content-length', 'digest', 'upvest-client-id'];
const added = await signMessage({
  dialect,
  message,
  components: usualComponents({ dialect, message, headers, expires: true }),
  params: { keyid: 'my-key', created: now, expires: now + 60, nonce: crypto.randomUUID() },
  key: parsePrivateKey(privateKey),
});
console.log(added);

const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
const key = { ...parsePublicKey(pem), clientId, live: true };
const seen = new Set<string>();
try {
  const verified = await verifyMessage(
    { ...message, headers: [...message.headers, ...Object.entries(added)] },
    {
      rules: strictRules,
      clientId,
      keys: (keyid) => (keyid === 'my-key' ? key : undefined),
      now,
      isReplay: (baseSha256) => seen.has(baseSha256),
    },
  );
  seen.add(verified.baseSha256); // until `created` plus five minutes
  console.log('signed by', verified.keyid);
} catch (error) {
  if (!(error instanceof SignatureError)) throw error;
  console.log(error.code, error.detail);
}
