// Pre-trade controls at the console: set, cleared, and an order that one has stopped released, in a real browser.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { noLimits } from '../../src/controls/control.ts';
import { replaceControls } from '../../src/controls/controls-store.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { everyTenant } from '../../src/halts/halt.ts';
import { newId } from '../../src/ids.ts';
import { decimal } from '../../src/money.ts';
import { apiOf, keyOf, stopOrder } from '../http/api.ts';
import { makeBook } from '../support/book.ts';
import { askToLiquidate, engineSteps, runUntilIdle } from '../support/engine.ts';
import { noChromium, startConsole } from './chromium.ts';
import { signedIn } from './person.ts';

const isin = 'FR0000120271';

if (noChromium !== false) {
  test('limits in a browser', { skip: noChromium });
} else {
  const { sql, clock, client, service, openConsole } = await startConsole({ after });
  const tenantId = client.clientId;
  await makeBook(sql, { tenantId, instruments: [{ isin, price: '12.5' }], accounts: [] });
  const steps = engineSteps(sql, clock, { delayMs: 0 });
  const api = await apiOf(service, client);
  const why = { reason: 'Limits of 2026', person: 'A. Risk' };
  const set = async (limits: object) => {
    const { own } = (await api.call('GET', '/controls')).json as { own: { id: string } | null };
    const json = { ...limits, ...why, replaces: own?.id };
    const { status, text } = await api.call('POST', '/controls', {
      json,
      headers: keyOf(randomUUID()),
    });
    assert.equal(status, 200, text);
  };
  await inTransaction(sql, (tx) => {
    const limits = { ...noLimits, orderQuantityMax: decimal('1000000') };
    const kept = { tenantId: everyTenant, controlsId: newId<'controls'>(), setAt: clock.now() };
    return replaceControls(tx, { ...limits, ...kept, reason: 'House rule', person: 'The desk' });
  });

  for (const [theme, width] of [
    ['light', 390],
    ['dark', 1280],
  ] as const) {
    test(`a control is set, stops an order, is passed by it, and is cleared: ${theme}, ${width} px`, async (t) => {
      await set({ price_collar_percent: '5' });
      const { page, checkAccess } = await openConsole(t, {
        theme,
        width,
        role: 'risk',
        expects: /\b409\b/,
      });
      await page.keyboard.press('g');
      await page.keyboard.press('c');
      const controls = page.getByRole('table', { name: 'Controls' });
      const rowOf = (name: string) => controls.getByRole('row').filter({ hasText: name });
      const value = rowOf('Value of an order');
      const shown = (name: string, limit: string) => rowOf(name).getByText(limit, { exact: true });
      await shown('Price collar', '5 % at most').waitFor();
      await shown('Quantity of an order', '1 000 000 units at most').waitFor();
      await page.getByText('House rule').waitFor();
      await checkAccess();
      const isInSight = await page.evaluate(`(() => {
        const { left, right } = document.querySelector('nav.places [aria-current]').getBoundingClientRect();
        return left >= 0 && right <= innerWidth;
      })()`);
      assert.equal(isInSight, true, 'the place that is open is in sight');

      await value.getByRole('button', { name: 'Set', exact: true }).click();
      const setting = page.getByRole('dialog', { name: 'Value of an order: set the limit' });
      await setting.getByLabel('EUR at most').fill('0');
      await setting.getByLabel('Reason').fill('Nothing large today');
      await setting.getByRole('button', { name: 'Set it' }).click();
      await setting.locator('input:invalid').waitFor();
      await checkAccess();
      await setting.getByLabel('EUR at most').fill('20');
      // Somebody else changes them while the dialog is open: neither change is lost without a word.
      await set({ price_collar_percent: '4' });
      await setting.getByRole('button', { name: 'Set it' }).click();
      await setting.getByText(/Controls are in force that these do not replace/).waitFor();
      await checkAccess();
      await setting.getByRole('button', { name: 'Not now' }).click();
      await shown('Price collar', '4 % at most').waitFor();
      await value.getByRole('button', { name: 'Set', exact: true }).click();
      await setting.getByLabel('EUR at most').fill('20');
      await setting.getByLabel('Reason').fill('Nothing large today');
      await setting.getByRole('button', { name: 'Set it' }).click();
      await shown('Value of an order', '20.00 € at most').waitFor();
      await rowOf('Repeated rejections').getByRole('button', { name: 'Set', exact: true }).click();
      const braking = page.getByRole('dialog', { name: 'Repeated rejections: set the limit' });
      await braking.getByLabel('Rejections').fill('10');
      await braking.getByLabel('Within seconds').fill('3600');
      await braking.getByLabel('Reason').fill('A venue went wrong');
      await braking.getByRole('button', { name: 'Set it' }).click();
      await shown('Repeated rejections', '10 within 1 hour').waitFor();
      const own = async () => (await api.call('GET', '/controls')).json['own'];
      const { id: _, set_at: __, ...others } = (await own()) as Record<string, unknown>;
      assert.deepEqual(others, {
        order_value_max: '20',
        price_collar_percent: '4',
        rejections: { max: 10, window_s: 3600 },
        reason: 'A venue went wrong',
        person: 'Test person',
      });

      // The page follows by the stream alone.
      const [account] = await makeBook(sql, {
        tenantId,
        instruments: [],
        accounts: [{ positions: [{ isin, quantity: '2' }] }],
      });
      assert.ok(account);
      const liquidation = await askToLiquidate(sql, clock, account);
      await runUntilIdle(steps);
      const stopped = page.getByRole('table', { name: 'Stopped orders' });
      await stopped.getByText('EUR 25, at most EUR 20', { exact: true }).waitFor();
      await checkAccess();
      await stopped.getByRole('button', { name: 'Release', exact: true }).click();
      const releasing = page.getByRole('dialog', { name: 'Release this order?' });
      await releasing.getByText('Value of an order: EUR 25, at most EUR 20').waitFor();
      await checkAccess();
      await releasing.getByLabel('Reason').fill('Agreed with the desk');
      await releasing.getByRole('button', { name: 'Release it' }).click();
      await page.getByText('No order is stopped.').waitFor();
      const rows = await sql<{ by: string; why: string }[]>`
        select s.released_by as by, s.release_reason as why
        from unwind.control_stops s
        join unwind.orders o using (tenant_id, order_id)
        where o.liquidation_id = ${liquidation}`;
      assert.deepEqual([...rows], [{ by: 'Test person', why: 'Agreed with the desk' }]);
      await runUntilIdle(steps);
      const [sold] = await sql<{ status: string }[]>`
        select l.status from unwind.liquidations l where l.liquidation_id = ${liquidation}`;
      assert.equal(sold?.status, 'FILLED');

      await value.getByRole('button', { name: 'Clear', exact: true }).click();
      const clearing = page.getByRole('dialog', { name: 'Value of an order: clear the limit?' });
      await clearing.getByLabel('Reason').fill('The day is over');
      await checkAccess();
      await clearing.getByRole('button', { name: 'Clear it' }).click();
      await shown('Value of an order', '20.00 € at most').waitFor({ state: 'detached' });
      const left = (await own()) as Record<string, unknown>;
      assert.deepEqual(
        [left['order_value_max'], left['price_collar_percent'], left['reason']],
        [undefined, '4', 'The day is over'],
      );
      await set({ day_value_max: '5000000' });
      await shown('Value of a day', '5 000 000.00 € at most').waitFor();
    });
  }

  test('a viewer sees all of it, is offered nothing, and is refused', async (t) => {
    const stop = await stopOrder(sql, clock, client);
    const { page, open, checkAccess } = await openConsole(t, { role: 'viewer' });
    await open('/limits');
    const stopped = page.getByRole('table', { name: 'Stopped orders' });
    await stopped.getByText('by the role risk').waitFor();
    await page.getByText('The role risk sets those of this client.').waitFor();
    for (const name of ['Set', 'Clear', 'Release']) {
      assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
    }
    await checkAccess();
    const viewer = await signedIn(service, { sql, clock, role: 'viewer' });
    const json = { reason: 'I would', person: 'the operator' };
    for (const path of ['/controls', `/controls/stopped/${stop}/release`]) {
      const options = { json, headers: { 'idempotency-key': randomUUID() } };
      const { status } = await viewer.send('POST', `/console/api${path}`, options);
      assert.equal(status, 403, path);
    }
    await stopped.getByText('by the role risk').waitFor();
  });
}
