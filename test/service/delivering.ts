// A service in the middle of what others have to finish or to wait for.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { readSandboxClient } from '../../src/sandbox/sandbox-client.ts';
import { drawAccounts, writeBook } from '../crash/book.ts';
import { lotOf } from '../crash/random.ts';
import { startReceiver } from '../deliveries/receiver.ts';
import { eventually } from '../support/condition.ts';
import { clientOf } from './client.ts';
import { type LaunchedService, newHome, patienceMs, runUnwind, startService } from './processes.ts';

/** Nothing is waited for. */
export const quick = { UNWIND_RELEASE_DELAY_MS: '0', UNWIND_VENUE_DELAY_MS: '0' };

/** A service that is in the middle of a delivery to a receiver which does not answer. */
export async function startDelivering(t: TestContext, settings: Readonly<Record<string, string>>) {
  const home = await newHome(t);
  const service = await startService(t, { home, settings: { ...quick, ...settings } });
  const [candidate] = drawAccounts(lotOf(1), 1);
  assert.ok(candidate !== undefined);
  const directory = join(dirname(home), 'book');
  await writeBook(directory, [candidate]);
  assert.equal((await runUnwind(t, ['import', directory], { home })).code, 0);
  const sandbox = await readSandboxClient(home);
  assert.ok(sandbox !== undefined);
  const client = await clientOf(sandbox);
  const receiver = await startReceiver(t);
  receiver.react = () => 'never';
  const webhook = { title: 'never answers', url: receiver.url, enabled: true };
  const made = await client.send({ method: 'POST', target: '/webhooks', json: webhook });
  assert.equal(made.status, 201, made.text);
  const sold = await client.send({
    method: 'POST',
    target: `/accounts/${candidate.accountId}/liquidations`,
    json: { user_id: candidate.userId },
    idempotencyKey: randomUUID(),
  });
  assert.equal(sold.status, 202, sold.text);
  await eventually('a delivery is under way', () => receiver.received.length > 0, patienceMs);
  return { home, service, receiver };
}

/** Whether a service has logged such a message. */
export function says(service: LaunchedService, message: string): boolean {
  return service
    .stderr()
    .split('\n')
    .some((line) => line !== '' && JSON.parse(line).msg === message);
}
