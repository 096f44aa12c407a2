// The port to the keeper of the holdings, and the way to it over HTTP: each request signed like a delivery, with
// the key of the client it is about, through the guard of addresses. What is no answer is an outcome.

import type { Dispatcher } from 'undici';
import { assert } from '../assert.ts';
import type { Seal } from '../auth/seal.ts';
import { findDeliveryKey } from '../auth/signing-keys.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type AddressPolicy, checkReceiverUrl } from '../egress/address.ts';
import { type Attempt, outcomeText, post, type SigningPlaces } from '../egress/post.ts';
import type { TenantId } from '../ids.ts';
import { ConfigError } from '../settings/config.ts';
import {
  type GrantedPosition,
  keeperResponseBytesMax,
  type Question,
  type SalesReport,
  type Unanswered,
} from './reservation.ts';
import { questionText, readGrants, reportText } from './wire.ts';

export interface Grants {
  readonly type: 'granted';
  readonly positions: readonly GrantedPosition[];
}

export interface Keeper {
  /** Asks whether quantities may be sold. Idempotent by the id of the reservation. */
  ask(question: Question): Promise<Grants | Unanswered>;
  /** Reports what was sold and what is free again. Idempotent by id and number. */
  report(report: SalesReport): Promise<{ readonly type: 'reported' } | Unanswered>;
}

/**
 * The keeper that the settings name; `off` where they say that there is none. @throws ConfigError for an address that is never called.
 */
export function openKeeper(
  { url, timeoutMs }: { readonly url: string | undefined; readonly timeoutMs: number },
  parts: Omit<HttpKeeperOptions, 'url' | 'timeoutMs' | 'signings'> & { policy: AddressPolicy },
): Keeper | 'off' | undefined {
  if (url === undefined || url === 'off') return url;
  const checked = checkReceiverUrl(url, parts.policy);
  if ('fault' in checked) {
    throw new ConfigError(
      `UNWIND_RESERVATIONS_URL ${checked.fault}. It is called as receivers of webhooks are: networks of your ` +
        'own are named in UNWIND_WEBHOOK_NETWORKS.',
    );
  }
  return httpKeeper({ ...parts, url, timeoutMs, signings: unhurried });
}

/** One keeper has no other clients that its signatures could keep waiting. */
const unhurried: SigningPlaces = { within: (_, sign) => sign() };

export interface HttpKeeperOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly sql: Sql;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly agent: Dispatcher;
  readonly signings: SigningPlaces;
  readonly timeoutMs: number;
}

/** A keeper that is reached at `POST URL/reservations` and `POST URL/reservations/ID/reports`. */
export function httpKeeper(options: HttpKeeperOptions): Keeper {
  const { url } = options;
  return {
    ask: async (question) => {
      const { tenantId, reservationId } = question;
      const path = '/reservations';
      const body = questionText(question);
      const attempt = await send(options, { tenantId, url: `${url}${path}`, body, reservationId });
      if (attempt.type !== 'answered' || attempt.status !== 200) return unanswered(attempt);
      if (attempt.isWhole === false) return broken('the answer is too long or breaks off');
      const positions = readGrants(attempt.answer, question);
      return typeof positions === 'string' ? broken(positions) : { type: 'granted', positions };
    },
    report: async (report) => {
      const { tenantId, reservationId, number } = report;
      const path = `/reservations/${reservationId}/reports`;
      const body = reportText(report);
      const id = `${reservationId}/${number}`;
      const attempt = await send(options, {
        tenantId,
        url: `${url}${path}`,
        body,
        reservationId: id,
      });
      const isTaken = attempt.type === 'answered' && attempt.status >= 200 && attempt.status < 300;
      return isTaken ? { type: 'reported' } : unanswered(attempt);
    },
  };
}

interface Message {
  readonly tenantId: TenantId;
  readonly url: string;
  readonly body: string;
  readonly reservationId: string;
}

async function send(options: HttpKeeperOptions, message: Message): Promise<Attempt> {
  const { sql, clock, seal, agent, signings, timeoutMs } = options;
  const { tenantId, url, body, reservationId: messageId } = message;
  const which = { tenantId, algorithm: 'ed25519', now: clock.now() } as const;
  const key = await findDeliveryKey(sql, seal, which);
  assert(key !== undefined, 'every client has keys that sign for it');
  const target = { tenantId, url, signatureVersion: '9421', standardHeaders: false } as const;
  return post(agent, {
    webhook: target,
    body,
    messageId,
    key,
    clock,
    timeoutMs,
    stop: neverStopped,
    signings,
    responseBytesMax: keeperResponseBytesMax,
  });
}

/** A request ends by its timeout, which is shorter than the time a process takes to stop. */
const neverStopped = new AbortController().signal;

function unanswered(attempt: Attempt): Unanswered {
  const retryAfterMs = attempt.type === 'answered' ? attempt.retryAfterMs : undefined;
  return { type: 'unanswered', reason: outcomeText(attempt), retryAfterMs };
}

function broken(reason: string): Unanswered {
  return { type: 'unanswered', reason, retryAfterMs: undefined };
}
