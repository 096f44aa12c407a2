// The one place that turns what went wrong into words for the person who runs the service: cause and
// remedy, and no stack.

import { UnusableKeyError } from '@unwind/signatures';
import { ClientChangeError } from '../auth/change-client.ts';
import { DatabaseFaultError } from '../db/fault.ts';
import { MigrationError } from '../db/migrate.ts';
import { EmbeddedError } from '../embedded/embedded-error.ts';
import { fileFault } from '../file-fault.ts';
import { ConfigError } from './config.ts';

/** Errors whose message is the explanation. */
const explained = [
  ConfigError,
  UnusableKeyError,
  ClientChangeError,
  EmbeddedError,
  MigrationError,
  DatabaseFaultError,
];

/** @returns undefined for an error that no operator can mend: a fault of ours. */
export function explain(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (explained.some((kind) => error instanceof kind)) return error.message;
  const fault = fileFault(error);
  if (fault !== undefined) return `${fault.path} cannot be used: ${fault.reason}.`;
  return undefined;
}
