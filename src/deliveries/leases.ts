// Keeps leases alive while work outside the database goes on, all of them by one statement, and reports
// when one is lost. The caller knows what the leases are of, and fences every write after them.

import { type Stopwatch, systemStopwatch } from '../clock.ts';

export interface LeaseKeeping<Lease> {
  /** Prolongs leases. @returns those that have gone to another claim. */
  readonly renew: (leases: readonly Lease[]) => Promise<readonly Lease[]>;
  readonly renewEveryMs: number;
  /** How long a lease lasts without being renewed. */
  readonly lifeMs: number;
  /** Called once for a lease that is another's, or may be since it could not be renewed in time. */
  readonly onLost: (lease: Lease) => void;
  /** A renewal that failed: the database is away. The leases run on for what is left of them. */
  readonly onError: (error: unknown) => void;
  /** Default the system's. */
  readonly stopwatch?: Stopwatch;
}

/** The leases of a process. */
export class LeaseKeeper<Lease> {
  readonly #keeping: LeaseKeeping<Lease>;
  readonly #stopwatch: Stopwatch;
  /** Each with when it was last known to be ours. */
  readonly #leases = new Map<Lease, number>();
  #endRenewing: (() => void) | undefined;
  #renewing: Promise<void> | undefined;

  constructor(keeping: LeaseKeeping<Lease>) {
    this.#keeping = keeping;
    this.#stopwatch = keeping.stopwatch ?? systemStopwatch;
  }

  /** Keeps a lease that was claimed just now. */
  keep(lease: Lease): void {
    this.#leases.set(lease, this.#stopwatch.elapsedMs());
    this.#endRenewing ??= this.#stopwatch.every(this.#keeping.renewEveryMs, () => this.#turn());
  }

  /** Renews a lease no more; the lease itself stays as it is. */
  leave(lease: Lease): void {
    this.#leases.delete(lease);
    if (this.#leases.size > 0) return;
    this.#endRenewing?.();
    this.#endRenewing = undefined;
  }

  /** Waits for a renewal that is under way. */
  async settled(): Promise<void> {
    await this.#renewing;
  }

  #turn(): void {
    const { lifeMs, onError } = this.#keeping;
    const now = this.#stopwatch.elapsedMs();
    for (const [lease, ownedSince] of this.#leases) {
      if (now - ownedSince >= lifeMs) this.#lose(lease);
    }
    this.#renewing ??= this.#renew()
      .catch(onError)
      .finally(() => {
        this.#renewing = undefined;
      });
  }

  async #renew(): Promise<void> {
    const leases = [...this.#leases.keys()];
    if (leases.length === 0) return;
    const askedAt = this.#stopwatch.elapsedMs();
    const lost = new Set(await this.#keeping.renew(leases));
    for (const lease of leases) {
      if (lost.has(lease)) this.#lose(lease);
      else if (this.#leases.has(lease)) this.#leases.set(lease, askedAt);
    }
  }

  #lose(lease: Lease): void {
    if (!this.#leases.has(lease)) return;
    this.leave(lease);
    this.#keeping.onLost(lease);
  }
}
