// `POST /tests/signature` of the sandbox: explains the signature of a request that is given as text.
// It asks for no authentication, since its caller cannot sign yet; so it says nothing but what was
// asked and whether the named key signed it, and is bounded like failed authentications are.

import {
  inspectSignature,
  type PublicKey,
  parsePublicKey,
  type RawRequest,
  RawRequestError,
  readRawRequest,
  UnusableKeyError,
} from '@unwind/signatures';
import type { FastifyRequest } from 'fastify';
import { clientIdOf, keyIdsIn, rulesOf, verificationKeysOf } from '../auth/inspected-client.ts';
import { findKeysNamed, findTenant } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { parseId } from '../ids.ts';
import { inspectionsMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { checkAccept } from './accept.ts';
import { jsonBody } from './json-body.ts';
import type { OpenRoute, Work } from './open-route.ts';
import { bodyOf, headerOf, searchOf } from './pipeline.ts';
import type { Rates } from './rates.ts';
import { inspectBody, readerOf, readInstant, readNoQuery } from './schemas.ts';

const readBody = readerOf(inspectBody);

interface Question {
  readonly bytes: Uint8Array;
  /** Default the registered key that the signature names. */
  readonly publicKey: PublicKey | undefined;
  /** Default now. */
  readonly at: Date | undefined;
}

export function inspectRoute(options: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly rates: Rates;
}): OpenRoute {
  const { sql, clock, rates } = options;
  let running = 0;
  const work: Work = async (request) => {
    checkAccept(headerOf(request, 'accept'));
    readNoQuery(searchOf(request));
    rates.admitUnknown(request.ip);
    const question = questionOf(request);
    if (running >= inspectionsMax) {
      throw new Refusal('service_unavailable', 'Too many inspections are under way.', {
        headers: { 'retry-after': '1' },
      });
    }
    running += 1;
    try {
      return { status: 200, body: JSON.stringify(await inspect(sql, clock, question)) };
    } finally {
      running -= 1;
    }
  };
  return { method: 'POST', path: '/tests/signature', operation: 'inspect_signature', work };
}

/** The request alone as `message/http`, or in JSON with what else is known. @throws Refusal */
function questionOf(request: FastifyRequest): Question {
  const contentType = headerOf(request, 'content-type');
  const rawBody = bodyOf(request);
  if (/^message\/http\s*(;|$)/i.test(contentType ?? '')) {
    return { bytes: rawBody, publicKey: undefined, at: undefined };
  }
  const body = readBody(jsonBody({ contentType, rawBody }), 'body');
  return {
    bytes: Buffer.from(body.request),
    publicKey: body.public_key === undefined ? undefined : keyOf(body.public_key),
    at: readInstant(body.at, '/at'),
  };
}

function keyOf(pem: string): PublicKey {
  try {
    return parsePublicKey(pem);
  } catch (error) {
    if (!(error instanceof UnusableKeyError)) throw error;
    throw new Refusal('bad_request', `public_key: ${error.message}`, { cause: error });
  }
}

function readRequest(bytes: Uint8Array): RawRequest {
  try {
    return readRawRequest(bytes);
  } catch (error) {
    if (!(error instanceof RawRequestError)) throw error;
    throw new Refusal('bad_request', `request: ${error.message}`, { cause: error });
  }
}

async function inspect(sql: Sql, clock: Clock, question: Question): Promise<object> {
  const { bytes, publicKey, at } = question;
  const { message, notes } = readRequest(bytes);
  const clientId = clientIdOf(message);
  const tenantId = clientId === undefined ? undefined : parseId<'tenant'>(clientId);
  const tenant = tenantId && (await findTenant(sql, tenantId));
  const keys =
    publicKey === undefined
      ? verificationKeysOf(tenant, await findKeysNamed(sql, keyIdsIn(message)))
      : () => ({ ...publicKey, clientId, live: true });
  const rules = rulesOf(message, tenant?.signaturePolicy ?? 'compatible');
  const now = Math.floor((at ?? clock.now()).getTime() / 1_000);
  const inspection = await inspectSignature(message, { clientId, keys, rules, now });
  return { ...inspection, notes };
}
