// Batches: all of them, and one with how far it is, what it earned, what was refused and why, and the ways to
// steer it.

import { html } from 'htm/preact';
import { get, may } from './api.js';
import { Approvals, BatchWaits } from './approvals.js';
import { Confirm, changeBecause, Reason } from './forms.js';
import { useFresh } from './live.js';
import {
  Ago,
  At,
  Badge,
  counted,
  grouped,
  Head,
  Id,
  Loading,
  lasting,
  money,
  now,
  Panel,
  Problem,
  Progress,
  say,
} from './parts.js';
import { go, place, to, withQuery } from './router.js';
import { column, figures, Pages, Table } from './table.js';

const pageRows = 50;
const statuses = [
  'PENDING_APPROVAL',
  'SCHEDULED',
  'RUNNING',
  'PAUSED',
  'CANCELLING',
  'CANCELLED',
  'COMPLETED',
];

/** @typedef {any} Batch */

export function BatchesPage() {
  const { query } = place.value;
  const status = query.get('status') ?? undefined;
  const cursor = query.get('after') ?? undefined;
  const { data, error, again } = useFresh(
    (asked) => get('/batches', { status, cursor, limit: pageRows }, asked),
    [query.toString()],
  );
  return html`<${Head} title="Batches">
      ${may('batches:admin') && html`<a class="button primary" href=${to('/batches/start')}>Start a batch</a>`}
    </${Head}>
    <${Approvals} operation="start_batch" again=${again} />
    <div class="filters">
      <label>Status
        <select value=${status ?? ''} onChange=${choose('status')}>
          <option value="">any</option>
          ${statuses.map((one) => html`<option value=${one}>${one}</option>`)}
        </select>
      </label>
    </div>
    <${Problem} error=${data === undefined ? undefined : error} />
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<div class="panel"><${BatchTable} rows=${data.data} isFiltered=${status !== undefined} /></div>
            <${Pages} next=${data.meta.next} first="First page" further="Next page" />`
    }`;
}

/** Goes on with another value of a parameter, from the first page. @param {string} name */
function choose(name) {
  return (/** @type {any} */ { target }) =>
    go(withQuery({ [name]: target.value, after: undefined }));
}

/** @param {{ rows: Batch[], isFiltered: boolean }} props */
function BatchTable({ rows, isFiltered }) {
  return html`<${Table}
    label="Batches"
    rows=${rows}
    linkOf=${(/** @type {Batch} */ { id }) => `/batches/${id}`}
    empty=${isFiltered ? 'None is like that.' : 'No batch yet. Start one with a file of accounts.'}
    columns=${[
      column('Batch', ({ id }) => html`<${Id} id=${id} href=${to(`/batches/${id}`)} />`),
      column('Status', (batch) => html`<${Badge} state=${batch.status} />`),
      column('Reason', ({ reason }) => html`<span class="wrap">${reason}</span>`),
      column('By', ({ person }) => html`<span>${person}</span>`),
      figures('Accounts', ({ accounts }) => grouped(accounts.total)),
      figures('Waiting', ({ accounts }) => grouped(accounts.waiting)),
      figures(
        'Refused',
        ({ accounts }) =>
          html`<span class=${accounts.refused > 0 ? 'bad' : ''}>${grouped(accounts.refused)}</span>`,
      ),
      column('Starts', ({ status, start_at: at }) =>
        status === 'PENDING_APPROVAL' ? 'once approved' : html`<${At} at=${at} />`,
      ),
    ]}
  />`;
}

/** @param {{ id: string }} props */
export function BatchPage({ id }) {
  const { data, error, again } = useFresh((asked) => get(`/batches/${id}`, {}, asked), [id]);
  if (data === undefined) return html`<${Head} title="Batch" /><${Loading} error=${error} />`;
  const isPending = data.status === 'PENDING_APPROVAL';
  return html`<${Head} title=${`Batch …${id.slice(-12)}`} badge=${html`<${Badge} state=${data.status} />`}>
      <${Steer} batch=${data} again=${again} />
    </${Head}>
    <${Problem} error=${error} />
    ${isPending && html`<${BatchWaits} batch=${data} again=${again} />`}
    <${Facts} batch=${data} />
    <${Accounts} batch=${data} usual=${isPending ? 'waiting' : exceptionsOf(data)} />`;
}

/** What went wrong first: accounts that were refused, else what was not sold to its end. @param {Batch} batch */
function exceptionsOf({ accounts, liquidations }) {
  return accounts.refused === 0 && liquidations.cancelled > 0 ? 'cancelled' : 'refused';
}

/** @param {{ batch: Batch, again: () => void }} props */
function Steer({ batch, again }) {
  if (!may('batches:admin')) return null;
  const act = (/** @type {string} */ name, /** @type {string} */ done) => {
    return async (/** @type {FormData} */ form) => {
      await changeBecause(`/batches/${batch.id}/${name}`, form);
      say(done);
      again();
    };
  };
  const isOpen = ['PENDING_APPROVAL', 'SCHEDULED', 'RUNNING', 'PAUSED'].includes(batch.status);
  const { waiting } = batch.accounts;
  const { new: fresh, processing } = batch.liquidations;
  return html`${
    ['SCHEDULED', 'RUNNING'].includes(batch.status) &&
    html`<${Confirm} label="Pause" title="Pause this batch?" confirm="Pause it" act=${act('pause', 'Paused. No further account is started.')}>
      <p>Not started, and waiting: ${counted(waiting, 'account')}. What was started is sold on.</p>
      <${Reason} />
    </${Confirm}>`
  }${
    batch.status === 'PAUSED' &&
    html`<${Confirm} label="Resume" title="Resume this batch?" confirm="Resume it" act=${act('resume', 'Resumed.')}>
      <p>Paused by ${batch.steered_by}: ${batch.steer_reason}</p>
      <p class="soft">${counted(waiting, 'waiting account')} will be started at the pace of the batch; the time of the pause is not made up for.</p>
      <${Reason} />
    </${Confirm}>`
  }${
    isOpen &&
    html`<${Confirm} label="Cancel" title="Cancel this batch?" confirm="Cancel it" danger act=${act('cancel', 'Cancelled: nothing more is started.')}>
      <p>
        Nothing is sold of ${counted(waiting, 'account')} not started yet, and of ${grouped(fresh)} whose liquidation is
        still NEW. What is being sold (${grouped(processing)}) is sold to its end.
      </p>
      <${Reason} />
    </${Confirm}>`
  }`;
}

/** @param {{ batch: Batch }} props */
function Facts({ batch }) {
  const { accounts, liquidations } = batch;
  const done = liquidations.filled + liquidations.cancelled + accounts.refused + accounts.cancelled;
  const share = Math.floor((done * 100) / accounts.total);
  // Known of what is being sold; of what has not begun it is nothing yet.
  const hasMore = batch.ended_at === undefined && Number(batch.money.cash_amount) > 0;
  return html`<div class="panel"><div class="body">
    <div class="tiles">
      <div><div class="soft">Earned</div><div class="value"><strong>${money(batch.money.proceeds)} €</strong></div>
        ${hasMore && html`<div class="soft">of about ${money(batch.money.cash_amount)} €</div>`}</div>
      <div><div class="soft">Accounts done</div><div class="value">${grouped(done)} of ${grouped(accounts.total)} · ${share} %</div></div>
      <${Ends} batch=${batch} />
      <div><div class="soft">Refused</div>
        <div class=${accounts.refused > 0 ? 'value bad' : 'value'}>${grouped(accounts.refused)}</div></div>
    </div>
    <${Progress} big done=${done} of=${accounts.total} label="Accounts that are done" />
    <p></p>
    <dl class="facts">
      <dt>Accounts</dt>
      <dd>${grouped(accounts.waiting)} waiting, ${grouped(accounts.started)} started, ${grouped(accounts.refused)} refused,
        ${` ${grouped(accounts.cancelled)}`} cancelled before their start</dd>
      <dt>Liquidations</dt>
      <dd>${grouped(liquidations.new)} NEW, ${
        liquidations.processing === 0
          ? '0 being sold'
          : html`<span class="linked"><a href=${to(withQuery({ accounts: 'selling', after: undefined }))}>${grouped(liquidations.processing)} being sold</a></span>`
      }, ${grouped(liquidations.filled)} sold,
        ${` ${grouped(liquidations.cancelled)}`} cancelled</dd>
      ${
        batch.value !== undefined &&
        html`<dt>Value</dt><dd>${money(batch.value)} € could be sold when it was made</dd>`
      }
      <dt>Pace</dt>
      <dd>${batch.rate === undefined ? 'as fast as they can be started' : `${grouped(batch.rate)} accounts a minute at most`}${
        batch.in_progress_max !== undefined &&
        `, ${grouped(batch.in_progress_max)} in progress at once`
      }</dd>
      <dt>Reason</dt><dd>${batch.reason} <span class="soft">by ${batch.person}, <${Ago} at=${batch.created_at} /></span></dd>
      ${
        batch.steered_at !== undefined &&
        html`<dt>Decided last</dt>
          <dd>${batch.steer_reason} <span class="soft">by ${batch.steered_by}, <${Ago} at=${batch.steered_at} /></span></dd>`
      }
      <dt>Batch</dt><dd><${Id} id=${batch.id} whole /></dd>
    </dl>
  </div></div>`;
}

/** When it begins, ends or has ended. @param {{ batch: Batch }} props */
function Ends({ batch }) {
  const { status, ended_at: ended, estimated_end_at: estimated, start_at: start } = batch;
  if (ended !== undefined)
    return html`<div><div class="soft">Ended</div><div class="value"><${At} at=${ended} /></div></div>`;
  if (status === 'PENDING_APPROVAL')
    return html`<div><div class="soft">Starts</div><div class="value">once approved</div>
      ${Date.parse(start) > now.value && html`<div class="soft">not before <${At} at=${start} /></div>`}</div>`;
  if (status === 'SCHEDULED')
    return html`<div><div class="soft">Starts</div><div class="value"><${At} at=${start} /></div></div>`;
  const left = estimated === undefined ? undefined : Date.parse(estimated) - now.value;
  return html`<div><div class="soft">Ends about</div>
    <div class="value">${estimated === undefined ? 'not foreseeable' : html`<${At} at=${estimated} />`}</div>
    ${left !== undefined && left > 0 && html`<div class="soft">in ${lasting(left)}</div>`}
    ${
      left === undefined &&
      status === 'RUNNING' &&
      html`<div class="soft">nothing has ended yet, or some of it waits for a person</div>`
    }</div>`;
}

/** Which accounts are listed. @type {Record<string, { name: string, empty: string, query: Record<string, string> }>} */
const lists = {
  refused: { name: 'refused', empty: 'No account was refused.', query: { status: 'REFUSED' } },
  waiting: { name: 'waiting', empty: 'None waits to be started.', query: { status: 'WAITING' } },
  selling: {
    name: 'being sold',
    empty: 'None is being sold.',
    query: { liquidation_status: 'PROCESSING' },
  },
  cancelled: {
    name: 'cancelled liquidations',
    empty: 'No liquidation of it was cancelled.',
    query: { liquidation_status: 'CANCELLED' },
  },
  unstarted: {
    name: 'cancelled before their start',
    empty: 'None was cancelled before its start.',
    query: { status: 'CANCELLED' },
  },
  all: { name: 'all', empty: 'It names no account.', query: {} },
};

/** @param {{ batch: Batch, usual: string }} props which list is shown unless another one is chosen */
function Accounts({ batch, usual }) {
  const { id } = batch;
  const { query } = place.value;
  const chosen = query.get('accounts') ?? usual;
  const list = lists[chosen] ?? lists['all'];
  const cursor = query.get('after') ?? undefined;
  const { data, error } = useFresh(
    (asked) => get(`/batches/${id}/accounts`, { ...list?.query, cursor, limit: pageRows }, asked),
    [id, chosen, cursor],
  );
  const filter = html`<div class="filters">
    <label>Show
      <select value=${chosen} onChange=${choose('accounts')}>
        ${Object.entries(lists).map(([key, { name }]) => html`<option value=${key}>${name}</option>`)}
      </select>
    </label>
  </div>`;
  return html`<${Panel} title=${['refused', 'cancelled'].includes(chosen) ? 'Exceptions' : 'Accounts'} rows aside=${filter}>
      ${
        data === undefined
          ? html`<${Loading} error=${error} />`
          : html`<${Problem} error=${error} /><${AccountTable} batch=${batch} rows=${data.data} empty=${list?.empty} />`
      }
    </${Panel}>
    ${data !== undefined && html`<${Pages} next=${data.meta.next} first="First page" further="Next page" />`}`;
}

/** @param {{ batch: Batch, rows: any[], empty: string | undefined }} props */
function AccountTable({ batch, rows, empty }) {
  return html`<${Table}
    label="Accounts of the batch"
    rows=${rows}
    keyOf=${(/** @type {any} */ row) => row.account_id}
    empty=${empty}
    columns=${[
      figures('Line', ({ number }) => grouped(number)),
      column('Account', ({ account_id: id, refusal }) =>
        refusal?.code === 'no_such_account'
          ? html`<${Id} id=${id} />`
          : html`<${Id} id=${id} href=${to(`/accounts/${id}`)} />`,
      ),
      column('Status', (row) => html`<${Badge} state=${row.status} />`),
      column(
        'What became of it',
        (row) => html`<span class="linked"><${Became} batch=${batch} row=${row} /></span>`,
      ),
      column('When', ({ decided_at: at }) => html`<${At} at=${at} />`),
    ]}
  />`;
}

/** Why an account is not started yet. @param {Batch} batch */
function waitOf({ status, rate, in_progress_max: most }) {
  if (status === 'PENDING_APPROVAL') return 'A second person has to approve the batch.';
  if (status === 'SCHEDULED') return 'The batch has not started.';
  if (status === 'PAUSED') return 'The batch is paused.';
  if (status === 'CANCELLING') return 'It is about to be cancelled.';
  const pace =
    rate === undefined ? 'It is started in turn' : 'It is started at the pace of the batch';
  const room = most === undefined ? '' : `, once fewer than ${grouped(most)} are in progress`;
  return `${pace}${room}.`;
}

/** @param {{ batch: Batch, row: any }} props */
function Became({ batch, row: { status, liquidation, refusal } }) {
  if (refusal !== undefined) {
    const { detail, account_liquidation_id: other } = refusal;
    return html`${detail}${other && html` <a href=${to(`/liquidations/${other}`)}>See it</a>`}`;
  }
  if (liquidation === undefined)
    return html`<span class="soft">${status === 'WAITING' ? waitOf(batch) : '–'}</span>`;
  return html`<a href=${to(`/liquidations/${liquidation.id}`)}>Liquidation</a>${' '}
    <${Badge} state=${liquidation.status} /> ${money(liquidation.proceeds)} €`;
}
