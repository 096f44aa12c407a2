// `unwind liquidations preview`: what a liquidation of an account would do now. It reads only.

import type { Command } from 'commander';
import { previewView } from '../http/preview-view.ts';
import type { AccountId, TenantId } from '../ids.ts';
import { OpenLiquidations } from '../liquidations/open-liquidations.ts';
import { type Preview, previewLiquidation } from '../liquidations/preview-liquidation.ts';
import { accountId, clientId } from './arguments.ts';
import { type OnClient, printJson, runForReaderOf } from './run.ts';
import { tableOf } from './table.ts';
import { RefusedError } from './usage-error.ts';

interface PreviewOptions {
  readonly client?: TenantId;
  readonly json?: boolean;
}

export function addPreviewCommand(liquidations: Command): void {
  liquidations
    .command('preview')
    .description('what a liquidation of an account would do now; nothing is stored')
    .argument('<account>', 'its id', accountId)
    .option('--client <id>', 'whose account it is (default: the sandbox client)', clientId)
    .option('--json', 'one JSON document instead of text')
    .action((account: AccountId, { client, json = false }: PreviewOptions) => {
      return runForReaderOf(client, (to, { liquidations: settings }) => {
        return runPreview({ ...to, json }, account, settings);
      });
    });
}

/** Prints it. @returns 0; 1 where a liquidation would be refused. @throws RefusedError: no such account. */
export async function runPreview(
  on: OnClient & { readonly json: boolean },
  account: AccountId,
  settings: { readonly releaseDelayMs: number },
): Promise<number> {
  const { sql, clock, tenantId, stdout, json } = on;
  const hasRoom = await new OpenLiquidations(sql, clock).hasRoom(tenantId);
  const of = { tenantId, accountId: account, hasRoom };
  const preview = await previewLiquidation(sql, clock, of, settings);
  if (preview === undefined) {
    throw new RefusedError(`client ${tenantId} has no account ${account}.`);
  }
  if (json) printJson(stdout, previewView(preview));
  else stdout.write(textOf(preview));
  return preview.refusal === undefined ? 0 : 1;
}

const outcomes = {
  sell: 'places the orders below',
  wait: 'is PROCESSING without orders, until something can be sold',
  end: 'is FILLED at once: nothing can be sold',
} as const;

function textOf(preview: Preview): string {
  const { refusal, release, outcome, note, positions, totals } = previewView(preview);
  const due = release.due_at.toISOString();
  const expected = release.expected_at?.toISOString() ?? 'not foreseeable';
  const head = [
    ['account', preview.accountId],
    ['a liquidation', refusal === undefined ? outcomes[outcome] : `is refused: ${refusal.detail}`],
    ['note', note],
    ...(refusal === undefined ? [['due', due]] : []),
    ['released', refusal !== undefined || expected === due ? undefined : expected],
    ['waits for', release.waiting && `${release.waiting.reason}: ${release.waiting.detail}`],
    ['value', `EUR ${totals.value} of ${totals.selling} of ${totals.positions} positions`],
    ...totals.by_currency
      .filter(({ currency }) => currency !== 'EUR')
      .map((one) => [`  in ${one.currency}`, `EUR ${one.value} of ${one.positions}`]),
    ['without a price', totals.unpriced > 0 ? String(totals.unpriced) : undefined],
    ['controls stop', totals.stopped > 0 ? `${totals.stopped} of them` : undefined],
  ];
  const lines = head.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  if (positions.length === 0) return tableOf(lines, true);
  const columns = ['isin', 'units', 'sells', 'venue', 'opens', 'price', 'age', 'EUR', 'not sold'];
  const rows = positions.map((one) => {
    const opens = one.venue_open === false ? (one.opens_at?.toISOString() ?? 'closed') : '';
    const unsold = one.unsold.map(({ reason, quantity, detail }) => {
      return `${quantity} ${reason}${detail === undefined ? '' : ` (${detail})`}`;
    });
    const stopped = one.stopped_by.map(
      ({ control, detail }) => `stopped by ${control} (${detail})`,
    );
    const price = [one.price ?? 'none', ageOf(one.price_age_s), one.value];
    const why = [...stopped, ...unsold].join('; ');
    return [one.isin, one.quantity, one.sells, one.venue, opens, ...price, why];
  });
  return `${tableOf(lines, true)}\n${tableOf([columns, ...rows], true)}`;
}

/** In the largest unit that has two of it. */
function ageOf(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
