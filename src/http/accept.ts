// What a client is ready to read (RFC 9110 section 12.5.1): the service has JSON, and problem+json
// for errors.

import { Refusal } from '../refusal.ts';

const offered = ['application/json', 'application/problem+json'] as const;

interface Range {
  readonly type: string;
  readonly isRefused: boolean;
}

/** @throws Refusal `not_acceptable` when the header `accept` admits none of the two. */
export function checkAccept(accept: string | undefined): void {
  if (accept === undefined || accept === offered[0] || accept.trim() === '') return;
  const ranges = accept.split(',').map(readRange);
  if (offered.some((type) => admits(ranges, type))) return;
  const detail = 'The service answers with application/json; the header accept does not admit it.';
  throw new Refusal('not_acceptable', detail);
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  return { type, isRefused: parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) };
}

/** The most specific range that fits decides. */
function admits(ranges: readonly Range[], type: (typeof offered)[number]): boolean {
  const fitting = [type, 'application/*', '*/*'].flatMap((wanted) => {
    return ranges.filter((range) => range.type === wanted);
  });
  return fitting[0]?.isRefused === false;
}
