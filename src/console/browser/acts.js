// Who changed what at the console, and what became of it.

import { html } from 'htm/preact';
import { listActs } from './api.js';
import { useFresh } from './live.js';
import { At, Badge, Head, Loading, Table } from './parts.js';
import { place, to, withQuery } from './router.js';

export function ActsPage() {
  const below = place.value.query.get('below');
  const { data, error } = useFresh((asked) => listActs(below, asked), [below]);
  return html`<${Head} title="Who did what" />
    <p class="soft">Every change that was asked for at the console, recorded before it was tried.</p>
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
                      html`<span>${row.person} <span class="soft">${row.role}</span></span>`,
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
                  {
                    name: 'Result',
                    cell: (/** @type {any} */ { status }) =>
                      status === undefined
                        ? html`<${Badge} state="not known" tone="warn" />`
                        : html`<${Badge} state=${status < 400 ? 'done' : `refused ${status}`} tone=${status < 400 ? 'good' : 'bad'} />`,
                  },
                ]}
              />
            </div>
            <div class="buttons">
              ${data.next !== null && html`<a class="button" href=${to(withQuery({ below: data.next }))}>Older</a>`}
            </div>`
    }`;
}
