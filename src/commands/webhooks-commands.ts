// `unwind webhooks`: the subscriptions of a client, what was attempted for them, replay and test, by the API.

import { type Command, Option } from 'commander';
import { idText, pageLimit } from './arguments.ts';
import { nounOf } from './nouns.ts';
import { printJson } from './run.ts';
import { type ApiArguments, type OnApi, runOnApi, withApi } from './sandbox-access.ts';
import { tableOf } from './table.ts';
import { UsageError } from './usage-error.ts';

interface Listing extends ApiArguments {
  readonly json?: true;
}

export function addWebhookCommands(program: Command): void {
  const webhooks = nounOf(program, 'webhooks');
  withApi(webhooks.command('list', { isDefault: true }))
    .description('subscriptions of the client, and how far each is behind')
    .option('--json', 'one JSON document instead of text')
    .action((options: Listing) => runOnApi(options, (api) => listWebhooks(api, options)));
  withApi(webhooks.command('deliveries'))
    .description('the last attempts of one, the newest first')
    .argument('<webhook>', 'its id', idText<'webhook'>)
    .option('--limit <n>', 'so many at most', pageLimit, 50)
    .option('--json', 'one JSON document instead of text')
    .action((id: string, options: Listing & { limit: number }) => {
      return runOnApi(options, (api) => listDeliveries(api, id, options));
    });
  withApi(webhooks.command('replay'))
    .description('deliver events again, with their ids')
    .argument('<webhook>', 'its id', idText<'webhook'>)
    .addOption(
      new Option('--from <time>', 'what has happened since then: RFC 3339').conflicts([
        'event',
        'setAside',
      ]),
    )
    .addOption(new Option('--event <id>', 'from this event on').conflicts('setAside'))
    .option('--set-aside', 'what was set aside')
    .option('--json', 'one JSON document instead of text')
    .action((id: string, options: Listing & ReplayOptions) => {
      return runOnApi(options, (api) => replayEvents(api, id, options));
    });
  withApi(webhooks.command('test'))
    .description('deliver a test event now, and say what the receiver answered')
    .argument('<webhook>', 'its id', idText<'webhook'>)
    .option('--json', 'one JSON document instead of text')
    .action((id: string, options: Listing) =>
      runOnApi(options, (api) => testWebhook(api, id, options)),
    );
}

/** Lists subscriptions. @returns 0 */
export async function listWebhooks({ client, stdout }: OnApi, { json }: Listing): Promise<number> {
  const all = await client.webhooks.list().all();
  if (json) return printJson(stdout, all);
  const head = ['webhook', 'title', 'enabled', 'behind', 'failing since', 'url'];
  const rows = all.map(({ id, title, enabled, delivery, url }) => [
    id,
    title,
    enabled ? 'yes' : 'no',
    String(delivery?.behind ?? ''),
    delivery?.failing_since ?? '',
    url,
  ]);
  const isTerminal = stdout.isTTY === true;
  if (rows.length === 0 && isTerminal) stdout.write('There are none.\n');
  else stdout.write(tableOf([head, ...rows], isTerminal));
  return 0;
}

/** Lists attempts. @returns 0 */
export async function listDeliveries(
  { client, stdout }: OnApi,
  id: string,
  { json, limit }: Listing & { limit: number },
): Promise<number> {
  const all = await client.webhooks.deliveries(id, { limit });
  if (json) return printJson(stdout, all);
  const head = ['at', 'kind', 'attempt', 'events', 'status', 'ms', 'outcome'];
  const rows = all.map((one) => [
    one.attempted_at,
    one.kind,
    String(one.attempt),
    String(one.events),
    String(one.status ?? ''),
    String(one.duration_ms),
    one.outcome,
  ]);
  stdout.write(tableOf([head, ...rows], stdout.isTTY === true));
  return 0;
}

interface ReplayOptions {
  readonly from?: string;
  readonly event?: string;
  readonly setAside?: true;
}

/** Has events delivered again. @returns 0 */
export async function replayEvents(
  { client, stdout }: OnApi,
  id: string,
  { from, event, setAside, json }: Listing & ReplayOptions,
): Promise<number> {
  const replayed = await client.webhooks.replay(id, rangeOf({ from, event, setAside }));
  if (json) return printJson(stdout, replayed);
  const { behind, resumed, gap } = replayed;
  stdout.write(`${behind} events are delivered now; ${resumed} accounts are no longer set aside\n`);
  if (gap !== null)
    stdout.write('The log does not have everything any more of what was asked for.\n');
  return 0;
}

function rangeOf({
  from,
  event,
  setAside,
}: { [Name in keyof ReplayOptions]: ReplayOptions[Name] | undefined }) {
  if (from !== undefined) return { from };
  if (event !== undefined) return { event_id: event };
  if (setAside === true) return { set_aside: true as const };
  throw new UsageError('say from where: --from, --event or --set-aside.');
}

/** Has a test event delivered. @returns 0 where the receiver acknowledged, else 1. */
export async function testWebhook(
  { client, stdout }: OnApi,
  id: string,
  { json }: Listing,
): Promise<number> {
  const tested = await client.webhooks.test(id);
  const { url, response } = tested;
  const { status, error } = response;
  if (json) printJson(stdout, tested);
  else
    stdout.write(
      `${url}: ${status === undefined ? `no response: ${error}` : `answered ${status}`}\n`,
    );
  return status !== undefined && status >= 200 && status < 300 ? 0 : 1;
}
