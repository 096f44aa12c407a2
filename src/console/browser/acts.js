// Who has changed what, searched: of the client that is shown, or of the service itself.

import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { get, operator } from './api.js';
import { submitted } from './forms.js';
import { useFresh } from './live.js';
import { At, Head, Id, Loading, Problem } from './parts.js';
import { go, place, to, withQuery } from './router.js';
import { column, Pages, Table } from './table.js';

const pageRows = 50;

/** @type {Record<string, string>} */
const kinds = {
  client: 'signed request',
  person: 'at the console',
  command: 'command',
  start: 'start of a process',
};

/** What the address has of the search, each as the operation names it. */
const filters = ['kind', 'actor', 'operation', 'names', 'since', 'before'];

export function ActsPage() {
  const { query } = place.value;
  const cursor = query.get('cursor') ?? undefined;
  const isService = query.get('of') === 'service';
  const chosen = Object.fromEntries(filters.map((name) => [name, query.get(name) ?? undefined]));
  const { data, error } = useFresh(
    (asked) =>
      (isService ? operator : get)('/trail', { ...chosen, cursor, limit: pageRows }, asked),
    [query.toString()],
  );
  const isFiltered = Object.values(chosen).some((one) => one !== undefined);
  const next = data?.meta.next ?? null;
  return html`<${Head} title="Who did what" />
    <p class="soft">Every change: by a signed request, at the console, or by a command.</p>
    <${Search} key=${query.toString()} chosen=${chosen} isService=${isService} isFiltered=${isFiltered} />
    <${Problem} error=${data === undefined ? undefined : error} />
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<div class="panel"><${ActTable} rows=${data.data} empty=${emptyWords(isFiltered, next !== null)} /></div>
            <${Pages} next=${next} parameter="cursor" />`
    }`;
}

/** @param {boolean} isFiltered @param {boolean} hasMore */
function emptyWords(isFiltered, hasMore) {
  if (hasMore) return 'None among the 10 000 changes looked at. “Older” looks further back.';
  return isFiltered ? 'None is like that.' : 'Nothing was changed here yet.';
}

/** @param {{ chosen: Record<string, string | undefined>, isService: boolean, isFiltered: boolean }} props */
function Search({ chosen, isService, isFiltered }) {
  const [wrong, setWrong] = useState(/** @type {string | undefined} */ (undefined));
  const search = (/** @type {FormData} */ form) => {
    const given = Object.fromEntries(
      [...form].map(([name, value]) => [name, String(value).trim()]),
    );
    const { since, before, names = '', operation = '' } = given;
    if (since && before && since >= before) return setWrong('“From” has to be before “to”.');
    if (names !== '' && !uuid.test(names)) return setWrong('An id has the form of a UUID.');
    setWrong(undefined);
    go(
      withQuery({
        ...given,
        operation: operation.replaceAll(' ', '_'),
        since: instantOf(since),
        before: instantOf(before),
        cursor: undefined,
      }),
    );
  };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return html`<form class="filters" role="search" aria-label="Search the trail" onSubmit=${submitted(search)}>
    <label>Of
      <select name="of" defaultValue=${isService ? 'service' : ''}>
        <option value="" selected=${!isService}>this client</option>
        <option value="service" selected=${isService}>the service itself</option>
      </select>
    </label>
    <label>Kind
      <select name="kind">
        <option value="">any</option>
        ${Object.entries(kinds).map(([kind, words]) => html`<option value=${kind} selected=${chosen['kind'] === kind}>${words}</option>`)}
      </select>
    </label>
    <label>Who
      <input name="actor" defaultValue=${chosen['actor'] ?? ''} maxlength="200" placeholder="a name, or a key" autocomplete="off" />
    </label>
    <label>What
      <input name="operation" defaultValue=${chosen['operation'] ?? ''} pattern="[a-z_ ]{1,100}" title="such as set_halt" placeholder="such as set_halt" autocomplete="off" spellcheck=${false} />
    </label>
    <label>Names the id
      <input name="names" defaultValue=${chosen['names'] ?? ''} maxlength="36" placeholder="of an account, batch, …" autocomplete="off" spellcheck=${false} />
    </label>
    <label>From, ${zone}
      <input name="since" type="datetime-local" step="1" defaultValue=${localOf(chosen['since'])} />
    </label>
    <label>To, ${zone}
      <input name="before" type="datetime-local" step="1" defaultValue=${localOf(chosen['before'])} />
    </label>
    <button type="submit" class="primary">Search</button>
    ${(isFiltered || isService) && html`<a class="button" href=${to(place.value.path)}>Show all</a>`}
    ${wrong !== undefined && html`<div class="notice bad" role="alert">${wrong}</div>`}
  </form>`;
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** The instant of a time of this place. @param {string | undefined} local */
function instantOf(local) {
  return local ? new Date(local).toISOString() : undefined;
}

/** The time of this place, as a field of the page has it. @param {string | undefined} instant */
function localOf(instant) {
  const at = Date.parse(instant ?? '');
  if (Number.isNaN(at)) return '';
  const offsetMs = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offsetMs).toISOString().slice(0, 19);
}

/** Leads to all that they have done. @param {{ act: any }} props */
function Who({ act: { actor, kind, role } }) {
  const href = to(withQuery({ actor, kind, cursor: undefined }));
  return html`${kind === 'client' ? html`<${Id} id=${actor} href=${href} />` : html`<a href=${href}>${actor}</a>`}${' '}
    <span class="soft">${(kind === 'person' && role) || kinds[kind]}</span>`;
}

/** @param {{ rows: any[], empty: string }} props */
function ActTable({ rows, empty }) {
  return html`<${Table}
    label="Acts"
    rows=${rows}
    empty=${empty}
    columns=${[
      column('When', ({ at }) => html`<${At} at=${at} />`),
      column('Who', (act) => html`<span class="linked"><${Who} act=${act} /></span>`),
      column('What', (row) => html`<span>${row.operation.replaceAll('_', ' ')}</span>`),
      column(
        'Reason',
        ({ reason }) => html`<span>${reason ?? html`<span class="soft">–</span>`}</span>`,
      ),
      column(
        'Target',
        ({ target, detail }) => html`<div><span class="mono soft wrap">${target}</span>
          ${detail && html`<details><summary>what it said</summary><span class="mono wrap">${detail}</span></details>`}</div>`,
      ),
    ]}
  />`;
}
