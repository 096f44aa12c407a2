// `npm run demo:fix`: sells a portfolio over a real FIX 4.4 session. The acceptor beside it plays the
// venue and keeps a ledger of its own; the service is killed half-way, started again, and goes on
// where it was. Ends with 0 only if every claim held and both ledgers agree.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import pino from 'pino';
import { clientOf } from '../../src/commands/sandbox-access.ts';
import { decimal, plain, sum } from '../../src/money.ts';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { readConfig } from '../../src/settings/config.ts';
import { withDatabase } from '../../src/settings/database.ts';
import type { FixMessage } from '../../src/venue/fix/codec.ts';
import { describeMessage } from '../../src/venue/fix/names.ts';
import { describePortfolio, type Holding, readAccounts, readHoldings } from '../demo/book.ts';
import { type Environment, environmentOf, Processes } from '../demo/processes.ts';
import { check, DemoFailure, euros, quote, say, title } from '../demo/terminal.ts';
import { Acceptor, type Fill } from './acceptor.ts';

const book = fileURLToPath(new URL('../book/', import.meta.url));
const waitMsMax = 60_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), 'unwind-demo-fix-'));
  // Where root runs it, the account that PostgreSQL runs under has to pass through.
  await chmod(home, 0o711);
  const closers: (() => Promise<unknown>)[] = [];
  try {
    await story(home, closers);
    return 0;
  } catch (error) {
    const text = error instanceof DemoFailure ? error.message : error;
    process.stderr.write(`\n✗ ${text}\n`);
    if (!(error instanceof DemoFailure) && error instanceof Error) {
      process.stderr.write(`${error.stack}\n`);
    }
    return 1;
  } finally {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
    await rm(home, { recursive: true, force: true });
  }
}

async function story(home: string, closers: (() => Promise<unknown>)[]): Promise<void> {
  const [account] = await readAccounts(book);
  if (account === undefined) throw new DemoFailure('the book is empty');
  const holdings = await readHoldings(book, account.accountId);

  title('A venue that speaks FIX 4.4');
  const acceptor = await openAcceptor(home, holdings);
  closers.push(() => acceptor.close());

  title('The service, which logs on to it');
  const env = { ...environmentOf(home), ...(await settingsFor(home, acceptor)) };
  const processes = new Processes(env);
  closers.push(() => processes.end());
  const url = await processes.startService();
  say(`service on ${url}, orders go to XDEM over FIX`);
  const imported = await processes.run('import', book);
  check(imported.code === 0, 'example book imported');
  const sandbox = await readSandboxClient(home);
  if (sandbox === undefined) throw new DemoFailure('the service made no sandbox client');
  const client = await clientOf(sandbox);

  title(`Selling everything of account ${account.accountId}`);
  describePortfolio(holdings);
  const { id } = await client.liquidations.create(account.accountId, { user_id: account.userId });
  const isComplete = () => acceptor.ledger.length === holdings.length;
  await until(`the venue has all ${holdings.length} orders`, isComplete);

  title('Half of it is executed, and the service is killed');
  acceptor.step(0.5);
  await until('the service has booked what came', async () => {
    return (await ourExecutions(env, id)).length === executionsOf(acceptor).length;
  });
  await processes.kill();
  say(styleText('red', 'kill -9: the service is gone'));
  acceptor.step(1);
  say(`the venue went on: ${executionsOf(acceptor).length} executions, and no one who listens`);

  title('It is started again, and asks for what it has missed');
  await processes.startService();
  const sold = await client.liquidations.untilFinal(account.accountId, id);
  check(sold.status === 'FILLED', `FILLED: ${euros(sold.cash_amount)}`);
  await compareLedgers(env, { acceptor, liquidationId: id, holdings });

  title('The audit');
  const audit = await processes.run('audit');
  quote(audit.text);
  check(audit.code === 0, 'recomputed from executions and movements: clean');
}

async function openAcceptor(home: string, holdings: readonly Holding[]): Promise<Acceptor> {
  const prices = new Map(holdings.map(({ isin, price }) => [isin, price]));
  const acceptor = new Acceptor({
    port: 0,
    journal: join(home, 'acceptor.jsonl'),
    isStepped: true,
    market: ({ isin, quantity }) => {
      return { fills: inParts(quantity, prices.get(isin) ?? '1'), end: 'filled' };
    },
    onMessage: show,
  });
  const port = await acceptor.listen();
  say(`acceptor on port ${port}, with a journal and a ledger of its own`);
  return acceptor;
}

/** Three executions that add up to the quantity. */
function inParts(quantity: string, price: string): readonly Fill[] {
  const whole = decimal(quantity);
  const parts = [whole.times('0.4'), whole.times('0.35'), whole.times('0.25')];
  return parts.map((part) => ({ quantity: plain(part), price }));
}

/** Messages of the session as they pass, without the heartbeats. */
function show(direction: 'in' | 'out', message: FixMessage): void {
  if (message.type === '0' || message.type === '1') return;
  const arrow = direction === 'in' ? '⟶' : '⟵';
  const text = describeMessage(message).replaceAll(
    / (SecurityIDSource|Side|TransactTime|HandlInst|AvgPx|EncryptMethod|TimeInForce|OrdType)=\S+/g,
    '',
  );
  say(styleText('dim', `${arrow} ${text}`));
}

async function settingsFor(home: string, acceptor: Acceptor): Promise<Environment> {
  const file = join(home, 'venues.json');
  const venue = {
    type: 'fix',
    mic: 'XDEM',
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port: acceptor.port,
    sender_comp_id: 'UNWIND',
    target_comp_id: 'ACCEPTOR',
    currency: 'EUR',
  };
  await writeFile(file, JSON.stringify({ venues: [venue] }));
  return { UNWIND_VENUES_FILE: file, PORT: String(await freePort()) };
}

/** One port for both starts: a process that takes the place of a dead one need not wait for it. */
async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    server.close(() => resolve(port));
  });
  return promise;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + waitMsMax;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new DemoFailure(`not within a minute: ${what}`);
    await wait(50);
  }
  check(true, what);
}

interface LedgerLine {
  readonly clientOrderId: string;
  readonly isin: string;
  readonly quantity: string;
  readonly price: string;
}

function executionsOf(acceptor: Acceptor): readonly LedgerLine[] {
  return acceptor.ledger.flatMap(({ clientOrderId, isin, executions }) => {
    return executions.map(({ quantity, price }) => {
      return { clientOrderId, isin, quantity: plain(quantity), price: plain(price) };
    });
  });
}

/** Executions as anybody may read them. */
async function ourExecutions(
  env: Environment,
  liquidationId: string,
): Promise<readonly LedgerLine[]> {
  return withDatabase(await readConfig(env), pino({ level: 'silent' }), async (sql) => {
    const rows = await sql<
      { client_order_id: string; isin: string; quantity: string; price: string }[]
    >`
      select e.client_order_id, e.isin, trim_scale(e.quantity) as quantity, trim_scale(e.price) as price
      from unwind_v1.executions e
      where e.liquidation_id = ${liquidationId}`;
    return rows.map(({ client_order_id: clientOrderId, ...row }) => ({ clientOrderId, ...row }));
  });
}

async function compareLedgers(
  env: Environment,
  sale: { acceptor: Acceptor; liquidationId: string; holdings: readonly Holding[] },
): Promise<void> {
  const { acceptor, liquidationId, holdings } = sale;
  title('Both ledgers');
  const text = ({ clientOrderId, isin, quantity, price }: LedgerLine) => {
    return `${clientOrderId} ${isin} ${plain(decimal(quantity))} × ${plain(decimal(price))}`;
  };
  const theirs = executionsOf(acceptor).map(text).toSorted();
  const ours = (await ourExecutions(env, liquidationId)).map(text).toSorted();
  check(theirs.join('\n') === ours.join('\n'), `the same ${ours.length} executions on both sides`);
  const once = acceptor.ledger.every(({ received }) => received === 1);
  check(once, `each of ${acceptor.ledger.length} orders came to the venue once`);
  const isWhole = holdings.every(({ isin, quantity }) => {
    const own = executionsOf(acceptor).filter((line) => line.isin === isin);
    return sum(own.map((line) => decimal(line.quantity))).eq(decimal(quantity));
  });
  check(isWhole, `each of ${holdings.length} positions was sold to the last unit`);
}
