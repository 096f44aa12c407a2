// Who holds a lease: a process, named so that the one that takes its place knows its own kind.

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { newId } from '../ids.ts';

/** How much of a holder, as text, names its place; the rest is random for each process. */
export const placeLength = 18;

/**
 * A new holder, as UUID. Two holders begin with the same `placeLength` characters when they were
 * made for the same address of the same machine: since a port has one owner, the process that listens
 * there knows that the holders before it are dead and need not be waited for. Port 0, any free one, is no
 * place; such a holder is like no other.
 */
export function newHolder({ host, port }: { host: string; port: number }): string {
  const own = newId<'process'>();
  if (port === 0) return own;
  const place = createHash('sha256').update(`${hostname()} ${host} ${port}`).digest('hex');
  // The form of a UUID of version 8 (RFC 9562 section 5.8).
  const [low, mid, high] = [place.slice(0, 8), place.slice(8, 12), place.slice(12, 15)];
  return `${low}-${mid}-8${high}${own.slice(placeLength)}`;
}
