// What an operator does with a FIX venue, each command of docs/venues/ as it is written there: a service
// that trades, its session shown, and a venues file with every mistake named.
// Long by nature: it starts services.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Acceptor, plainMarket } from '../../examples/fix/acceptor.ts';
import { newId } from '../../src/ids.ts';
import { ConfigError, readConfig } from '../../src/settings/config.ts';
import {
  launchUnwind,
  newHome,
  newHomeOnServer,
  patienceMs,
  runUnwind,
  type Settings,
  startService,
} from '../service/processes.ts';
import { eventually } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';

interface Trading {
  readonly home: string;
  readonly folder: string;
  readonly profile: object;
  readonly settings: Settings;
}

async function venueFor(t: AfterTest): Promise<Trading> {
  const home = await newHomeOnServer(t, { migrated: false });
  const folder = dirname(home);
  const acceptor = new Acceptor({
    port: 0,
    journal: join(folder, 'acceptor.jsonl'),
    market: plainMarket,
  });
  t.after(() => acceptor.close());
  const venue = {
    type: 'fix',
    mic: 'XDEM',
    version: 'FIX.4.4',
    host: '127.0.0.1',
    port: await acceptor.listen(),
    sender_comp_id: 'BROKER',
    target_comp_id: 'ACCEPTOR',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file names a variable
    logon_fields: { '553': 'broker', '554': '${VENUE_PASSWORD}' },
  };
  const file = join(folder, 'venues.json');
  await writeFile(file, JSON.stringify({ venues: [venue] }));
  const settings = { UNWIND_VENUES_FILE: file, VENUE_PASSWORD: 'secret', UNWIND_LOG_LEVEL: 'warn' };
  return { home, folder, profile: venue, settings };
}

/** Many commands one after the other, each a process, beside other tests. */
const timeout = 600_000;

test('a venue is checked, traded at, shown and stopped', { timeout }, async (t) => {
  const { home, settings } = await venueFor(t);
  const ran = new Set<string>();
  const command = (...args: readonly string[]) => {
    ran.add(args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' '));
    return runUnwind(t, args, { home, settings });
  };

  const never = await command('fix', 'status');
  assert.deepEqual([never.code, never.stdout], [2, '']);
  assert.match(never.stderr, /has no schema yet: run "unwind migrate"/);
  assert.equal((await command('migrate')).code, 0);

  const checked = await command('venues', 'check');
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  assert.match(
    checked.stdout,
    /^✓ XDEM at 127\.0\.0\.1:\d+\n {2}connected\n {2}logged on, .*\n {2}logged out\n$/,
  );

  const service = await startService(t, { home, settings });
  const ready = async () => {
    const response = await fetch(`${service.url}/readyz`);
    const { checks } = (await response.json()) as { checks: Readonly<Record<string, string>> };
    return checks['venue XDEM'] === 'ready';
  };
  await eventually('the session is ready', ready, patienceMs);

  const status = await command('fix', 'status');
  assert.equal(status.code, 0);
  assert.match(
    status.stdout,
    /^XDEM {2}ready since \S+Z\n {2}trading day \S+, next number in \d+, out \d+\n {2}0 queued, 0 open orders, 0 problems\n/,
  );
  const running = await command('venues', 'check');
  assert.match(running.stdout, /a running service is logged on/);
  const log = await command('fix', 'log');
  const following = launchUnwind(t, ['fix', 'log', '--follow'], { home, settings });
  await eventually('the log follows', () => following.stdout().includes('Logon'), patienceMs);
  following.kill('SIGINT');
  assert.match(following.stdout(), /Password=\*\*\*/);
  await following.ended;
  assert.match(log.stdout, /→ +1 Logon .*Username=broker Password=\*\*\*/);
  assert.match(log.stdout, /← +1 Logon /);
  assert.ok(!log.stdout.includes('secret'));
  const reset = await command('fix', 'reset', 'XDEM', '--reason', 'both sides start over');
  assert.deepEqual([reset.code, /its session runs/.test(reset.stdout)], [1, true]);
  const resume = await command(
    'fix',
    'resume',
    'XNON',
    '--reason',
    'agreed by phone',
    '--next-in',
    '104',
  );
  assert.deepEqual([resume.code, resume.stdout], [1, 'XNON was never connected\n']);

  service.kill('SIGTERM');
  assert.equal((await service.ended).code, 0);
  const parked = await command('parked');
  assert.deepEqual([parked.code, parked.stdout], [0, 'nothing is parked\n']);
  const close = ['close', 'fix/XDEM/20260105/17', '--reason', 'the venue has withdrawn it'];
  const closed = await command('parked', ...close);
  assert.deepEqual([closed.code, closed.stdout], [1, 'nothing is open as fix/XDEM/20260105/17\n']);
  const again = await command('parked', 'resume', 'fix/XDEM');
  assert.deepEqual(
    [again.code, /use: unwind fix resume XDEM --reason/.test(again.stdout)],
    [1, true],
  );
  const after = await command('fix', 'reset', 'XDEM', '--reason', 'both sides start over');
  assert.equal(after.code, 0, after.stdout + after.stderr);
  // Each command of the page as it stands there; import and reconcile have tests of their own.
  ran.add('fix log --follow');
  const page = await readFile(new URL('../../docs/venues/README.md', import.meta.url), 'utf8');
  const written = [...page.matchAll(/^ {4}unwind (.*?)(?: +#.*)?$/gm)].map(
    ([, line]) => line ?? '',
  );
  assert.ok(written.length >= 7, written.join());
  const missed = written.filter(
    (line) => !ran.has(line) && !/^(import|venues reconcile) /.test(line),
  );
  // "unwind fix resume XDEM" would let this session's numbers differ: it was asked of a venue that is not there.
  assert.deepEqual(missed, ['fix resume XDEM --reason "agreed by phone" --next-in 104']);
});

const recordHeader = 'execution_id,client_order_id,isin,side,quantity,price,currency,executed_at';

/** The lines of docs/venues/ that stand indented below a line that begins with this. */
async function blockOf(firstLine: string): Promise<string> {
  const page = await readFile(new URL('../../docs/venues/README.md', import.meta.url), 'utf8');
  const lines = page.split('\n');
  const start = lines.indexOf(`    ${firstLine}`);
  assert.ok(start > 0, firstLine);
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('    '));
  return lines
    .slice(start, end)
    .map((line) => `${line.slice(4)}\n`)
    .join('');
}

test('several venues side by side: the listings of the page lead each order to its own', async (t) => {
  const { home, settings, folder, profile } = await venueFor(t);
  const second = new Acceptor({
    port: 0,
    journal: join(folder, 'second.jsonl'),
    market: plainMarket,
  });
  t.after(() => second.close());
  const other = { ...profile, mic: 'XTST', port: await second.listen() };
  const venues = [profile, other, { type: 'simulated' }];
  await writeFile(settings['UNWIND_VENUES_FILE'] ?? '', JSON.stringify({ venues }));
  const command = (...args: readonly string[]) => runUnwind(t, args, { home, settings });
  const service = await startService(t, { home, settings });

  const [account, user] = [newId<'account'>(), newId<'user'>()];
  const isins = ['US0378331005', 'DE000BASF111', 'DE0007164600'];
  const book = {
    users: ['user_id', user],
    accounts: ['account_id,user_id,status,currency', `${account},${user},ACTIVE,EUR`],
    instruments: [
      'isin,name,trading_status,fractional',
      ...isins.map((isin) => `${isin},${isin},ACTIVE,true`),
    ],
    positions: [
      'account_id,isin,quantity,locked,as_of',
      ...isins.map((isin) => `${account},${isin},4.0005,0,2026-01-02T17:30:00Z`),
    ],
    listings: [(await blockOf('isin,mic,symbol,currency,lot_size')).trimEnd()],
  };
  const directory = join(folder, 'book');
  await mkdir(directory);
  for (const [name, lines] of Object.entries(book)) {
    await writeFile(join(directory, `${name}.csv`), `${lines.join('\n')}\n`);
  }
  const imported = await command('import', directory);
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  assert.match(imported.stdout, /listings\.csv +3 lines: 3 new/);
  const ready = async () => {
    const response = await fetch(`${service.url}/readyz`);
    const { checks } = (await response.json()) as { checks: Readonly<Record<string, string>> };
    return checks['venue XDEM'] === 'ready' && checks['venue XTST'] === 'ready';
  };
  await eventually('both sessions are ready', ready, patienceMs);
  const asked = await command(
    ...['request', 'POST', `/accounts/${account}/liquidations`, '--data', `{"user_id":"${user}"}`],
  );
  assert.equal(asked.code, 0, asked.stdout + asked.stderr);
  const id = /"id": ?"([0-9a-f-]{36})"/.exec(asked.stdout)?.[1] ?? '';
  const sold = async () => {
    const shown = await command('liquidations', 'show', id);
    assert.equal(shown.code, 0, shown.stdout + shown.stderr);
    return /status +FILLED\b/.test(shown.stdout) && shown.stdout;
  };
  const shown = await eventually('it is sold', sold, patienceMs);
  assert.match(shown, /note +less than a lot .*0\.0005 DE0007164600 \(lots of 1 at XSIM\)/);
  assert.match(shown, /0\.0005 US0378331005 \(lots of 1 at XDEM\)/);
  const log = await command('fix', 'log', '--venue', 'XDEM');
  assert.match(log.stdout, /NewOrderSingle .*Symbol=AAPL/);
  assert.deepEqual(
    second.ledger.map(({ isin, quantity }) => [isin, quantity.toFixed()]),
    [['DE000BASF111', '4']],
  );
  const record = join(folder, 'executions.csv');
  const [sale] = second.ledger;
  assert.ok(sale);
  const lines = sale.executions.map(({ execId, quantity, price }) => {
    const amounts = `SELL,${quantity.toFixed()},${price.toFixed()},EUR`;
    return `${execId},${sale.clientOrderId},${sale.isin},${amounts},${new Date().toISOString()}`;
  });
  const header = (await blockOf(recordHeader)).split('\n')[0];
  const compared = async (rows: readonly string[]) => {
    await writeFile(record, `${[header, ...rows].join('\n')}\n`);
    const { code, stdout } = await command('reconcile', '--venue', 'XTST', record);
    return [code, stdout.split('\n').slice(1, -1).join()];
  };
  assert.deepEqual(await compared(lines), [0, 'Both agree.']);
  const [code, text] = await compared(lines.slice(1));
  assert.deepEqual(
    [code, /missing_there: .*BASF111 execution E1 of order .*,1 difference\.$/.test(`${text}`)],
    [1, true],
  );
  const status = await command('fix', 'status');
  assert.match(status.stdout, /^XDEM {2}ready[\s\S]*\nXTST {2}ready/);
  const audit = await command('audit');
  assert.equal(audit.code, 0, audit.stdout);
});

test('every mistake of a venues file is named with its place, and nothing starts', async (t) => {
  const home = await newHome(t);
  const folder = dirname(home);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'venues.json');
  const settings = { UNWIND_VENUES_FILE: file };
  const started = async (text: string) => {
    await writeFile(file, text);
    const ended = await runUnwind(t, ['start'], { home, settings });
    assert.deepEqual([ended.code, ended.stdout], [2, '']);
    return ended.stderr;
  };
  /** The same without a process for each file. */
  const faultsOf = async (text: string): Promise<string> => {
    await writeFile(file, text);
    const read = readConfig({ ...settings, UNWIND_HOME: home });
    return read.then(
      () => assert.fail('it was taken'),
      (error: unknown) => {
        assert.ok(error instanceof ConfigError, String(error));
        return error.message;
      },
    );
  };
  const wrong = {
    type: 'fix',
    mic: 'demo',
    version: 'FIX.4.4',
    host: 'venue',
    port: 0,
    sender_comp_id: 'A',
    target_comp_id: 'B',
    surprise: true,
  };
  const mistakes = await started(JSON.stringify({ venues: [wrong] }));
  for (const place of [/\/venues\/0\/mic /, /\/venues\/0\/port /, /\(surprise\)/]) {
    assert.match(mistakes, place);
  }
  const own = { ...wrong, mic: 'XDEM', port: 1, surprise: undefined };
  const reserved = {
    ...own,
    logon_fields: { '108': '60' },
    order_fields: { '15': 'EUR', '21': '1' },
    trading_day: { time_zone: 'Mars/Olympus', reset_time: '06:00' },
  };
  const older = { ...own, mic: 'XTST', version: 'FIX.4.2', order_fields: { '21': '2' } };
  const contradictions = await faultsOf(JSON.stringify({ venues: [reserved, older] }));
  const ownOrderFields = contradictions.match(
    /\S+\/order_fields\/\d+ is a field that the session writes itself/g,
  );
  assert.deepEqual(ownOrderFields, [
    '/venues/0/order_fields/15 is a field that the session writes itself',
    '/venues/1/order_fields/21 is a field that the session writes itself',
  ]);
  assert.match(contradictions, /logon_fields\/108 is a field that the session writes itself/);
  assert.match(contradictions, /time_zone is no time zone: Mars\/Olympus/);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the file names a variable
  const secret = { ...own, logon_fields: { '554': '${NO_SUCH_SECRET}' } };
  assert.match(
    await faultsOf(JSON.stringify({ venues: [secret] })),
    /NO_SUCH_SECRET, which the file names, is not set/,
  );
  assert.match(await faultsOf('{'), /is not JSON/);
  const several = [{ ...own, mic: 'XSIM' }, own, { ...own, host: 'other' }, { type: 'simulated' }];
  const doubled = await faultsOf(JSON.stringify({ venues: several }));
  assert.match(doubled, /\/venues\/0\/mic is XSIM, which stands for the simulated venue/);
  assert.match(doubled, /\/venues\/2 names XDEM, as an entry before it does/);
  assert.match(doubled, /\/venues\/3 names XSIM, as an entry before it does/);
  const unknown = [own, { type: 'simulated', mic: 'XETR' }];
  assert.match(await faultsOf(JSON.stringify({ venues: unknown })), /\/venues\/1\/mic /);
  assert.match(await faultsOf(JSON.stringify({ venues: [{ type: 'fax' }] })), /\/venues\/0\/type /);
  assert.match(await faultsOf('null'), /\/ must be object/);
  assert.doesNotMatch(mistakes + contradictions, /\n\s+at /);
});
