// `unwind positions` beside a running service, each as its own process: a lock keeps a liquidation open,
// and what is unlocked and credited is sold in it within moments.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { eventually } from '../support/condition.ts';
import { clientOf } from './client.ts';
import { newHome, newHomeOnServer, runUnwind, startService } from './processes.ts';

const accountId = '143d980c-b742-4448-aa4a-78893d650617';
const userId = '3e6ee6f7-c1a3-490f-9629-8f5863e1ae0e';
const isin = 'IE00B4L5Y983';

test('a lock keeps a liquidation open; what is unlocked and credited is sold in it', async (t) => {
  const home = await newHomeOnServer(t);
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

  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox);
  const client = await clientOf(sandbox);
  const target = `/accounts/${accountId}/liquidations`;
  const json = { user_id: userId };
  const asked = { method: 'POST', target, json, idempotencyKey: randomUUID() } as const;
  const posted = await client.send(asked);
  assert.equal(posted.status, 202, posted.text);
  const { id } = posted.json as { id: string };
  /** Waits for the liquidation to have so many orders FILLED, in this status. */
  const untilFilled = (orders: number, status: string) => {
    const isSo = async () => {
      const { json: now } = await client.send({ method: 'GET', target: `${target}/${id}` });
      const shown = now as { status: string; orders: readonly { status: string }[] };
      const filled = shown.orders.filter((order) => order.status === 'FILLED').length;
      return shown.status === status && filled === orders;
    };
    return eventually(`${orders} orders filled, the liquidation ${status}`, isSo, 30_000);
  };
  await untilFilled(10, 'PROCESSING');

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
  await untilFilled(11, 'FILLED');
  const ofIt = `/accounts/${accountId}/positions/isin:${isin}`;
  const position = await client.send({ method: 'GET', target: ofIt });
  assert.equal((position.json as { quantity: string }).quantity, '0');
  const audit = await unwind('audit', '--json');
  assert.match(audit, /^0 /);
});

test('what a command needs is said', async (t) => {
  const options = { home: await newHome(t), settings: { UNWIND_LOG_LEVEL: 'error' } };
  const missing = await runUnwind(t, ['positions', 'credit', '--isin', isin], options);
  assert.equal(missing.code, 2);
  assert.equal(
    missing.stderr,
    "error: required option '--account <id>' not specified\nSee: unwind positions credit --help\n",
  );
  const alone = await runUnwind(t, ['positions', 'apply', 'deltas.csv'], options);
  assert.equal(alone.code, 2);
  assert.match(alone.stderr, /^unwind: there is no sandbox client in /);
});
