// The time a request may take (decisions, point 11). What outlives it is answered 504 and rolled
// back, unless its commit was already sent.

import { runUntil } from '../db/deadline.ts';
import { Refusal } from '../refusal.ts';

/** Work within its time, in ms. @throws Refusal `gateway_timeout` when it is over. */
export async function withinDeadline<T>(deadlineMs: number, work: () => Promise<T>): Promise<T> {
  const deadline = new AbortController();
  const overdue = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    deadline.abort();
    const detail =
      `The request took longer than ${deadlineMs} ms and was given up; ` +
      'sent again with the same idempotency key, it is carried out once.';
    overdue.reject(new Refusal('gateway_timeout', detail));
  }, deadlineMs);
  try {
    return await Promise.race([runUntil(deadline.signal, work), overdue.promise]);
  } finally {
    clearTimeout(timer);
  }
}
