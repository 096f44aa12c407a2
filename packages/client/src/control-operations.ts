// The operations by which people see and steer all liquidations of a client, each a line over `Caller.request`.

import type { Caller, CallOptions } from './call.ts';
import type { LiquidationOverview, LiquidationStory, OverviewQuery } from './control.ts';
import { CursorListing, type CursorPage } from './cursor-listing.ts';
import { at } from './path.ts';

/** An extension of this service, beside the published API. */
export interface Control {
  readonly liquidations: {
    /** Of all accounts, the newest first, each with its progress and what it waits for. */
    list(
      query?: OverviewQuery,
      options?: CallOptions,
    ): CursorListing<LiquidationOverview, OverviewQuery>;
    /** Its orders, what blocks the rest, and what happened when. */
    story(liquidationId: string, options?: CallOptions): Promise<LiquidationStory>;
  };
}

export function controlOf(caller: Caller): Control {
  return {
    liquidations: {
      list: (query = {}, options = {}) => {
        const read = (part: OverviewQuery) => {
          const request = { method: 'GET', target: '/liquidations', query: part, ...options };
          return caller.request<CursorPage<LiquidationOverview>>(request);
        };
        return new CursorListing(read, query);
      },
      story: (id, options) => {
        return caller.request({ method: 'GET', target: at`/liquidations/${id}`, ...options });
      },
    },
  };
}
