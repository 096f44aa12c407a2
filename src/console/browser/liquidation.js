// The story of one liquidation: how far it is, what blocks the rest, its orders, and everything that
// happened on one line of time.

import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { ApiError, change, get, may } from './api.js';
import { Confirm } from './forms.js';
import { shareOf } from './liquidations.js';
import { useFresh } from './live.js';
import {
  Ago,
  At,
  Badge,
  grouped,
  Head,
  Id,
  Loading,
  money,
  Panel,
  Problem,
  Progress,
  say,
  units,
} from './parts.js';
import { reasons, wordsOf } from './reasons.js';
import { to } from './router.js';
import { column, figures, Table } from './table.js';

/** @param {{ id: string }} props */
export function LiquidationPage({ id }) {
  const { data, error, again } = useFresh((asked) => get(`/liquidations/${id}`, {}, asked), [id]);
  if (data === undefined) return html`<${Head} title="Liquidation" /><${Loading} error=${error} />`;
  const { liquidation } = data;
  const mayCancel = liquidation.status === 'NEW' && may('account_liquidations:admin');
  const cancel = async () => {
    await change('DELETE', `/accounts/${liquidation.account_id}/liquidations/${id}`);
    say('Cancelled. Nothing was sold.');
    again();
  };
  return html`<${Head} title=${`Liquidation …${id.slice(-12)}`} badge=${html`<${Badge} state=${liquidation.status} />`}>
      ${
        mayCancel &&
        html`<${Confirm} label="Cancel" title="Cancel this liquidation?" confirm="Cancel it" danger act=${cancel}>
          <p>Nothing was sent to the venue yet. The account keeps its positions.</p>
        </${Confirm}>`
      }
      ${data.ended_at !== undefined && html`<${Statement} id=${id} />`}
    </${Head}>
    <${Problem} error=${error} />
    <${Facts} data=${data} />
    ${data.positions.length > 0 && html`<${Unsold} positions=${data.positions} />`}
    <${Orders} orders=${data.orders} leftOut=${data.orders_left_out} />
    <${Timeline} data=${data} />`;
}

/**
 * Saves what it sold as the service has signed it, a part in each line, as `unwind statements verify` reads it.
 * @param {{ id: string }} props
 */
function Statement({ id }) {
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      const lines = [];
      for (let part = 1, parts = 1; part <= parts; part += 1) {
        const signed = await get(`/liquidations/${id}/statement`, { part });
        ({ parts } = payloadOf(signed));
        lines.push(`${JSON.stringify(signed)}\n`);
      }
      saveAs(`statement-${id}.jsonl`, lines);
      say('Saved. unwind statements verify checks it.');
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message);
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" disabled=${isBusy} onClick=${save}>Signed statement</button>`;
}

/** What a JWS says. @param {{ payload: string }} signed */
function payloadOf({ payload }) {
  const bytes = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0))));
}

/**
 * @param {string} name
 * @param {string[]} lines
 */
function saveAs(name, lines) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(lines, { type: 'application/jsonl' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** @param {{ data: any }} props */
function Facts({ data }) {
  const { liquidation } = data;
  const { progress } = liquidation;
  const { done, of } = shareOf(liquidation);
  const share = of === 0 ? 0 : Math.floor((done * 100) / of);
  return html`<div class="panel"><div class="body">
    <div class="tiles">
      <div><div class="soft">Proceeds</div><div class="value"><strong>${money(progress.proceeds)} €</strong></div></div>
      <div><div class="soft">Orders final</div><div class="value">${grouped(done)} of ${grouped(of)} · ${share} %</div></div>
      <div><div class="soft">Units sold</div><div class="value">${units(progress.executed_quantity)} of ${units(progress.quantity)}</div></div>
      <div><div class="soft">Asked</div><div class="value"><${Ago} at=${liquidation.created_at} /></div></div>
      <div><div class="soft">${data.ended_at ? 'Ended' : 'Rounds'}</div>
        <div class="value">${data.ended_at ? html`<${Ago} at=${data.ended_at} />` : data.rounds}</div></div>
    </div>
    <${Progress} big done=${done} of=${of} label="Orders that are final" />
    <p></p>
    <dl class="facts">
      <dt>Liquidation</dt><dd><${Id} id=${liquidation.id} whole /></dd>
      <dt>Account</dt><dd><${Id} id=${liquidation.account_id} href=${to(`/accounts/${liquidation.account_id}`)} whole /></dd>
      ${(liquidation.waiting ?? []).slice(0, 1).map(
        (/** @type {any} */ wait) => html`<dt>Waits for</dt>
          <dd>
            <${Badge} state=${wordsOf(wait.reason)} tone=${reasons[wait.reason]?.tone} />
            ${' '}${wait.detail ?? reasons[wait.reason]?.help ?? ''}
          </dd>`,
      )}
      ${data.end_reason !== undefined && html`<dt>Ended</dt><dd>${endings[data.end_reason] ?? data.end_reason}</dd>`}
      ${data.end_note !== undefined && html`<dt>Left</dt><dd>${data.end_note}</dd>`}
      ${data.stop !== undefined && html`<dt>Stopped</dt><dd>${data.stop.reason}${data.stop.note ? `: ${data.stop.note}` : ''}</dd>`}
    </dl>
  </div></div>`;
}

/** @type {Record<string, string>} */
const endings = {
  flat: 'Everything that can be sold was sold.',
  client: 'The client cancelled it in time.',
  rejected: 'The venue rejected what was left.',
  limit: 'It had reached its last round or its age, and ended with what was sold.',
  abandoned: 'An operator ended it with what was sold.',
};

/** @param {{ positions: any[] }} props */
function Unsold({ positions }) {
  return html`<${Panel} title="Not sold yet" rows>
    <${Table}
      label="Positions that are not sold"
      rows=${positions}
      keyOf=${(/** @type {any} */ row) => row.isin}
      columns=${[
        column('Instrument', ({ isin }) => html`<span class="mono">${isin}</span>`),
        figures('Units', ({ quantity }) => units(quantity)),
        column(
          'Why',
          ({ reason }) => html`<${Badge} state=${wordsOf(reason)} tone=${reasons[reason]?.tone} />`,
        ),
        column(
          'Detail',
          (row) => html`<span>${row.detail ?? reasons[row.reason]?.help ?? ''}
            ${!row.priced && html` <span class="soft">No price in the book.</span>`}</span>`,
        ),
        column('Since', ({ since }) => html`<${Ago} at=${since} />`),
      ]}
    />
  </${Panel}>`;
}

/** @param {{ orders: any[], leftOut: number }} props */
function Orders({ orders, leftOut }) {
  return html`<${Panel} title="Orders" rows aside=${leftOut > 0 && html`<span class="soft">${leftOut} more are not shown</span>`}>
    <${Table}
      label="Orders"
      rows=${orders}
      empty="No order was made yet."
      columns=${[
        column(
          'Instrument',
          ({ name, isin }) =>
            html`<span>${name}<br /><span class="mono soft">${isin}</span></span>`,
        ),
        column('Status', ({ status }) => html`<${Badge} state=${status} />`),
        figures('Sold', (row) => `${units(row.executed_quantity)} of ${units(row.quantity)}`),
        figures('Proceeds, €', ({ proceeds }) => money(proceeds)),
        column('At the venue', ({ submission, attempts }) =>
          submission === undefined
            ? html`<span class="soft">not sent</span>`
            : html`<span><span class="mono">${submission.venue} ${submission.client_order_id}</span>
                  ${attempts > 1 && html` <span class="soft">attempt ${attempts}</span>`}</span>`,
        ),
        column('Why', (row) => html`<span>${whyOf(row)}</span>`),
      ]}
    />
  </${Panel}>`;
}

/** @param {any} order */
function whyOf({ waiting, cancellation_reason: cancelled, submission, status }) {
  if (waiting !== undefined) return waiting.detail ?? wordsOf(waiting.reason);
  if (cancelled !== undefined) return cancelled;
  return status === 'FILLED' ? '–' : (submission?.reason ?? '–');
}

const kinds = /** @type {const} */ (['all', 'events', 'orders', 'executions', 'deliveries']);

/** @param {string} kind */
function groupOf(kind) {
  if (kind === 'event') return 'events';
  if (kind === 'delivery') return 'deliveries';
  return kind.startsWith('execution') ? 'executions' : 'orders';
}

/** @param {{ data: any }} props */
function Timeline({ data }) {
  const [shown, show] = useState(/** @type {(typeof kinds)[number]} */ ('all'));
  const entries = data.timeline.filter(
    (/** @type {any} */ entry) => shown === 'all' || groupOf(entry.kind) === shown,
  );
  const aside = html`<select
    class="tiny"
    aria-label="Show of the timeline"
    value=${shown}
    onChange=${(/** @type {any} */ event) => show(event.target.value)}
  >${kinds.map((kind) => html`<option value=${kind}>${kind}</option>`)}</select>`;
  return html`<${Panel} title="Timeline" aside=${html`<div>${aside}</div>`}>
    ${data.timeline_cut && html`<p class="soft">The earliest entries are left out.</p>`}
    ${entries.length === 0 && html`<p class="soft">Nothing of this kind.</p>`}
    <ol class="timeline">
      ${entries.map((/** @type {any} */ entry, /** @type {number} */ at) => {
        const { tone, what } = sentenceOf(entry);
        return html`<li key=${`${entry.at} ${at}`} class=${tone}>
          <span class="when"><${At} at=${entry.at} ms /></span>
          <div class="what">${what}</div>
        </li>`;
      })}
    </ol>
  </${Panel}>`;
}

/** An entry as a sentence. @param {any} entry */
function sentenceOf(entry) {
  const isin = html`<span class="mono">${entry.isin}</span>`;
  const sent = html`<span class="mono soft">${entry.venue} ${entry.client_order_id}</span>`;
  const detail = entry.detail !== undefined && html` <span class="soft">${entry.detail}</span>`;
  switch (entry.kind) {
    case 'event': {
      const name = String(entry.type).replace('ACCOUNT_LIQUIDATION.', '');
      return {
        tone: name === 'FILLED' || name === 'SETTLED' ? 'good' : 'busy',
        what: html`Event <strong>${name}</strong>`,
      };
    }
    case 'order_placed':
      return { tone: '', what: html`Order to sell ${units(entry.quantity)} of ${isin}` };
    case 'order_sent':
      return { tone: '', what: html`Order of ${isin} sent ${sent}` };
    case 'order_ended':
      return {
        tone: entry.outcome === 'FILLED' ? 'good' : 'warn',
        what: html`Order of ${isin} ended: ${entry.outcome}${detail}`,
      };
    case 'attempt_ended':
      return {
        tone: entry.outcome === 'filled' ? '' : 'warn',
        what: html`The venue ended it: ${entry.outcome} ${sent}${detail}`,
      };
    case 'execution':
      return {
        tone: 'good',
        what: html`Sold ${units(entry.quantity)} of ${isin} at ${units(entry.price)} € for
          <strong> ${money(entry.proceeds)} €</strong>`,
      };
    case 'execution_busted':
      return {
        tone: 'bad',
        what: html`The venue declared void: ${units(entry.quantity)} of ${isin} at ${units(entry.price)} €`,
      };
    case 'delivery':
      return {
        tone: entry.outcome === 'acknowledged' ? '' : 'warn',
        what: html`<a href=${to(`/webhooks/${entry.webhook_id}`)}>Webhook</a> ${entry.outcome}${detail}`,
      };
    default:
      return {
        tone: 'warn',
        what: html`${entry.kind.replaceAll('_', ' ')} ${entry.outcome}${detail}`,
      };
  }
}
