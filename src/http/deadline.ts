// The time that a client may take to send a request, and the service to answer it (decisions, point 11).
// What outlives the latter is answered 504 and rolled back, unless its commit was already sent.

import { Deadline, runUntil } from '../db/deadline.ts';
import { requestDeadlineMs } from '../limits.ts';
import { Refusal } from '../refusal.ts';

/** How long a client may take, in ms. */
export interface Timeouts {
  /** To send its headers. */
  readonly headersMs: number;
  /** To send its whole request. */
  readonly requestMs: number;
  /** How often that is looked at. */
  readonly checkMs: number;
  /** From the whole request to its response. */
  readonly deadlineMs: number;
}

export const usualTimeouts: Timeouts = {
  headersMs: 10_000,
  requestMs: 20_000,
  checkMs: 1_000,
  deadlineMs: requestDeadlineMs,
};

/** Work within its time, in ms. @throws Refusal `gateway_timeout` when it is over. */
export function withinDeadline<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = new Deadline();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      deadline.pass();
      const detail =
        `The request took longer than ${deadlineMs} ms and was given up; ` +
        'sent again with the same idempotency key, it is carried out once.';
      reject(new Refusal('gateway_timeout', detail));
    }, deadlineMs);
    const settled = runUntil(deadline, work).finally(() => clearTimeout(timer));
    settled.then(resolve, reject);
  });
}
