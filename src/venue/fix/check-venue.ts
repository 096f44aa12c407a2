// Tries a venue without trading: connects, logs on, exchanges a test request, logs out. It uses the
// session as the service would, numbers included, so it is only done where no process holds it.

import { inTransaction } from '../../db/transaction.ts';
import { FixConnection } from './connection.ts';
import { type KeeperOptions, leaseMs, staleMs, tradingDayOf } from './keep-session.ts';
import { openSocket } from './open-socket.ts';
import {
  claimSession,
  findSessionState,
  releaseSession,
  setSessionStatus,
} from './session-store.ts';

export interface CheckedVenue {
  readonly isWell: boolean;
  /** What happened, a line each. */
  readonly seen: readonly string[];
}

export async function checkVenue(
  options: Omit<KeeperOptions, 'onReceived'>,
): Promise<CheckedVenue> {
  const { sql, clock, profile, holder, log } = options;
  const { mic: venue } = profile;
  const tradingDay = tradingDayOf(profile);
  const claimed = await claimSession(sql, { venue, holder, leaseMs, tradingDay, now: clock.now() });
  if (claimed === undefined) {
    const { status, reason } = await inTransaction(sql, (tx) => {
      return findSessionState(tx, { venue, now: clock.now() });
    });
    const isReady = status === 'ready';
    const words = isReady
      ? 'a running service is logged on'
      : `the session is ${status}: ${reason}`;
    return { isWell: isReady, seen: [words] };
  }
  const seen: string[] = [];
  const socket = await openSocket(profile, AbortSignal.timeout(checkMsMax));
  let isWell = false;
  try {
    if (typeof socket === 'string') return { isWell, seen: [socket] };
    seen.push(profile.tls === undefined ? 'connected' : 'connected, certificate trusted');
    const connection: FixConnection = new FixConnection(claimed, socket, {
      sql,
      clock,
      profile,
      log,
      leaseMs,
      staleMs,
      onReceived: () => {},
      onReady: async () => {
        isWell = true;
        seen.push('logged on, and the test request was answered: both sides are level');
        connection.stop();
      },
    });
    const { reason } = await connection.run();
    seen.push(reason);
    return { isWell, seen };
  } finally {
    const state = { status: 'disconnected', reason: 'checked', now: clock.now() } as const;
    await inTransaction(sql, (tx) => setSessionStatus(tx, claimed.writer, state));
    await releaseSession(sql, claimed.writer);
  }
}

const checkMsMax = 15_000;
