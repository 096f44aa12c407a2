// `unwind positions` beside a running service, each as its own process: a lock keeps a liquidation open,
// and what is unlocked and credited is sold in it within moments.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '../support/condition.ts';
import { newHome, runUnwind, startService } from './processes.ts';

const accountId = '143d980c-b742-4448-aa4a-78893d650617';
const userId = '3e6ee6f7-c1a3-490f-9629-8f5863e1ae0e';
const isin = 'IE00B4L5Y983';

test('a lock keeps a liquidation open; what is unlocked and credited is sold in it', async (t) => {
  const home = await newHome(t);
  const settings = {
    UNWIND_LOG_LEVEL: 'error',
    UNWIND_RELEASE_DELAY_MS: '0',
    UNWIND_VENUE_DELAY_MS: '0',
  };
  const options = { home, settings };
  await startService(t, options);
  const unwind = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await runUnwind(t, args, options);
    return `${code} ${stdout}${stderr}`;
  };
  const delta = (type: string, quantity: string, reference: string) => {
    const what = ['--account', accountId, '--isin', isin, '--quantity', quantity];
    return unwind('positions', type, ...what, '--reference', reference);
  };
  assert.match(await unwind('import', 'examples/book'), /^0 /);
  assert.equal(await delta('lock', '4.5', 'pledge'), `0 lock of 4.5 ${isin} is applied.\n`);

  const target = `/accounts/${accountId}/liquidations`;
  const data = JSON.stringify({ user_id: userId });
  const posted = await unwind('request', 'POST', target, '--data', data);
  assert.match(posted, /^0 202\n/);
  const id = /"id": "([0-9a-f-]{36})"/.exec(posted)?.[1] ?? assert.fail(posted);
  const ordersOf = async (status: string) => {
    const shown = await unwind('request', 'GET', `${target}/${id}`);
    const isIt = shown.includes(`\n  "status": "${status}"`);
    const filled = shown.match(/"status": "FILLED"/g)?.length ?? 0;
    return isIt ? filled : undefined;
  };
  await eventually('ten orders are filled', async () => (await ordersOf('PROCESSING')) === 10);

  assert.match(await delta('lock', '1', 'too-much'), /^1 Nothing was changed: quantity: only 0 /);
  const file = join(dirname(home), 'deltas.csv');
  const lines = [
    'type,account_id,isin,quantity,reference',
    `unlock,${accountId},${isin},4.5,pledge ends`,
    `credit,${accountId},${isin},1,${randomUUID()}`,
  ];
  await writeFile(file, lines.join('\n'));
  const applied = '0 Applied 2 deltas; 0 were applied before.\n';
  assert.equal(await unwind('positions', 'apply', file), applied);
  await eventually('the rest is sold', async () => (await ordersOf('FILLED')) === 12);

  const position = await unwind('request', 'GET', `/accounts/${accountId}/positions/isin:${isin}`);
  assert.match(position, /"quantity": "0"/);
  const audit = await unwind('audit', '--json');
  assert.match(audit, /^0 /);
});

test('what a command needs is said', async (t) => {
  const options = { home: await newHome(t), settings: { UNWIND_LOG_LEVEL: 'error' } };
  const missing = await runUnwind(t, ['positions', 'credit', '--isin', isin], options);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /required option '--account <id>' not specified/);
  const alone = await runUnwind(t, ['positions', 'apply', 'deltas.csv'], options);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /^unwind: there is no sandbox client in /);
});
