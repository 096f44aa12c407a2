// The operations on liquidations of an account, between the wire and the verbs of the room. No decisions here.

import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId, UserId } from '../ids.ts';
import { cancelLiquidation } from '../liquidations/cancel-liquidation.ts';
import {
  type CreateResponse,
  type CreateSettings,
  createLiquidation,
} from '../liquidations/create-liquidation.ts';
import { OpenLiquidations } from '../liquidations/open-liquidations.ts';
import { previewLiquidation } from '../liquidations/preview-liquidation.ts';
import { findLiquidationObject, findLiquidationPage } from '../liquidations/read-store.ts';
import { type ReleaseTime, scheduleLiquidation } from '../liquidations/schedule-liquidation.ts';
import { Refusal } from '../refusal.ts';
import { scheduleLiquidationBody } from './control-schemas.ts';
import { jsonBody } from './json-body.ts';
import { toResponse } from './once.ts';
import { json, pageResponse, rangeOf } from './page.ts';
import { type Handler, idParam } from './pipeline.ts';
import { previewView } from './preview-view.ts';
import {
  createLiquidationBody,
  laterCreateLiquidationBody,
  laterListLiquidationsQuery,
  listLiquidationsQuery,
  queryReaderOf,
  readerOf,
  readId,
  readInstant,
  readNoQuery,
  readQueryInstant,
  refuseUnfitWords,
} from './schemas.ts';

const readScheduleBody = readerOf(scheduleLiquidationBody);
const readCreateBody = {
  2023: readerOf(createLiquidationBody),
  2026: readerOf(laterCreateLiquidationBody),
} as const;
const readListQuery = {
  2023: queryReaderOf(listLiquidationsQuery),
  2026: queryReaderOf(laterListLiquidationsQuery),
} as const;

const noSuchAccount = 'There is no such account.';
const noSuchLiquidation = 'There is no such liquidation of this account.';

/** @throws Refusal `not_found` for a business: accounts belong to users here. */
function ownerIn({ user_id: userId }: { user_id?: string }): UserId {
  if (userId === undefined)
    throw new Refusal('not_found', 'There is no such account of this business.');
  return readId<'user'>(userId, '/user_id');
}

export function liquidationHandlers(options: {
  readonly sql: Sql;
  readonly clock: Clock;
  readonly settings: CreateSettings;
  /** Called when there is something to release. */
  readonly onCreated: () => void;
  /** Called when there is an event to publish. */
  readonly onEvent: () => void;
}) {
  const { sql, clock, settings, onCreated, onEvent } = options;
  const open = new OpenLiquidations(sql, clock);
  const created = (tenantId: TenantId, response: CreateResponse) => {
    if (!response.replayed) {
      open.created(tenantId);
      onCreated();
    }
    return toResponse(response);
  };
  return {
    list: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'bad_request');
      const query = readListQuery[call.caller.contract](call.search);
      const range = rangeOf(query);
      const from = readQueryInstant(query.start_date, 'start_date');
      const until = readQueryInstant(query.end_date, 'end_date');
      const { tenantId } = call.caller;
      const page = await findLiquidationPage(sql, { tenantId, accountId, ...range, from, until });
      if (page === undefined) throw new Refusal('not_found', noSuchAccount);
      return pageResponse(call, page, range, 'id');
    },

    create: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'bad_request');
      readNoQuery(call.search);
      const { tenantId, signature, contract, act } = call.caller;
      const userId = ownerIn(readCreateBody[contract](jsonBody(call), 'body'));
      const { idempotencyKey, requestHash } = call;
      const hasRoom = await open.hasRoom(tenantId);
      const request = {
        tenantId,
        accountId,
        userId,
        contract,
        signature,
        act,
        idempotencyKey,
        requestHash,
        hasRoom,
      };
      return created(tenantId, await createLiquidation(sql, clock, request, settings));
    },

    retrieve: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'not_found');
      const liquidationId = idParam<'liquidation'>(call, 'account_liquidation_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const body = await findLiquidationObject(sql, { tenantId, accountId, liquidationId });
      if (body === undefined) throw new Refusal('not_found', noSuchLiquidation);
      return { status: 200, body };
    },

    cancel: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'not_found');
      const liquidationId = idParam<'liquidation'>(call, 'account_liquidation_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId, signature, act } = call.caller;
      const request = { tenantId, accountId, liquidationId, signature, act };
      await cancelLiquidation(sql, clock, request);
      onEvent();
      return { status: 204 };
    },

    preview: async (call) => {
      const accountId = idParam<'account'>(call, 'account_id', 'not_found');
      readNoQuery(call.search);
      const { tenantId } = call.caller;
      const hasRoom = await open.hasRoom(tenantId);
      const account = { tenantId, accountId, hasRoom };
      const preview = await previewLiquidation(sql, clock, account, settings);
      if (preview === undefined) throw new Refusal('not_found', noSuchAccount);
      return json(200, previewView(preview));
    },

    schedule: async (call) => {
      readNoQuery(call.search);
      const body = readScheduleBody(jsonBody(call), 'body');
      refuseUnfitWords(body);
      const { tenantId, signature, contract, act } = call.caller;
      const { idempotencyKey, requestHash } = call;
      const request = {
        tenantId,
        contract,
        act,
        accountId: readId<'account'>(body.account_id, '/account_id'),
        userId: readId<'user'>(body.user_id, '/user_id'),
        signature,
        idempotencyKey,
        requestHash,
        hasRoom: await open.hasRoom(tenantId),
        release: releaseTimeOf(body.release),
        reason: body.reason,
      };
      return created(tenantId, await scheduleLiquidation(sql, clock, request, settings));
    },
  } satisfies Readonly<Record<string, Handler>>;
}

export type LiquidationHandlers = ReturnType<typeof liquidationHandlers>;

/** @throws Refusal `bad_request` where it names not exactly one. */
function releaseTimeOf({
  at,
  opening_of: openingOf,
}: {
  at?: string;
  opening_of?: string;
}): ReleaseTime {
  const time = readInstant(at, '/release/at');
  if (time !== undefined && openingOf === undefined) return { at: time };
  if (time === undefined && openingOf !== undefined) return { openingOf };
  throw new Refusal('bad_request', '/release has to have either at or opening_of.');
}
