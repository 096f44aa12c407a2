// The time a request may take (decisions, point 11). What outlives it is answered 504 and rolled
// back, unless its commit was already sent.

import { Deadline, runUntil } from '../db/deadline.ts';
import { Refusal } from '../refusal.ts';

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
