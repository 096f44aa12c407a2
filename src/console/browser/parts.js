// The small parts that every page is made of: states, amounts, times, ids, panels.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** @typedef {import('preact').ComponentChildren} Children */

/** @type {Record<string, string>} */
const tones = {
  NEW: 'warn',
  PROCESSING: 'busy',
  FILLED: 'good',
  SETTLED: 'good',
  CANCELLED: '',
  PENDING_APPROVAL: 'warn',
  SCHEDULED: 'warn',
  RUNNING: 'busy',
  PAUSED: 'warn',
  CANCELLING: 'warn',
  COMPLETED: 'good',
  STARTED: 'busy',
  REFUSED: 'bad',
  ok: 'good',
  open: 'good',
  ready: 'good',
  closed: 'warn',
  failing: 'bad',
  parked: 'bad',
  lost: 'bad',
  failed: 'bad',
};

/** @param {{ state: string, tone?: string }} props */
export function Badge({ state, tone = tones[state] ?? '' }) {
  return html`<span class=${`badge ${tone}`}>${state}</span>`;
}

/** Money without a float: groups of three digits, two places. @param {string | undefined} amount */
export function money(amount) {
  if (amount === undefined) return '–';
  const [whole = '0', cents = ''] = amount.split('.');
  return `${grouped(whole)}.${cents.padEnd(2, '0')}`;
}

/** @param {string | number} whole */
export function grouped(whole) {
  return String(whole).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** So many of something, one or more. @param {number} count @param {string} word */
export function counted(count, word) {
  return `${grouped(count)} ${word}${count === 1 ? '' : 's'}`;
}

/** A quantity: its whole part in groups. @param {string | undefined} quantity */
export function units(quantity) {
  if (quantity === undefined) return '–';
  const [whole = '0', rest] = quantity.split('.');
  return grouped(whole) + (rest === undefined ? '' : `.${rest}`);
}

/** How long, in one or two words. @param {number} ms */
export function lasting(ms) {
  const s = Math.max(0, Math.round(ms / 1_000));
  if (s < 60) return `${s} s`;
  if (s < 3_600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`;
}

/** The page's idea of now, once a second for all that show an age. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);

/** How long ago; the whole instant stands in its title. @param {{ at: string | undefined | null }} props */
export function Ago({ at }) {
  if (!at) return html`<span class="soft">–</span>`;
  return html`<time datetime=${at} title=${at}>${lasting(now.value - Date.parse(at))} ago</time>`;
}

/** Time of day, with the day where it is not today. @param {{ at: string | undefined | null, ms?: boolean }} props */
export function At({ at, ms = false }) {
  if (!at) return html`<span class="soft">–</span>`;
  const date = new Date(at);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const fine = ms ? `.${String(date.getMilliseconds()).padStart(3, '0')}` : '';
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday
    ? ''
    : `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `;
  return html`<time datetime=${at} title=${at}>${day}${clock}${fine}</time>`;
}

/** What a screen reader says, and everybody sees for a moment. */
const said = signal('');

/** @param {string} text */
export function say(text) {
  said.value = text;
  setTimeout(() => {
    if (said.value === text) said.value = '';
  }, 4_000);
}

export function Toast() {
  return html`<div role="status" aria-live="polite">
    ${said.value !== '' && html`<div class="toast">${said.value}</div>`}
  </div>`;
}

/** An id, short unless asked for whole, with a button that copies it. */
/** @param {{ id: string, href?: string, whole?: boolean }} props */
export function Id({ id, href, whole = false }) {
  // The last digits of a UUIDv7 are random; its first are the time, which neighbours share.
  const shown = whole || id.length < 20 ? id : `…${id.slice(-12)}`;
  const copy = async (/** @type {Event} */ event) => {
    event.stopPropagation();
    await navigator.clipboard?.writeText(id);
    say('Copied.');
  };
  return html`<span class="id" title=${id}>
    ${href === undefined ? shown : html`<a href=${href}>${shown}</a>`}
    ${
      whole &&
      html`<button type="button" class="quiet tiny" aria-label=${`Copy ${id}`} onClick=${copy}>Copy</button>`
    }
  </span>`;
}

/** @param {{ children: Children, title?: string, aside?: Children, rows?: boolean }} props */
export function Panel({ title, aside, rows = false, children }) {
  return html`<section class="panel" aria-label=${title}>
    ${title !== undefined && html`<header><h2>${title}</h2>${aside}</header>`}
    <div class=${rows ? 'rows' : 'body'}>${children}</div>
  </section>`;
}

/** @param {{ done: number, of: number, label: string, big?: boolean }} props */
export function Progress({ done, of, label, big = false }) {
  const kind = `bar ${big ? 'big' : ''} ${of > 0 && done >= of ? 'done' : ''}`;
  return html`<progress class=${kind} max=${Math.max(of, 1)} value=${done} aria-label=${label}></progress>`;
}

/** What went wrong, in the words of the service. @param {{ error: Error | undefined }} props */
export function Problem({ error }) {
  if (error === undefined) return null;
  return html`<div class="notice bad" role="alert">${error.message}</div>`;
}

/** While the first response is on its way; a quick one never shows it. @param {{ error?: Error | undefined }} props */
export function Loading({ error }) {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 400);
    return () => clearTimeout(timer);
  }, []);
  if (error !== undefined) return html`<${Problem} error=${error} />`;
  return isSlow ? html`<p class="soft">Loading …</p>` : null;
}

/** The heading of a page, which is read out when the page opens. */
/** @param {{ title: string, badge?: Children, children?: Children }} props */
export function Head({ title, badge, children }) {
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  // With the heading itself, not after it: a key that is pressed meanwhile may have taken the focus elsewhere.
  useLayoutEffect(() => {
    document.title = `${title} · Unwind`;
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return html`<div class="head">
    <h1 tabindex="-1" ref=${heading}>${title}</h1>
    ${badge}
    ${children !== undefined && html`<div class="actions">${children}</div>`}
  </div>`;
}
