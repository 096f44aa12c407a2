// Four eyes at the console: one person asks to lift a halt that holds much, another one approves it, each in a browser
// of their own.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { drawIdsFrom } from '../../src/ids.ts';
import { apiOf, keyOf } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { testClock } from '../support/clock.ts';
import { createTestDatabase } from '../support/database.ts';
import { askToLiquidate, engineSteps } from '../support/engine.ts';
import { makeApiClient, startHttp } from '../support/http.ts';
import { noChromium, openConsole, startChromium } from './chromium.ts';

if (noChromium !== false) {
  test('four eyes in a browser', { skip: noChromium });
} else {
  const browser = await startChromium({ after });
  const { sql } = await createTestDatabase({ after });
  // The browser's clock is this machine's.
  const clock = testClock(new Date().toISOString());
  drawIdsFrom(clock);
  after(async () => drawIdsFrom());
  const client = await makeApiClient(sql, clock);
  const service = await startHttp({ after }, { sql, clock, releaseDelayMs: 0 });
  const at = { port: service.port, sql, clock };
  const isin = 'FR0000120271';
  const [account] = await makeBook(sql, {
    tenantId: client.clientId,
    instruments: [{ isin, price: '12.5' }],
    accounts: [{ positions: [{ isin, quantity: '2' }] }],
  });
  assert.ok(account);
  await askToLiquidate(sql, clock, account);
  await engineSteps(sql, clock, { delayMs: 0 }).release();
  const api = await apiOf(service, client);
  const why = { reason: 'Prices are wrong', person: 'A. Risk' };
  const post = (path: string, json: object) => {
    return api.call('POST', path, { json, headers: keyOf(randomUUID()) });
  };
  const limited = await post('/controls', { four_eyes_max: '24.99', ...why });
  assert.equal(limited.status, 200, limited.text);

  for (const [theme, width] of [
    ['light', 390],
    ['dark', 1280],
  ] as const) {
    test(`a lift is asked for, declined, asked for again and approved: ${theme}, ${width} px`, async (t) => {
      assert.equal((await post('/halts', { scope: 'tenant', ...why })).status, 201);
      const screen = { theme, width, role: 'risk' } as const;
      const asking = await openConsole(t, browser, at, screen);
      const deciding = await openConsole(t, browser, at, { ...screen, name: 'Second person' });
      await deciding.open('/halts');
      await asking.open('/halts');
      const ask = async (reason: string) => {
        await asking.page.getByRole('button', { name: 'Lift', exact: true }).click();
        const lift = asking.page.getByRole('dialog', { name: 'Lift this halt?' });
        await lift.getByLabel('Reason').fill(reason);
        await lift.getByRole('button', { name: 'Lift it' }).click();
      };
      const waiting = ({ page }: typeof asking) => {
        return page.getByRole('table', { name: 'Waits for a second person' });
      };
      await ask('Prices seem right');
      await waiting(asking).getByText('by somebody else than you').waitFor();
      await waiting(asking).getByText('25.00 €').waitFor();
      // The other page follows by the stream alone.
      await waiting(deciding).getByText('Prices seem right', { exact: true }).waitFor();
      await deciding.checkAccess();
      const decide = async (verb: 'Approve' | 'Decline', reason: string) => {
        await deciding.page.getByRole('button', { name: verb, exact: true }).click();
        const dialog = deciding.page.getByRole('dialog', { name: `${verb} this lift?` });
        await dialog.getByText(/Test person asks: Prices/).waitFor();
        await deciding.checkAccess();
        await dialog.getByLabel('Reason').fill(reason);
        await dialog.getByRole('button', { name: `${verb} it` }).click();
      };
      await decide('Decline', 'They are not');
      await waiting(deciding).waitFor({ state: 'detached' });
      await waiting(asking).waitFor({ state: 'detached' });
      await ask('Prices are right again');
      await waiting(deciding).getByText('Prices are right again', { exact: true }).waitFor();
      await decide('Approve', 'Checked them');
      for (const { page } of [deciding, asking]) {
        await page.getByText('Nothing is halted.').waitFor();
        const lifted = page.getByRole('table', { name: 'Lifted halts' });
        await lifted.getByText('Prices are right again').first().waitFor();
      }
    });
  }
}
