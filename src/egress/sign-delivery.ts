// Signs one delivery, in the dialect and with the key of its subscription.

import { type KeyObject, sign } from 'node:crypto';
import { signMessage, usualComponents, withCopy } from '@unwind/signatures';
import type { DeliveryKey } from '../auth/signing-keys.ts';
import { newId } from '../ids.ts';
import type { Webhook } from '../webhooks/webhook.ts';

/** Seconds after its creation within which a receiver should take a delivery's signature. */
const signatureLifeS = 60;

interface Signed {
  readonly webhook: Webhook;
  readonly messageId: string;
  readonly key: DeliveryKey;
  readonly now: Date;
}

/** The headers of a delivery: what it is, its signature, and those of Standard Webhooks if asked for. */
export async function signedHeaders(
  url: URL,
  body: Buffer,
  delivery: Signed,
): Promise<Readonly<Record<string, string>>> {
  const { webhook, key, now } = delivery;
  const headers = {
    'content-type': 'application/json',
    'content-length': String(body.length),
    'upvest-client-id': webhook.tenantId,
  };
  const message = {
    method: 'POST',
    target: url.pathname + url.search,
    headers: Object.entries(headers),
    body,
  };
  const dialect = webhook.signatureVersion;
  const created = Math.floor(now.getTime() / 1_000);
  const components = usualComponents({
    dialect,
    message,
    headers: ['content-type', 'content-length', 'digest', 'upvest-client-id'],
    expires: true,
  });
  const signature = await signMessage({
    dialect,
    message,
    components,
    params: { keyid: key.keyId, created, expires: created + signatureLifeS, nonce: newId() },
    key,
  });
  const standard = webhook.standardHeaders ? await standardHeaders(body, delivery) : {};
  return { ...headers, ...signature, ...standard };
}

/**
 * The headers of Standard Webhooks, besides: signed by all Ed25519 keys that receivers may know, each
 * as `v1a`, so that no receiver holds a secret.
 */
async function standardHeaders(body: Buffer, { messageId, key, now }: Signed) {
  const timestamp = String(Math.floor(now.getTime() / 1_000));
  const signed = Buffer.concat([Buffer.from(`${messageId}.${timestamp}.`), body]);
  const signatures = await Promise.all(
    key.standardKeys.map(
      async (own) => `v1a,${(await signEd25519(own, signed)).toString('base64')}`,
    ),
  );
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** Runs in libuv's pool, not on the event loop. */
function signEd25519(original: KeyObject, bytes: Buffer): Promise<Buffer> {
  return withCopy(original, (key) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    sign(null, bytes, key, (error, signature) => (error ? reject(error) : resolve(signature)));
    return promise;
  });
}
