// The market of a sandbox: its clock, its venue, halts of instruments, and what becomes of orders.

import { html } from 'htm/preact';
import { change, get } from './api.js';
import { Faults } from './faults.js';
import { submitted, useAttempt } from './forms.js';
import { useFresh } from './live.js';
import { At, Badge, Head, Loading, lasting, now, Panel, Problem, say } from './parts.js';
import { place } from './router.js';
import { column, Table } from './table.js';

const jumps = /** @type {const} */ ([
  ['10 minutes', 600_000],
  ['1 hour', 3_600_000],
  ['1 day', 86_400_000],
]);

/** What may happen to orders (`course` of `POST /tests/market`), in words. @type {Record<string, string>} */
const courses = {
  '': 'as usual',
  filled: 'filled at once',
  in_parts: 'filled in parts',
  cancelled_before_last: 'cancelled before the last part',
  cancelled: 'cancelled, nothing sold',
  rejected: 'rejected for good',
  resting: 'rests, never sold',
  interrupted: 'interrupted half-way',
  filled_late: 'last part reported late',
  busted: 'sold, then declared void',
  once_a_day: 'at the fixing of the next day',
};

export function SandboxPage() {
  const { data, error, again } = useFresh((asked) => get('/tests/market', {}, asked), []);
  const { refused, attempt } = useAttempt();
  if (data === undefined) return html`<${Head} title="Sandbox" /><${Loading} error=${error} />`;
  const steer = (/** @type {object} */ body, /** @type {string} */ word) =>
    attempt(async () => {
      await change('POST', '/tests/market', body, { key: crypto.randomUUID() });
      say(word);
      again();
    });
  return html`<${Head} title="Sandbox" />
    <p class="soft">The market is one for all clients of this sandbox. Nothing here moves money.</p>
    <${Problem} error=${refused ?? error} />
    <div class="grid">
      <${Clock} clock=${data.clock} steer=${steer} />
      <${Venue} venue=${data.venue} steer=${steer} />
      <${Halts} halted=${data.halted} steer=${steer} />
      <${Trouble} behaviours=${data.behaviours} steer=${steer} />
      <${Faults} />
    </div>`;
}

/** @typedef {(body: object, word: string) => Promise<void>} Steer */

/** @param {{ clock: any, steer: Steer }} props */
function Clock({ clock, steer }) {
  return html`<${Panel} title="Clock">
    <p><strong><${At} at=${new Date(now.value + clock.ahead_ms).toISOString()} /></strong>
      <span class="soft"> ${clock.ahead_ms > 0 ? `${lasting(clock.ahead_ms)} ahead of the wall clock` : 'the wall clock'}</span></p>
    <p class="soft">Time only goes on; nothing brings it back.</p>
    <div class="buttons">
      ${jumps.map(
        ([
          name,
          ms,
        ]) => html`<button type="button" onClick=${() => steer({ clock: { advance_ms: ms } }, `${name} passed.`)}>
          + ${name}
        </button>`,
      )}
    </div>
  </${Panel}>`;
}

/** @param {{ venue: any, steer: Steer }} props */
function Venue({ venue, steer }) {
  const set = (/** @type {object} */ command, /** @type {string} */ word) =>
    steer({ venue: command }, word);
  return html`<${Panel} title=${`Venue ${venue.mic}`}>
    <p>
      <${Badge} state=${venue.open ? 'open' : 'closed'} /> ${' '}
      ${!venue.reachable && html`<${Badge} state="not reachable" tone="bad" />`}
      <span class="soft"> ${venue.trading === 'calendar' ? 'by its calendar' : 'against its calendar'}</span>
    </p>
    <div class="buttons">
      <button type="button" onClick=${() => set({ trading: 'closed' }, 'The venue is closed.')}>Close</button>
      <button type="button" onClick=${() => set({ trading: 'open' }, 'The venue is open.')}>Open</button>
      <button type="button" onClick=${() => set({ trading: 'calendar' }, 'It follows its calendar.')}>By calendar</button>
      ${
        venue.reachable
          ? html`<button type="button" onClick=${() => set({ reachable: false }, 'The venue is gone.')}>Take away</button>`
          : html`<button type="button" onClick=${() => set({ reachable: true }, 'The venue is back.')}>Bring back</button>`
      }
    </div>
  </${Panel}>`;
}

/** @param {{ halted: string[], steer: Steer }} props */
function Halts({ halted, steer }) {
  const halt = (/** @type {FormData} */ form) => {
    const isin = String(form.get('isin')).trim().toUpperCase();
    steer({ instruments: [{ isin, halted: true }] }, `${isin} is halted.`);
  };
  return html`<${Panel} title="Halted instruments">
    <${Table}
      label="Halted instruments"
      rows=${halted}
      keyOf=${(/** @type {string} */ isin) => isin}
      empty="Every instrument trades."
      columns=${[
        column(
          'Instrument',
          (/** @type {string} */ isin) => html`<span class="mono">${isin}</span>`,
        ),
        column(
          'Resume',
          (/** @type {string} */ isin) => html`<button type="button"
            onClick=${() => steer({ instruments: [{ isin, halted: false }] }, `${isin} trades again.`)}
          >Resume</button>`,
        ),
      ]}
    />
    <form class="filters" onSubmit=${submitted(halt)}>
      <label>ISIN <input name="isin" required minlength="12" maxlength="12" value=${place.value.query.get('isin') ?? ''} autocomplete="off" /></label>
      <button type="submit">Halt</button>
    </form>
  </${Panel}>`;
}

/** @param {{ behaviours: any[], steer: Steer }} props */
function Trouble({ behaviours, steer }) {
  const ask = (/** @type {FormData} */ form) => {
    const isin = String(form.get('isin')).trim().toUpperCase();
    const course = String(form.get('course'));
    const command = {
      ...(isin === '' ? {} : { isin }),
      ...(course === '' ? {} : { course }),
      ...(form.has('loses') ? { loses_answers: true } : {}),
      ...(form.has('repeats') ? { repeats_reports: true } : {}),
      ...(form.has('shuffles') ? { shuffles_reports: true } : {}),
      ...(form.get('later') ? { delays_reports_ms: Number(form.get('later')) * 1_000 } : {}),
      ...(form.get('one_in') ? { one_in: Number(form.get('one_in')) } : {}),
    };
    steer({ behaviours: [command] }, 'Orders from now on go like that.');
  };
  return html`<${Panel} title="What becomes of orders">
    <${Table}
      label="Behaviours"
      rows=${behaviours}
      keyOf=${(/** @type {any} */ { isin }) => isin ?? 'all'}
      empty="Orders go as usual."
      columns=${[
        column('Instrument', ({ isin }) => html`<span class="mono">${isin ?? 'all'}</span>`),
        column('Behaviour', (row) => html`<span>${behaviourWords(row)}</span>`),
        column(
          'End',
          ({ isin }) => html`<button type="button"
            onClick=${() => steer({ behaviours: [isin === undefined ? {} : { isin }] }, 'As usual again.')}
          >End</button>`,
        ),
      ]}
    />
    <form onSubmit=${submitted(ask)}>
      <div class="filters">
        <label>ISIN <input name="isin" minlength="12" maxlength="12" placeholder="every instrument" autocomplete="off" /></label>
        <label>Course
          <select name="course">${Object.entries(courses).map(([one, words]) => html`<option value=${one}>${words}</option>`)}</select>
        </label>
        <label>Reports later by seconds
          <input type="number" name="later" min="1" max="86400" inputmode="numeric" />
        </label>
        <label>One order in
          <input type="number" name="one_in" min="1" max="1000" inputmode="numeric" />
        </label>
      </div>
      <label class="check"><input type="checkbox" name="loses" /> Answers get lost</label>
      <label class="check"><input type="checkbox" name="repeats" /> Reports come twice</label>
      <label class="check"><input type="checkbox" name="shuffles" /> Reports come in any order</label>
      <p></p>
      <button type="submit">Ask for it</button>
    </form>
  </${Panel}>`;
}

/** @param {any} behaviour */
function behaviourWords({
  course,
  loses_answers,
  repeats_reports,
  shuffles_reports,
  delays_reports_ms,
  one_in,
}) {
  const words = [
    course && courses[course],
    loses_answers && 'answers get lost',
    repeats_reports && 'reports twice',
    shuffles_reports && 'reports in any order',
    delays_reports_ms && `reports ${lasting(delays_reports_ms)} later`,
    one_in > 1 && `one order in ${one_in}`,
  ];
  return words.filter(Boolean).join(', ');
}
