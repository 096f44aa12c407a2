// The pages of batches in a real browser, on a real service and a real database; and the signed statement of a
// liquidation, which the console saves as a file.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import type { TenantId } from '../../src/ids.ts';
import { apiOf, keyOf } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { noChromium, startConsole } from './chromium.ts';

const sap = 'DE0007164600';
const allianz = 'DE0008404005';

if (noChromium !== false) {
  test('batches in a browser', { skip: noChromium });
} else {
  const { sql, clock, client, service, openConsole } = await startConsole(
    { after },
    { allowLoopback: true },
  );
  const tenantId: TenantId = client.clientId;
  const steps = engineSteps(sql, clock, { delayMs: 0, onWarning: () => {} });
  const instruments = [
    { isin: sap, price: '208.35' },
    { isin: allianz, price: '391.2', fractional: false },
  ];
  const positions = [
    { isin: sap, quantity: '1200' },
    { isin: allianz, quantity: '4' },
  ];
  await makeBook(sql, { tenantId, instruments, accounts: [] });

  const account = async () => {
    const [made] = await makeBook(sql, { tenantId, instruments: [], accounts: [{ positions }] });
    assert.ok(made);
    clock.advance(1_000);
    return made;
  };

  test('a batch: a file is checked, started, watched to its end, and says what was refused', async (t) => {
    const { page, open, checkAccess } = await openConsole(t, { expects: /\b404\b/ });
    const [one, two, busy] = [await account(), await account(), await account()];
    await askToLiquidate(sql, clock, busy);
    const unknown = Array.from({ length: 497 }, () => randomUUID());
    const rows = [
      'name;account_id;user_id',
      `"Doe; J.";${one.accountId};${one.userId}`,
      ...unknown.map((id) => `;${id};`),
      `;"${two.accountId}";`,
      `again;${one.accountId.toUpperCase()};${one.userId}`,
      ';not an account;',
      `;${two.accountId};${randomUUID()}`,
      `;${busy.accountId};`,
    ];
    await open('/batches');
    await page.getByText('No batch yet.').waitFor();
    await page.getByRole('link', { name: 'Start a batch' }).click();
    await page.getByLabel('File').setInputFiles({
      name: 'accounts.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(rows.join('\r\n')),
    });
    await page.getByText('500 accounts, 1 named again and left out, 2 bad lines.').waitFor();
    const bad = page.getByRole('table', { name: 'Bad lines' });
    await bad.getByText('The account is not a UUID.').waitFor();
    await bad.getByText('Line 500 names the account with another user.').waitFor();
    const few = page.getByRole('table', { name: 'A few accounts' });
    await few.getByText('2 of 2 positions').waitFor();
    // The first and the last of the list are among them.
    await few.getByText('It would be refused').nth(3).waitFor();
    await checkAccess();
    await page.getByLabel('Accounts a minute').fill('600000');
    await page.getByLabel('In progress at once').fill('1000');
    await page.getByLabel(/^Start /).fill('2026-01-02T10:00');
    await page.getByLabel('Reason').fill('The product ends');
    await page.getByLabel('Leave out 2 bad lines').check();
    await page.getByLabel('Sell every position of 500 accounts').check();
    await page.getByRole('button', { name: 'Start the batch' }).click();
    await page.getByRole('heading', { name: /^Batch …/ }).waitFor();
    await page.getByText('SCHEDULED', { exact: true }).waitFor();
    const [made] = await sql<{ batch_id: string; person: string; rate: number; start_at: Date }[]>`
      select b.batch_id, b.person, b.rate, b.start_at from unwind.batches b`;
    assert.deepEqual([made?.person, made?.rate], ['Test person', 600_000]);
    assert.equal(made?.start_at.toISOString(), new Date('2026-01-02T10:00').toISOString());

    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    const pausing = page.getByRole('dialog', { name: 'Pause this batch?' });
    await pausing.getByLabel('Reason').fill('Prices are wrong');
    await checkAccess();
    await pausing.getByRole('button', { name: 'Pause it' }).click();
    await page.getByText('PAUSED', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    const resuming = page.getByRole('dialog', { name: 'Resume this batch?' });
    await resuming.getByText('Paused by Test person: Prices are wrong').waitFor();
    await resuming.getByLabel('Reason').fill('Prices are right again');
    await resuming.getByRole('button', { name: 'Resume it' }).click();
    await page.getByText('SCHEDULED', { exact: true }).waitFor();

    // From here on the page follows by the stream alone.
    const turn = async () => {
      clock.advance(1_000);
      await steps.start();
    };
    await turn();
    await turn();
    await page.getByText('RUNNING', { exact: true }).waitFor();
    await page.getByText('0 waiting, 2 started, 498 refused').waitFor();
    const exceptions = page.getByRole('table', { name: 'Accounts of the batch' });
    await exceptions.getByText('There is no such account').first().waitFor();
    await exceptions.getByText('Another liquidation of the account was still running.').waitFor();
    await runUntilIdle(steps);
    await turn();
    await page.getByText('COMPLETED', { exact: true }).waitFor();
    // Twice 1,200 × 208.35 + 4 × 391.2
    await page.getByText('503 169.60 €').first().waitFor();
    await page.getByText('500 of 500 · 100 %').waitFor();
    await checkAccess();
    await page.getByLabel('Show').selectOption('all');
    await page.getByRole('link', { name: 'Next page' }).click();
    await page.getByRole('link', { name: 'First page' }).waitFor();
    await open('/batches?status=COMPLETED');
    await page.getByRole('table', { name: 'Batches' }).getByText('The product ends').waitFor();
    await checkAccess();
    await page.keyboard.press('/');
    await page.keyboard.type(made?.batch_id ?? '');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /^Batch …/ }).waitFor();
    await open('/acts');
    await page.getByText('Prices are right again', { exact: true }).waitFor();
  });

  test('a batch opens with what was not sold, and leads to what waits', async (t) => {
    const refused = [{ isin: 'ZZREFUSED006', quantity: '10' }];
    const locked = [{ isin: sap, quantity: '5', locked: '5' }];
    const named = await makeBook(sql, {
      tenantId,
      instruments: [{ isin: 'ZZREFUSED006', price: '5' }],
      accounts: [{ positions: refused }, { positions: locked }],
    });
    const api = await apiOf(service, client);
    const made = await api.call('POST', '/batches', {
      json: {
        accounts: named.map(({ accountId }) => ({ account_id: accountId })),
        ...{ reason: 'The product ends', person: 'A. Risk' },
      },
      headers: keyOf(randomUUID()),
    });
    assert.equal(made.status, 201, made.text);
    const { page, open, checkAccess } = await openConsole(t, { role: 'viewer' });
    const accounts = page.getByRole('table', { name: 'Accounts of the batch' });
    await open(`/batches/${made.json['id']}?accounts=waiting`);
    await accounts.getByText('The batch has not started.').first().waitFor();
    await runUntilIdle(steps);
    await open(`/batches/${made.json['id']}`);
    await accounts.getByText(`…${named[0]?.accountId.slice(-12)}`).waitFor();
    await page.getByRole('heading', { name: 'Exceptions' }).waitFor();
    await page.getByText('not foreseeable').waitFor();
    await page.getByText('some of it waits for a person').waitFor();
    await checkAccess();
    await page.getByRole('link', { name: '1 being sold' }).click();
    await accounts.getByText(`…${named[1]?.accountId.slice(-12)}`).waitFor();
    await checkAccess();
  });

  test('a liquidation that has ended has its signed statement as a file', async (t) => {
    const id = await askToLiquidate(sql, clock, await account());
    const { page, open } = await openConsole(t, { role: 'viewer' });
    await open(`/liquidations/${id}`);
    await page.getByText('NEW', { exact: true }).first().waitFor();
    assert.equal(await page.getByRole('button', { name: 'Signed statement' }).count(), 0);
    await runUntilIdle(steps);
    const saving = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Signed statement' }).click();
    const saved = await readFile(await (await saving).path(), 'utf8');
    const [line = '', ...others] = saved.trimEnd().split('\n');
    assert.deepEqual(others, []);
    const said = Buffer.from(JSON.parse(line).payload, 'base64url').toString();
    assert.equal(JSON.parse(said).liquidation.id, id);
  });

  // Both widths and both themes; the tests above look at the other pairs.
  for (const [theme, width] of [
    ['light', 390],
    ['dark', 1280],
  ] as const) {
    test(`batches can be read by everybody: ${theme}, ${width} px`, async (t) => {
      const made = await account();
      const { page, open, checkAccess } = await openConsole(t, { theme, width });
      await open('/batches');
      await page.keyboard.press('g');
      await page.keyboard.press('m');
      await page.getByRole('link', { name: 'Start a batch' }).click();
      await page.getByLabel('Or lines').fill(`${made.accountId}\nnonsense`);
      await page.getByRole('table', { name: 'A few accounts' }).waitFor();
      await checkAccess();
      await page.getByLabel('Reason').fill('The product ends');
      await page.getByLabel('Leave out 1 bad line').check();
      await page.getByLabel('Sell every position of 1 account').check();
      await page.getByRole('button', { name: 'Start the batch' }).click();
      await page.getByRole('heading', { name: /^Batch …/ }).waitFor();
      await page.getByLabel('Show').selectOption('all');
      await page.getByText(`…${made.accountId.slice(-12)}`).waitFor();
      await checkAccess();
      await open('/batches');
      await page.getByRole('table', { name: 'Batches' }).getByRole('link').first().waitFor();
      await checkAccess();
    });
  }
}
