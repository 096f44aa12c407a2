// Starts a liquidation: an account, what would be sold, a reason, and only then the word.

import { html } from 'htm/preact';
import { useRef, useState } from 'preact/hooks';
import { Positions } from './account.js';
import { ApiError, change, get, may } from './api.js';
import { useFresh } from './live.js';
import { Badge, Head, Id, Loading, Panel, Problem, say, Table } from './parts.js';
import { go, place, to, withQuery } from './router.js';

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
  const take = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const id = String(form.get('account')).trim();
    if (id !== '') go(`/start?account=${id}`);
  };
  return html`<${Head} title="Start a liquidation" />
    <form class="form" onSubmit=${take}>
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
                keyOf=${(/** @type {any} */ row) => row.id}
                linkOf=${(/** @type {any} */ row) => `/start?account=${row.id}`}
                empty="The book has no account. Import one: unwind import DIR"
                columns=${[
                  {
                    name: 'Account',
                    cell: (/** @type {any} */ { id }) =>
                      html`<${Id} id=${id} href=${to(`/start?account=${id}`)} />`,
                  },
                  {
                    name: 'Owner',
                    cell: (/** @type {any} */ row) => html`<${Id} id=${row.users[0].id} />`,
                  },
                  {
                    name: 'Status',
                    cell: (/** @type {any} */ { status }) =>
                      html`<${Badge} state=${status} tone=${status === 'ACTIVE' ? 'good' : 'warn'} />`,
                  },
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
  // One wish, one key: a second click, or one after a lost answer, starts nothing twice.
  const key = useRef(crypto.randomUUID());
  const [isBusy, setBusy] = useState(false);
  const [refused, refuse] = useState(/** @type {Error | undefined} */ (undefined));
  const { data, error } = useFresh(
    async (asked) => {
      const [account, positions] = await Promise.all([
        get(`/accounts/${id}`, {}, asked),
        get(`/accounts/${id}/positions`, { limit: 200 }, asked),
      ]);
      return { account, positions };
    },
    [id],
  );
  if (data === undefined) {
    return html`<${Head} title="Start a liquidation" /><${Loading} error=${error} />`;
  }
  const { account, positions } = data;
  const start = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    setBusy(true);
    refuse(undefined);
    try {
      const body = { user_id: account.users[0].id };
      const why = { key: key.current, reason: String(form.get('reason')) };
      const made = await change('POST', `/accounts/${id}/liquidations`, body, why);
      say('Started.');
      go(`/liquidations/${made.id}`);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      refuse(failure);
    } finally {
      setBusy(false);
    }
  };
  return html`<${Head} title="Start a liquidation" />
    <p>Account <a href=${to(`/accounts/${id}`)}><${Id} id=${id} whole /></a></p>
    <${Positions} page=${positions} />
    <${Panel} title="Sell all of it">
      <form class="form" onSubmit=${start}>
        <p>
          Every position above is sold at the price of the market. What is locked waits until it is unlocked. Until
          the release it can be cancelled; after that it runs to its end.
        </p>
        <label>
          <span>Reason <span class="hint">kept with your name</span></span>
          <input name="reason" required maxlength="300" autocomplete="off" />
        </label>
        <label class="check"><input type="checkbox" required /> Sell every position of this account</label>
        <p></p>
        <${Problem} error=${refused} />
        <div class="buttons">
          <button type="submit" class="danger" disabled=${isBusy}>Start the liquidation</button>
          <a class="button" href=${to('/start')}>Another account</a>
        </div>
      </form>
    </${Panel}>`;
}
