// Every limit of the service, with its unit and its reason. Settings that an operator may change are
// in config.ts; what stands here is part of the design.

/** Rows that one step of a loop claims and commits at once: large enough to share what a commit costs. */
export const batchRowsMax = 500;

/** Reports asked of a venue, received and applied at once. */
export const reportBatchMax = 1_000;

/** How long a process may be silent before another takes its submissions over, in ms. */
export const submissionLeaseMs = 5_000;

/** Wait before an order that was postponed is sent again, in ms of market time. */
export const postponedWaitMs = 5_000;

/** Wait before a liquidation that waits for a lock or a halt is looked at again, in market ms. */
export const idleLiquidationWaitMs = 5_000;

/** Times a statement is tried again when a concurrent change overtook it. */
export const overtakenTriesMax = 5;

/** Largest request body in bytes: no operation of the contract needs a tenth of it. */
export const requestBodyBytesMax = 16 * 1024;

/** Signatures under verification at once before new ones are answered 503; each holds a thread. */
export const verificationsQueuedMax = 256;

/** First bytes of a receiver's answer that are read; the rest is discarded unread. */
export const receiverAnswerBytesMax = 4 * 1024;

/** How long a request may take in ms, and no statement of it longer (decisions, point 11). */
export const requestDeadlineMs = 10_000;

/** Clients and addresses whose requests are counted at once; the least recent are forgotten. */
export const countedClientsMax = 2_000;
export const countedAddressesMax = 10_000;

/** Deltas of positions in one request: more than fit into a body of the size allowed. */
export const deltasOfRequestMax = 100;

/** Deltas of positions in one file: one commit takes them, and holds its locks so long. */
export const deltasOfFileMax = 10_000;
