// How much of what is long is run. A whole file that is long by nature says so (tools/test-groups.ts); here are
// single tests of other files, and those that have no end of their own (seeds, cycles, rows).

export const isFull = process.env['UNWIND_TEST_FULL'] === '1';

export const isShort = process.env['UNWIND_TEST_SHORT'] === '1';

/** How often something drawn is tried: `npm test` tries less, and each time others. */
export const times = (count: { readonly short: number; readonly long: number }) => {
  return isShort ? count.short : count.long;
};

/**
 * What of a list is tried beside the one at a place of another list, where all is tried with all: `npm test` tries
 * every third with each, so that none of either list is left out.
 */
export function triedWith<T>(all: readonly T[], place: number): readonly T[] {
  return isShort ? all.filter((_, at) => (at + place) % 3 === 0) : all;
}

/** Options of a test that only belongs to the full form. */
export const onlyFull = isFull ? {} : { skip: 'in full: npm run test:full' };

/** Options of a test that `npm test` leaves to `npm run test:long`. */
export const onlyLong = isShort ? { skip: 'long by nature: npm run test:long' } : {};
