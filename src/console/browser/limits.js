// Pre-trade controls: which are in force, the orders that they have stopped, and the ways to set, clear and release.

import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';
import { get, may } from './api.js';
import { Confirm, changeBecause, Reason } from './forms.js';
import { useFresh } from './live.js';
import {
  Ago,
  At,
  counted,
  grouped,
  Head,
  Loading,
  money,
  Panel,
  Problem,
  say,
  units,
} from './parts.js';
import { place, to } from './router.js';
import { column, figures, Pages, Table } from './table.js';

/** @typedef {Record<string, any>} Controls as the service shows them; what is absent is not limited */

/**
 * @typedef {object} Control
 * @property {string} member of the controls
 * @property {string} name
 * @property {string} does what becomes of an order, or of a lift
 * @property {(limit: any) => string} words the limit, with its unit
 * @property {readonly Field[]} fields
 * @property {(form: FormData) => any} limitOf
 */

/** @typedef {{ name: string, label: string, of: (limit: any) => any, isCount?: boolean, max?: number }} Field */

const secondsMax = 31 * 86_400;
const amountPattern = '(?=.*[1-9])[0-9]{1,18}([.][0-9]{1,12})?';

/** @param {number} s in the largest unit in which it is whole */
function seconds(s) {
  if (s % 86_400 === 0) return counted(s / 86_400, 'day');
  if (s % 3_600 === 0) return counted(s / 3_600, 'hour');
  return s % 60 === 0 ? `${grouped(s / 60)} min` : `${grouped(s)} s`;
}

/**
 * @param {string} member @param {string} name @param {string} does
 * @param {(limit: any) => string} words @param {string} label
 * @returns {Control}
 */
function amount(member, name, does, words, label) {
  const fields = [{ name: member, label, of: (/** @type {any} */ limit) => limit }];
  return {
    ...{ member, name, does, words, fields },
    limitOf: (form) => String(form.get(member)).trim(),
  };
}

const euros = (/** @type {string} */ limit) => `${money(limit)} € at most`;

/** @type {readonly Control[]} */
const controls = [
  amount(
    'order_quantity_max',
    'Quantity of an order',
    'Stops an order of more units.',
    (limit) => `${units(limit)} units at most`,
    'Units at most',
  ),
  amount(
    'order_value_max',
    'Value of an order',
    'Stops an order of more euros, by the last price.',
    euros,
    'EUR at most',
  ),
  amount(
    'day_value_max',
    'Value of a day',
    'Stops an order that brings the day, since midnight UTC, above it.',
    euros,
    'EUR at most',
  ),
  {
    member: 'price_age_max_s',
    name: 'Age of the last price',
    does: 'Stops an order whose price is older.',
    words: (limit) => `${seconds(limit)} at most`,
    fields: [
      {
        name: 'price_age_max_s',
        label: 'Seconds at most',
        of: (limit) => limit,
        isCount: true,
        max: secondsMax,
      },
    ],
    limitOf: (form) => Number(form.get('price_age_max_s')),
  },
  amount(
    'price_collar_percent',
    'Price collar',
    'Stops an order if the last sale was further from the last price.',
    (limit) => `${units(limit)} % at most`,
    '% at most',
  ),
  {
    member: 'rejections',
    name: 'Repeated rejections',
    does: 'Halts a venue, or one instrument there, that rejects too many.',
    words: ({ max, window_s: s }) => `${grouped(max)} within ${seconds(s)}`,
    fields: [
      { name: 'max', label: 'Rejections', of: (limit) => limit?.max, isCount: true, max: 1_000 },
      {
        name: 'window_s',
        label: 'Within seconds',
        of: (limit) => limit?.window_s,
        isCount: true,
        max: secondsMax,
      },
    ],
    limitOf: (form) => ({ max: Number(form.get('max')), window_s: Number(form.get('window_s')) }),
  },
  amount(
    'four_eyes_max',
    'Four eyes',
    'A second person approves a lift, or a batch, of more euros.',
    euros,
    'EUR for one person at most',
  ),
];

/** What has stopped an order, by the name that a stop has. @param {string} name */
function controlWords(name) {
  return controls.find(({ member }) => member.startsWith(name))?.name ?? name.replaceAll('_', ' ');
}

export function LimitsPage() {
  const cursor = place.value.query.get('cursor') ?? undefined;
  const { data, error, again } = useFresh(
    async (asked) => {
      const [inForce, stopped] = await Promise.all([
        get('/controls', {}, asked),
        get('/controls/stopped', { limit: 100, cursor }, asked),
      ]);
      return { inForce, stopped };
    },
    [cursor],
  );
  const head = html`<${Head} title="Limits" />
    <p class="soft">
      Pre-trade controls: what an order has to keep before it is sent. What they stop is checked again every 30 seconds,
      and goes by itself once it keeps them.
    </p>`;
  if (data === undefined) return html`${head}<${Loading} error=${error} />`;
  return html`${head}
    <${Problem} error=${error} />
    <${Panel} title="Stopped orders" rows><${Stopped} stops=${data.stopped.data} again=${again} /></${Panel}>
    <${Pages} next=${data.stopped.meta.next} parameter="cursor" />
    <${Panel} title="Controls">
      <${InForce} own=${data.inForce.own} ofAll=${data.inForce.across_clients} again=${again} />
    </${Panel}>`;
}

/** @param {{ stops: any[], again: () => void }} props */
function Stopped({ stops, again }) {
  return html`<${Table}
    label="Stopped orders"
    rows=${stops}
    empty="No order is stopped."
    columns=${[
      column(
        'Order',
        ({ isin, account_liquidation_id: id }) =>
          html`<a class="mono" href=${to(`/liquidations/${id}`)}>${isin}</a>`,
      ),
      figures('Units', ({ quantity }) => units(quantity)),
      column('Stopped by', ({ control }) => html`<span>${controlWords(control)}</span>`),
      column('Why', ({ detail }) => html`<span>${detail}</span>`),
      column('Since', ({ stopped_at: at }) => html`<${Ago} at=${at} />`),
      column('Release', (stop) => html`<span><${Release} stop=${stop} again=${again} /></span>`),
    ]}
  />`;
}

/** @param {{ stop: any, again: () => void }} props */
function Release({ stop: { id, isin, quantity, control, detail }, again }) {
  if (!may('controls:admin')) return html`<span class="soft">by the role risk</span>`;
  const release = async (/** @type {FormData} */ form) => {
    await changeBecause(`/controls/stopped/${id}/release`, form);
    say('Released. The order passes this control from now on.');
    again();
  };
  return html`<${Confirm} label="Release" title="Release this order?" confirm="Release it" act=${release}>
    <p>${units(quantity)} units of <span class="mono">${isin}</span>. ${controlWords(control)}: ${detail}</p>
    <p class="soft">It passes this control from now on and is due at once. Other controls still check it.</p>
    <${Reason} />
  </${Confirm}>`;
}

/** @param {{ own: Controls | null, ofAll: Controls | null, again: () => void }} props */
function InForce({ own, ofAll, again }) {
  const isSetter = may('controls:admin');
  const limitIn = (/** @type {Controls | null} */ set) => (/** @type {Control} */ control) => {
    const limit = set?.[control.member];
    return limit === undefined
      ? html`<span class="soft">not limited</span>`
      : html`<span>${control.words(limit)}</span>`;
  };
  return html`<${Table}
      label="Controls"
      rows=${controls}
      keyOf=${(/** @type {Control} */ { member }) => member}
      columns=${[
        column(
          'Control',
          (/** @type {Control} */ { name, does }) =>
            html`<span>${name}<br /><span class="soft">${does}</span></span>`,
        ),
        figures('This client', limitIn(own)),
        figures('All clients', limitIn(ofAll)),
        ...(isSetter
          ? [
              column(
                'Change',
                (/** @type {Control} */ control) =>
                  html`<${Change} control=${control} own=${own} again=${again} />`,
              ),
            ]
          : []),
      ]}
    />
    <${Setter} set=${own} whose="This client" none="nothing is set." />
    <${Setter} set=${ofAll} whose="All clients" none="nothing is set; the operator does so, by unwind controls set." />
    <p class="soft">Of both the stricter holds.${!isSetter && ' The role risk sets those of this client.'}</p>`;
}

/** @param {{ set: Controls | null, whose: string, none: string }} props */
function Setter({ set, whose, none }) {
  if (set === null) return html`<p><strong>${whose}:</strong> ${none}</p>`;
  return html`<p>
    <strong>${whose}:</strong> set last by ${set['person']}, <${At} at=${set['set_at']} />: ${set['reason']}
  </p>`;
}

/** @param {{ control: Control, own: Controls | null, again: () => void }} props */
function Change({ control, own, again }) {
  const limit = own?.[control.member];
  const seen = useRef(own);
  const look = () => {
    seen.current = own;
  };
  /**
   * Controls are set as a whole: the others stay as they were when the dialog opened. Where another person has set others
   * meanwhile, nothing is set.
   */
  const put = async (/** @type {any} */ command, /** @type {FormData} */ form) => {
    const before = seen.current;
    const limits = controls.flatMap(({ member }) => {
      const value = member === control.member ? command : before?.[member];
      return value === undefined ? [] : [[member, value]];
    });
    const replaces = before?.['id'];
    await changeBecause('/controls', form, {
      ...Object.fromEntries(limits),
      ...(replaces && { replaces }),
    });
    again();
  };
  const set = async (/** @type {FormData} */ form) => {
    await put(control.limitOf(form), form);
    say('Set. It holds from now on.');
  };
  const clear = async (/** @type {FormData} */ form) => {
    await put(undefined, form);
    say('Cleared. This client is not limited by it any more.');
  };
  const now = limit === undefined ? 'not limited' : control.words(limit);
  const title = `${control.name}: set the limit`;
  return html`<span class="buttons">
    <${Confirm} label="Set" title=${title} confirm="Set it" opened=${look} act=${set}>
      <p>${control.does}</p>
      <p class="soft">This client now: ${now}.</p>
      ${control.fields.map((field) => html`<${LimitField} field=${field} limit=${limit} />`)}
      <${Reason} />
    </${Confirm}>
    ${
      limit !== undefined &&
      html`<${Confirm} label="Clear" title=${`${control.name}: clear the limit?`} confirm="Clear it" opened=${look} act=${clear}>
        <p>This client now: ${now}.</p>
        <p class="soft">What only this control stops goes on. A limit of all clients still holds.</p>
        <${Reason} />
      </${Confirm}>`
    }
  </span>`;
}

/** @param {{ field: Field, limit: any }} props */
function LimitField({ field: { name, label, of, isCount, max }, limit }) {
  return html`<label>
    <span>${label}</span>
    ${
      isCount
        ? html`<input name=${name} type="number" min="1" max=${max} step="1" required defaultValue=${of(limit) ?? ''} />`
        : html`<input
            name=${name} inputmode="decimal" pattern=${amountPattern} required autocomplete="off"
            title="more than 0, as digits, with a point before decimals: 250000.50" defaultValue=${of(limit) ?? ''}
          />`
    }
  </label>`;
}
