// Deliveries as the service signs them, and a receiver to give them to.
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  type Delivery,
  DeliveryError,
  type PublicKeySet,
  type ReceiverOptions,
  webhookReceiver,
} from '@unwind/client/webhooks';
import {
  type DialectVersion,
  type SigningKey,
  signMessage,
  usualComponents,
} from '@unwind/signatures';
import { testClock } from '../support/clock.ts';

export interface Sender {
  readonly key: SigningKey;
  readonly jwk: PublicKeySet['keys'][number];
}

export function newSender(algorithm: 'ecdsa-p521' | 'ed25519' = 'ecdsa-p521'): Sender {
  const { publicKey, privateKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: randomUUID() };
  return { key: { algorithm, privateKey }, jwk };
}

const liquidation = {
  id: 'l1',
  account_id: 'a1',
  cash_amount: '10.00',
  status: 'FILLED',
  orders: [],
};

export function eventOf(type: string, object: object = liquidation) {
  const created_at = '2026-01-05T09:00:00.000Z';
  return { created_at, id: randomUUID(), object, type, webhook_id: 'w1' };
}

export const filled = eventOf('ACCOUNT_LIQUIDATION.FILLED');

interface Sending {
  readonly dialect?: DialectVersion;
  readonly body?: string;
  readonly target?: string;
  readonly created?: number;
}

export const clock = testClock();

/** A delivery as the service would sign it. */
export async function deliveryOf(sender: Sender, sending: Sending = {}): Promise<Delivery> {
  const { dialect = '6', target = '/in?from=unwind' } = sending;
  const { created = Math.floor(clock.now().getTime() / 1_000) } = sending;
  const body = Buffer.from(sending.body ?? JSON.stringify(filled));
  const headers = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['upvest-client-id', 'ebabcf4d-61c3-4942-875c-e265a7c2d062'],
  ] as const;
  const message = { method: 'POST', target, headers, body };
  const covered = ['content-type', 'content-length', 'digest', 'upvest-client-id'];
  const components = usualComponents({ dialect, message, headers: covered, expires: true });
  const params = { keyid: sender.jwk.kid, created, expires: created + 60, nonce: randomUUID() };
  const added = await signMessage({ dialect, message, components, params, key: sender.key });
  const rawHeaders = [...headers, ...Object.entries(added)].flat();
  return { method: 'POST', url: target, rawHeaders, body };
}

/** A receiver, and how often it fetched which keys. */
export function receiverOf(
  served: { keys: PublicKeySet['keys'] },
  options: Partial<ReceiverOptions> = {},
) {
  const fetches = { count: 0, failing: false };
  const keys = async (): Promise<PublicKeySet> => {
    fetches.count += 1;
    if (fetches.failing) throw new Error('the network is down');
    return { keys: [...served.keys] };
  };
  const receiver = webhookReceiver({ keys, now: clock.now, ...options });
  return { receiver, fetches, read: receiver.read };
}

export async function refusal(call: Promise<unknown>): Promise<DeliveryError> {
  const error = await call.then(
    () => assert.fail('it was not refused'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DeliveryError, String(error));
  return error;
}
