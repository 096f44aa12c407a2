// The limits of signature verification, together. What a whole request may weigh is for http/ to
// say.

/**
 * Oldest `created` that is accepted, in seconds: longer than any honest way, short to replay in.
 */
export const maxAgeS = 300;

/** Furthest `created` ahead of our clock, in seconds: clocks differ, the drafts know no skew. */
export const maxAheadS = 30;

/** Most components one signature may cover: each costs a line of the base. */
export const maxComponents = 32;

/** Most signatures one message may carry: its sender's, and a few of proxies on the way. */
export const maxSignatures = 16;

/** Most signatures of one message that are looked at closely: each may cost a verification. */
export const maxCandidates = 2;

/** RSA key sizes in bits: below is weak, above is slow enough to be an attack. */
export const rsaBits = { min: 2048, max: 8192 } as const;
