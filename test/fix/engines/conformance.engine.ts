// The suite that every venue keeps, with QuickFIX C++ as the market's engine (npm run test:fix).

import { test } from 'node:test';
import { makeTenant } from '../../support/book.ts';
import { conformanceSuite } from '../../venue/conformance.ts';
import { openFixSide } from '../venue.ts';
import { missingFor, startCpp } from './engine.ts';

const isins = {
  filled: 'DE0007164600',
  inParts: 'IE00B5M1WJ87',
  cancelled: 'IE00BF2GFH28',
  refused: 'ZZREFUSED006',
  resting: 'ZZRESTING006',
};

/** What a session forbids (reports twice, in any order) no engine does. */
const lying = { filledLate: 'IE00B4L5Y983', busted: 'IE00BK5BQT80' };

const courses = {
  [isins.filled]: 'whole',
  [isins.inParts]: '2.5,4,5,1',
  [isins.cancelled]: '3:cancel',
  [isins.refused]: ':refuse',
  [isins.resting]: ':rest',
  [lying.filledLate]: '3,2:late',
  [lying.busted]: '5,7.5:bust',
};

const missing = await missingFor('cpp');
if (missing !== undefined) {
  test('QuickFIX C++ keeps what every venue keeps', { skip: missing }, () => {});
} else {
  conformanceSuite('QuickFIX C++', async (t) => {
    const engine = await startCpp(t, { courses, isStepped: true });
    const { numbers, port } = engine;
    const side = await openFixSide(t, { port, compId: 'ENGINE', numbers });
    const tenantId = await makeTenant(side.sql);
    return {
      venue: side.fix.venue,
      elsewhere: side.elsewhere.venue,
      tenantId,
      isins,
      lying,
      letPass: async (share = 1) => {
        await side.settled();
        await engine.step(share);
        await side.settled();
      },
    };
  });
}
