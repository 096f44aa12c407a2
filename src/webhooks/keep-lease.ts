// Keeps a lease alive while work outside the database goes on, and tells when it is lost. What the
// lease is of, and that every write after it is fenced, is the caller's affair.

export interface LeaseKeeping {
  /** Prolongs the lease. @returns false when it has gone to somebody else. */
  readonly renew: () => Promise<boolean>;
  readonly renewEveryMs: number;
  /** How long the lease lasts without being renewed. */
  readonly lifeMs: number;
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
  const { renew, renewEveryMs, lifeMs, onError } = keeping;
  const lost = new AbortController();
  let heldSince = performance.now();
  let renewing: Promise<void> | undefined;
  const renewOnce = async (): Promise<void> => {
    const askedAt = performance.now();
    try {
      if (await renew()) heldSince = askedAt;
      else lost.abort();
    } catch (error) {
      onError(error);
    }
  };
  const timer = setInterval(() => {
    if (performance.now() - heldSince >= lifeMs) lost.abort();
    renewing ??= renewOnce().finally(() => {
      renewing = undefined;
    });
  }, renewEveryMs);
  return {
    lost: lost.signal,
    end: async () => {
      clearInterval(timer);
      await renewing;
    },
  };
}
