// Keeps a tenant from having more liquidations open than the service carries. They are counted now and
// then and not for each request, since counting all of them costs more than creating one; so the
// limit may be passed by what other processes create within a few seconds.

import { LRUCache } from 'lru-cache';
import { cacheOf } from '../cache.ts';
import type { Clock } from '../clock.ts';
import type { Sql, SqlOrTx } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { openLiquidationsMax } from '../limits.ts';
import { countOpenLiquidations } from './due-store.ts';

interface Counted {
  /** Those counted, and those created here since. */
  open: number;
  readonly at: Date;
}

const tenantsMax = 10_000;
/** How long a count holds, in ms: while there is room, and when there is none. */
const holdsMs = { withRoom: 5_000, full: 1_000 };

/** The open liquidations of each tenant, as far as this process knows. */
export class OpenLiquidations {
  readonly #sql: Sql;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #counted = new LRUCache<string, Counted>(cacheOf(tenantsMax));

  constructor(sql: Sql, clock: Clock, max = openLiquidationsMax) {
    this.#sql = sql;
    this.#clock = clock;
    this.#max = max;
  }

  /** Whether the tenant may have one more open, or has to wait until some have ended. */
  async hasRoom(tenantId: TenantId): Promise<boolean> {
    return (await this.room(tenantId)) > 0;
  }

  /** How many more the tenant may have open. */
  async room(tenantId: TenantId, sql: SqlOrTx = this.#sql): Promise<number> {
    const { open } = await this.#count(tenantId, sql);
    return Math.max(this.#max - open, 0);
  }

  /** So many more are open. */
  created(tenantId: TenantId, count = 1): void {
    const counted = this.#counted.get(tenantId);
    if (counted !== undefined) counted.open += count;
  }

  async #count(tenantId: TenantId, sql: SqlOrTx): Promise<Counted> {
    const known = this.#counted.get(tenantId);
    const now = this.#clock.now();
    if (known !== undefined) {
      const { full, withRoom } = holdsMs;
      const holds = known.open < this.#max ? withRoom : full;
      const age = now.getTime() - known.at.getTime();
      if (age >= 0 && age < holds) return known;
    }
    const open = await countOpenLiquidations(sql, { tenantId, max: this.#max });
    const counted = { open, at: now };
    this.#counted.set(tenantId, counted);
    return counted;
  }
}
