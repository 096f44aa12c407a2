// The FIX venue keeps what every venue keeps, with the example acceptor as the market.

import type { Market } from '../../examples/fix/acceptor.ts';
import { makeTenant } from '../support/book.ts';
import { conformanceSuite } from '../venue/conformance.ts';
import { openFixWorld } from './venue.ts';

const isins = {
  filled: 'DE0007164600',
  inParts: 'IE00B5M1WJ87',
  cancelled: 'IE00BF2GFH28',
  refused: 'ZZREFUSED006',
  resting: 'ZZRESTING006',
};

const market: Market = ({ isin, quantity }) => {
  const whole = [{ quantity, price: '201.25' }];
  switch (isin) {
    case isins.filled:
      return { fills: whole, end: 'filled' };
    case isins.inParts:
      return {
        fills: ['2.5', '4', '5', '1'].map((part) => ({ quantity: part, price: '19.99' })),
        end: 'filled',
      };
    case isins.cancelled:
      return { fills: [{ quantity: '3', price: '7' }], end: 'cancelled' };
    case isins.refused:
      return { fills: [], end: 'rejected' };
    default:
      return { fills: [], end: 'open' };
  }
};

conformanceSuite('FIX venue', async (t) => {
  const world = await openFixWorld(t, { market, isStepped: true });
  const tenantId = await makeTenant(world.sql);
  return {
    venue: world.fix.venue,
    elsewhere: world.elsewhere.venue,
    tenantId,
    isins,
    lying: {},
    letPass: async (share = 1) => {
      await world.settled();
      world.acceptor.step(share);
      await world.settled();
    },
  };
});
