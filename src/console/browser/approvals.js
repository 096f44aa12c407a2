// What waits for a second person: lifts of halts that hold much (four eyes).

import { html } from 'htm/preact';
import { change, get, may, session } from './api.js';
import { useFresh } from './live.js';
import { Ago, At, Confirm, money, Panel, Problem, Reason, say, Table } from './parts.js';

/**
 * Nothing where nothing waits.
 * @param {{ cover: (haltId: string) => any, again: () => void }} props what a halt covers; asks for the halts anew
 */
export function Approvals({ cover, again }) {
  const pending = useFresh((asked) => get('/approvals', { pending: true, limit: 100 }, asked), []);
  const { data, error } = pending;
  if (error !== undefined) return html`<${Problem} error=${error} />`;
  const lifts = data?.data.filter((/** @type {any} */ one) => one.operation === 'lift_halt') ?? [];
  if (lifts.length === 0) return null;
  const decided = () => {
    pending.again();
    again();
  };
  return html`<${Panel} title="Waits for a second person" rows>
    <${Table}
      label="Waits for a second person"
      rows=${lifts}
      keyOf=${(/** @type {any} */ { id }) => id}
      columns=${[
        {
          name: 'Lift of',
          cell: (/** @type {any} */ { halt_id: id }) => html`<span>${cover(id)}</span>`,
        },
        {
          name: 'It holds',
          number: true,
          cell: (/** @type {any} */ { value }) =>
            value === undefined ? 'a price is not known' : `${money(value)} €`,
        },
        {
          name: 'Why',
          cell: (/** @type {any} */ { reason }) => html`<span>${reason}</span>`,
        },
        {
          name: 'Asked by',
          cell: (/** @type {any} */ { person, asked_at: at }) =>
            html`<span>${person} <span class="soft"><${Ago} at=${at} /></span></span>`,
        },
        { name: 'Until', cell: (/** @type {any} */ row) => html`<${At} at=${row.expires_at} />` },
        {
          name: 'Decide',
          cell: (/** @type {any} */ row) =>
            html`<span class="buttons"><${Decide} approval=${row} cover=${cover} decided=${decided} /></span>`,
        },
      ]}
    />
  </${Panel}>`;
}

/** @param {{ approval: any, cover: (haltId: string) => any, decided: () => void }} props */
function Decide({ approval: { id, halt_id: haltId, person, reason: why }, cover, decided }) {
  if (!may('halts:admin')) return html`<span class="soft">by the role risk</span>`;
  if (session.value?.person === person)
    return html`<span class="soft">by somebody else than you</span>`;
  const as = (/** @type {'approve' | 'decline'} */ verb, /** @type {string} */ word) => {
    return async (/** @type {FormData} */ form) => {
      const reason = String(form.get('reason'));
      const body = { reason, person: session.value?.person ?? '' };
      const key = crypto.randomUUID();
      await change('POST', `/approvals/${id}/${verb}`, body, { key, reason });
      say(word);
      decided();
    };
  };
  return html`<${Confirm}
      label="Approve" title="Approve this lift?" confirm="Approve it"
      act=${as('approve', 'Lifted. What it held goes on.')}
    >
      <p>${cover(haltId)}. ${person} asks: ${why}</p>
      <p class="soft">What it held goes on at once.</p>
      <${Reason} />
    </${Confirm}>
    <${Confirm}
      label="Decline" title="Decline this lift?" confirm="Decline it"
      act=${as('decline', 'Declined. The halt stays.')}
    >
      <p>${cover(haltId)}. ${person} asks: ${why}</p>
      <${Reason} />
    </${Confirm}>`;
}
