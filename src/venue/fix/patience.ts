// How long one connection waits for what the venue owes it.

/** Waits of one connection, in ms: for the Logon, for a resend, for the Logout. */
export const waitsMs = { logon: 10_000, resend: 10_000, logout: 5_000 } as const;

/** Requests for one gap until the connection is given up. */
export const resendTriesMax = 5;

/** Silence beyond the heartbeat interval that a network may cause, as a share of it. */
export const silenceShare = 1.2;
