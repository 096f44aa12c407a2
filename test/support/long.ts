// Tests that are long by nature have a short form, which `npm test` runs, and a full one, which
// `npm run test:long` runs.

export const isLong = process.env['UNWIND_TEST_LONG'] === '1';

/** Options of a test that only belongs to the full form. */
export const onlyLong = isLong ? {} : { skip: 'long by nature: npm run test:long' };
