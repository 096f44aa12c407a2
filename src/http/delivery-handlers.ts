// The operations on deliveries of a subscription, between the wire and the room: what was tried, what
// is delivered again, a test, and the keys that verify them.

import { findPublicJwks } from '../auth/signing-keys.ts';
import { listAttempts } from '../deliveries/history-store.ts';
import { noSuchWebhook } from '../deliveries/manage-webhooks.ts';
import { type Replay, replayWebhook } from '../deliveries/replay.ts';
import { FairSlots } from '../deliveries/sharing.ts';
import { type TestOptions, testWebhook } from '../deliveries/test-webhook.ts';
import { testsAtOnceMax } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { findWebhook } from '../webhooks/store.ts';
import { listDeliveriesQuery, replayBody, verifyKeysQuery } from './delivery-schemas.ts';
import { jsonBody } from './json-body.ts';
import { json } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { queryReaderOf, readerOf, readId, readInstant, readNoQuery } from './schemas.ts';
import { toAttemptView, toGapView, toResponseView } from './webhook-views.ts';

export interface DeliveryOptions extends TestOptions {
  /** Called when a subscription may have something to deliver. */
  readonly onChanged: () => void;
}

export function deliveryHandlers(options: DeliveryOptions) {
  const tests = new FairSlots(testsAtOnceMax);
  return {
    list: (call) => list(options, call),
    replay: (call) => replay(options, call),
    test: (call) => test(options, tests, call),
    verifyKeys: (call) => verifyKeys(options, call),
  } satisfies Readonly<Record<string, Handler>>;
}

export type DeliveryHandlers = ReturnType<typeof deliveryHandlers>;

const readListQuery = queryReaderOf(listDeliveriesQuery);
const readKeysQuery = queryReaderOf(verifyKeysQuery);
const readReplayBody = readerOf(replayBody);

async function list({ sql }: DeliveryOptions, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  const { limit = 100, result } = readListQuery(call.search);
  const webhook = await findWebhook(sql, { tenantId: call.caller.tenantId, webhookId });
  if (webhook === undefined) throw new Refusal('not_found', noSuchWebhook);
  const attempts = await listAttempts(sql, webhook, { limit, result });
  return json(200, { data: attempts.map(toAttemptView), meta: { count: attempts.length } });
}

async function replay(options: DeliveryOptions, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  const asked = { webhookId, replay: readReplay(call) };
  const { behind, resumed, gap } = await replayWebhook(options, call.caller, asked);
  options.onChanged();
  return json(200, { behind, resumed, gap: gap === undefined ? null : toGapView(gap) });
}

/** A test lasts as long as its receiver likes, so there are only so many at once. */
async function test(options: DeliveryOptions, tests: FairSlots, call: Call): Promise<HttpResponse> {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  const { tenantId } = call.caller;
  if (!tests.take(tenantId)) {
    throw new Refusal('too_many_requests', 'Too many tests are under way.', {
      headers: { 'retry-after': '1' },
    });
  }
  try {
    const { webhook, attempt } = await testWebhook(options, call.caller, webhookId);
    return json(200, { url: webhook.url, response: toResponseView(attempt) });
  } finally {
    tests.give(tenantId);
  }
}

async function verifyKeys({ sql, clock }: DeliveryOptions, call: Call): Promise<HttpResponse> {
  const { kty } = readKeysQuery(call.search);
  const keys = await findPublicJwks(sql, call.caller.tenantId, clock.now(), kty);
  return { status: 200, body: `{"keys":[${keys.join(',')}]}` };
}

/** From where to replay: the body names one of the three. */
function readReplay(call: Call): Replay {
  const {
    from,
    event_id: eventId,
    set_aside: setAside,
    account_id: accountId,
  } = readReplayBody(jsonBody(call), 'body');
  const given = [from, eventId, setAside].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new Refusal('bad_request', 'The body names one of from, event_id and set_aside.');
  }
  if (accountId !== undefined && setAside === undefined) {
    throw new Refusal('bad_request', 'An account_id goes with set_aside only.');
  }
  if (eventId !== undefined)
    return { type: 'event', eventId: readId<'event'>(eventId, '/event_id') };
  const at = readInstant(from, '/from');
  if (at !== undefined) return { type: 'from', at };
  return {
    type: 'set_aside',
    accountId: accountId === undefined ? undefined : readId<'account'>(accountId, '/account_id'),
  };
}
