// What stands around every page: places, search by any id, the client that is looked at, light or dark, and
// the keys.

import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { AccountPage } from './account.js';
import { ActsPage } from './acts.js';
import { ApiError, chooseTenant, get, isElsewhere, session, signOut } from './api.js';
import { BatchesPage, BatchPage } from './batches.js';
import { HaltButton, HaltStrip, HaltsPage } from './halts.js';
import { LimitsPage } from './limits.js';
import { LiquidationPage } from './liquidation.js';
import { LiquidationsPage } from './liquidations.js';
import { follow, isLive, unfollow } from './live.js';
import { AuditPage, AuditsPage, VenuePage, VenuesPage } from './operator.js';
import { OverviewPage } from './overview.js';
import { ParkedPage } from './parked.js';
import { Head, say, Toast } from './parts.js';
import { go, place, to } from './router.js';
import { SandboxPage } from './sandbox.js';
import { StartPage } from './start.js';
import { StartBatchPage } from './start-batch.js';
import { WebhookPage, WebhooksPage } from './webhooks.js';

const isSandbox = document.body.dataset['mode'] === 'sandbox';

/** Places: where, its name, and the key that goes there behind `g`. */
const places = [
  { path: '/', name: 'Overview', key: 'o' },
  { path: '/liquidations', name: 'Liquidations', key: 'l' },
  { path: '/start', name: 'Start', key: 's' },
  { path: '/batches', name: 'Batches', key: 'm' },
  { path: '/halts', name: 'Halts', key: 'h' },
  { path: '/limits', name: 'Limits', key: 'c' },
  { path: '/parked', name: 'Parked', key: 'p' },
  { path: '/webhooks', name: 'Webhooks', key: 'w' },
  { path: '/venues', name: 'Venues', key: 'v' },
  { path: '/audits', name: 'Audit', key: 'u' },
  ...(isSandbox ? [{ path: '/sandbox', name: 'Sandbox', key: 'b' }] : []),
  { path: '/acts', name: 'Who did what', key: 'a' },
];

function Page() {
  const { path } = place.value;
  const [, first = '', id] = path.split('/');
  if (id !== undefined) {
    if (first === 'liquidations') return html`<${LiquidationPage} key=${id} id=${id} />`;
    if (path === '/batches/start') return html`<${StartBatchPage} />`;
    if (first === 'batches') return html`<${BatchPage} key=${id} id=${id} />`;
    if (first === 'accounts') return html`<${AccountPage} key=${id} id=${id} />`;
    if (first === 'venues') return html`<${VenuePage} key=${id} venue=${id} />`;
    if (first === 'audits') return html`<${AuditPage} key=${id} id=${id} />`;
    if (first === 'webhooks') return html`<${WebhookPage} key=${id} id=${id} />`;
  }
  switch (path) {
    case '/':
      return html`<${OverviewPage} />`;
    case '/liquidations':
      return html`<${LiquidationsPage} />`;
    case '/start':
      return html`<${StartPage} />`;
    case '/batches':
      return html`<${BatchesPage} />`;
    case '/halts':
      return html`<${HaltsPage} />`;
    case '/limits':
      return html`<${LimitsPage} />`;
    case '/parked':
      return html`<${ParkedPage} />`;
    case '/venues':
      return html`<${VenuesPage} />`;
    case '/audits':
      return html`<${AuditsPage} />`;
    case '/webhooks':
      return html`<${WebhooksPage} />`;
    case '/sandbox':
      return html`<${SandboxPage} />`;
    case '/acts':
      return html`<${ActsPage} />`;
    default:
      return html`<${Head} title="No such page" />
        <p>Nothing is at this address. <a href=${to('/')}>Go to the overview</a>.</p>`;
  }
}

export function Frame() {
  const search = useRef(/** @type {HTMLInputElement | null} */ (null));
  const help = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  useKeys(
    () => search.current?.focus(),
    () => help.current?.showModal(),
  );
  useEffect(() => {
    follow();
    return unfollow;
  }, [session.value?.tenant]);
  const { path } = place.value;
  // On a narrow screen the places are wider than it: the one that is open is brought into sight.
  useEffect(() => {
    const here = nav.current?.querySelector('[aria-current]');
    here?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [path]);
  const { tenant, tenants = [], person } = session.value ?? {};
  return html`<a class="skip" href="#main" target="_self" onClick=${toMain}>Skip to the page</a>
    <div class="frame">
      <header class="top">
        <a class="brand" href=${to('/')}><img src="/favicon.svg" alt="" /> <span class="word">Unwind</span></a>
        <${Find} input=${search} />
        <div class="right">
          <${HaltButton} />
          <span class=${`live ${isLive.value ? 'on' : ''}`} role="status">${isLive.value ? 'Live' : 'Not reached'}</span>
          <span class=${`badge ${isSandbox ? 'busy' : 'warn'}`}>${isSandbox ? 'sandbox' : 'live money'}</span>
          ${
            tenants.length > 1 &&
            html`<select
              aria-label="Client"
              value=${tenant}
              onChange=${(/** @type {Event} */ event) => choose(event)}
            >
              ${tenants.map((one) => html`<option value=${one.id}>${one.name} · ${one.id.slice(-4)}</option>`)}
            </select>`
          }
          <${Menu} person=${person} onHelp=${() => help.current?.showModal()} />
        </div>
      </header>
      <nav ref=${nav} class="places" aria-label="Places">
        <ul>
          ${places.map((one) => {
            const isHere = one.path === '/' ? path === '/' : path.startsWith(one.path);
            return html`<li>
              <a href=${to(one.path)} aria-current=${isHere ? 'page' : undefined}>${one.name}</a>
            </li>`;
          })}
        </ul>
      </nav>
      <main id="main" tabindex="-1">
        ${isElsewhere.value && html`<${Elsewhere} />`}
        <${HaltStrip} key=${`halts ${tenant}`} />
        <${Page} key=${`${tenant} ${path}`} />
      </main>
    </div>
    <${Toast} />
    <dialog ref=${help} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="facts">
        <dt><kbd>/</kbd></dt>
        <dd>Find by any id</dd>
        ${places.map(
          ({ key, name }) => html`<dt><kbd>g</kbd> <kbd>${key}</kbd></dt>
            <dd>${name}</dd>`,
        )}
        <dt><kbd>j</kbd> <kbd>k</kbd></dt>
        <dd>Next and previous row; <kbd>Enter</kbd> opens it</dd>
        <dt><kbd>?</kbd></dt>
        <dd>This help</dd>
      </dl>
      <p></p>
      <button type="button" onClick=${() => help.current?.close()}>Close</button>
    </dialog>`;
}

function Elsewhere() {
  return html`<div class="notice bad" role="alert">
    <p>Another client was chosen in another tab. What stands below is of the one before, and changes nothing.</p>
    <div class="buttons">
      <button type="button" class="primary" onClick=${() => location.reload()}>Reload the page</button>
    </div>
  </div>`;
}

/** @param {Event} event */
function toMain(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

/** @param {Event} event */
async function choose(event) {
  const { target } = event;
  if (!(target instanceof HTMLSelectElement)) return;
  await chooseTenant(target.value);
  go('/');
  say('You look at another client now.');
}

const themes = ['system', 'light', 'dark'];

/** @param {string} theme */
function setTheme(theme) {
  const { dataset } = document.documentElement;
  if (theme === 'system') {
    delete dataset['theme'];
    localStorage.removeItem('unwind-theme');
  } else {
    dataset['theme'] = theme;
    localStorage.setItem('unwind-theme', theme);
  }
}

/** @param {{ person: string | null | undefined, onHelp: () => void }} props */
function Menu({ person, onHelp }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [theme, change] = useState(document.documentElement.dataset['theme'] ?? 'system');
  const choose = (/** @type {string} */ next) => {
    setTheme(next);
    change(next);
  };
  return html`<button type="button" class="quiet menu" onClick=${() => dialog.current?.showModal()}>
      ${person ?? ''}
    </button>
    <dialog ref=${dialog} aria-label="You">
      <h2>${person} · ${session.value?.role}</h2>
      <label>
        <span>Light or dark</span>
        <select value=${theme} onChange=${(/** @type {any} */ event) => choose(event.target.value)}>
          ${themes.map((one) => html`<option value=${one}>${one}</option>`)}
        </select>
      </label>
      <div class="buttons">
        <button type="button" onClick=${() => dialog.current?.close()}>Close</button>
        <button
          type="button"
          onClick=${() => {
            dialog.current?.close();
            onHelp();
          }}
        >
          Keys
        </button>
        <a class="button" href="/docs" target="_blank">API</a>
        <button type="button" onClick=${() => signOut().catch(({ message }) => say(message))}>Sign out</button>
      </div>
    </dialog>`;
}

/** @type {Record<string, (found: any) => string | undefined>} */
const pageOf = {
  liquidation: ({ id }) => `/liquidations/${id}`,
  account: ({ id }) => `/accounts/${id}`,
  order: ({ liquidation_id: id }) => `/liquidations/${id}`,
  execution: ({ liquidation_id: id }) => `/liquidations/${id}`,
  batch: ({ id }) => `/batches/${id}`,
  webhook: ({ id }) => `/webhooks/${id}`,
  instrument: ({ id }) => (isSandbox ? `/sandbox?isin=${id}` : undefined),
};

/** @param {{ input: import('preact').RefObject<HTMLInputElement> }} props */
function Find({ input }) {
  const find = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? '';
    if (text === '') return;
    try {
      // Every id has this form; anything else names nothing.
      const { data } = /^[0-9A-Za-z-]{8,64}$/.test(text)
        ? await get('/find', { text })
        : { data: [] };
      const path = data[0] && pageOf[data[0].kind]?.(data[0]);
      if (path === undefined) return say(`Nothing here is named ${text}.`);
      go(path);
      if (input.current) input.current.value = '';
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message);
    }
  };
  return html`<form class="find" role="search" onSubmit=${find}>
    <input
      ref=${input}
      type="search"
      maxlength="64"
      aria-label="Find by id"
      placeholder="Find a liquidation, order, batch … by its id"
      autocomplete="off"
      spellcheck=${false}
    />
  </form>`;
}

/**
 * The keys of the console; none of them while something is typed.
 * @param {() => void} onFind
 * @param {() => void} onHelp
 */
function useKeys(onFind, onHelp) {
  useEffect(() => {
    let isGoing = false;
    const press = (/** @type {KeyboardEvent} */ event) => {
      const { target, key } = event;
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      if (target instanceof Element && target.closest('input, select, textarea, dialog') !== null)
        return;
      const chosen = isGoing ? places.find((one) => one.key === key) : undefined;
      isGoing = key === 'g' && !isGoing;
      if (chosen !== undefined) go(chosen.path);
      else if (key === '/') onFind();
      else if (key === '?') onHelp();
      else if (key === 'j' || key === 'k') step(key === 'j' ? 1 : -1);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** Goes to the first link of the next row. @param {1 | -1} by */
function step(by) {
  const rows = [...document.querySelectorAll('main tbody tr.link')];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  next?.querySelector('a')?.focus();
}
