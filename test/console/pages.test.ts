// Each page of the console on its main path, in a real browser, on a real service and a real database: what
// a person sees, does and is told.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import type { TenantId } from '../../src/ids.ts';
import { apiOf, park, subscribe } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { eventually, portOf } from '../support/condition.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { makeApiClient } from '../support/http.ts';
import { type ConsolePage, noChromium, startConsole } from './chromium.ts';

const sap = 'DE0007164600';
const allianz = 'DE0008404005';

if (noChromium !== false) {
  test('the console in a browser', { skip: noChromium });
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
  const sold = async () => {
    const made = await account();
    const id = await askToLiquidate(sql, clock, made);
    await runUntilIdle(steps);
    return { ...made, id };
  };

  test('sign-in: the link is gone from the address, and works once', async (t) => {
    const { page } = await openConsole(t);
    assert.equal(new URL(page.url()).hash, '');
    await page.getByRole('button', { name: 'Test person' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByText('works once').waitFor();
  });

  test('overview: what was sold and what waits, and it follows without a reload', async (t) => {
    const { page, checkAccess } = await openConsole(t);
    const before = await page
      .locator('.tile', { hasText: 'Done today' })
      .locator('.value')
      .innerText();
    await sold();
    const after = String(Number(before) + 1);
    await page
      .locator('.tile', { hasText: 'Done today' })
      .getByText(after, { exact: true })
      .waitFor();
    await page.locator('.plot canvas').waitFor();
    await page.getByRole('table', { name: 'Venues' }).getByText('XSIM').waitFor();
    await checkAccess();
  });

  test('liquidations: found by filter and by any id, with the whole story', async (t) => {
    const { page, open, checkAccess } = await openConsole(t);
    const one = await sold();
    await open('/liquidations?status=FILLED');
    const rows = page.getByRole('table', { name: 'Liquidations' }).getByRole('row');
    await rows.getByText(`…${one.id.slice(-12)}`).click();
    await page.getByRole('heading', { name: `Liquidation …${one.id.slice(-12)}` }).waitFor();
    // 1,200 × 208.35 + 4 × 391.2
    await page.getByText('251 584.80 €').first().waitFor();
    await page.getByText('Event FILLED').waitFor();
    await sql`
      update unwind.liquidations l
      set end_note = '2 units are less than a lot'
      where l.liquidation_id = ${one.id}`;
    await page.reload();
    await page.getByText('2 units are less than a lot').waitFor();
    await page.getByLabel('Show of the timeline').selectOption('executions');
    assert.equal(await page.locator('.timeline li').count(), await countOf('executions', one.id));
    await checkAccess();

    const [order] = await sql<{ order_id: string }[]>`
      select o.order_id from unwind.orders o where o.liquidation_id = ${one.id} limit 1`;
    await page.keyboard.press('g');
    await page.keyboard.press('o');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    for (const id of [one.id, one.accountId, order?.order_id ?? '']) {
      await page.keyboard.press('/');
      await page.keyboard.type(id);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /^(Liquidation|Account) …/ }).waitFor();
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
    }
    await page.keyboard.press('/');
    await page.keyboard.type('nothing');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing here is named nothing.').waitFor();
  });

  async function countOf(table: 'executions', id: string): Promise<number> {
    assert.equal(table, 'executions');
    const rows = await sql`select from unwind.executions e where e.liquidation_id = ${id}`;
    return rows.count;
  }

  test('start: what would be sold, a reason, one liquidation; cancelled while NEW', async (t) => {
    const { page, open, checkAccess } = await openConsole(t);
    const { accountId } = await account();
    await open('/start');
    await page.getByLabel('Account', { exact: true }).fill(accountId);
    await page.getByRole('button', { name: 'See what would be sold' }).click();
    await page.getByRole('table', { name: 'Positions' }).getByText('1 200').first().waitFor();
    await checkAccess();
    await page.getByLabel('Reason').fill('Moved to another broker');
    await page.getByLabel('Sell every position').check();
    await page.getByRole('button', { name: 'Start the liquidation' }).click();
    await page.getByRole('heading', { name: /^Liquidation …/ }).waitFor();
    await page.getByText('NEW', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel it' }).click();
    await page.getByText('CANCELLED', { exact: true }).first().waitFor();
    const rows = await sql<{ status: string }[]>`
      select l.status from unwind.liquidations l where l.account_id = ${accountId}`;
    assert.deepEqual([...rows], [{ status: 'CANCELLED' }]);
    await open('/acts');
    await page.getByText('Moved to another broker').waitFor();
    await checkAccess();
  });

  test('a viewer is offered nothing that changes anything', async (t) => {
    const { page, open } = await openConsole(t, { role: 'viewer' });
    await open('/start');
    await page.getByText('Your role reads only.').waitFor();
    await open('/webhooks');
    assert.equal(await page.getByRole('button', { name: 'Add a webhook' }).count(), 0);
    assert.equal(await page.getByRole('button', { name: 'Halt', exact: true }).count(), 0);
  });

  test('webhooks: added, tested, its attempts shown, removed', async (t) => {
    const receiver = createServer((_request, response) => response.writeHead(204).end());
    receiver.listen(0, '127.0.0.1');
    t.after(() => receiver.close());
    const { page, open, checkAccess } = await openConsole(t);
    await open('/webhooks');
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    await page.getByLabel('Title').fill('Back office');
    await page.getByLabel('URL').fill(`http://127.0.0.1:${portOf(receiver)}/in`);
    await page.getByRole('button', { name: 'Add it' }).click();
    await page.getByRole('heading', { name: 'Back office' }).waitFor();
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByRole('button', { name: 'Send it' }).click();
    await page.getByText('It answered 204.').waitFor();
    await page
      .getByRole('table', { name: 'Delivery log' })
      .getByText('204', { exact: true })
      .waitFor();
    await checkAccess();
    await page.getByRole('button', { name: 'Remove', exact: true }).click();
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText('No webhooks yet.').waitFor();
  });

  test('sandbox: an instrument is halted and resumed, and what waits for it says so', async (t) => {
    const { page, open, checkAccess } = await openConsole(t);
    await open(`/sandbox?isin=${sap}`);
    await page.getByRole('button', { name: 'Halt', exact: true }).click();
    await page.getByRole('table', { name: 'Halted instruments' }).getByText(sap).waitFor();
    await checkAccess();
    const { id } = await sold();
    await open(`/liquidations/${id}`);
    await page.getByRole('table', { name: 'Positions that are not sold' }).getByText(sap).waitFor();
    await page.getByText('Halted').first().waitFor();
    await open('/sandbox');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Every instrument trades.').waitFor();
    await page.getByRole('button', { name: '+ 1 hour' }).click();
    await page.getByText('ahead of the wall clock').waitFor();
  });

  test('sandbox: what a webhook gets goes wrong on purpose, until it ends', async (t) => {
    const api = await apiOf(service, client);
    const path = await subscribe(api);
    const id = path.split('/').at(-1) ?? '';
    const { page, open, checkAccess } = await openConsole(t);
    await open('/sandbox');
    const panel = page.getByRole('region', { name: 'Faults of webhooks' });
    await panel.getByLabel('Webhook').selectOption(id);
    await panel.getByLabel('Seconds late').fill('5');
    await panel.getByLabel('Answer taken for').fill('503');
    await panel.getByLabel('Everything comes twice').check();
    await panel.getByRole('button', { name: 'Let it go wrong' }).click();
    await panel.getByText('5 s late, everything twice, every answer taken for 503').waitFor();
    await checkAccess();
    await panel.getByRole('button', { name: 'End the faults' }).click();
    await panel.getByText('Every webhook gets its events as usual.').waitFor();
    await api.call('DELETE', path);
  });

  test('500 accounts are watched live, by the stream alone', async (t) => {
    // What other tests have left ends first, so that every one counts.
    await runUntilIdle(steps);
    const accounts = Array.from({ length: 500 }, () => ({ positions }));
    const made = await makeBook(sql, { tenantId, instruments: [], accounts });
    clock.advance(1_000);
    const { page } = await openConsole(t);
    const done = page.locator('.tile', { hasText: 'Done today' }).locator('.value');
    const before = Number((await done.innerText()).replace(/\D/g, ''));
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/console/api/overview')) asked += 1;
    });
    for (let slice = 1; slice <= 5; slice += 1) {
      const ids: string[] = [];
      for (const account of made.slice(slice * 100 - 100, slice * 100))
        ids.push(await askToLiquidate(sql, clock, account));
      // On a busy machine a step may be refused for the moment, and be tried again a little later.
      await eventually('all are sold', async () => {
        clock.advance(1_000);
        await runUntilIdle(steps);
        const [open] = await sql`
          select
          from unwind.liquidations l
          where l.liquidation_id = any(${ids}::uuid[])
            and l.status in ('NEW', 'PROCESSING')
          limit 1`;
        return open === undefined;
      });
      await done.getByText(String(before + slice * 100), { exact: true }).waitFor();
    }
    assert.ok(asked >= 5);
    // Hours pass in the page, and without an event it asks for nothing.
    await page.clock.install();
    const atReload = asked;
    await page.reload();
    // The page asks once by itself, and once more when its stream has begun.
    await eventually('two questions', () => asked >= atReload + 2);
    await page.waitForLoadState('networkidle');
    const until = asked;
    await page.clock.fastForward('02:00:00');
    assert.equal(await page.evaluate('1 + 1'), 2);
    assert.equal(asked, until);
  });

  test('halts: one click shows what it would stop, a reason stops it, another one lifts it', async (t) => {
    const { page, open, checkAccess } = await openConsole(t, { role: 'risk' });
    const made = await account();
    await askToLiquidate(sql, clock, made);
    await page.getByRole('button', { name: 'Halt', exact: true }).click();
    await page
      .getByText(/It would stop 1 liquidations that are not released, 2 positions without an order/)
      .waitFor();
    const asked = page.getByRole('dialog', { name: 'Halt the selling' });
    await asked.getByLabel('What').selectOption('account');
    await asked.getByRole('textbox', { name: 'Account' }).fill(made.accountId);
    await page
      .getByText(/It would stop 1 liquidations that are not released, 2 positions without an order/)
      .waitFor();
    await checkAccess();
    await asked.getByLabel('Reason').fill('Prices are wrong');
    await page.getByRole('button', { name: 'Halt now' }).click();
    await page.getByText('Nothing that it covers is sent any more.').waitFor();
    await page.getByText('by Test person').waitFor();
    await runUntilIdle(steps);
    await open('/halts');
    await page.getByRole('table', { name: 'Halts in force' }).getByText('1 liquidations').waitFor();
    await checkAccess();
    await page.getByRole('button', { name: 'Lift', exact: true }).click();
    await page.getByLabel('Reason').fill('Prices are right again');
    await page.getByRole('button', { name: 'Lift it' }).click();
    await page.getByText('Nothing is halted.').waitFor();
    await page
      .getByRole('table', { name: 'Lifted halts' })
      .getByText('Prices are right again')
      .waitFor();
    const rows = await sql<{ person: string; lifted_by: string }[]>`
      select h.person, h.lifted_by from unwind.halts h where h.account_id = ${made.accountId}`;
    assert.deepEqual([...rows], [{ person: 'Test person', lifted_by: 'Test person' }]);
    await runUntilIdle(steps);
  });

  test('parked: why it waits, and the button that lets it go on', async (t) => {
    const id = await park(sql, { client, clock });
    const correction = await park(sql, { client, clock }, 'correction');
    const { page, open, checkAccess } = await openConsole(t);
    await page.locator('.tile', { hasText: 'Parked' }).click();
    const rows = page.getByRole('table', { name: 'Parked' }).getByRole('row');
    await rows
      .filter({ hasText: id.split('/')[1] ?? '' })
      .getByText('a test parked it')
      .first()
      .waitFor();
    await checkAccess();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('Resumed. The service works on it again.').waitFor();
    await page.getByRole('button', { name: 'Close', exact: true }).first().click();
    await page.getByLabel('Reason').fill('Booked by hand');
    await page.getByRole('button', { name: 'Close it' }).click();
    await page.getByText('Nothing waits for a person.').waitFor();
    const [closed] = await sql<{ closed_by: string }[]>`
      select k.closed_by from unwind.parked k where k.step || '/' || k.subject = ${correction}`;
    assert.equal(closed?.closed_by, 'Test person');
    await open('/acts');
    await page.getByText('Booked by hand').waitFor();
  });

  test('audit: begun, watched to its end, and read', async (t) => {
    const { page, open, checkAccess } = await openConsole(t);
    await open('/audits');
    await page.getByRole('button', { name: 'Run the audit' }).click();
    await page.getByText('all is well').waitFor();
    await page.getByRole('table', { name: 'Audits' }).getByRole('link').first().click();
    await page.getByRole('table', { name: 'Checks' }).getByText('orders_are_sums').waitFor();
    await checkAccess();
  });

  test('a tab says when another client was chosen in another one, and offers to reload', async (t) => {
    const other = await makeApiClient(sql, clock);
    const { page, checkAccess } = await openConsole(t, { expects: /\b409\b/ });
    const second = await page.context().newPage();
    await second.goto(`http://127.0.0.1:${service.port}/console`);
    await second.getByLabel('Client').selectOption(other.clientId);
    await second.getByText('You look at another client now.').waitFor();
    await page.getByText('Another client was chosen in another tab.').waitFor();
    await checkAccess();
    assert.equal(await second.getByText('was chosen in another tab').count(), 0);
    await second.close();
    await page.getByRole('button', { name: 'Reload the page' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal(await page.getByLabel('Client').inputValue(), other.clientId);
  });

  // Both widths and both themes; the tests above look at the other pairs.
  for (const [theme, width] of [
    ['light', 390],
    ['dark', 1280],
  ] as const) {
    test(`every page can be read by everybody: ${theme}, ${width} px`, async (t) => {
      const { id, accountId } = await sold();
      const console = await openConsole(t, { theme, width });
      const places = ['liquidations', 'start', 'halts', 'parked', 'venues', 'audits', 'webhooks'];
      const others = ['venues/XSIM', 'sandbox', 'acts', `liquidations/${id}`];
      const ofAccount = [`accounts/${accountId}`, `start?account=${accountId}`];
      for (const path of ['', ...places, ...others, ...ofAccount]) {
        await console.open(`/${path}`);
        await settled(console);
        await console.checkAccess();
      }
    });
  }

  /** The first answers are shown. */
  async function settled({ page }: ConsolePage): Promise<void> {
    await page.waitForLoadState('networkidle');
  }
}
