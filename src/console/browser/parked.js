// What waits for a person: why, and the button that lets it go on.

import { html } from 'htm/preact';
import { change, get, may, session } from './api.js';
import { Confirm, Reason } from './forms.js';
import { useFresh } from './live.js';
import { Ago, grouped, Head, Loading, Problem, say } from './parts.js';
import { place, to, withQuery } from './router.js';
import { column, figures, Table } from './table.js';

const pageRows = 100;

/** @typedef {{ id: string, reason: string, tries: number, parked_at: string, remedy: 'resume' | 'close' }} Parked */

/** What the step was about, in words. @type {Record<string, string>} */
const steps = {
  release: 'Release of a liquidation',
  submit: 'Sending of an order',
  answer: 'Answer of a venue',
  receive: 'Report of a venue, not taken in',
  apply: 'Report of a venue, not applied',
  report: 'Report that contradicts what is known',
  advance: 'Next round of a liquidation',
  stop: 'Early end of a liquidation',
  publish: 'Publishing of events',
  correction: 'Fill or bust after the end',
};

export function ParkedPage() {
  const offset = Number(place.value.query.get('from') ?? '0');
  const { data, error, again } = useFresh(
    (asked) => get('/parked', { limit: pageRows, offset }, asked),
    [offset],
  );
  const head = html`<${Head} title="Parked" />
    <p class="soft">
      What a step could not do again and again waits here for a person; everything else goes on. Mend the cause, then
      resume it.
    </p>`;
  if (data === undefined) return html`${head}<${Loading} error=${error} />`;
  const shown = offset + data.data.length;
  return html`${head}
    <${Problem} error=${error} />
    <div class="panel">
      <${Table}
        label="Parked"
        rows=${data.data}
        empty="Nothing waits for a person."
        columns=${[
          column('What', (/** @type {Parked} */ row) => html`<${What} row=${row} />`),
          column('Why', (/** @type {Parked} */ { reason }) => html`<span>${reason}</span>`),
          figures('Tries', (/** @type {Parked} */ { tries }) => grouped(tries)),
          column('Since', (/** @type {Parked} */ { parked_at: at }) => html`<${Ago} at=${at} />`),
          column(
            'Then',
            (/** @type {Parked} */ row) =>
              html`<span><${Remedy} row=${row} again=${again} /></span>`,
          ),
        ]}
      />
    </div>
    <div class="buttons">
      ${
        shown < data.meta.total_count &&
        html`<a class="button" href=${to(withQuery({ from: String(shown) }))}>More of ${grouped(data.meta.total_count)}</a>`
      }
    </div>`;
}

/** @param {{ row: Parked }} props */
function What({ row }) {
  const [step = '', ...subject] = row.id.split('/');
  const name = subject.join('/');
  const isLiquidation = ['release', 'advance', 'stop'].includes(step);
  return html`<span>
    ${steps[step] ?? step}<br />
    ${
      isLiquidation
        ? html`<a class="mono" href=${to(`/liquidations/${name}`)}>${name}</a>`
        : html`<span class="mono soft">${name}</span>`
    }
  </span>`;
}

/** @param {{ row: Parked, again: () => void }} props */
function Remedy({ row, again }) {
  if (!may('parked:admin')) return html`<span class="soft">by an operator</span>`;
  const resume = async () => {
    await change('POST', '/parked/resume', { id: row.id });
    say('Resumed. The service works on it again.');
    again();
  };
  const close = async (/** @type {FormData} */ form) => {
    const reason = String(form.get('reason'));
    const body = { id: row.id, reason, person: session.value?.person ?? '' };
    await change('POST', '/parked/close', body, { reason });
    say('Closed.');
    again();
  };
  return row.remedy === 'close'
    ? html`<${Confirm} label="Close" title="Close this correction?" confirm="Close it" act=${close}>
        <p>${row.reason}</p>
        <p class="soft">It came after the end, so nothing here changes: say what was done about it.</p>
        <${Reason} />
      </${Confirm}>`
    : html`<${Confirm} label="Resume" title="Try it again?" confirm="Resume" act=${resume}>
        <p>${row.reason}</p>
        <p class="soft">It has all its tries before it. Where the cause is still there, it is parked again.</p>
      </${Confirm}>`;
}
