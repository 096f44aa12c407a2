// What of the service itself people look at at the console, which belongs to no client: sessions with venues and
// their messages, what of them waits, a session that goes on, and the audit. It is for those who may look at every
// client. Nothing here changes what is sold.

import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { findAuditReport, findAudits } from '../console/audit-store.ts';
import type { Audits } from '../console/audits.ts';
import type { OpenSession } from '../console/sessions.ts';
import { inTransaction } from '../db/transaction.ts';
import { parseId } from '../ids.ts';
import { auditsKept } from '../limits.ts';
import { Refusal } from '../refusal.ts';
import { allTenants } from '../trail/act.ts';
import { recordAct } from '../trail/acts-store.ts';
import { describeMessage } from '../venue/fix/names.ts';
import {
  findFixWaiting,
  findLog,
  findSessions,
  resumeSession,
} from '../venue/fix/operate-store.ts';
import { type ConsoleGate, checkOwnPage, sessionOf } from './console-gate.ts';
import { reasonText } from './control-schemas.ts';
import { operatorActView } from './control-views.ts';
import { jsonBody } from './json-body.ts';
import { only } from './members.ts';
import type { OpenResponse, OpenRoute } from './open-route.ts';
import { json } from './page.ts';
import { bodyOf, headerOf, searchOf } from './pipeline.ts';
import { readerOf, refuseUnfitWords } from './schemas.ts';
import { readActs } from './trail-handlers.ts';

interface Options extends ConsoleGate {
  readonly audits: Audits;
}

/** Where the files of it are: beside the operations of clients, which have tenants. */
const root = '/console/operator';
/** Messages of a FIX session that the console shows at once. */
const consoleMessagesMax = 200;
/** What of sessions waits is shown so far. */
const waitingMax = 100;

export function operatorRoutes(options: Options): readonly OpenRoute[] {
  const route = (
    method: 'GET' | 'POST',
    path: string,
    work: (session: OpenSession, request: FastifyRequest) => Promise<OpenResponse>,
  ): OpenRoute => {
    return {
      method,
      path: root + path,
      operation: 'page',
      work: async (request) => work(await operatorOf(request, options), request),
    };
  };
  return [
    route('GET', '/venues', () => showVenues(options)),
    route('GET', '/venues/:venue/messages', (_, request) => showMessages(options, request)),
    route('POST', '/venues/:venue/resume', (session, request) => resume(options, session, request)),
    route('GET', '/trail', (_, request) => listActs(options, request)),
    route('GET', '/audits', () => listAudits(options)),
    route('POST', '/audits', (session) => beginAudit(options, session)),
    route('GET', '/audits/:audit_id', (_, request) => showAudit(options, request)),
  ];
}

/** @throws Refusal `unauthorized`; `forbidden` for those who may look at some clients only. */
async function operatorOf(request: FastifyRequest, options: Options): Promise<OpenSession> {
  checkOwnPage(request);
  const session = await sessionOf(request, options);
  if (session === undefined) throw new Refusal('unauthorized', 'Nobody is signed in.');
  if (session.openId?.tenants === undefined) return session;
  const detail = 'This concerns every client; you may look at some of them only.';
  throw new Refusal('forbidden', detail);
}

async function showVenues({ sql, clock }: Options): Promise<OpenResponse> {
  const [sessions, waiting] = await Promise.all([
    findSessions(sql, clock.now()),
    findFixWaiting(sql, waitingMax),
  ]);
  return json(200, {
    sessions: sessions.map((one) => ({
      venue: one.venue,
      status: one.status === 'ready' && !one.isHeld ? 'lost' : one.status,
      reason: one.reason,
      since: one.since,
      trading_day: one.tradingDay,
      next_in: one.nextIn,
      next_out: one.nextOut,
      queued: one.queued,
      open_orders: one.openOrders,
      problems: one.problems,
    })),
    waiting,
  });
}

/** The last messages of the trading day; passwords are masked. */
async function showMessages({ sql }: Options, request: FastifyRequest): Promise<OpenResponse> {
  const venue = venueOf(request);
  const after = { in: 0, out: 0 };
  const messages = await findLog(sql, { venue, after, limit: consoleMessagesMax });
  return json(200, {
    data: messages.toReversed().map(({ direction, number, at, message, problem }) => {
      return { direction, number, at, text: describeMessage(message), problem };
    }),
  });
}

/** @throws Refusal `not_found` for what cannot be a market code (ISO 10383). */
function venueOf({ params }: FastifyRequest): string {
  const { venue = '' } = params as Readonly<Record<string, string>>;
  if (!/^[A-Z0-9]{4}$/.test(venue)) throw noSuchVenue();
  return venue;
}

function noSuchVenue(): Refusal {
  return new Refusal('not_found', 'There is no such venue.');
}

const sequenceNumber = Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999_999_999 }));
const readResume = readerOf(
  only({
    reason: reasonText('What was found and agreed.'),
    next_in: sequenceNumber,
    next_out: sequenceNumber,
  }),
);

/** As `unwind fix resume`. */
async function resume(
  { sql, clock }: Options,
  { name, role, openId }: OpenSession,
  request: FastifyRequest,
): Promise<OpenResponse> {
  if (role === 'viewer') throw new Refusal('forbidden', 'The role viewer resumes no session.');
  const venue = venueOf(request);
  const contentType = headerOf(request, 'content-type');
  const body = readResume(jsonBody({ contentType, rawBody: bodyOf(request) }), 'body');
  refuseUnfitWords(body);
  const { reason, next_in: nextIn, next_out: nextOut } = body;
  const now = clock.now();
  const operated = await inTransaction(sql, async (tx) => {
    const result = await resumeSession(tx, { venue, reason, nextIn, nextOut, now });
    if (result !== 'done') return result;
    await recordAct(tx, allTenants, {
      ...{ kind: 'person', name, role, at: now, subject: openId?.subject, origin: request.ip },
      ...{ operation: 'resume_fix_session', target: `/venues/${venue}/fix`, reason },
      detail: JSON.stringify({ next_in: nextIn, next_out: nextOut }),
      requestSha256: undefined,
    });
    return result;
  });
  if (operated === 'unknown') throw noSuchVenue();
  if (operated !== 'done')
    throw new Refusal('conflict', 'This session has not failed: a process holds it.');
  return { status: 204 };
}

/** What was changed of the service and of no client. */
async function listActs({ sql }: Options, request: FastifyRequest): Promise<OpenResponse> {
  const search = searchOf(request);
  const { acts, next } = await readActs(sql, { tenantId: allTenants, search });
  return json(200, { data: acts.map(operatorActView), meta: { next: next ?? null } });
}

async function listAudits({ sql, clock }: Options): Promise<OpenResponse> {
  const audits = await findAudits(sql, { now: clock.now(), limit: auditsKept });
  return json(200, {
    data: audits.map((one) => ({
      id: one.id,
      person: one.person,
      status: one.isLost ? 'LOST' : one.status,
      started_at: one.startedAt,
      ended_at: one.endedAt,
      checks_done: one.checksDone,
      checks_total: one.checksTotal,
      differences: one.differences,
      failure: one.failure,
    })),
  });
}

/** It reads whole tables, so a viewer does not begin it. */
async function beginAudit({ audits }: Options, { name, role }: OpenSession): Promise<OpenResponse> {
  if (role === 'viewer') throw new Refusal('forbidden', 'The role viewer begins no audit.');
  const id = await audits.begin(name);
  if (id === undefined) throw new Refusal('conflict', 'An audit runs already; wait for its end.');
  return json(202, { id });
}

async function showAudit({ sql }: Options, request: FastifyRequest): Promise<OpenResponse> {
  const { audit_id: text = '' } = request.params as Readonly<Record<string, string>>;
  const id = parseId<'audit'>(text);
  const body = id && (await findAuditReport(sql, id));
  if (body === undefined) throw new Refusal('not_found', 'There is no such audit that is done.');
  return { status: 200, body };
}
