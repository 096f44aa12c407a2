// Signs one delivery, in the dialect and with the key of its subscription.

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { signMessage, usualComponents, withCopy } from '@unwind/signatures';
import type { DeliveryKey } from '../auth/signing-keys.ts';
import { newId } from '../ids.ts';
import type { Webhook } from '../webhooks/webhook.ts';

/** Seconds after its creation within which a receiver should take a delivery's signature. */
const signatureLifeS = 60;

export interface Signed {
  readonly webhook: Pick<Webhook, 'tenantId' | 'signatureVersion' | 'standardHeaders'>;
  readonly messageId: string;
  readonly key: DeliveryKey;
  readonly now: Date;
  readonly faults?: { readonly signature: 'wrong' | 'old_key' | undefined } | undefined;
}

/**
 * The headers of a delivery: what it is, its signature, and those of Standard Webhooks if asked for; in a
 * sandbox maybe with a signature that does not hold, or by a key that is not served.
 */
export async function signedHeaders(url: URL, body: Buffer, delivery: Signed): Promise<Headers> {
  const fault = delivery.faults?.signature;
  const key = fault === 'old_key' ? unservedKey(delivery.key) : delivery.key;
  const headers = await rightHeaders(url, body, { ...delivery, key });
  return fault === 'wrong' ? spoilt(headers) : headers;
}

type Headers = Readonly<Record<string, string>>;

/** Keys that no receiver knows, one of each kind: as if they had been rotated away. */
const unserved = new Map<string, DeliveryKey>();

function unservedKey({ algorithm }: DeliveryKey): DeliveryKey {
  const known = unserved.get(algorithm);
  if (known !== undefined) return known;
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const privateKey =
    algorithm === 'ed25519'
      ? ed25519
      : generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey;
  const key = { keyId: newId<'key'>(), algorithm, privateKey, standardKeys: [ed25519] };
  unserved.set(algorithm, key);
  return key;
}

/** The same headers with signatures in which one bit is another one. */
function spoilt(headers: Headers): Headers {
  const entries = Object.entries(headers).map(([name, value]) => {
    return [name, signatureHeaders.includes(name) ? flipped(value) : value] as const;
  });
  return Object.fromEntries(entries);
}

const signatureHeaders: readonly string[] = ['signature', 'webhook-signature'];

/** The base64 in a header with a bit of its twentieth byte turned: well within any signature. */
function flipped(header: string): string {
  return header.replaceAll(/[A-Za-z0-9+/]{60,}={0,2}/g, (text) => {
    const bytes = Buffer.from(text, 'base64');
    bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
    return bytes.toString('base64');
  });
}

async function rightHeaders(url: URL, body: Buffer, delivery: Signed): Promise<Headers> {
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
