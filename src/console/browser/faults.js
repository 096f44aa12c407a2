// What a sandbox does wrong on purpose when it delivers to a webhook, for those who test their handlers.

import { html } from 'htm/preact';
import { change, get } from './api.js';
import { submitted, useAttempt } from './forms.js';
import { useFresh } from './live.js';
import { At, lasting, Panel, Problem, say } from './parts.js';
import { to } from './router.js';

const onePath = (/** @type {string} */ id) => `/tests/webhooks/${id}/faults`;

/** @param {any} faults */
function faultWords({
  late_s,
  burst_s,
  twice,
  signature,
  stall_s,
  answered_as,
  one_in,
  silent_until,
}) {
  const words = [
    silent_until && 'nothing is sent',
    late_s && `${lasting(late_s * 1_000)} late`,
    burst_s && `all at once every ${lasting(burst_s * 1_000)}`,
    twice && 'everything twice',
    signature === 'wrong' && 'signatures that do not hold',
    signature === 'old_key' && 'signed by an old key',
    stall_s && `the body stalls for ${lasting(stall_s * 1_000)}`,
    answered_as && `every answer taken for ${answered_as}`,
    one_in > 1 && `one request in ${one_in}`,
  ];
  return words.filter(Boolean).join(', ');
}

/** @type {readonly { name: string, words: string, hint: string, min?: number, max?: number }[]} */
const numbers = [
  { name: 'late_s', words: 'Seconds late', hint: 'each event' },
  { name: 'burst_s', words: 'Seconds held back', hint: 'then all at once, so accounts mix' },
  { name: 'stall_s', words: 'Seconds of stalling', hint: 'in the middle of the body' },
  {
    name: 'answered_as',
    words: 'Answer taken for',
    hint: 'a status from 500 to 599; it comes again',
    min: 500,
    max: 599,
  },
  { name: 'silent_s', words: 'Seconds of silence', hint: 'nothing is sent' },
  { name: 'one_in', words: 'One request in', hint: 'for twice, signature, stalling, answers' },
];

export function Faults() {
  const { data, error, again } = useFresh(async (asked) => {
    const webhooks = await get('/webhooks', { limit: 50 }, asked);
    const faults = await Promise.all(
      webhooks.data.map((/** @type {any} */ { id }) => get(onePath(id), {}, asked)),
    );
    return webhooks.data.map((/** @type {any} */ webhook, /** @type {number} */ at) => {
      return { webhook, faults: faults[at] };
    });
  }, []);
  const { refused, attempt } = useAttempt();
  const act = (/** @type {() => Promise<unknown>} */ work, /** @type {string} */ word) =>
    attempt(async () => {
      await work();
      say(word);
      again();
    });
  const set = (/** @type {FormData} */ form) => {
    const given = numbers.flatMap(({ name }) => {
      const value = String(form.get(name) ?? '');
      return value === '' ? [] : [[name, Number(value)]];
    });
    const signature = String(form.get('signature'));
    const command = {
      ...Object.fromEntries(given),
      ...(form.has('twice') ? { twice: true } : {}),
      ...(signature === '' ? {} : { signature }),
    };
    const id = String(form.get('webhook'));
    act(() => change('POST', onePath(id), command), 'It goes like that from now on, for an hour.');
  };
  if (data === undefined) {
    return html`<${Panel} title="Faults of webhooks"><${Problem} error=${error} /></${Panel}>`;
  }
  if (data.length === 0) {
    return html`<${Panel} title="Faults of webhooks">
      <p class="soft">There is no webhook yet. <a href=${to('/webhooks')}>Add one</a>, and what it gets can go wrong here.</p>
    </${Panel}>`;
  }
  const faulty = data.filter((/** @type {any} */ { faults }) => faults.ends_at !== null);
  return html`<${Panel} title="Faults of webhooks">
    ${faulty.length === 0 && html`<p class="soft">Every webhook gets its events as usual.</p>`}
    <ul class="plain">
      ${faulty.map(
        (/** @type {any} */ { webhook, faults }) => html`<li key=${webhook.id} class="linked">
          <a href=${to(`/webhooks/${webhook.id}`)}>${webhook.title}</a> ${' '}
          <strong>${faultWords(faults)}</strong> ${' '}
          <span class="soft">until <${At} at=${faults.ends_at} /></span> ${' '}
          <button
            type="button"
            class="tiny"
            aria-label=${`End the faults of ${webhook.title}`}
            onClick=${() => act(() => change('DELETE', onePath(webhook.id)), 'As usual again.')}
          >
            End
          </button>
        </li>`,
      )}
    </ul>
    <form onSubmit=${submitted(set)}>
      <div class="filters">
        <label>Webhook
          <select name="webhook">
            ${data.map((/** @type {any} */ { webhook }) => html`<option value=${webhook.id}>${webhook.title}</option>`)}
          </select>
        </label>
        <label>Signature
          <select name="signature">
            <option value="">as usual</option>
            <option value="wrong">does not hold</option>
            <option value="old_key">by an old key</option>
          </select>
        </label>
        ${numbers.map(
          ({
            name,
            words,
            hint,
            min = 1,
            max = 3600,
          }) => html`<label>${words} <span class="hint">${hint}</span>
            <input type="number" name=${name} min=${min} max=${max} inputmode="numeric" />
          </label>`,
        )}
      </div>
      <label class="check"><input type="checkbox" name="twice" /> Everything comes twice</label>
      <p></p>
      <${Problem} error=${refused ?? error} />
      <button type="submit">Let it go wrong</button>
    </form>
  </${Panel}>`;
}
