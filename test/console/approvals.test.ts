// Four eyes at the console: one person asks to lift a halt that holds much, or to start a batch that could sell much,
// another one approves it, each in a browser of their own.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { apiOf, keyOf } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { askToLiquidate, engineSteps } from '../support/engine.ts';
import { type ConsolePage, noChromium, startConsole } from './chromium.ts';

if (noChromium !== false) {
  test('four eyes in a browser', { skip: noChromium });
} else {
  const { sql, clock, client, service, openConsole } = await startConsole(
    { after },
    { releaseDelayMs: 0 },
  );
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

  const waiting = ({ page }: ConsolePage) => {
    return page.getByRole('table', { name: 'Waits for a second person' });
  };
  const screens = [
    ['light', 390],
    ['dark', 1280],
  ] as const;

  for (const [theme, width] of screens) {
    test(`a lift is asked for, declined, asked for again and approved: ${theme}, ${width} px`, async (t) => {
      assert.equal((await post('/halts', { scope: 'tenant', ...why })).status, 201);
      const screen = { theme, width, role: 'risk' } as const;
      const asking = await openConsole(t, screen);
      const deciding = await openConsole(t, { ...screen, name: 'Second person' });
      await deciding.open('/halts');
      await asking.open('/halts');
      const ask = async (reason: string) => {
        await asking.page.getByRole('button', { name: 'Lift', exact: true }).click();
        const lift = asking.page.getByRole('dialog', { name: 'Lift this halt?' });
        await lift.getByLabel('Reason').fill(reason);
        await lift.getByRole('button', { name: 'Lift it' }).click();
      };
      await ask('Prices seem right');
      await waiting(asking).getByText('Somebody else than you decides.').waitFor();
      await waiting(asking).getByText('25.00 €', { exact: true }).waitFor();
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
        await lifted.getByText('Test person, approved by Second person').first().waitFor();
        await lifted.getByText('Prices are wrong').first().waitFor();
      }
    });
  }

  const second = { name: 'Second person' };

  for (const [theme, width] of screens) {
    test(`a batch is made at the console, seen and declined by a second person: ${theme}, ${width} px`, async (t) => {
      const named = await anAccount();
      // One long word, too, keeps to the screen.
      const reason = `The product ends, ${theme}${'x'.repeat(250)}`;
      const asking = await openConsole(t, { theme, width });
      const deciding = await openConsole(t, { theme, width, ...second });
      await deciding.open('/batches');
      await asking.open('/batches/start');
      await asking.page.getByLabel('Or lines').fill(named.account_id);
      await asking.page.getByLabel('Reason').fill(reason);
      await asking.page.getByLabel('Sell every position of 1 account').check();
      await asking.page.getByRole('button', { name: 'Start the batch' }).click();
      await asking.page.getByText('PENDING_APPROVAL', { exact: true }).waitFor();
      await panelOf(asking).getByText('Somebody else than you decides.').waitFor();
      await asking.checkAccess();
      // The other page follows by the stream alone.
      const row = waiting(deciding).getByRole('row').filter({ hasText: reason });
      await row.getByText('25.00 €', { exact: true }).waitFor();
      await deciding.checkAccess();
      await row.getByRole('link').click();
      const panel = panelOf(deciding);
      await panel.getByText('It could sell 25.00 €').waitFor();
      await panel.getByText(`ago: ${reason}`).waitFor();
      const accounts = deciding.page.getByRole('table', { name: 'Accounts of the batch' });
      await accounts.getByText(`…${named.account_id.slice(-12)}`).waitFor();
      await deciding.checkAccess();
      const dialog = await openDialog(deciding, 'Decline');
      await dialog.getByText('The batch is cancelled, and nothing of it is sold.').waitFor();
      await deciding.checkAccess();
      await dialog.getByLabel('Reason').fill('The list is wrong');
      await dialog.getByRole('button', { name: 'Decline it' }).click();
      for (const one of [deciding, asking]) {
        await one.page.getByText('CANCELLING', { exact: true }).waitFor();
        await panelOf(one).waitFor({ state: 'detached' });
        await one.page.getByText('The list is wrong').waitFor();
      }
    });
  }

  test('a batch is approved by another person alone, whatever the first one writes for a name', async (t) => {
    const made = await post('/batches', {
      accounts: [await anAccount()],
      reason: 'The product ends again',
      person: 'TEST  Person',
    });
    assert.equal(made.status, 201, made.text);
    const path = `/batches/${made.json['id']}`;
    const expects = /\b403\b/;
    const own = await openConsole(t, { expects });
    const viewer = await openConsole(t, { role: 'viewer', name: 'A. Viewer' });
    const deciding = await openConsole(t, second);
    await viewer.open(path);
    await panelOf(viewer).getByText('The role operator or risk decides.').waitFor();
    await own.open(path);
    const refused = await openDialog(own, 'Approve');
    await refused.getByLabel('Reason').fill('I am sure');
    await refused.getByRole('button', { name: 'Approve it' }).click();
    await refused.getByText('Who has asked for it cannot decide it').waitFor();
    await own.checkAccess();
    await own.page.getByText('PENDING_APPROVAL', { exact: true }).waitFor();
    // The overview says what waits, and leads to it.
    await deciding.open('/');
    const row = waiting(deciding).getByRole('row').filter({ hasText: 'The product ends again' });
    await row.waitFor();
    await deciding.checkAccess();
    await row.getByRole('link').click();
    const dialog = await openDialog(deciding, 'Approve');
    await dialog.getByText(/TEST\s+Person asks: The product ends again/).waitFor();
    await dialog.getByLabel('Reason').fill('Checked the list');
    await dialog.getByRole('button', { name: 'Approve it' }).click();
    for (const one of [deciding, viewer, own]) {
      await one.page.getByText('SCHEDULED', { exact: true }).waitFor();
      await one.page.getByText('Checked the list').waitFor();
    }
  });

  /** One of EUR 25, above the limit, as a batch names it. */
  async function anAccount(): Promise<{ account_id: string }> {
    const [made] = await makeBook(sql, {
      tenantId: client.clientId,
      instruments: [],
      accounts: [{ positions: [{ isin, quantity: '2' }] }],
    });
    assert.ok(made);
    return { account_id: made.accountId };
  }

  function panelOf({ page }: ConsolePage) {
    return page.getByRole('region', { name: 'Waits for a second person' });
  }

  async function openDialog(one: ConsolePage, verb: 'Approve' | 'Decline') {
    await panelOf(one).getByRole('button', { name: verb, exact: true }).click();
    return one.page.getByRole('dialog', { name: `${verb} this batch?` });
  }
}
