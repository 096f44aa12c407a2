// What the book says of an account.

export const accountStatuses = [
  'PENDING_APPROVAL',
  'ACTIVE',
  'CLOSING',
  'CLOSED',
  'LOCKED',
] as const;

export type AccountStatus = (typeof accountStatuses)[number];
