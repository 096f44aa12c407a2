// What waits for a second person (four eyes): the lift of a halt that holds much, the start of a batch that could
// sell much. The list of it, and the ways to decide. Who may decide is the service's word.

import { html } from 'htm/preact';
import { get, may, session } from './api.js';
import { Confirm, changeBecause, Reason } from './forms.js';
import { useFresh } from './live.js';
import { Ago, At, grouped, Id, money, Panel, Problem, say } from './parts.js';
import { to } from './router.js';
import { column, figures, Table } from './table.js';

/** Rows that are shown; of more, the latest. All are asked for, so that batches hide no lift. */
const rowsShown = 100;

/** @typedef {any} Approval */
/** @typedef {(haltId: string) => any} Cover what a halt covers, in words */

/** @type {Record<string, { thing: string, scope: string, by: string, approve: Words, decline: Words }>} */
const operations = {
  lift_halt: {
    thing: 'lift',
    scope: 'halts:admin',
    by: 'The role risk decides.',
    approve: { effect: 'What it held goes on at once.', done: 'Lifted. What it held goes on.' },
    decline: { effect: 'The halt stays.', done: 'Declined. The halt stays.' },
  },
  start_batch: {
    thing: 'batch',
    scope: 'batches:admin',
    by: 'The role operator or risk decides.',
    approve: {
      effect: 'It starts to sell when it is due; where that is past, at once.',
      done: 'Approved. The batch starts when it is due.',
    },
    decline: {
      effect: 'The batch is cancelled, and nothing of it is sold.',
      done: 'Declined. The batch is cancelled.',
    },
  },
};

/** @typedef {{ effect: string, done: string }} Words before and after */

/**
 * The list of what waits, or nothing where nothing does. Without `again` it leads to the pages that decide.
 * @param {{ operation?: string, cover?: Cover, again?: () => void }} props of which operation, default all; asks
 *   for what is around the list anew
 */
export function Approvals({ operation, cover, again }) {
  const pending = useFresh(
    (asked) => get('/approvals', { pending: true, limit: 1_000 }, asked),
    [],
  );
  const { data, error } = pending;
  const rows = (data?.data ?? []).filter((/** @type {Approval} */ one) => {
    return operation === undefined || one.operation === operation;
  });
  if (rows.length === 0) return html`<${Problem} error=${error} />`;
  const decided = () => {
    pending.again();
    again?.();
  };
  const decide = column(
    'Decide',
    (row) =>
      html`<span class="buttons"><${Decide} approval=${row} cover=${cover} decided=${decided} /></span>`,
  );
  const aside =
    rows.length > rowsShown &&
    html`<span class="soft">the latest ${rowsShown} of ${grouped(rows.length)}</span>`;
  return html`<${Panel} title="Waits for a second person" rows aside=${aside}>
    <${Problem} error=${error} />
    <${Table}
      label="Waits for a second person"
      rows=${rows.slice(0, rowsShown)}
      columns=${[...columnsWith(cover), ...(again === undefined ? [] : [decide])]}
    />
  </${Panel}>`;
}

/** @param {Cover | undefined} cover */
function columnsWith(cover) {
  return [
    column('What', (row) => html`<span>${subjectOf(row, cover)}</span>`),
    figures('Value', ({ value }) => worth(value)),
    column('Why', ({ reason }) => html`<span class="wrap">${reason}</span>`),
    column(
      'Asked by',
      ({ person, asked_at: at }) =>
        html`<span>${person} <span class="soft"><${Ago} at=${at} /></span></span>`,
    ),
    column('Until', (row) => html`<${At} at=${row.expires_at} />`),
  ];
}

/** @param {string | undefined} value */
function worth(value) {
  return value === undefined ? 'a price is not known' : `${money(value)} €`;
}

/** What is asked for. @param {Approval} approval @param {Cover | undefined} cover */
function subjectOf({ operation, halt_id: haltId, batch_id: batchId }, cover) {
  if (operation === 'start_batch')
    return html`Batch <${Id} id=${batchId} href=${to(`/batches/${batchId}`)} />`;
  return cover === undefined
    ? html`Lift of halt <${Id} id=${haltId} href=${to('/halts')} />`
    : html`Lift of ${cover(haltId)}`;
}

/** That a batch waits, with all that a second person has to know of it. @param {{ batch: any, again: () => void }} props */
export function BatchWaits({ batch, again }) {
  const { id, approval_id: approvalId, value, reason, person, created_at: at } = batch;
  const approval = {
    ...{ id: approvalId, operation: 'start_batch', batch_id: id },
    ...{ value, reason, person },
  };
  return html`<${Panel} title="Waits for a second person">
    <p>
      ${
        value === undefined
          ? 'What it could sell is not known, for want of a price'
          : html`It could sell <strong>${worth(value)}</strong>, more than one person may start alone`
      }: nothing of it is started before a second person approves it. Where none does within 24 hours, it is cancelled.
    </p>
    <p class="wrap">${person} asked <${Ago} at=${at} />: ${reason}</p>
    <div class="buttons"><${Decide} approval=${approval} decided=${again} /></div>
  </${Panel}>`;
}

/** @param {{ approval: Approval, cover?: Cover | undefined, decided: () => void }} props */
function Decide({ approval, cover, decided }) {
  const { id, operation, value, person, reason: why } = approval;
  const of = operations[operation];
  if (of === undefined) return null;
  if (!may(of.scope)) return html`<span class="soft">${of.by}</span>`;
  if (session.value?.person === person)
    return html`<span class="soft">Somebody else than you decides.</span>`;
  const act = (/** @type {'approve' | 'decline'} */ verb) => {
    return async (/** @type {FormData} */ form) => {
      await changeBecause(`/approvals/${id}/${verb}`, form);
      say(of[verb].done);
      decided();
    };
  };
  const asked = html`<p class="wrap">${subjectOf(approval, cover)}, ${worth(value)}. ${person} asks: ${why}</p>`;
  return html`<${Confirm}
      label="Approve" title=${`Approve this ${of.thing}?`} confirm="Approve it" act=${act('approve')}
    >
      ${asked}
      <p class="soft">${of.approve.effect}</p>
      <${Reason} />
    </${Confirm}>
    <${Confirm}
      label="Decline" title=${`Decline this ${of.thing}?`} confirm="Decline it" act=${act('decline')}
    >
      ${asked}
      <p class="soft">${of.decline.effect}</p>
      <${Reason} />
    </${Confirm}>`;
}
