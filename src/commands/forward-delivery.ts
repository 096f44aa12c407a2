// Hands a delivery on to another receiver as it came, so that its signature still verifies there: it
// covers method, path, query and body, but not the host.

import { type Delivery, readBytes } from '@unwind/client/webhooks';
import { headerPairs } from '@unwind/signatures';

/** The response to the service, and what is printed of it in a word. */
export interface Forwarded {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The status of the receiver, or why there is none. */
  readonly outcome: string;
}

/** As long as the service itself waits by default, in ms. */
const answerMsMax = 15_000;
const answerBytesMax = 64 * 1024;

/** What belongs to one connection, and what `fetch` writes by itself. */
const ownToConnection: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'keep-alive', 'transfer-encoding'],
]);

/** Sends it once. What does not answer in time counts as 502, so that the service tries again. */
export async function forwardDelivery(to: URL, delivery: Delivery): Promise<Forwarded> {
  const { rawHeaders, body } = delivery;
  const headers = new Headers();
  for (const [name, value] of headerPairs(rawHeaders)) {
    if (!ownToConnection.has(name.toLowerCase())) headers.append(name, value);
  }
  try {
    const answer = await fetch(to, {
      method: 'POST',
      headers,
      body: Buffer.from(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMsMax),
    });
    const { status } = answer;
    const retryAfter = answer.headers.get('retry-after');
    return {
      status,
      headers: retryAfter === null ? {} : { 'retry-after': retryAfter },
      body: await readBytes(answer.body, answerBytesMax),
      outcome: String(status),
    };
  } catch (error) {
    const outcome = reasonOf(error);
    return { status: 502, headers: {}, body: Buffer.from(outcome), outcome };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return `no answer in ${answerMsMax / 1_000} s`;
  const { cause = error } = error;
  if (!(cause instanceof Error)) return error.message;
  return 'code' in cause ? String(cause.code) : cause.message;
}
