// `npm run demo`: the whole of Unwind in one run, every part real. It starts the service on an
// empty home, imports the example book, sells one portfolio, cancels the sale of another, and lets
// the audit recompute it all. It ends with 0 only if every claim held. With
// `--keep` it then stays, and prints a link to what it did in the console.

import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApiError, type Client, type Liquidation } from '@unwind/client';
import type { AccountLiquidationEvent } from '@unwind/client/webhooks';
import { clientOf } from '../../src/commands/sandbox-access.ts';
import { decimal, sum } from '../../src/money.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { describePortfolio, type Holding, readAccounts, readHoldings } from './book.ts';
import { findExecutions } from './executions.ts';
import { type Environment, environmentOf, Processes } from './processes.ts';
import { Receiver } from './receiver.ts';
import { check, DemoFailure, euros, Interruption, quote, say, table, title } from './terminal.ts';

const book = fileURLToPath(new URL('../book/', import.meta.url));
const { usesTls, keeps } = optionsOf(process.argv.slice(2));
/** As a shell reports a program that was interrupted. */
const interrupted = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  const stopped = Promise.withResolvers<never>();
  stopped.promise.catch(() => {}); // looked at below; this only says that it will be
  // Not once: Ctrl-C comes from the terminal and from npm, and neither must cut the ending short.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stopped.reject(new Interruption(`stopped by ${signal}`)));
  }
  const home = await mkdtemp(join(tmpdir(), 'unwind-demo-'));
  // Where root runs it, the account that PostgreSQL runs under has to pass through.
  await chmod(home, 0o711);
  const env = environmentOf(home);
  const processes = new Processes(env);
  const closers: (() => Promise<unknown>)[] = [() => processes.end()];
  const telling = story({ home, env, processes, closers });
  try {
    const outcome = await Promise.race([telling, stopped.promise]);
    return keeps ? await keep(outcome, processes, stopped.promise) : 0;
  } catch (error) {
    complain(error);
    return error instanceof Interruption ? interrupted : 1;
  } finally {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    // With everything closed the story cannot go on; what it fails with now is of no interest.
    await Promise.allSettled([telling]);
    await rm(home, { recursive: true, force: true });
  }
}

/** Whether the service shall speak TLS, and stay. Ends the process where something else is asked for. */
function optionsOf(args: readonly string[]): { usesTls: boolean; keeps: boolean } {
  const unknown = args.find((one) => one !== '--tls' && one !== '--keep');
  if (unknown === undefined) {
    return { usesTls: args.includes('--tls'), keeps: args.includes('--keep') };
  }
  process.stderr.write(`demo: "${unknown}" is not known; the options are --tls and --keep.\n`);
  process.exit(2);
}

/** Leaves the service running, until Ctrl-C. @returns the exit code. */
async function keep(
  liquidationId: string,
  processes: Processes,
  stopped: Promise<never>,
): Promise<number> {
  const link = await Promise.race([processes.run('console'), stopped]);
  check(link.code === 0, 'the console shows what was done; this link lets one person in, once:');
  const address = link.text.trim().replace('/console#', `/console/liquidations/${liquidationId}#`);
  process.stdout.write(`\n  ${address}\n\n`);
  process.stdout.write('Ctrl-C ends the service and removes all of it.\n');
  try {
    return await stopped;
  } catch (error) {
    if (error instanceof Interruption) return 0;
    throw error;
  }
}

function complain(error: unknown): void {
  const isOurs = error instanceof DemoFailure;
  process.stderr.write(`\n✗ ${isOurs ? error.message : error}\n`);
  if (!isOurs && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

interface Stage {
  readonly home: string;
  readonly env: Environment;
  readonly processes: Processes;
  /** What to end afterwards, the last one first. */
  readonly closers: (() => Promise<unknown>)[];
}

/** @returns the id of the liquidation that was sold. */
async function story({ home, env, processes, closers }: Stage): Promise<string> {
  title('The service and its book');
  const url = await processes.startService(...(usesTls ? ['--tls'] : []));
  say(`service on ${url}, with a PostgreSQL of its own`);
  const imported = await processes.run('import', book);
  quote(imported.text);
  check(imported.code === 0, 'example book imported');

  title('A client, signed from the first request');
  const sandbox = await readSandboxClient(home);
  if (sandbox === undefined) throw new DemoFailure('the service made no sandbox client');
  const client = await clientOf(sandbox);
  const scopes = await client.grantedScopes();
  check(scopes.length > 0, `token for client ${sandbox.client_id}, request signed with Ed25519`);
  const receiver = await subscribe(client, closers);

  const [first, second] = await readAccounts(book);
  if (first === undefined || second === undefined) throw new DemoFailure('the book is empty');
  const holdings = await readHoldings(book, first.accountId);
  const sold = await sell({ client, receiver, env, account: first, holdings });
  await cancelAnother({ client, receiver, account: second });
  await compareWithLog(client, receiver);

  title('The audit');
  const audit = await processes.run('audit');
  quote(audit.text);
  check(audit.code === 0, 'recomputed from executions, movements and the venue’s journal: clean');
  if (!keeps) {
    process.stdout.write(
      '\nAll of it is removed again now. To see it in the console: npm run demo -- --keep\n',
    );
    process.stdout.write('To keep your own: npm start\n');
  }
  return sold;
}

async function subscribe(client: Client, closers: Stage['closers']): Promise<Receiver> {
  const receiver = new Receiver((signal) => client.webhooks.verifyKeys({ signal }), announce);
  closers.push(() => receiver.close());
  const url = await receiver.listen();
  const type = ['ACCOUNT_LIQUIDATION'] as const;
  const webhook = await client.webhooks.create({ title: 'demo', url, enabled: true, type });
  check(webhook.enabled, `webhook to ${url}, deliveries signed with P-521`);
  return receiver;
}

function announce({ type, object }: AccountLiquidationEvent): void {
  const done = object.orders.filter((order) => order.status === 'FILLED').length;
  const orders =
    object.orders.length === 0 ? '' : `, ${done} of ${object.orders.length} orders filled`;
  say(`⟵ ${type.padEnd(30)} verified: ${euros(object.cash_amount)}${orders}`);
}

interface Sale {
  readonly client: Client;
  readonly receiver: Receiver;
  readonly env: Environment;
  readonly account: { readonly accountId: string; readonly userId: string };
  readonly holdings: readonly Holding[];
}

async function sell({ client, receiver, env, account, holdings }: Sale): Promise<string> {
  title(`Selling everything of account ${account.accountId}`);
  describePortfolio(holdings);
  const { accountId, userId } = account;
  const liquidation = await client.liquidations.create(accountId, { user_id: userId });
  check(liquidation.status === 'NEW', `POST /accounts/${accountId}/liquidations: NEW`);
  const { object: sold } = await receiver.event(liquidation.id, 'FILLED');
  const types = receiver.events(liquidation.id).map((event) => event.object.status);
  check(types.join() === 'NEW,PROCESSING,FILLED', 'NEW, PROCESSING, FILLED: once each, in order');

  title('What the venue executed');
  const executions = await findExecutions(env, liquidation.id);
  table(
    executions.map((one) => [
      one.at,
      one.isin,
      one.quantity,
      `× ${one.price}`,
      euros(one.proceeds),
    ]),
    [2, 3, 4],
  );
  const proceeds = sum(executions.map((one) => decimal(one.proceeds)));
  check(
    proceeds.eq(sold.cash_amount),
    `${executions.length} executions add up to ${euros(sold.cash_amount)}, to the cent`,
  );
  const quantity = (isin: string) => {
    return sum(executions.flatMap((one) => (one.isin === isin ? decimal(one.quantity) : [])));
  };
  check(
    holdings.every((holding) => quantity(holding.isin).eq(holding.quantity)),
    `each of the ${holdings.length} positions was sold to the last unit, and only once`,
  );
  await readBack(client, sold);
  return sold.id;
}

async function readBack(client: Client, sold: Liquidation): Promise<void> {
  const { id, account_id: accountId } = sold;
  title('Reading it back');
  const target = `/accounts/${accountId}/liquidations/${id}`;
  const one = await client.send({ method: 'GET', target });
  const isSame = one.text === JSON.stringify(sold);
  check(one.status === 200 && isSame, 'GET one: the bytes of the FILLED event');
  const all = await client.liquidations.list(accountId).all();
  check(all.length === 1, 'GET list: one liquidation');
  const late = await client.liquidations.cancel(accountId, id).catch((error: unknown) => error);
  const isRefused = late instanceof ApiError && late.status === 409;
  check(isRefused, `DELETE: 409, ${isRefused ? late.detail : late}`);
}

async function compareWithLog(client: Client, receiver: Receiver): Promise<void> {
  title('The log of events, and a forgery');
  const logged = await client.events.list().all();
  const ids = receiver.all().map(({ id }) => id);
  const isSame = logged.length === ids.length && logged.every(({ id }) => ids.includes(id));
  check(isSame, `GET /events: the same ${logged.length} events that were delivered, by their ids`);
  const refused = await receiver.takeForged();
  check(refused === 401, 'a delivery with another amount in it: refused with 401');
}

async function cancelAnother({
  client,
  receiver,
  account: { accountId, userId },
}: Pick<Sale, 'client' | 'receiver' | 'account'>): Promise<void> {
  title(`Changing one’s mind about account ${accountId}`);
  const { id, status } = await client.liquidations.create(accountId, { user_id: userId });
  check(status === 'NEW', `POST /accounts/${accountId}/liquidations: NEW`);
  const refused = await client.liquidations.cancel(accountId, id).catch((error: unknown) => error);
  check(refused === undefined, 'DELETE in time: 204');
  const { object } = await receiver.event(id, 'CANCELLED');
  check(object.cash_amount === '0.00', 'CANCELLED, and nothing was sold');
}
