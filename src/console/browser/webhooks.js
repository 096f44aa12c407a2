// Subscriptions and their deliveries: where each stands, what was tried, a test, and sending again.

import { html } from 'htm/preact';
import { useState } from 'preact/hooks';
import { change, get, may } from './api.js';
import { Confirm } from './forms.js';
import { useFresh } from './live.js';
import { Ago, At, Badge, grouped, Head, Id, Loading, Panel, Problem, say } from './parts.js';
import { go, to } from './router.js';
import { column, figures, Table } from './table.js';

/** @typedef {any} Webhook */

/** @param {Webhook} webhook */
function stateOf({ enabled, deliveries }) {
  if (!enabled) return html`<${Badge} state="disabled" />`;
  if (deliveries?.failing_since) return html`<${Badge} state="failing" />`;
  return html`<${Badge} state="ok" />`;
}

export function WebhooksPage() {
  const { data, error } = useFresh((asked) => get('/webhooks', { limit: 200 }, asked), []);
  return html`<${Head} title="Webhooks">${may('webhooks:admin') && html`<${Add} />`}</${Head}>
    ${
      data === undefined
        ? html`<${Loading} error=${error} />`
        : html`<div class="panel">
            <${Table}
              label="Webhooks"
              rows=${data.data}
              linkOf=${(/** @type {Webhook} */ row) => `/webhooks/${row.id}`}
              empty="No webhooks yet. Add one, and events go to its URL."
              columns=${[
                column(
                  'Title',
                  (row) => html`<a href=${to(`/webhooks/${row.id}`)}>${row.title}</a>`,
                ),
                column('URL', ({ url }) => html`<span class="mono">${url}</span>`),
                column('State', (row) => stateOf(row)),
                column('Since', (row) => html`<${Ago} at=${row.created_at} />`),
              ]}
            />
          </div>`
    }`;
}

function Add() {
  const act = async (/** @type {FormData} */ form) => {
    const made = await change('POST', '/webhooks', {
      title: String(form.get('title')),
      url: String(form.get('url')),
      enabled: true,
    });
    say('Added. It gets the events from now on.');
    go(`/webhooks/${made.id}`);
  };
  return html`<${Confirm} label="Add a webhook" title="Add a webhook" confirm="Add it" act=${act}>
    <label><span>Title</span><input name="title" required maxlength="100" autocomplete="off" /></label>
    <label>
      <span>URL <span class="hint">events are sent there, signed</span></span>
      <input name="url" type="url" required maxlength="1000" autocomplete="off" placeholder="https://" />
    </label>
  </${Confirm}>`;
}

/** @param {{ id: string }} props */
export function WebhookPage({ id }) {
  const [result, setResult] = useState('');
  const { data, error, again } = useFresh(
    async (asked) => {
      const [webhook, attempts] = await Promise.all([
        get(`/webhooks/${id}`, {}, asked),
        get(`/webhooks/${id}/deliveries`, { limit: 100, result }, asked),
      ]);
      return { webhook, attempts };
    },
    [id, result],
  );
  if (data === undefined) return html`<${Head} title="Webhook" /><${Loading} error=${error} />`;
  const { webhook, attempts } = data;
  return html`<${Head} title=${webhook.title} badge=${stateOf(webhook)}>
      ${may('webhooks:admin') && html`<${Acts} webhook=${webhook} again=${again} />`}
    </${Head}>
    <${Problem} error=${error} />
    <${Facts} webhook=${webhook} />
    <${Attempts} attempts=${attempts.data} result=${result} choose=${setResult} />`;
}

/** @param {{ webhook: Webhook }} props */
function Facts({ webhook }) {
  const { deliveries: state } = webhook;
  return html`<div class="panel"><div class="body"><dl class="facts">
    <dt>Webhook</dt><dd><${Id} id=${webhook.id} whole /></dd>
    <dt>URL</dt><dd class="mono">${webhook.url}</dd>
    <dt>Events</dt><dd class="mono">${webhook.type.join(', ')}</dd>
    <dt>Signed with</dt><dd>${webhook.config.signature_algorithm}, version ${webhook.config.signature_version}</dd>
    ${
      state !== undefined &&
      html`<dt>Behind</dt>
        <dd>${grouped(state.behind)} events</dd>
        <dt>Last success</dt>
        <dd><${Ago} at=${state.last_success_at} /></dd>
        ${
          state.failing_since !== null &&
          html`<dt>Fails since</dt>
            <dd class="bad">
              <${Ago} at=${state.failing_since} />, ${state.attempts} attempts, last ${state.last_outcome}; next
              <${At} at=${state.next_attempt_at} />
            </dd>`
        }
        ${
          state.set_aside > 0 &&
          html`<dt>Set aside</dt>
            <dd>${grouped(state.set_aside)} accounts, whose events it refuses while it takes others</dd>`
        }`
    }
  </dl></div></div>`;
}

/** @param {{ webhook: Webhook, again: () => void }} props */
function Acts({ webhook, again }) {
  const path = `/webhooks/${webhook.id}`;
  const test = async () => {
    const { response } = await change('POST', `${path}/test`);
    say(
      response.error === undefined
        ? `It answered ${response.status}.`
        : `No answer: ${response.error}.`,
    );
    again();
  };
  const replay = async (/** @type {FormData} */ form) => {
    const from = new Date(String(form.get('from'))).toISOString();
    const { behind } = await change('POST', `${path}/replay`, { from });
    say(`${grouped(behind)} events are sent again.`);
    again();
  };
  const resume = async () => {
    const { resumed } = await change('POST', `${path}/replay`, { set_aside: true });
    say(`${grouped(resumed)} accounts go on.`);
    again();
  };
  const toggle = async () => {
    await change('PATCH', path, { enabled: !webhook.enabled });
    again();
  };
  const remove = async () => {
    await change('DELETE', path);
    say('Removed.');
    go('/webhooks');
  };
  return html`
    <${Confirm} label="Test" title="Send a test?" confirm="Send it" act=${test}>
      <p>One signed request goes to ${webhook.url}. It is marked as a test.</p>
    </${Confirm}>
    <${Confirm} label="Replay" title="Send events again" confirm="Send again" act=${replay}>
      <label><span>From</span><input name="from" type="datetime-local" step="1" required /></label>
      <p class="soft">Every event since then is sent again, in order, with the same ids.</p>
    </${Confirm}>
    ${
      webhook.deliveries?.set_aside > 0 &&
      html`<${Confirm} label="Resume set aside" title="Try what was set aside again?" confirm="Try again" act=${resume} />`
    }
    <${Confirm}
      label=${webhook.enabled ? 'Disable' : 'Enable'}
      title=${webhook.enabled ? 'Send nothing to it?' : 'Send to it again?'}
      act=${toggle}
    >
      <p>${webhook.enabled ? 'Events wait until it is enabled again, as long as the log keeps them.' : 'It gets what it missed first.'}</p>
    </${Confirm}>
    <${Confirm} label="Remove" title="Remove this webhook?" confirm="Remove it" danger act=${remove}>
      <p>Its delivery log goes with it.</p>
    </${Confirm}>
  `;
}

/** @param {{ attempts: any[], result: string, choose: (result: string) => void }} props */
function Attempts({ attempts, result, choose }) {
  const aside = html`<div><select
    aria-label="Show of the delivery log"
    value=${result}
    onChange=${(/** @type {any} */ event) => choose(event.target.value)}
  >
    <option value="">all attempts</option>
    <option value="failed">failed</option>
    <option value="succeeded">succeeded</option>
  </select></div>`;
  return html`<${Panel} title="Delivery log" rows aside=${aside}>
    <${Table}
      label="Delivery log"
      rows=${attempts}
      empty="Nothing was sent yet."
      columns=${[
        column('When', (row) => html`<${At} at=${row.attempted_at} ms />`),
        column('Kind', ({ kind }) => kind),
        column(
          'Answer',
          (row) => html`<span>
            <${Badge} state=${row.status === null ? row.outcome : String(row.status)} tone=${row.status >= 200 && row.status < 300 ? 'good' : 'bad'} />
          </span>`,
        ),
        figures('Events', ({ events }) => grouped(events)),
        figures('Attempt', ({ attempt }) => attempt),
        figures('Took', (row) => `${grouped(row.duration_ms)} ms`),
        column(
          'Body of the response',
          ({ response }) => html`<span class="mono soft">${response.slice(0, 120) || '–'}</span>`,
        ),
      ]}
    />
  </${Panel}>`;
}
