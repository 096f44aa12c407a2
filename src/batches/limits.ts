// The limits of batches, each with its unit and its reason, beside those of src/limits.ts.

/** Accounts that one batch may name. */
export const accountsOfBatchMax = 100_000;

/** Batches of one tenant that may be open at once: each is looked at again and again. */
export const openBatchesMax = 1_000;

/** Accounts a minute that a batch may ask for: more than one database starts. */
export const batchRateMax = 1_000_000;

/** How much of its unused time a batch may make up for, in ms: as long as a loop rests, and as one turn takes. */
export const batchBurstMs = 500;

/** From one turn of a batch to the next where it has a rate, or no room, in ms: so that a turn is worth its commit. */
export const batchStepMs = 100;

/** How often a batch is looked at that only waits for others, in ms: for what it has started, or who holds accounts. */
export const batchLookMs = 1_000;

/** Liquidations that a batch without room counts at every step, in about a millisecond; beyond them it only looks. */
export const batchCountedMax = 1_000;

/** How often the progress of a batch is recorded, in ms: counting 100,000 liquidations takes about a tenth of a second. */
export const batchProgressMs = 5_000;

/** Accounts that one turn cancels: none of them has a liquidation yet, so each is one row. */
export const batchCancelRowsMax = 5_000;

/** Bytes of a request that makes a batch: `accountsOfBatchMax` accounts with their users, and room for spaces. */
export const batchBodyBytesMax = 12 * 1_048_576;

/** Requests with a body beyond `requestBodyBytesMax` that a process reads at once; each is held about five times. */
export const largeBodiesMax = 4;

/** Open liquidations of a batch that are looked at for one that waits without an end: what waits becomes the oldest. */
export const openEndedLookedAtMax = 100;
