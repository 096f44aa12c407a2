// `unwind/webhooks`: the receiver's side of webhooks. It verifies deliveries with the keys that the
// service publishes and gives their events. It needs nothing of the service but the signature code.

import {
  parseSignatures,
  SignatureError,
  type SignatureErrorCode,
  type SignedMessage,
  type VerifiedSignature,
} from '@unwind/signatures';
import { BodyTooLargeError, readBytes } from './body.ts';
import { type Delivery, messageOf, verifyDelivery } from './deliveries.ts';
import {
  type FetchKeys,
  KeyRing,
  KeysUnavailableError,
  type KeyTimes,
  usualKeyTimes,
} from './delivery-keys.ts';
import { MalformedEventError, readEvents, type WebhookEvent } from './events.ts';

export type { SignatureErrorCode } from '@unwind/signatures';
// biome-ignore lint/performance/noBarrelFile: what a user of the package needs has one address.
export { BodyTooLargeError, readBytes } from './body.ts';
export type { KeySet, Liquidation, VerifyKey } from './contract.ts';
export type { Delivery, PublicKeySet } from './deliveries.ts';
export type { FetchKeys, KeyTimes } from './delivery-keys.ts';
export type * from './events.ts';
export { isBatchEvent, isLiquidationEvent } from './events.ts';

/** A delivery that is refused; the message says why, in one sentence. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** Which check of the signature failed, or what else is wrong. */
  readonly code: SignatureErrorCode | 'malformed_event' | 'too_large' | 'keys_unavailable';
  /** The status of the response. The service delivers again after anything but a 2xx. */
  readonly status: 400 | 401 | 413 | 503;

  constructor(
    reason: { code: DeliveryError['code']; status: DeliveryError['status'] },
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.code = reason.code;
    this.status = reason.status;
  }
}

export interface ReceiverOptions {
  /** Where the keys come from: `(signal) => client.webhooks.verifyKeys({ signal })`. */
  readonly keys: FetchKeys;
  /** Oldest signature that is accepted, in seconds; default and most 300. */
  readonly ageSMax?: number;
  /** Bytes of a body that are read at most; default 4 MiB. */
  readonly bodyBytesMax?: number;
  /**
   * Remembers a delivery and says whether it has come before: `id` is the same for the same
   * signature, and no signature is accepted after `expiresAt`. The service signs a repeated
   * delivery anew, so this finds captured ones; event ids find both.
   */
  readonly wasSeen?: (use: DeliveryUse) => boolean | Promise<boolean>;
  readonly keyTimes?: Partial<KeyTimes>;
  /** Default the machine's clock. */
  readonly now?: () => Date;
}

export interface DeliveryUse {
  readonly id: string;
  readonly expiresAt: Date;
}

/** A request of Node's `http`, and of Express and others that build on it. */
export interface IncomingDelivery extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the target before a router removed its part of it. */
  readonly originalUrl?: string | undefined;
  readonly rawHeaders: readonly string[];
  /** The bytes, where something before has read them; never what it has parsed. */
  readonly body?: unknown;
}

export interface WebhookReceiver {
  /**
   * Verifies a delivery and gives its events, ascending. Answer 2xx when you have made sure of them;
   * the same event may come again, with the same id.
   *
   * @param from a request of Node's `http`, a `Request` of the Fetch API, or method, target, header
   *   lines and bytes of one.
   * @throws DeliveryError; TypeError when its body was parsed before.
   */
  read(from: IncomingDelivery | Request | Delivery): Promise<readonly WebhookEvent[]>;
  /**
   * Reads a delivery, calls `handle` with its events one after the other, and gives the status of the
   * response. It never throws: `error` is what was thrown, for you to log. The service delivers again
   * after anything but 204, so an event may be handled a second time.
   */
  receive(
    from: IncomingDelivery | Request | Delivery,
    handle: (event: WebhookEvent) => unknown,
  ): Promise<Outcome>;
}

/** The status of the response: 204 when every event was handled, 500 when that failed. */
export type Outcome =
  | { readonly status: 204; readonly error?: never }
  | { readonly status: DeliveryError['status'] | 500; readonly error: unknown };

const signatureLifeS = 300;
const bodyBytesUsual = 4 * 1024 * 1024;

/** Makes a receiver; make one and share it, since it holds the keys. */
export function webhookReceiver(options: ReceiverOptions): WebhookReceiver {
  const { ageSMax = signatureLifeS, bodyBytesMax = bodyBytesUsual } = options;
  const now = options.now ?? (() => new Date());
  const ring = new KeyRing(options.keys, { ...usualKeyTimes, ...options.keyTimes }, now);
  const read: WebhookReceiver['read'] = async (from) => {
    try {
      const { begun } = ring;
      const delivery = await deliveryOf(from, bodyBytesMax);
      const verified = await verifyWith(ring, begun, { message: messageOf(delivery), now });
      refuseOld(verified, now(), ageSMax);
      const expiresAt = new Date((verified.created + signatureLifeS + 1) * 1_000);
      const isRepeated = await options.wasSeen?.({ id: verified.baseSha256, expiresAt });
      if (isRepeated === true) throw new SignatureError('replayed');
      return readEvents(delivery.body);
    } catch (error) {
      throw deliveryErrorOf(error);
    }
  };
  return { read, receive: async (from, handle) => receive(() => read(from), handle) };
}

async function receive(
  read: () => ReturnType<WebhookReceiver['read']>,
  handle: (event: WebhookEvent) => unknown,
): Promise<Outcome> {
  try {
    for (const event of await read()) await handle(event);
    return { status: 204 };
  } catch (error) {
    return { status: error instanceof DeliveryError ? error.status : 500, error };
  }
}

/** Verifies with the keys at hand, then with newer ones where a keyid is not among them. */
async function verifyWith(
  ring: KeyRing,
  begun: number,
  { message, now }: { readonly message: SignedMessage; readonly now: () => Date },
): Promise<VerifiedSignature> {
  const keyids = parseSignatures(message).signatures.flatMap(({ keyid }) => keyid ?? []);
  const atHand = await ring.atHand();
  const missing = keyids.filter((keyid) => !atHand.has(keyid));
  try {
    return await verifyDelivery(message, atHand, now());
  } catch (error) {
    if (!(error instanceof SignatureError) || missing.length === 0) throw error;
  }
  return verifyDelivery(message, await ring.fetchedSince(begun, missing), now());
}

function refuseOld({ created }: VerifiedSignature, now: Date, ageSMax: number): void {
  const ageS = now.getTime() / 1_000 - created;
  if (ageS > ageSMax) throw new SignatureError('created_too_old', 'created');
}

async function deliveryOf(
  from: IncomingDelivery | Request | Delivery,
  bytesMax: number,
): Promise<Delivery> {
  if (from instanceof Request) {
    const { method, url, headers } = from;
    const body = await readBytes(from.body, bytesMax);
    return { method, url, rawHeaders: [...headers].flat(), body };
  }
  const { method = '', url = '', rawHeaders } = from;
  const target = 'originalUrl' in from ? (from.originalUrl ?? url) : url;
  return { method, url: target, rawHeaders, body: await bodyOf(from, bytesMax) };
}

async function bodyOf(from: IncomingDelivery | Delivery, bytesMax: number): Promise<Uint8Array> {
  const { body } = from;
  if (body === undefined) return readBytes(from as IncomingDelivery, bytesMax);
  if (!(body instanceof Uint8Array)) {
    throw new TypeError('The body was parsed before: a signature needs its bytes as they came.');
  }
  if (body.length > bytesMax) throw new BodyTooLargeError('The body is too large.');
  return body;
}

function deliveryErrorOf(error: unknown): unknown {
  if (error instanceof SignatureError) {
    return new DeliveryError({ code: error.code, status: 401 }, error.detail, error);
  }
  if (error instanceof KeysUnavailableError) {
    return new DeliveryError({ code: 'keys_unavailable', status: 503 }, error.message, error);
  }
  if (error instanceof MalformedEventError) {
    return new DeliveryError({ code: 'malformed_event', status: 400 }, error.message, error);
  }
  if (error instanceof BodyTooLargeError) {
    return new DeliveryError({ code: 'too_large', status: 413 }, error.message, error);
  }
  return error;
}
