// Tests that have no end of their own (seeds, cycles, rows) have a short form, and a full one, which
// `npm run test:full` runs.

export const isFull = process.env['UNWIND_TEST_FULL'] === '1';

/** Options of a test that only belongs to the full form. */
export const onlyFull = isFull ? {} : { skip: 'in full: npm run test:full' };
