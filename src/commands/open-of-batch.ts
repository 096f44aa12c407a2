// What of a batch is still open, and why it waits: some accounts, for a person, as lines of text.

import {
  ApiError,
  type BatchAccount,
  type BatchWithProgress,
  type Client,
  type LiquidationWait,
} from '@unwind/client';

export type AccountsWanted = BatchAccount['status'] | 'OPEN' | 'all';

/** The accounts of a batch of which this became; OPEN: those whose liquidation is open. */
export async function* accountsOf(
  client: Client,
  id: string,
  which: AccountsWanted,
): AsyncGenerator<BatchAccount> {
  if (which === 'OPEN') {
    for (const status of ['PROCESSING', 'NEW'] as const)
      yield* client.batches.accounts(id, { liquidation_status: status });
  } else yield* client.batches.accounts(id, which === 'all' ? {} : { status: which });
}

/** Accounts that are shown; each is a request. */
const shownMax = 10;

/** The lines, first of what is PROCESSING; none where nothing is open. */
export async function openLines(
  client: Client,
  { id, liquidations }: BatchWithProgress,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const status of ['PROCESSING', 'NEW'] as const) {
    const limit = shownMax - lines.length;
    if (limit === 0) break;
    const query = { liquidation_status: status, limit };
    const { data } = await client.batches.accounts(id, query).page();
    for (const { account_id: account, liquidation } of data) {
      if (liquidation === undefined) continue;
      const why = await whyOf(client, account, liquidation);
      lines.push(`${account}  ${liquidation.id}  ${liquidation.status}  ${why}`.trimEnd());
    }
  }
  const more = liquidations.new + liquidations.processing - lines.length;
  if (more > 0) lines.push(`and ${more} more: unwind batches show ${id} --accounts OPEN`);
  return lines;
}

/** Why it waits; nothing where it has ended meanwhile, or the token may not read liquidations. */
async function whyOf(
  { control }: Client,
  account: string,
  { id, status }: NonNullable<BatchAccount['liquidation']>,
): Promise<string> {
  try {
    // An account has one that is open.
    const { data } = await control.liquidations.list({ account_id: account, status }).page();
    return (
      data
        .find((one) => one.id === id)
        ?.waiting.map(waitText)
        .join('; ') ?? ''
    );
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return '';
    throw error;
  }
}

function waitText({ reason, isin, since, detail }: LiquidationWait): string {
  const what = [reason, ...(isin === undefined ? [] : [isin])].join(' ');
  const from = since === undefined ? '' : ` since ${since}`;
  return detail === undefined ? `${what}${from}` : `${what}${from} (${detail})`;
}
