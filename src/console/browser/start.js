// Starts a liquidation: an account, what would be sold, a reason, and only then the word.

import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';
import { change, get, may } from './api.js';
import { Reason, submitted, useAttempt } from './forms.js';
import { useFresh } from './live.js';
import {
  At,
  Badge,
  grouped,
  Head,
  Id,
  Loading,
  money,
  Panel,
  Problem,
  say,
  units,
} from './parts.js';
import { wordsOf } from './reasons.js';
import { go, place, to, withQuery } from './router.js';
import { column, figures, Table } from './table.js';

const pageRows = 20;

export function StartPage() {
  const account = place.value.query.get('account');
  if (!may('account_liquidations:admin')) {
    return html`<${Head} title="Start a liquidation" />
      <div class="notice warn">Your role reads only. An operator starts liquidations.</div>`;
  }
  return account === null ? html`<${Choose} />` : html`<${Start} key=${account} id=${account} />`;
}

function Choose() {
  const offset = Number(place.value.query.get('from') ?? '0');
  const { data, error } = useFresh(
    (asked) => get('/accounts', { limit: pageRows, offset, order: 'DESC' }, asked),
    [offset],
  );
  const take = (/** @type {FormData} */ form) => {
    const id = String(form.get('account')).trim();
    if (id !== '') go(`/start?account=${id}`);
  };
  return html`<${Head} title="Start a liquidation">
      ${may('batches:admin') && html`<a class="button" href=${to('/batches/start')}>Many accounts at once</a>`}
    </${Head}>
    <form class="form" onSubmit=${submitted(take)}>
      <label>
        <span>Account</span>
        <input name="account" required pattern="\\s*[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\\s*" title="The id of an account, a UUID" autocomplete="off" spellcheck=${false} />
      </label>
      <div class="buttons"><button type="submit" class="primary">See what would be sold</button></div>
    </form>
    <p></p>
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<${Panel} title="Or choose one" rows aside=${html`<span class="soft">the newest first</span>`}>
              <${Table}
                label="Accounts"
                rows=${data.data}
                linkOf=${(/** @type {any} */ row) => `/start?account=${row.id}`}
                empty="The book has no account. Import one: unwind import DIR"
                columns=${[
                  column(
                    'Account',
                    ({ id }) => html`<${Id} id=${id} href=${to(`/start?account=${id}`)} />`,
                  ),
                  column('Owner', (row) => html`<${Id} id=${row.users[0].id} />`),
                  column(
                    'Status',
                    ({ status }) =>
                      html`<${Badge} state=${status} tone=${status === 'ACTIVE' ? 'good' : 'warn'} />`,
                  ),
                ]}
              />
            </${Panel}>
            <div class="buttons">
              ${offset > 0 && html`<a class="button" href=${to(withQuery({ from: String(Math.max(0, offset - pageRows)) }))}>Newer</a>`}
              ${
                offset + data.data.length < data.meta.total_count &&
                html`<a class="button" href=${to(withQuery({ from: String(offset + pageRows) }))}>Older</a>`
              }
            </div>`
    }`;
}

/** @param {{ id: string }} props */
function Start({ id }) {
  // One command, one key: a second click, or one after a lost answer, starts nothing twice.
  const key = useRef(crypto.randomUUID());
  const { isBusy, refused, attempt } = useAttempt();
  const { data, error } = useFresh(
    async (asked) => {
      const [account, preview] = await Promise.all([
        get(`/accounts/${id}`, {}, asked),
        get(`/accounts/${id}/liquidation_preview`, {}, asked),
      ]);
      return { account, preview };
    },
    [id],
  );
  if (data === undefined) {
    return html`<${Head} title="Start a liquidation" /><${Loading} error=${error} />`;
  }
  const { account, preview } = data;
  const start = (/** @type {FormData} */ form) =>
    attempt(async () => {
      const body = { user_id: account.users[0].id };
      const why = { key: key.current, reason: String(form.get('reason')) };
      const made = await change('POST', `/accounts/${id}/liquidations`, body, why);
      say('Started.');
      go(`/liquidations/${made.id}`);
    });
  return html`<${Head} title="Start a liquidation" />
    <p>Account <a href=${to(`/accounts/${id}`)}><${Id} id=${id} whole /></a></p>
    <${Problem} error=${error} />
    <${Outlook} preview=${preview} />
    <${PreviewTable} positions=${preview.positions} />
    ${
      preview.refusal === undefined &&
      html`<${Panel} title="Sell all of it">
      <form class="form" onSubmit=${submitted(start)}>
        <p>
          What sells is sold at the price of the market, and may earn another amount. Until the release it can be
          cancelled; after that it runs to its end.
        </p>
        <${Reason} />
        <label class="check"><input type="checkbox" required /> Sell every position of this account</label>
        <p></p>
        <${Problem} error=${refused} />
        <div class="buttons">
          <button type="submit" class="danger" disabled=${isBusy}>Start the liquidation</button>
          <a class="button" href=${to('/start')}>Another account</a>
        </div>
      </form>
    </${Panel}>`
    }`;
}

/** @type {Record<string, string>} */
const outcomes = {
  sell: 'An order is placed for each position that sells.',
  wait: 'Nothing sells now, so it waits: what is locked or halted is sold once it may be.',
  end: 'Nothing can be sold, so it ends at once.',
};

/** What a liquidation would do now, in sentences. @param {{ preview: any }} props */
function Outlook({ preview }) {
  const { refusal, release, outcome, note, totals } = preview;
  if (refusal !== undefined) {
    return html`<div class="notice bad" role="alert">
      It would be refused: ${refusal.detail}
      ${refusal.running_id && html` <a href=${to(`/liquidations/${refusal.running_id}`)}>See it</a>`}
    </div>`;
  }
  const currencies = totals.by_currency.filter(
    (/** @type {any} */ { currency }) => currency !== totals.currency,
  );
  return html`<div class="panel"><div class="body"><dl class="facts">
    <dt>It would sell</dt>
    <dd><strong>${grouped(totals.selling)} of ${grouped(totals.positions)} positions, about ${money(totals.value)} €</strong>
      ${totals.unpriced > 0 && html`<br /><span class="bad">${grouped(totals.unpriced)} of them have no price and are not counted</span>`}
      ${currencies.map(
        (/** @type {any} */ { currency, positions, value }) =>
          html`<br /><span class="soft">${grouped(positions)} quoted in ${currency}, about ${money(value)} €</span>`,
      )}
    </dd>
    <dt>Then</dt>
    <dd>${outcomes[outcome] ?? outcome}${note && html`<br /><span class="soft">${note}</span>`}</dd>
    ${
      totals.stopped > 0 &&
      html`<dt>Controls</dt>
    <dd class="bad">would stop ${grouped(totals.stopped)} of the orders before ${totals.stopped === 1 ? 'it is' : 'they are'} sent</dd>`
    }
    <dt>Release</dt>
    <dd>
      ${release.expected_at ? html`about <${At} at=${release.expected_at} />` : 'not foreseeable'}
      ${release.waiting && html`: <span class="bad">${release.waiting.detail}</span>`}
    </dd>
  </dl></div></div>`;
}

/** @param {{ positions: any[] }} props */
function PreviewTable({ positions }) {
  return html`<${Panel} title="Positions" rows><${Table}
    label="Positions"
    rows=${positions}
    keyOf=${(/** @type {any} */ { isin }) => isin}
    empty="There is nothing to sell."
    columns=${[
      column(
        'Instrument',
        ({ name, isin }) => html`<span>${name}<br /><span class="mono soft">${isin}</span></span>`,
      ),
      figures('Held', ({ quantity }) => units(quantity)),
      figures('Sells', ({ sells }) => units(sells)),
      column('Does not sell', ({ unsold }) =>
        unsold.length === 0
          ? html`<span class="soft">–</span>`
          : html`<span>${unsold.map(
              (/** @type {any} */ { reason, quantity, detail }) =>
                html`<span class="nowrap"><${Badge} state=${wordsOf(reason)} tone="warn" /> ${units(quantity)}</span>
                    ${detail && html`<br /><span class="soft">${detail}</span>`}<br />`,
            )}</span>`,
      ),
      column('Venue', ({ venue, venue_open: isOpen, opens_at: at }) =>
        venue === undefined
          ? html`<span class="soft">none</span>`
          : html`<span><span class="mono">${venue}</span>
                ${isOpen === false && html`<br /><span class="soft">opens <${At} at=${at} /></span>`}</span>`,
      ),
      figures('Price', ({ price, priced_at: at }) =>
        price === undefined ? 'none' : html`<span title=${`entered ${at}`}>${price}</span>`,
      ),
      figures('Value', ({ value }) => (value === undefined ? '–' : `${money(value)} €`)),
    ]}
  /></${Panel}>`;
}
