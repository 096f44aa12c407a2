// One account: what it holds, its liquidations, and the way to sell it.

import { html } from 'htm/preact';
import { get } from './api.js';
import { LiquidationTable } from './liquidations.js';
import { useFresh } from './live.js';
import { Badge, Head, Id, Loading, Panel, Problem, units } from './parts.js';
import { to } from './router.js';
import { column, figures, Table } from './table.js';

/** @param {{ id: string }} props */
export function AccountPage({ id }) {
  const { data, error } = useFresh(
    async (asked) => {
      const [account, positions, liquidations] = await Promise.all([
        get(`/accounts/${id}`, {}, asked),
        get(`/accounts/${id}/positions`, { limit: 200 }, asked),
        get('/liquidations', { account_id: id, limit: 20 }, asked),
      ]);
      return { account, positions, liquidations };
    },
    [id],
  );
  if (data === undefined) return html`<${Head} title="Account" /><${Loading} error=${error} />`;
  const { account, positions, liquidations } = data;
  return html`<${Head} title=${`Account …${id.slice(-12)}`} badge=${html`<${Badge} state=${account.status} tone=${account.status === 'ACTIVE' ? 'good' : 'warn'} />`}>
      <a class="button primary" href=${to(`/start?account=${id}`)}>Liquidate</a>
    </${Head}>
    <${Problem} error=${error} />
    <div class="panel"><div class="body"><dl class="facts">
      <dt>Account</dt><dd><${Id} id=${id} whole /></dd>
      <dt>Owner</dt><dd><${Id} id=${account.users[0].id} whole /></dd>
    </dl></div></div>
    <${Positions} page=${positions} />
    <${Panel} title="Liquidations" rows><${LiquidationTable} rows=${liquidations.data} empty="It was never liquidated." /></${Panel}>`;
}

/** What an account holds and how much of it can be sold. @param {{ page: any }} props */
export function Positions({ page }) {
  const held = page.data.filter((/** @type {any} */ { quantity }) => !/^0*\.?0*$/.test(quantity));
  const more = page.meta.total_count - page.data.length;
  return html`<${Panel} title="Positions" rows aside=${more > 0 && html`<span class="soft">${more} more are not shown</span>`}>
    <${Table}
      label="Positions"
      rows=${held}
      keyOf=${(/** @type {any} */ row) => row.instrument.isin}
      empty="It holds nothing."
      columns=${[
        column(
          'Instrument',
          ({ instrument }) => html`<span class="mono">${instrument.isin}</span>`,
        ),
        figures('Units', ({ quantity }) => units(quantity)),
        figures('Being sold', (row) => units(row.locked_for_trading)),
        figures('Can be sold', (row) => units(row.available_for_trading)),
      ]}
    />
  </${Panel}>`;
}
