// The clients of a crash run: each asks for a liquidation until it is answered, always with the
// same idempotency key, and some change their mind.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type ApiAnswer, type Client, NoAnswerError } from '../../src/client/client.ts';
import { eventually } from '../support/condition.ts';
import type { Candidate } from './book.ts';
import type { Supervisor } from './supervisor.ts';

const patienceMs = 180_000;

/** A liquidation that the service has acknowledged. */
export interface Sale {
  readonly candidate: Candidate;
  readonly liquidationId: string;
  /** How often its POST was answered with another id than the first time: must stay 0. */
  readonly contradictions: number;
  /** What the DELETE was answered; undefined where there was none. */
  readonly cancelStatus: number | undefined;
  /** Requests that broke off and were sent again. */
  readonly retries: number;
}

export interface Seller {
  readonly client: Client;
  readonly supervisor: Supervisor;
  /** Called when an answer has come. */
  readonly onAnswer: () => void;
}

/** Asks for a liquidation; `cancels` says whether to cancel it at once. */
export async function sell(
  seller: Seller,
  order: { readonly candidate: Candidate; readonly cancels: boolean },
): Promise<Sale> {
  const { candidate, cancels } = order;
  const target = `/accounts/${candidate.accountId}/liquidations`;
  const idempotencyKey = randomUUID();
  const json = { user_id: candidate.userId };
  const post = () => seller.client.send({ method: 'POST', target, json, idempotencyKey });
  const first = await untilAnswered(seller, post);
  assert.equal(first.answer.status, 202, first.answer.text);
  const { id } = first.answer.json as { id: string };
  let cancelStatus: number | undefined;
  let retries = first.retries;
  if (cancels) {
    const remove = () => seller.client.send({ method: 'DELETE', target: `${target}/${id}` });
    const removed = await untilAnswered(seller, remove);
    cancelStatus = removed.answer.status;
    retries += removed.retries;
    assert.ok(cancelStatus === 204 || cancelStatus === 409, removed.answer.text);
  }
  // Once more, as a client does that lost its notes: the first answer comes back, byte for byte.
  const again = await untilAnswered(seller, post);
  const isSame = again.answer.status === 202 && again.answer.text === first.answer.text;
  return {
    candidate,
    liquidationId: id,
    contradictions: isSame ? 0 : 1,
    cancelStatus,
    retries: retries + again.retries,
  };
}

/** Sends until there is an answer that decides; waits while the service is down. */
async function untilAnswered(
  { supervisor, onAnswer }: Seller,
  send: () => Promise<ApiAnswer>,
): Promise<{ readonly answer: ApiAnswer; readonly retries: number }> {
  let retries = -1;
  const answer = await eventually(
    'the request is answered',
    async () => {
      await supervisor.up();
      retries += 1;
      try {
        const given = await send();
        return decides(given) ? given : undefined;
      } catch (error) {
        if (error instanceof NoAnswerError) return undefined;
        throw error;
      }
    },
    patienceMs,
  );
  supervisor.requests.end();
  onAnswer();
  return { answer, retries };
}

/** A database that is coming back, or the broken request still running: ask again. */
function decides({ status, text }: ApiAnswer): boolean {
  return status < 500 && !(status === 409 && /still running|try again/.test(text));
}
