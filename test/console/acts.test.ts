// The pages on which a person searches the trail, and lets a session with a venue go on, in a real browser.
// Long by nature: it has a browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { later } from '../../src/clock.ts';
import type { Act } from '../../src/trail/act.ts';
import { recordAct } from '../../src/trail/acts-store.ts';
import { noChromium, startConsole } from './chromium.ts';

if (noChromium !== false) {
  test('the trail in a browser', { skip: noChromium });
} else {
  const { sql, clock, client, openConsole } = await startConsole({ after });
  const tenantId = client.clientId;

  const halt = randomUUID();
  const usual: Act = {
    ...{ kind: 'person', name: 'Ada Lovelace', role: 'risk', origin: '203.0.113.7' },
    ...{ operation: 'set_halt', target: `/halts/${halt}`, reason: 'Prices are wrong' },
    ...{
      detail: '{"scope":"tenant"}',
      requestSha256: undefined,
      at: later(clock.now(), -7_200_000),
    },
  };
  for (let n = 0; n < 60; n += 1) {
    const target = `/accounts/${randomUUID()}/liquidations/${randomUUID()}`;
    const operation = 'create_account_liquidation';
    await recordAct(sql, tenantId, {
      ...{ ...usual, kind: 'client', name: randomUUID(), role: undefined, reason: undefined },
      ...{ detail: undefined, operation, target, at: later(clock.now(), -60_000 * n) },
    });
  }
  await recordAct(sql, tenantId, usual);
  const lifting = { operation: 'lift_halt', target: `/halts/${halt}/lift`, name: 'Grace Hopper' };
  const lifted = { ...usual, ...lifting, reason: 'Prices are right again' };
  await recordAct(sql, tenantId, { ...lifted, at: later(clock.now(), -3_600_000) });

  const failSession = async () => {
    await sql`
      insert into unwind.fix_sessions (
        venue, trading_day, is_reset_pending, next_out, next_in, last_report, status, reason,
        status_at, lease_epoch
      )
      values ('XFRA', '2026-01-05', false, 8, 9, 0, 'failed', 'MsgSeqNum too low', ${clock.now()}, 1)
      on conflict (venue) do update set status = 'failed', reason = excluded.reason`;
  };

  for (const [theme, width] of [
    ['light', 390],
    ['dark', 1280],
  ] as const) {
    test(`the trail is searched: ${theme}, ${width} px`, async (t) => {
      const { page, open, checkAccess } = await openConsole(t, { theme, width });
      await open('/acts');
      const acts = page.getByRole('table', { name: 'Acts' });
      const rows = acts.locator('tbody tr');
      const search = page.getByRole('search', { name: 'Search the trail' });
      const go = () => search.getByRole('button', { name: 'Search' }).click();
      await acts.waitFor();
      assert.equal(await rows.count(), 50);
      await page.getByRole('link', { name: 'Older' }).click();
      await acts.getByText('Prices are right again').waitFor();
      await checkAccess();
      await page.getByRole('link', { name: 'Newest' }).click();

      await search.getByLabel('Kind').selectOption('at the console');
      await go();
      await acts.getByText('Grace Hopper').waitFor();
      assert.equal(await rows.count(), 2);
      await acts.getByRole('link', { name: 'Ada Lovelace' }).click();
      await acts.getByText('Grace Hopper').waitFor({ state: 'detached' });
      assert.equal(await search.getByLabel('Who').inputValue(), 'Ada Lovelace');
      await acts.getByText('what it said').click();
      await acts.getByText('{"scope":"tenant"}').waitFor();
      await checkAccess();
      await search.getByRole('link', { name: 'Show all' }).click();
      await page.getByRole('link', { name: 'Older' }).waitFor();

      await search.getByLabel('Names the id').fill('nonsense');
      await go();
      await search.getByText('An id has the form of a UUID.').waitFor();
      await search.getByLabel('Names the id').fill(halt.toUpperCase());
      await search.getByLabel('What').fill('lift halt');
      await go();
      await acts.getByText('Prices are right again').waitFor();
      assert.equal(await rows.count(), 1);
      await search.getByLabel('What').fill('');
      const local = (instant: Date) =>
        page.evaluate(
          `new Date(${instant.getTime()} - new Date(${instant.getTime()}).getTimezoneOffset() * 60000).toISOString().slice(0, 19)`,
        );
      await search.getByLabel(/^From/).fill(String(await local(later(clock.now(), -9_000_000))));
      await search.getByLabel(/^To/).fill(String(await local(later(clock.now(), -5_000_000))));
      await go();
      await acts.getByText('Prices are wrong').waitFor();
      assert.equal(await rows.count(), 1);
      await search.getByLabel('Names the id').fill(randomUUID());
      await go();
      await page.getByText('None is like that.').waitFor();
      await checkAccess();
    });

    test(`a session that has failed is resumed: ${theme}, ${width} px`, async (t) => {
      await failSession();
      const { page, open, checkAccess } = await openConsole(t, { theme, width });
      await open('/venues');
      await page.getByRole('button', { name: 'Resume', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Resume the session with XFRA?' });
      await dialog.getByText('MsgSeqNum too low').waitFor();
      await checkAccess();
      await dialog.getByLabel('Next number expected of the venue').fill('104');
      await dialog.getByLabel('Reason').fill(`agreed by phone, ${theme}`);
      await dialog.getByRole('button', { name: 'Resume it' }).click();
      await page.getByText('No session has failed').waitFor();
      const rows = await sql<{ status: string; next: number }[]>`
        select s.status, s.next_in::integer as next from unwind.fix_sessions s`;
      assert.deepEqual([...rows], [{ status: 'disconnected', next: 104 }]);
      await open('/acts');
      const search = page.getByRole('search', { name: 'Search the trail' });
      await search.getByLabel(/^Of/).selectOption('the service itself');
      await search.getByRole('button', { name: 'Search' }).click();
      const acts = page.getByRole('table', { name: 'Acts' });
      await acts.getByText(`agreed by phone, ${theme}`).waitFor();
      await acts.getByText('/venues/XFRA/fix').first().waitFor();
      await checkAccess();
    });
  }

  test('a viewer sees the command instead', async (t) => {
    await failSession();
    const { page, open } = await openConsole(t, { role: 'viewer' });
    await open('/venues');
    await page.getByText('unwind fix resume XFRA --reason …').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Resume', exact: true }).count(), 0);
  });
}
