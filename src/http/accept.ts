// What a client is ready to read (RFC 9110 section 12.5.1): the service has JSON, streams of events, and
// problem+json for errors.

import { Refusal } from '../refusal.ts';

const usual = ['application/json', 'application/problem+json'] as const;

interface Range {
  readonly type: string;
  readonly isRefused: boolean;
}

/**
 * @param type what the operation answers with, if it is not JSON.
 * @throws Refusal `not_acceptable` when the header `accept` admits neither that nor JSON.
 */
export function checkAccept(accept: string | undefined, type?: 'text/event-stream'): void {
  if (accept === undefined || accept === usual[0] || accept.trim() === '') return;
  const ranges = accept.split(',').map(readRange);
  const offered = type === undefined ? usual : [type, ...usual];
  if (offered.some((one) => admits(ranges, one))) return;
  const detail = `The service answers with ${offered[0]}; the header accept does not admit it.`;
  throw new Refusal('not_acceptable', detail);
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  return { type, isRefused: parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) };
}

/** The most specific range that fits decides. */
function admits(ranges: readonly Range[], type: string): boolean {
  const fitting = [type, `${type.split('/')[0]}/*`, '*/*'].flatMap((wanted) => {
    return ranges.filter((range) => range.type === wanted);
  });
  return fitting[0]?.isRefused === false;
}
