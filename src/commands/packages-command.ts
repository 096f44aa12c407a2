// `unwind clients packages`: whether new webhook subscriptions of a client get events together, where
// they do not say so themselves.

import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { setPackageSizeDefault } from '../webhooks/store.ts';
import { UsageError } from './usage-error.ts';

export interface PackagesCommand {
  readonly sql: Sql;
  readonly tenantId: TenantId;
  readonly stdout: { write(text: string): unknown };
}

/** Sets it and prints what holds from now on. @throws UsageError where there is no client. */
export async function runPackages(
  { sql, tenantId, stdout }: PackagesCommand,
  size: number | 'none',
): Promise<number> {
  const bytes = size === 'none' ? undefined : size;
  const isKnown = await setPackageSizeDefault(sql, { tenantId, bytes });
  if (!isKnown) throw new UsageError(`there is no client ${tenantId}.`);
  const shown = { client_id: tenantId, max_package_size: bytes ?? null };
  stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
  return 0;
}
