// What every response of the service has to look like, and whether the database is as it was.
import assert from 'node:assert/strict';
import type { Sql } from '../../src/db/connect.ts';
import type { Reply } from '../support/http.ts';
import { type Digests, digestsOf } from '../support/tables.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const titles: Readonly<Record<string, readonly [status: number, title: string]>> = {
  bad_request: [400, 'Bad Request'],
  unauthorized: [401, 'Unauthorized'],
  forbidden: [403, 'Forbidden'],
  not_found: [404, 'Not Found'],
  method_not_allowed: [405, 'Method Not Allowed'],
  not_acceptable: [406, 'Not Acceptable'],
  conflict: [409, 'Conflict'],
  content_too_large: [413, 'Content Too Large'],
  unsupported_media_type: [415, 'Unsupported Media Type'],
  unprocessable_content: [422, 'Unprocessable Content'],
  too_many_requests: [429, 'Too Many Requests'],
  internal_server_error: [500, 'Internal Server Error'],
  service_unavailable: [503, 'Service Unavailable'],
  gateway_timeout: [504, 'Gateway Timeout'],
};

/** Holds a response against the contract's form of an error; `detail` says which one it is. */
export function assertProblem(reply: Reply, type: string, detail: RegExp | string): void {
  const [status, title] = titles[type] ?? assert.fail(`no such problem: ${type}`);
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.headers['content-type'], 'application/problem+json');
  if (status === 401) assert.equal(reply.headers['www-authenticate'], 'Bearer realm="unwind"');
  const requestId = assertRequestId(reply);
  const said = reply.json['detail'];
  assert.equal(
    reply.text,
    JSON.stringify({
      type,
      status,
      title,
      detail: said,
      instance: `urn:uuid:${requestId}`,
      request_id: requestId,
    }),
  );
  if (typeof detail === 'string') assert.equal(said, detail);
  else assert.match(String(said), detail);
}

/** A response that is no error, in JSON or without a body. */
export function assertSuccess(reply: Reply, status: 200 | 201 | 202 | 204): void {
  assert.equal(reply.status, status, reply.text);
  assertRequestId(reply);
  const type = status === 204 ? undefined : 'application/json';
  assert.equal(reply.headers['content-type'], type);
  if (status === 204) assert.equal(reply.text, '');
}

/** The id of the request, which the response carries. */
export function assertRequestId({ headers }: Reply): string {
  const requestId = headers['upvest-request-id'];
  assert.ok(typeof requestId === 'string');
  assert.match(requestId, uuid);
  return requestId;
}

/** The body of an error but for what names the request: what two refusals must have in common. */
export function shapeOf(reply: Reply): object {
  const { instance, request_id, ...rest } = reply.json;
  assert.ok(instance && request_id);
  return rest;
}

/** Every table of the service with a digest of its rows, for a comparison before and after. */
export function tablesOf(sql: Sql): Promise<Digests> {
  // In no order: to sort the rows of all tables takes as long as to read them.
  return digestsOf(sql, 'sum(hashtextextended(t::text, 0))');
}

/** The same without the memory of used signatures, which a refused change may well add to. */
export async function recordsOf(sql: Sql): Promise<Digests> {
  const { signature_replays: _, ...records } = await tablesOf(sql);
  return records;
}
