// Responses of requests that are carried out once: a header distinguishes the first from its repetitions.

import type { Caller } from '../auth/authenticate.ts';
import { type Change, changeOnce } from '../auth/change-once.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { Refusal } from '../refusal.ts';
import { withMore } from '../trail/act.ts';
import { jsonBody } from './json-body.ts';
import type { Call, HttpResponse } from './pipeline.ts';
import { type Reader, refuseUnfitWords } from './schemas.ts';

export interface ChangeOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly settings: { readonly idempotencyRetentionMs: number };
}

/** Makes the change a call asks for, unless it was made before; either way its response. */
export async function respondOnce(
  { sql, clock, settings }: ChangeOptions,
  call: Call,
  change: Change,
): Promise<HttpResponse> {
  const { tenantId, signature, act } = call.caller;
  const { idempotencyKey, requestHash } = call;
  const { idempotencyRetentionMs } = settings;
  const request = { tenantId, signature, act, idempotencyKey, requestHash, idempotencyRetentionMs };
  return toResponse(await changeOnce(sql, clock, request, change));
}

/** A repeated response says so (decisions, point 9). */
export function toResponse(response: {
  status: number;
  body: string;
  replayed: boolean;
}): HttpResponse {
  const { status, body, replayed } = response;
  return replayed
    ? { status, body, headers: { 'idempotency-replayed': 'true' } }
    : { status, body };
}

/** The body of what a person has decided: no person at the console acts under another's name. @throws Refusal `bad_request`. */
export function decidedBody<Body extends { readonly reason?: string; readonly person: string }>(
  call: Call,
  read: Reader<Body>,
): Body {
  const body = read(jsonBody(call), 'body');
  refuseUnfitWords(body);
  const { person } = call.caller;
  if (person === undefined || person === body.person) return body;
  throw new Refusal('bad_request', `/person has to be who is signed in: ${person}.`);
}

/** The caller, with what its act says beside the route: such as which row, and why. */
export function withDetail(caller: Caller, more: { detail: string; reason?: string }): Caller {
  return { ...caller, act: caller.act && withMore(caller.act, more) };
}
