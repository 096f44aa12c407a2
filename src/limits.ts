// The limits of the service, each with its unit and its reason. Settings that an operator may change are in
// config.ts; what stands here is part of the design. Those of batches, imports and deliveries stand in files of their
// rooms; a time or a size that one mechanism alone knows, such as how often it renews its lease, stands beside it.

/** Rows that one step of a loop claims and commits at once: large enough to share what a commit costs. */
export const batchRowsMax = 500;

/** Reports asked of a venue, received and applied at once. */
export const reportBatchMax = 1_000;

/** How long a process may be silent before another takes its submissions over, in ms. */
export const submissionLeaseMs = 5_000;

/** How old a rate may be that orders are sent by, in ms of market time: one of a Friday lasts over a long weekend. */
export const rateAgeMsMax = 96 * 3_600_000;

/**
 * Wait before an order that was suspended is sent again, in ms of market time: it doubles with each try up
 * to the longest, since each is a row here and at the venue, and a halt may last for weeks.
 */
export const suspendedWaitMs = { first: 5_000, longest: 300_000 };

/**
 * Wait before a liquidation that waits for a lock or a halt is looked at again, in market ms: a tenth of
 * the time it has waited. Deltas wake it; only halts and the status of instruments are looked for.
 */
export const idleLiquidationWaitMs = { first: 5_000, longest: 300_000 };

/**
 * Wait before the venue is asked again to cancel orders that are to end, or are halted, in ms: its
 * final reports usually come in this time.
 */
export const stopAgainMs = 2_000;

/**
 * Positions that an account may hold to be liquidated, and orders of one round: each is a line of about
 * 100 bytes in every answer and event, and the largest package of a webhook has 1 MiB.
 */
export const positionsMax = 5_000;

/**
 * Liquidations of one tenant that may be NEW or PROCESSING at once: far more than a day's work of one
 * process, and few enough that all of one tenant do not fill the memory of the database.
 */
export const openLiquidationsMax = 250_000;

/**
 * Orders that may be with one venue without their end at once: what has to be looked up and counted
 * again after a crash, in batches, within a minute; and how far the order of a small tenant stands
 * behind those of a large one.
 */
export const ordersInFlightMax = 3_000;

/**
 * How long a working service may take for what it does by itself, in ms, before a liquidation that waits for
 * it is called stuck: longer than a venue is looked up, a lease runs out and a process starts again.
 */
export const stuckAfterMs = 300_000;

/** Open liquidations whose reasons one page of a list looks at: each costs about 0.3 ms. */
export const waitsOfPageMax = 2_000;

/** Orders and entries of its timeline that the story of one liquidation shows: about a MiB. */
export const storyOrdersMax = 1_000;
export const storyEntriesMax = 2_000;

/** Streams of events. */
export const stream = {
  /** Streams of one process, and of one tenant among them: each holds a connection and its buffer. */
  readersMax: 1_500,
  readersOfTenantMax: 1_000,
  /** How often the ends of logs are looked at, by one statement for all tenants that are read, in ms. */
  lookEveryMs: 200,
  /** How often the service looks for changes that no event reports, for all tenants at once, in ms. */
  changesEveryMs: 1_000,
  /** What is withdrawn has to end within 5 s, and is remembered for 2 s (authenticate.ts), in ms. */
  tokenCheckEveryMs: 2_000,
  /** Longest silence, in ms: proxies usually end a connection after 30 s or more without a byte. */
  heartbeatMs: 10_000,
  /** How long a reader may have no room for anything, in ms: below the limit for standing connections. */
  stalledMs: 20_000,
  /** Wait that a reader is asked to keep before it connects again, in ms. */
  retryMs: 1_000,
  /** Bytes that a reader may have unread before it is given no more, and bytes given at once. */
  bufferBytesMax: 65_536,
  partBytes: 65_536,
  /** Events of a page of the log that readers share: few, so that who is slow reads little again. */
  pageEventsMax: 200,
} as const;

/** How often a halt looks whether what was claimed before it has been sent, in ms. */
export const haltLookMs = 20;

/** How long a halt waits for claims that may not have seen it, in ms. They last for milliseconds. */
export const claimMsMax = 5_000;

/**
 * How far the clocks of two processes may be apart, in ms: each is wrong by half of the longest round trip that
 * is believed (`db/database-clock.ts`).
 */
export const clocksApartMsMax = 1_000;

/**
 * How long a FIX session may take from the instant of a number to the socket, in ms: a halt is acknowledged after
 * it, and what would be written later is not written, but asked for again by the venue.
 */
export const fixWriteMsMax = 3_000;

/** Wait before an order that a control has stopped is checked again, in market ms; executions that a collar looks at. */
export const controlAgainMs = 30_000;
export const collarExecutionsMax = 10_000;

/** Liquidations that the lift of a halt wakes; others look by themselves within `idleLiquidationWaitMs`. */
export const haltWokenMax = 10_000;

/** Times a statement is tried again when a concurrent change overtook it. */
export const overtakenTriesMax = 5;

/** Largest request body in bytes: no operation of the contract needs a tenth of it. */
export const requestBodyBytesMax = 16 * 1024;

/**
 * Bytes of a page or of a list: an ordinary page of 1,000 objects is whole, and the requests that read
 * at once hold a few times this. What is cut goes on at the link of the response.
 */
export const pageBytesMax = 4 * 1_048_576;

/** Executions that one order shows, about 2 MiB (`unwind.order_object`; the list has all), and one part of a statement. */
export const executionsOfOrderMax = 5_000;
export const statementExecutionsMax = 5_000;

/**
 * Connections of clients at once: at most half of the descriptors of the process, the rest are for the
 * database and for receivers. Places beyond are kept for probes.
 */
export const connectionsMax = 4_096;
export const spareConnectionsMax = 8;

/** How long a connection may be idle, in ms: longer than load balancers keep theirs, unless many wait. */
export const idleConnectionMs = { usual: 65_000, pressed: 5_000 };

/** How long a connection may stand still while it sends or is sent something, in ms. */
export const stalledConnectionMs = 30_000;

/** Bytes of responses that clients have not read: further requests are answered 503 until they have. */
export const unreadBytesMax = 128 * 1_048_576;

/** Signatures under verification at once before new ones are answered 503; each holds a thread. */
export const verificationsQueuedMax = 256;

/** Inspections of signatures at once: they authenticate no client, and each computes a verification. */
export const inspectionsMax = 4;

/** Keys that an inspected message names and that are looked for. */
export const namedKeysMax = 16;

/** First bytes of a receiver's answer that are read; the rest is discarded unread. */
export const receiverResponseBytesMax = 4 * 1024;

/** How long a request may take in ms, and no statement of it longer (decisions, point 11). */
export const requestDeadlineMs = 10_000;

/** Clients and addresses whose requests are counted at once; the least recent are forgotten. */
export const countedClientsMax = 2_000;
export const countedAddressesMax = 10_000;

/** Tokens and secrets that were right, remembered so that failures of others do not shut them out. */
export const provenCredentialsMax = 20_000;

/** Deltas of positions in one request: more than fit into a body of the size allowed. */
export const deltasOfRequestMax = 100;

/** Deltas of positions in one file: one commit takes them, and holds its locks so long. */
export const deltasOfFileMax = 10_000;

/** Events of one package: what 1 MiB holds of the usual size. */
export const packageEventsMax = 2_000;

/** Positions looked through for one page of the log, so that rare kinds are looked for in steps. */
export const logSpanMax = 20_000;

/** Signatures of deliveries made at once: half of libuv's threads, which also verify requests. */
export const deliverySigningsMax = 2;

/** Characters of a receiver's answer kept in the delivery log. */
export const keptResponseMax = 1_000;

/** How long the log keeps events, in ms: 90 days (decisions, point 15). */
export const eventsKeptMs = 90 * 24 * 3_600_000;

/** Months for which the log has a partition ahead of time. */
export const partitionsAhead = 2;

/** Accounts out of step that are shown with a subscription. */
export const shownBlockedMax = 100;

/** Tests of receivers under way at once in a process; two thirds of them of one tenant at most. */
export const testsAtOnceMax = 24;

/** How long a receiver may take to answer a test, in ms: the request that asked for it waits. */
export const testTimeoutMsMax = 8_000;

/** Tunnels of one tenant in a sandbox: each developer has one or two. */
export const tunnelsOfTenantMax = 20;

/** What a tunnel holds for its client: a few of the largest packages. */
export const tunnelKeptMax = { requests: 1_000, bytes: 8 * 1_048_576 };

/** How long a tunnel is kept that its client does not ask for, in ms: the client is gone. */
export const tunnelIdleMsMax = 600_000;

/** How long a client of a tunnel is kept waiting for a request, in ms: less than a request may take. */
export const tunnelWaitMs = 7_000;

/** How often a tunnel is looked at while its client waits, in ms. */
export const tunnelLookMs = 250;

/** Clients of tunnels that wait at once in a process; two thirds of them of one tenant at most. */
export const tunnelPollsMax = 60;

/** Requests that a sandbox keeps as files where a setting says so, and their bytes: a day of testing. */
export const recordedMax = 1_000;
export const recordedBytesMax = 64 * 1_048_576;

/** Characters of a response that a record holds. */
export const recordedResponseMax = 64 * 1024;

/** Records that wait for the disk at once; what comes then is left out. */
export const recordsQueuedMax = 200;

/** Acts that a page of the trail looks at; where few of them match, it is short and leads on. */
export const actsLookedMax = 10_000;

/** Tenants that one turn of sealing looks after. */
export const sealedTenantsMax = 200;

/** Acts and records of one seal, but for what one transaction wrote: some 56 bytes each in its row. */
export const sealedEntriesMax = 5_000;

/** How often what was committed is sealed, in ms: until then it can be changed unseen. */
export const sealEveryMs = 1_000;

/** How often the ends of the chains are signed, in ms: until then a chain can be made anew unseen. */
export const checkpointEveryMs = 60_000;

/** What verifying the trail reads at once: seals, with the hashes that they hold, and rows of the book. */
export const verifiedSealsAtOnce = 20;
export const verifiedRowsAtOnce = 5_000;

/** Findings that verifying the trail names; it counts all of them. */
export const verifiedFindingsMax = 1_000;

/** How long a link to the console can be used, in ms: long enough to walk to another machine. */
export const consoleLinkMs = 10 * 60_000;

/** A session of the console ends after so long without a request, and after so long in any case, in ms. */
export const consoleIdleMs = 30 * 60_000;
export const consoleSessionMs = 12 * 3_600_000;

/** A request notes that a person is there at most this often, in ms: so reading writes little. */
export const consoleSeenMs = 60_000;

/** Tenants that the console offers to choose from. */
export const consoleTenantsMax = 500;

/** Audits that the console shows. */
export const auditsKept = 50;

/** How long the identity provider may take to answer, in ms: a person waits. */
export const openIdTimeoutMs = 5_000;

/**
 * Rows of each kind that figures count, and those of open orders and liquidations in the figures of a day:
 * beyond, more makes no difference.
 */
export const countedRowsMax = 100_000;
export const countedOpenMax = 250_000;

/** Open liquidations whose reasons are computed for metrics, and for the figures of a day: 0.1 ms each. */
export const explainedMax = { metrics: 1_000, today: 500 };

/** Open liquidations looked through for the oldest: beyond, the oldest of these will do. */
export const lookedThroughMax = 100_000;

/** Rows of one statement that ends waits for a keeper: far less than it has time for. */
export const waitsEndedMax = 5_000;

/** Rejections that a brake looks at, the newest: more than any limit allows, and few where none is lifted for days. */
export const rejectionsReadMax = 2_000;
