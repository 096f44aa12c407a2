// Keeps a lease alive while work outside the database goes on, and tells when it is lost. What the
// lease is of, and that every write after it is fenced, is the caller's affair.

import { type Stopwatch, systemStopwatch } from '../clock.ts';

export interface LeaseKeeping {
  /** Prolongs the lease. @returns false when it has gone to somebody else. */
  readonly renew: () => Promise<boolean>;
  readonly renewEveryMs: number;
  /** How long the lease lasts without being renewed. */
  readonly lifeMs: number;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
  /** A renewal that failed: the database is away. The lease runs on for what is left of it. */
  readonly onError: (error: unknown) => void;
}

export interface KeptLease {
  /** Aborted when the lease is another's, or may be since it could not be renewed in time. */
  readonly lost: AbortSignal;
  /** Renews no more; the lease itself stays as it is. */
  end(): Promise<void>;
}

/** Begins to keep a lease that was taken just now. */
export function keepLease(keeping: LeaseKeeping): KeptLease {
  const { renew, renewEveryMs, lifeMs, stopwatch = systemStopwatch, onError } = keeping;
  const lost = new AbortController();
  let heldSince = stopwatch.elapsedMs();
  let renewing: Promise<void> | undefined;
  const renewOnce = async (): Promise<void> => {
    const askedAt = stopwatch.elapsedMs();
    try {
      if (await renew()) heldSince = askedAt;
      else lost.abort();
    } catch (error) {
      onError(error);
    }
  };
  const endRenewing = stopwatch.every(renewEveryMs, () => {
    if (stopwatch.elapsedMs() - heldSince >= lifeMs) lost.abort();
    renewing ??= renewOnce().finally(() => {
      renewing = undefined;
    });
  });
  return {
    lost: lost.signal,
    end: async () => {
      endRenewing();
      await renewing;
    },
  };
}
