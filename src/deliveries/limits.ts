// The limits of deliveries, each with its unit and its reason, beside those of src/limits.ts.

/**
 * Subscriptions that one process delivers to at once: each holds events in memory. Here and below
 * one tenant has two thirds at most, so that there is room for the next one.
 */
export const deliveredWebhooksMax = 192;

/** Requests to receivers under way at once in a process: each holds a socket. */
export const deliveriesMax = 192;

/** The same to subscriptions known to fail, so that dead receivers leave room for the others. */
export const failingDeliveriesMax = 48;

/** Requests under way at once of one subscription: of single events, and of packages. */
export const singlesAtOnceMax = 8;
export const packagesAtOnceMax = 4;

/**
 * Events, and about how many bytes of them, held in memory for one subscription: a few of the largest
 * packages; and the bytes of all subscriptions of a process together, which they share.
 */
export const deliveryWindowMax = 10_000;
export const deliveryWindowBytesMax = 4 * 1_048_576;
export const deliveryWindowsBytesMax = 256 * 1_048_576;

/** Events read from the log at once for one subscription, and about how many bytes of them. */
export const logReadMax = 2_000;
export const logReadBytesMax = 2 * 1_048_576;

/** Bytes of whole pages of the log that a process keeps for subscriptions that are about to come by. */
export const logPagesBytesMax = 32 * 1_048_576;

/**
 * How long a request may keep all other accounts of a subscription waiting before its own are overtaken,
 * in ms, and how many they may be: each is a row, and a large package is rather waited for.
 */
export const stepAsideMs = 2_000;
export const stepAsideAccountsMax = 50;

/**
 * Shortest time between two recordings of how far a subscription came, in ms, while it goes on: what
 * was acknowledged in it is sent again after a crash.
 */
export const recordEveryMs = 50;

/** Accounts of one subscription that may be blocked before it waits as a whole. */
export const blockedAccountsMax = 5_000;

/**
 * Blocks of one subscription whose events are read ahead of their requests: enough for those at once, and
 * few enough to be in memory, since each may have as many events as a package.
 */
export const blocksAheadMax = 2 * singlesAtOnceMax;

/** Attempts kept in the delivery log of a subscription: that succeeded, and that failed. */
export const acknowledgedAttemptsKept = 200;
export const failedAttemptsKept = 300;

/** Age of a failure in ms after which a sandbox removes the subscription: 30 days. */
export const failingSandboxMsMax = 30 * 24 * 3_600_000;
