// Takes tenants in turn, so that none starves another: each batch is of the first tenant after the
// last one that has work, and after the last tenant comes the first again.

import { nilId, type TenantId } from './ids.ts';

/** Claims a batch of the first tenant after this id that has work; empty where none has. */
export type Claim<Row> = (after: string) => Promise<readonly Row[]>;

/** The place of one step in the round of tenants. */
export class Turn {
  #after: string = nilId;

  /** After which tenant the next batch is looked for; set back, the same one is looked at again. */
  get place(): string {
    return this.#after;
  }

  set place(after: string) {
    this.#after = after;
  }

  /** The next batch, all of one tenant; empty when no tenant has work. */
  async next<Row extends { readonly tenantId: TenantId }>(
    claim: Claim<Row>,
  ): Promise<readonly Row[]> {
    let rows = await claim(this.#after);
    if (rows.length === 0 && this.#after !== nilId) rows = await claim(nilId);
    // Where nobody could be served, perhaps for want of room, the turn is still the next one's.
    this.#after = rows[0]?.tenantId ?? this.#after;
    return rows;
  }
}
