// Starts a batch: a file of accounts, what it names and what a few of them would sell, the pace, a reason, and
// only then the word.

import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { accountsMax, fileCharactersMax, readAccounts, sampleOf } from './accounts-file.js';
import { ApiError, get, may } from './api.js';
import { changeBecause, Reason, submitted, useAttempt } from './forms.js';
import { counted, grouped, Head, Id, money, Panel, Problem, say } from './parts.js';
import { go, to } from './router.js';
import { column, figures, Table } from './table.js';

/** Bad lines that are shown; of more, only the number. */
const badShown = 20;

/** @typedef {import('./accounts-file.js').NamedAccount} NamedAccount */
/** @typedef {ReturnType<typeof readAccounts>} Read */

export function StartBatchPage() {
  const [read, setRead] = useState(/** @type {Read | undefined} */ (undefined));
  if (!may('batches:admin')) {
    return html`<${Head} title="Start a batch" />
      <div class="notice warn">Your role may not start a batch. An operator does.</div>`;
  }
  const { accounts = [] } = read ?? {};
  const isTooLong = accounts.length > accountsMax;
  return html`<${Head} title="Start a batch" />
    <${Choose} onRead=${setRead} />
    ${read !== undefined && html`<${Check} read=${read} isTooLong=${isTooLong} />`}
    ${
      accounts.length > 0 &&
      !isTooLong &&
      html`<${Sample} key=${accounts[0]?.account_id} accounts=${accounts} />
        <${Pace} accounts=${accounts} badLines=${read?.bad.length ?? 0} />`
    }`;
}

/** A file, or lines that are pasted. @param {{ onRead: (read: Read | undefined) => void }} props */
function Choose({ onRead }) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState(/** @type {Error | undefined} */ (undefined));
  // Of two files chosen quickly, the second one counts.
  const turn = useRef(0);
  const take = (/** @type {string} */ given) => {
    setFault(undefined);
    onRead(given.trim() === '' ? undefined : readAccounts(given));
  };
  const open = async (/** @type {any} */ { target: { files } }) => {
    const [file] = files;
    if (file === undefined) return;
    turn.current += 1;
    const own = turn.current;
    onRead(undefined);
    setText('');
    if (file.size > fileCharactersMax) {
      setFault(
        new Error(`${file.name} is larger than ${fileCharactersMax / 1_000_000} MB: divide it.`),
      );
      return;
    }
    const given = await file.text();
    if (own === turn.current) take(given);
  };
  return html`<${Panel} title="Which accounts">
    <div class="form">
      <label>
        <span>File <span class="hint">CSV with the column account_id, and user_id where the owner is to be checked</span></span>
        <input type="file" accept=".csv,.txt,text/csv,text/plain" onChange=${open} />
      </label>
      <label>
        <span>Or lines <span class="hint">an account in each</span></span>
        <textarea
          value=${text}
          maxlength=${fileCharactersMax}
          spellcheck=${false}
          onInput=${(/** @type {any} */ { target: { value } }) => {
            turn.current += 1;
            setText(value);
            take(value);
          }}
        ></textarea>
      </label>
      <${Problem} error=${fault} />
    </div>
  </${Panel}>`;
}

/** @param {{ read: Read, isTooLong: boolean }} props */
function Check({ read: { accounts, again, bad }, isTooLong }) {
  const tone = bad.length > 0 || accounts.length === 0 || isTooLong ? 'bad' : 'good';
  return html`<div class=${`notice ${tone}`} role="status">
      <strong>${counted(accounts.length, 'account')}</strong>, ${grouped(again)} named again and left out,
      ${` ${counted(bad.length, 'bad line')}`}.
      ${isTooLong && ` A batch has ${grouped(accountsMax)} at most: divide the file.`}
    </div>
    ${
      bad.length > 0 &&
      html`<${Panel} title="Bad lines" rows aside=${bad.length > badShown && html`<span class="soft">the first ${badShown}</span>`}>
        <${Table}
          label="Bad lines"
          rows=${bad.slice(0, badShown)}
          keyOf=${(/** @type {any} */ { line }) => String(line)}
          columns=${[
            figures('Line', ({ line }) => grouped(line)),
            column('What stands there', (row) => html`<span class="mono wrap">${row.text}</span>`),
            column('Why it is bad', ({ why }) => html`<span>${why}</span>`),
          ]}
        />
      </${Panel}>`
    }`;
}

/** What a few of them would sell now. @param {{ accounts: NamedAccount[] }} props */
function Sample({ accounts }) {
  const sample = sampleOf(accounts);
  const [rows, setRows] = useState(/** @type {any[] | undefined} */ (undefined));
  useEffect(() => {
    const ended = new AbortController();
    const ask = async (/** @type {NamedAccount} */ { account_id: id }) => {
      try {
        return {
          id,
          preview: await get(`/accounts/${id}/liquidation_preview`, {}, { signal: ended.signal }),
        };
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        return { id, fault: error.message };
      }
    };
    Promise.all(sample.map(ask)).then(setRows, (error) => {
      if (!ended.signal.aborted) throw error;
    });
    return () => ended.abort();
  }, [sample.map(({ account_id: id }) => id).join()]);
  return html`<${Panel} title="What a few of them would sell now" rows aside=${html`<span class="soft">${sample.length} of ${grouped(accounts.length)}</span>`}>
    ${
      rows !== undefined &&
      html`<${Table}
        label="A few accounts"
        rows=${rows}
        columns=${[
          column('Account', ({ id, fault }) =>
            fault === undefined
              ? html`<${Id} id=${id} href=${to(`/accounts/${id}`)} />`
              : html`<${Id} id=${id} />`,
          ),
          column('Would sell', (row) => html`<span><${Outlook} row=${row} /></span>`),
          figures('About', ({ preview }) =>
            preview?.refusal === undefined && preview !== undefined
              ? `${money(preview.totals.value)} €`
              : '–',
          ),
        ]}
      />`
    }
  </${Panel}>`;
}

/** @param {{ row: any }} props */
function Outlook({ row: { preview, fault } }) {
  const refused = fault ?? preview.refusal?.detail;
  if (refused !== undefined) return html`<span class="bad">It would be refused: ${refused}</span>`;
  const { selling, positions, unpriced } = preview.totals;
  return html`${grouped(selling)} of ${grouped(positions)} positions${
    unpriced > 0 && html`<span class="bad">, ${grouped(unpriced)} without a price</span>`
  }`;
}

/** @param {{ accounts: NamedAccount[], badLines: number }} props */
function Pace({ accounts, badLines }) {
  // One command, one key: a second click, or one after a lost answer, starts nothing twice; another command has another.
  const key = useRef(crypto.randomUUID());
  const { isBusy, refused, attempt } = useAttempt();
  const renew = () => {
    key.current = crypto.randomUUID();
  };
  useEffect(renew, [accounts]);
  const start = (/** @type {FormData} */ form) =>
    attempt(async () => {
      const command = { accounts, ...paceOf(form) };
      const made = await changeBecause('/batches', form, command, key.current);
      say(
        made.status === 'PENDING_APPROVAL'
          ? 'Made. It starts nothing before a second person approves it.'
          : 'The batch is made.',
      );
      go(`/batches/${made.id}`);
    });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return html`<${Panel} title="Sell all of them">
    <form class="form" onSubmit=${submitted(start)} onInput=${renew}>
      <label>
        <span>Accounts a minute <span class="hint">at most; empty: as fast as they can be started</span></span>
        <input name="rate" type="number" min="1" max="1000000" step="1" inputmode="numeric" />
      </label>
      <label>
        <span>In progress at once <span class="hint">at most; empty: any number</span></span>
        <input name="in_progress_max" type="number" min="1" max=${accountsMax} step="1" inputmode="numeric" />
      </label>
      <label>
        <span>Start <span class="hint">${zone}; empty: at once</span></span>
        <input name="start_at" type="datetime-local" />
      </label>
      <${Reason} />
      ${
        badLines > 0 &&
        html`<label class="check"><input type="checkbox" required /> Leave out ${counted(badLines, 'bad line')}</label>`
      }
      <label class="check"><input type="checkbox" required /> Sell every position of ${counted(accounts.length, 'account')}</label>
      <p></p>
      <${Problem} error=${refused} />
      <div class="buttons">
        <button type="submit" class="danger" disabled=${isBusy}>${isBusy ? 'Starting …' : 'Start the batch'}</button>
      </div>
    </form>
  </${Panel}>`;
}

/** What was filled in, as the operation takes it. @param {FormData} form */
function paceOf(form) {
  const [rate, most, at] = ['rate', 'in_progress_max', 'start_at'].map((name) =>
    String(form.get(name)),
  );
  return {
    ...(rate ? { rate: Number(rate) } : {}),
    ...(most ? { in_progress_max: Number(most) } : {}),
    // The field has the time of this place.
    ...(at ? { start_at: new Date(at).toISOString() } : {}),
  };
}
