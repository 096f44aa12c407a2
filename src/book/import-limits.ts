// The limits of an import, each with its unit and its reason.

/** Bytes of one line: the longest that can be right has some hundreds. */
export const csvLineBytesMax = 8 * 1024;

/** Lines of one file below its header: one transaction takes them, and holds its locks so long. */
export const csvLinesMax = 2_000_000;

/** Bytes of one file: twice what the most lines come to, and a bound for what is no book at all. */
export const csvFileBytesMax = 512 * 1024 * 1024;

/** Lines read, checked and staged by one statement: enough to share the round trip. */
export const stagedLinesMax = 5_000;

/** Rows written by one statement: it has to end within the time a statement may take. */
export const writtenRowsMax = 10_000;

/** One statement of an import, in ms: those that check a whole file take longer than others may. */
export const importStatementMsMax = 120_000;

/** Wait of an import for an account, in ms: what holds one is soon done, but for another import. */
export const importLockMsMax = 60_000;

/** Bad lines of one file that are listed; the rest is counted. A person reads no more. */
export const badLinesListedMax = 1_000;

/** Names in the directory that are listed as ignored; the rest is counted. */
export const ignoredNamesListedMax = 100;

/** How far `as_of` may lie ahead of our clock, in ms: what clocks differ by. */
export const asOfAheadMsMax = 30_000;

/** Digits before the decimal point: more than of anything was ever issued. */
export const integerDigitsMax = 18;

/** Decimals of a quantity and of a price (decisions, point 1). */
export const quantityDecimalsMax = 15;
export const priceDecimalsMax = 12;

/** Characters of the name of an instrument. */
export const instrumentNameMax = 200;

/** Characters of a refused value that are shown: a message never grows with what it refuses. */
export const shownValueMax = 60;
