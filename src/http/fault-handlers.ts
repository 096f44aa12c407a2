// `/tests/webhooks/{webhook_id}/faults` of a sandbox: what a client asks of the deliveries of its own
// subscription, to test its receiver. In live mode there is no such route.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { type Faults, faultsAt } from '../deliveries/fault.ts';
import { readFaults } from '../deliveries/fault-store.ts';
import { noSuchWebhook } from '../deliveries/manage-webhooks.ts';
import { endFaults, setFaults } from '../deliveries/set-faults.ts';
import type { WebhookId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import { findWebhook } from '../webhooks/store.ts';
import { setFaultsBody } from './delivery-schemas.ts';
import { jsonBody } from './json-body.ts';
import { json } from './page.ts';
import { type Call, type Handler, type HttpResponse, idParam } from './pipeline.ts';
import { readerOf, readNoQuery } from './schemas.ts';

export interface FaultOptions {
  readonly sql: Sql;
  readonly clock: Clock;
  /** Called when a subscription may have something to deliver. */
  readonly onChanged: () => void;
}

const readBody = readerOf(setFaultsBody);

export function faultHandlers(options: FaultOptions) {
  return {
    show: (call) => show(options, call),
    set: (call) => set(options, call),
    end: async (call) => {
      await endFaults(options, call.caller, webhookIdOf(call));
      options.onChanged();
      return { status: 204 };
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type FaultHandlers = ReturnType<typeof faultHandlers>;

function webhookIdOf(call: Call): WebhookId {
  const webhookId = idParam<'webhook'>(call, 'webhook_id', 'not_found');
  readNoQuery(call.search);
  return webhookId;
}

async function show({ sql, clock }: FaultOptions, call: Call): Promise<HttpResponse> {
  const key = { tenantId: call.caller.tenantId, webhookId: webhookIdOf(call) };
  if ((await findWebhook(sql, key)) === undefined) throw new Refusal('not_found', noSuchWebhook);
  const faults = await readFaults(sql, [key]);
  return json(200, toView(key.webhookId, faultsAt(faults.get(key.webhookId), clock.now())));
}

async function set(options: FaultOptions, call: Call): Promise<HttpResponse> {
  const webhookId = webhookIdOf(call);
  const body = readBody(jsonBody(call), 'body');
  const { late_s: lateS, burst_s: burstS, silent_s: silentS, stall_s: stallS } = body;
  const { answered_as: answeredAs } = body;
  const { twice = false, signature, one_in: oneIn = 1, for_s: forS = 3_600 } = body;
  const asked = { lateS, burstS, twice, signature, stallS, answeredAs, oneIn };
  if (
    !twice &&
    [lateS, burstS, silentS, stallS, signature, answeredAs].every((one) => one === undefined)
  ) {
    const detail =
      'The body asks for no fault: name late_s, burst_s, silent_s, twice, signature, stall_s or answered_as. DELETE ends faults.';
    throw new Refusal('bad_request', detail);
  }
  const faults = await setFaults(options, call.caller, { webhookId, asked, forS, silentS });
  options.onChanged();
  return json(200, toView(webhookId, faults));
}

function toView(webhookId: WebhookId, faults: Faults | undefined): object {
  if (faults === undefined) return { webhook_id: webhookId, ends_at: null };
  const { lateS, burstS, silentUntil, twice, signature, stallS, answeredAs, oneIn, endsAt } =
    faults;
  return {
    webhook_id: webhookId,
    late_s: lateS,
    burst_s: burstS,
    silent_until: silentUntil?.toISOString(),
    twice: twice || undefined,
    signature,
    stall_s: stallS,
    answered_as: answeredAs,
    one_in: oneIn === 1 ? undefined : oneIn,
    ends_at: endsAt.toISOString(),
  };
}
