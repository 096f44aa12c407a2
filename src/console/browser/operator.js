// What belongs to the service and to no client: venues with their sessions and messages, and the audit.

import { html } from 'htm/preact';
import { ApiError, get, operate, operator, session } from './api.js';
import { Confirm, Reason, useAttempt } from './forms.js';
import { useFresh } from './live.js';
import { VenueTable } from './overview.js';
import {
  Ago,
  At,
  Badge,
  grouped,
  Head,
  Loading,
  lasting,
  Panel,
  Problem,
  Progress,
  say,
} from './parts.js';
import { to } from './router.js';
import { column, figures, Table } from './table.js';

export function VenuesPage() {
  const { data, error, again } = useFresh(async (asked) => {
    const [overview, own] = await Promise.all([
      get('/overview', {}, asked),
      operator('/venues', {}, asked).catch(orRefusal),
    ]);
    return { overview, own };
  }, []);
  if (data === undefined) return html`<${Head} title="Venues" /><${Loading} error=${error} />`;
  const { overview, own } = data;
  return html`<${Head} title="Venues" />
    <${Problem} error=${error} />
    <${Panel} title="Trading" rows>
      <${VenueTable} venues=${overview.venues} />
    </${Panel}>
    ${own instanceof ApiError ? html`<${Problem} error=${own} />` : html`<${Sessions} own=${own} again=${again} />`}`;
}

/** Who may look at some clients only sees what venues do, and not what passes over their sessions. */
/** @param {unknown} error */
function orRefusal(error) {
  if (error instanceof ApiError && error.status === 403) return error;
  throw error;
}

/** @param {{ own: any, again: () => void }} props */
function Sessions({ own, again }) {
  return html`<${Panel} title="FIX sessions" rows>
      <${Table}
        label="FIX sessions"
        rows=${own.sessions}
        keyOf=${(/** @type {any} */ { venue }) => venue}
        linkOf=${(/** @type {any} */ { venue }) => `/venues/${venue}`}
        empty="No venue is reached over FIX."
        columns=${[
          column(
            'Venue',
            ({ venue }) => html`<a class="mono" href=${to(`/venues/${venue}`)}>${venue}</a>`,
          ),
          column('State', ({ status }) => html`<${Badge} state=${status} />`),
          column('Since', ({ since }) => html`<${Ago} at=${since} />`),
          column('Why', ({ reason }) => html`<span class="soft">${reason ?? '–'}</span>`),
          figures('Next in', (row) => grouped(row.next_in)),
          figures('Next out', (row) => grouped(row.next_out)),
          figures('Queued', (row) => grouped(row.queued)),
          figures('Open orders', (row) => grouped(row.open_orders)),
        ]}
      />
    </${Panel}>
    <${Panel} title="What waits for the operator" rows>
      <${Table}
        label="What waits for the operator"
        rows=${own.waiting}
        empty="No session has failed, and every message was understood."
        columns=${[
          column('What', ({ id }) => html`<span class="mono">${id}</span>`),
          column('Why', ({ reason }) => html`<span>${reason}</span>`),
          column('Since', ({ since }) => html`<${Ago} at=${since} />`),
          column(
            'Then',
            ({ id }) =>
              html`<span><${Then} id=${id} sessions=${own.sessions} again=${again} /></span>`,
          ),
        ]}
      />
    </${Panel}>`;
}

/**
 * What a person does about a session that has failed, or about a message that was not understood.
 * @param {{ id: string, sessions: any[], again: () => void }} props
 */
function Then({ id, sessions, again }) {
  const [, venue, ...message] = id.split('/');
  if (message.length > 0) return html`<code>unwind parked close ${id} --reason …</code>`;
  const failed = sessions.find((one) => one.venue === venue);
  if (session.value?.role === 'viewer' || failed === undefined)
    return html`<code>unwind fix resume ${venue} --reason …</code>`;
  const resume = async (/** @type {FormData} */ form) => {
    const numbers = ['next_in', 'next_out'].flatMap((name) => {
      const number = String(form.get(name));
      return number === '' ? [] : [[name, Number(number)]];
    });
    const reason = String(form.get('reason'));
    await operate(`/venues/${venue}/resume`, { reason, ...Object.fromEntries(numbers) });
    say('Resumed. A running service connects within seconds.');
    again();
  };
  return html`<${Confirm} label="Resume" title=${`Resume the session with ${venue}?`} confirm="Resume it" act=${resume}>
    <p>${failed.reason}</p>
    <p class="soft">Mend the cause first. Change a number only as agreed with the venue; another one loses or repeats messages.</p>
    <label>
      <span>Next number expected of the venue <span class="hint">empty: ${grouped(failed.next_in)}, as it is</span></span>
      <input name="next_in" type="number" min="1" step="1" inputmode="numeric" />
    </label>
    <label>
      <span>Number of our next message <span class="hint">empty: ${grouped(failed.next_out)}, as it is</span></span>
      <input name="next_out" type="number" min="1" step="1" inputmode="numeric" />
    </label>
    <${Reason} />
  </${Confirm}>`;
}

/** @param {{ venue: string }} props */
export function VenuePage({ venue }) {
  const { data, error } = useFresh(
    (asked) => operator(`/venues/${venue}/messages`, {}, asked),
    [venue],
  );
  const head = html`<${Head} title=${`Messages of ${venue}`} />
    <p class="soft">The last 200 of the trading day, the newest first. Passwords are masked.</p>`;
  if (data === undefined) return html`${head}<${Loading} error=${error} />`;
  return html`${head}
    <${Problem} error=${error} />
    <div class="panel">
      <${Table}
        label="Messages"
        rows=${data.data}
        keyOf=${(/** @type {any} */ row) => `${row.direction} ${row.number}`}
        empty="No message passed today."
        columns=${[
          column('When', ({ at }) => html`<${At} at=${at} ms />`),
          column(
            'Way',
            ({ direction }) =>
              html`<span class="nowrap">${direction === 'in' ? '← in' : '→ out'}</span>`,
          ),
          figures('Number', ({ number }) => grouped(number)),
          column(
            'Message',
            ({ text, problem }) => html`<span class="mono wrap">
              ${text}${problem && html`<br /><strong class="bad">${problem}</strong>`}
            </span>`,
          ),
        ]}
      />
    </div>`;
}

/** @type {Record<string, { words: string, tone: string }>} */
const auditStates = {
  RUNNING: { words: 'running', tone: 'busy' },
  LOST: { words: 'its process has ended', tone: 'bad' },
  FAILED: { words: 'could not be run', tone: 'bad' },
};

/** @param {any} audit */
function auditBadge({ status, differences }) {
  const known = auditStates[status];
  if (known !== undefined) return html`<${Badge} state=${known.words} tone=${known.tone} />`;
  return differences === 0
    ? html`<${Badge} state="all is well" tone="good" />`
    : html`<${Badge} state=${`${grouped(differences)} differences`} tone="bad" />`;
}

export function AuditsPage() {
  const { data, error, again } = useFresh((asked) => operator('/audits', {}, asked), []);
  const { refused, attempt } = useAttempt();
  const isRunning = data?.data.some((/** @type {any} */ { status }) => status === 'RUNNING');
  const begin = () =>
    attempt(async () => {
      await operate('/audits');
      say('The audit has begun. It goes on when you leave this page.');
      again();
    });
  const head = html`<${Head} title="Audit">
      ${
        session.value?.role !== 'viewer' &&
        html`<button type="button" class="primary" disabled=${isRunning} onClick=${begin}>Run the audit</button>`
      }
    </${Head}>
    <p class="soft">
      Recomputes positions, orders, liquidations, events and deliveries of all clients from what was executed, and
      names what differs. Nothing is changed, and nothing waits for it.
    </p>
    <${Problem} error=${refused ?? error} />`;
  if (data === undefined) return html`${head}<${Loading} />`;
  return html`${head}
    <div class="panel">
      <${Table}
        label="Audits"
        rows=${data.data}
        linkOf=${(/** @type {any} */ { id }) => `/audits/${id}`}
        empty="No audit was run here yet. “unwind audit” runs one, too."
        columns=${[
          column(
            'Begun',
            (row) => html`<a href=${to(`/audits/${row.id}`)}><${At} at=${row.started_at} /></a>`,
          ),
          column('By', ({ person }) => html`<span>${person}</span>`),
          column('Result', (row) => html`<span>${auditBadge(row)}</span>`),
          column('Checks', (row) =>
            row.status === 'RUNNING'
              ? html`<${Progress} done=${row.checks_done} of=${row.checks_total} label="Checks done" />`
              : html`<span>${row.checks_done}</span>`,
          ),
          figures('Took', (row) =>
            row.ended_at ? lasting(Date.parse(row.ended_at) - Date.parse(row.started_at)) : '–',
          ),
          column('Why not', ({ failure }) => html`<span class="soft">${failure ?? '–'}</span>`),
        ]}
      />
    </div>`;
}

/** @param {{ id: string }} props */
export function AuditPage({ id }) {
  const { data, error } = useFresh((asked) => operator(`/audits/${id}`, {}, asked), [id]);
  if (data === undefined) return html`<${Head} title="Audit" /><${Loading} error=${error} />`;
  const differing = data.checks.filter((/** @type {any} */ { total }) => total > 0);
  return html`<${Head}
      title="Audit"
      badge=${
        differing.length === 0
          ? html`<${Badge} state="all is well" tone="good" />`
          : html`<${Badge} state=${`${differing.length} checks differ`} tone="bad" />`
      }
    />
    <p class="soft">True at <${At} at=${data.at} ms />, of ${grouped(data.counts.accounts)} accounts and ${grouped(data.counts.executions)} executions.</p>
    ${differing.map((/** @type {any} */ check) => html`<${Differences} check=${check} />`)}
    <${Panel} title="Checks" rows>
      <${Table}
        label="Checks"
        rows=${data.checks}
        keyOf=${(/** @type {any} */ { name }) => name}
        columns=${[
          column(
            'What has to be true',
            ({ says, name }) =>
              html`<span>${says}<br /><span class="mono soft">${name}</span></span>`,
          ),
          column('Result', ({ total }) =>
            total === 0
              ? html`<${Badge} state="true" tone="good" />`
              : html`<${Badge} state=${`${grouped(total)} differ`} tone="bad" />`,
          ),
          figures('Took', ({ duration_ms: ms }) => `${grouped(ms)} ms`),
        ]}
      />
    </${Panel}>`;
}

/** @param {{ check: any }} props */
function Differences({ check }) {
  const { name, says, total, differences } = check;
  const aside =
    total > differences.length &&
    html`<span class="soft">${differences.length} of ${grouped(total)}; all by “unwind audit”</span>`;
  return html`<${Panel} title=${says} rows aside=${aside}>
    <${Table}
      label=${name}
      rows=${differences}
      keyOf=${(/** @type {any} */ row) => `${row.client_id} ${row.subject} ${row.subject_id}`}
      columns=${[
        column(
          'What',
          (row) => html`<span>${row.subject} <span class="mono">${row.subject_id}</span></span>`,
        ),
        column('Expected', (row) => html`<span>${row.expected ?? '–'}</span>`),
        column('Found', (row) => html`<span>${row.found ?? '–'}</span>`),
        column('Why', ({ message }) => html`<span>${message}</span>`),
      ]}
    />
  </${Panel}>`;
}
