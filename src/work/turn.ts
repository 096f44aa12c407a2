// Takes tenants in turn, so that none starves another: each batch is of the first tenant after the
// last one that has work, and after the last tenant comes the first again. A tenant whose batch is
// under way is passed over, so that a second loop works for the others meanwhile.

import { nilId, type TenantId } from '../ids.ts';

/** Ids between two, both exclusive. */
export interface Span {
  readonly after: string;
  readonly before: string;
}

/** Claims a batch of the first tenant of a span that has work; empty where none has. */
export type Claim<Row> = (span: Span) => Promise<readonly Row[]>;

/** Whose rows may be claimed, at which instant, and how many. */
export interface ClaimTurn extends Span {
  readonly now: Date;
  readonly limit: number;
}

/** Behind every id. */
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Work on one batch. */
export interface Visit {
  /**
   * Claims the batch, all of one tenant; empty when no tenant has work. Claimed again, it is looked for
   * from where it was the first time.
   */
  claim<Row extends { readonly tenantId: TenantId }>(claim: Claim<Row>): Promise<readonly Row[]>;
  /** From now on others may work for the tenant. Safe to call twice. */
  end(): void;
}

/** The place of one step in the round of tenants, and for whom work is under way. */
export class Turn {
  #after: string = nilId;
  readonly #busy = new Map<Visit, string>();
  #lastClaim: Promise<unknown> = Promise.resolve();

  /** Begins work on a batch. While it lasts, others get none of the same tenant. */
  visit(): Visit {
    let from: string | undefined;
    const visit: Visit = {
      claim: (claim) => {
        // One claim at a time: the next one has to know whom this one has found.
        const claimed = this.#lastClaim.then(() => {
          this.#busy.delete(visit);
          from ??= this.#after;
          return this.#claim(visit, from, claim);
        });
        this.#lastClaim = claimed.catch(() => {});
        return claimed;
      },
      end: () => void this.#busy.delete(visit),
    };
    return visit;
  }

  async #claim<Row extends { readonly tenantId: TenantId }>(
    visit: Visit,
    from: string,
    claim: Claim<Row>,
  ): Promise<readonly Row[]> {
    for (const span of spansOf(from, [...this.#busy.values()])) {
      const rows = await claim(span);
      const [one] = rows;
      // Where no tenant could be served, perhaps for want of room, the turn is still the next one's.
      if (one === undefined) continue;
      this.#after = one.tenantId;
      this.#busy.set(visit, one.tenantId);
      return rows;
    }
    return [];
  }
}

/** Where to look, in turn: behind the place, then from the first on; nowhere at those who are busy. */
export function spansOf(place: string, busy: readonly string[]): readonly Span[] {
  const cuts = [nilId, ...busy.toSorted(), lastId];
  const spans = cuts.slice(1).map((before, i): Span => ({ after: cuts[i] ?? nilId, before }));
  const behind = spans.filter(({ before }) => before > place);
  const again = spans.filter(({ after }) => after < place);
  return [
    ...behind.map((span) => (span.after < place ? { ...span, after: place } : span)),
    ...again,
  ];
}
