// Who has changed what of the client that is shown: the trail.

import { html } from 'htm/preact';
import { get } from './api.js';
import { useFresh } from './live.js';
import { At, Head, Loading, Table } from './parts.js';
import { place, to, withQuery } from './router.js';

/** @type {Record<string, string>} */
const kinds = { client: 'signed request', command: 'command', start: 'start' };

export function ActsPage() {
  const cursor = place.value.query.get('cursor');
  const query = { limit: '50', ...(cursor === null ? {} : { cursor }) };
  const { data, error } = useFresh((asked) => get('/trail', query, asked), [cursor]);
  return html`<${Head} title="Who did what" />
    <p class="soft">Every change that somebody has made: by a signed request, at the console, or by a command.</p>
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<div class="panel">
              <${Table}
                label="Acts"
                rows=${data.data}
                keyOf=${(/** @type {any} */ row) => row.id}
                empty="Nobody has changed anything here yet."
                columns=${[
                  { name: 'When', cell: (/** @type {any} */ { at }) => html`<${At} at=${at} />` },
                  {
                    name: 'Who',
                    cell: (/** @type {any} */ row) =>
                      html`<span>${row.actor} <span class="soft">${row.role ?? kinds[row.kind]}</span></span>`,
                  },
                  {
                    name: 'What',
                    cell: (/** @type {any} */ row) =>
                      html`<span>${row.operation.replaceAll('_', ' ')}</span>`,
                  },
                  {
                    name: 'Reason',
                    cell: (/** @type {any} */ { reason }) =>
                      html`<span>${reason ?? html`<span class="soft">–</span>`}</span>`,
                  },
                  {
                    name: 'Target',
                    cell: (/** @type {any} */ { target }) =>
                      html`<span class="mono soft">${target}</span>`,
                  },
                ]}
              />
            </div>
            <div class="buttons">
              ${data.meta.next !== null && html`<a class="button" href=${to(withQuery({ cursor: data.meta.next }))}>Older</a>`}
            </div>`
    }`;
}
