// The list of all liquidations: filter, and go on by cursor.

import { html } from 'htm/preact';
import { get } from './api.js';
import { useFresh } from './live.js';
import { Ago, Badge, Head, Id, Loading, money, Problem, Progress } from './parts.js';
import { reasons, wordsOf } from './reasons.js';
import { go, place, to, withQuery } from './router.js';
import { column, figures, Pages, Table } from './table.js';

const pageRows = 50;

export function LiquidationsPage() {
  const { query } = place.value;
  const filter = {
    status: query.get('status') ?? undefined,
    waiting: query.get('waiting') ?? undefined,
    account_id: query.get('account') ?? undefined,
    stuck: query.get('stuck') ?? undefined,
    older_than_minutes: query.get('older') ?? undefined,
    cursor: query.get('after') ?? undefined,
  };
  const { data, error } = useFresh(
    (asked) => get('/liquidations', { ...filter, limit: pageRows }, asked),
    [query.toString()],
  );
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return html`<${Head} title="Liquidations"><a class="button primary" href=${to('/start')}>Start</a></${Head}>
    <${Filters} filter=${filter} />
    <${Problem} error=${data === undefined ? undefined : error} />
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<div class="panel">
              <${LiquidationTable}
                rows=${data.data}
                empty=${isFiltered ? 'None of this page is like that.' : 'No liquidation yet. Start one, and it shows here.'}
              />
            </div>
            <${Pages} next=${data.meta.next} />`
    }`;
}

/** @param {{ filter: Record<string, string | undefined> }} props */
function Filters({ filter }) {
  const set = (/** @type {string} */ name) => (/** @type {Event} */ event) => {
    const { target } = event;
    if (!(target instanceof HTMLSelectElement || target instanceof HTMLInputElement)) return;
    const value = target.type === 'checkbox' ? (target.checked ? 'true' : '') : target.value;
    go(withQuery({ [name]: value, after: undefined }));
  };
  return html`<div class="filters">
    <label>Status
      <select value=${filter['status'] ?? ''} onChange=${set('status')}>
        <option value="">any</option>
        ${['NEW', 'PROCESSING', 'FILLED', 'SETTLED', 'CANCELLED'].map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
    </label>
    <label>Waits for
      <select value=${filter['waiting'] ?? ''} onChange=${set('waiting')}>
        <option value="">anything</option>
        ${Object.keys(reasons).map((one) => html`<option value=${one}>${wordsOf(one)}</option>`)}
      </select>
    </label>
    <label>Older than
      <select value=${filter['older_than_minutes'] ?? ''} onChange=${set('older')}>
        <option value="">any age</option>
        <option value="1">a minute</option>
        <option value="10">ten minutes</option>
        <option value="60">an hour</option>
        <option value="1440">a day</option>
      </select>
    </label>
    <label class="check">
      <input type="checkbox" checked=${filter['stuck'] === 'true'} onChange=${set('stuck')} /> Stuck
    </label>
    ${
      filter['account_id'] !== undefined &&
      html`<a class="button" href=${to(withQuery({ account: undefined, after: undefined }))}>All accounts</a>`
    }
  </div>`;
}

/** What it waits for, and since when. @param {{ liquidation: any }} props */
export function Waits({ liquidation }) {
  const [first, ...others] = liquidation.waiting ?? [];
  if (first === undefined) return html`<span class="soft">–</span>`;
  return html`<${Badge} state=${wordsOf(first.reason)} tone=${reasons[first.reason]?.tone} />
    ${first.isin !== undefined && html` <span class="mono">${first.isin}</span>`}
    ${others.length > 0 && html` <span class="soft">and ${others.length} more</span>`}`;
}

/**
 * How much is done: orders that are final, of these and the positions that still wait, whether they have an
 * order or not. @param {any} liquidation
 */
export function shareOf({ progress, waiting = [] }) {
  const waits = waiting.reduce(
    (/** @type {number} */ sum, /** @type {any} */ one) => sum + one.positions,
    0,
  );
  const done = progress.orders_final;
  return { done, of: Math.max(progress.orders, done + waits) };
}

const columns = [
  column('Liquidation', ({ id }) => html`<${Id} id=${id} href=${to(`/liquidations/${id}`)} />`),
  column('Status', ({ status }) => html`<${Badge} state=${status} />`),
  column(
    'Account',
    (row) => html`<${Id} id=${row.account_id} href=${to(`/accounts/${row.account_id}`)} />`,
  ),
  column('Orders', (row) => {
    const { done, of } = shareOf(row);
    return html`<div class="nowrap">${done} of ${of}</div>
        <${Progress} done=${done} of=${of} label=${`Orders of ${row.id} that are final`} />`;
  }),
  figures('Proceeds, €', ({ progress }) => money(progress.proceeds)),
  column('Waits for', (row) => html`<span><${Waits} liquidation=${row} /></span>`),
  column('Asked', (row) => html`<span class="nowrap"><${Ago} at=${row.created_at} /></span>`),
];

/** Liquidations with their progress. @param {{ rows: any[], empty: string }} props */
export function LiquidationTable({ rows, empty }) {
  return html`<${Table}
    label="Liquidations"
    rows=${rows}
    linkOf=${(/** @type {any} */ row) => `/liquidations/${row.id}`}
    empty=${empty}
    columns=${columns}
  />`;
}
