// Who has changed what, as they are on the wire:
// names in snake case, money and quantities as decimal strings, instants as RFC 3339 text. Later
// versions may add members and values. Written by tools/client-types.ts from the API document.

export interface Act {
  /** The act. */
  readonly id: string;
  /** When it was asked for. */
  readonly at: string;
  /** client: a signed request; person: at the console; command: by the operator. */
  readonly kind: 'client' | 'person' | 'command' | 'start';
  /** The id of the key that signed, or the name of a person. */
  readonly actor: string;
  /** Of a person at the console. */
  readonly role?: string;
  /**
   * Of a person who signed in through an identity provider: its issuer, a space, and its own
   * id of the person.
   */
  readonly subject?: string;
  /** The address that a signed request came from. */
  readonly origin?: string;
  /** The operation of this document, or of the operator. */
  readonly operation: string;
  /** What it was done to, as a path. */
  readonly target: string;
  /** Why, where the person was asked. */
  readonly reason?: string;
  /** What changed: the first 4,000 characters of the request. */
  readonly detail?: string;
  /** SHA-256 of method, path, line feed and body of the request. */
  readonly request_sha256?: string;
}

export interface ActQuery {
  /** The most items to answer. */
  readonly limit?: number;
  /** `meta.next` of the page before: only what follows it. */
  readonly cursor?: string;
  /** Only acts of this kind. */
  readonly kind?: 'client' | 'person' | 'command' | 'start';
  /** Only acts of this key or person. */
  readonly actor?: string;
  /** Only acts of this operation. */
  readonly operation?: string;
  /** Only acts that name this account. */
  readonly account_id?: string;
  /** Only acts that name this id, of whatever it is, in their target or in what they changed. */
  readonly names?: string;
  /**
   * Only acts since this time. An RFC 3339 date-time, or a date, which means its first instant
   * in UTC.
   */
  readonly since?: string;
  /**
   * Only acts before this time. An RFC 3339 date-time, or a date, which means its first
   * instant in UTC.
   */
  readonly before?: string;
}
