// The first page: whether the selling goes on, and if not, what is in its way.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { get } from './api.js';
import { Approvals } from './approvals.js';
import { LiquidationTable } from './liquidations.js';
import { useFresh } from './live.js';
import { At, Badge, grouped, Head, Loading, lasting, money, now, Panel, Problem } from './parts.js';
import { reasons, wordsOf } from './reasons.js';
import { to } from './router.js';
import { column, figures, Table } from './table.js';

export function OverviewPage() {
  const { data, error } = useFresh((asked) => get('/overview', {}, asked), []);
  if (data === undefined) return html`<${Head} title="Overview" /><${Loading} error=${error} />`;
  return html`<${Head} title="Overview"><a class="button primary" href=${to('/start')}>Start a liquidation</a></${Head}>
    <${Problem} error=${error} />
    <${Tiles} data=${data} />
    <${Approvals} />
    <div class="grid">
      <${Waiting} waiting=${data.waiting} open=${data.open} />
      <${Venues} venues=${data.venues} at=${data.at} marketTime=${data.market_time} />
    </div>
    <${Panel} title="Orders sold, minute by minute" aside=${html`<span class="soft">last hour</span>`}>
      <${Minutes} minutes=${data.minutes} at=${data.at} />
    </${Panel}>
    <${Latest} />`;
}

/** @param {{ data: any }} props */
function Tiles({ data }) {
  const { open, today, webhooks, parked, minutes, at, venues } = data;
  const halted = venues.reduce(
    (/** @type {number} */ sum, /** @type {any} */ venue) => sum + venue.halted.length,
    0,
  );
  const running = open.new + open.processing;
  // What was counted is as old as the last change; ages go on.
  const nowMs = Math.max(Date.parse(at), now.value);
  const lastMinute = minutes
    .filter((/** @type {any} */ minute) => nowMs - Date.parse(minute.at) < 120_000)
    .at(-1);
  const perSecond = lastMinute === undefined ? 0 : lastMinute.orders / 60;
  return html`<div class="tiles">
    <${Tile} label="Running now" value=${grouped(running)} href=${to('/liquidations?status=PROCESSING')}
      note=${`${grouped(open.new)} new, ${grouped(open.processing)} selling`} />
    <${Tile} label="Sold today" value=${`${money(today.proceeds)} €`}
      note=${`${grouped(today.executions)} executions`} />
    <${Tile} label="Done today" value=${grouped(today.filled)} href=${to('/liquidations?status=FILLED')}
      note=${`of ${grouped(today.asked)} asked, ${grouped(today.cancelled)} cancelled`} />
    <${Tile} label="Orders a second" value=${perSecond.toFixed(perSecond < 10 ? 1 : 0)} note="in the last minute" />
    <${Tile} label="Oldest open" value=${open.oldest_at ? lasting(nowMs - Date.parse(open.oldest_at)) : '–'}
      note=${open.oldest_at ? 'since it was asked for' : 'nothing is open'} href=${to('/liquidations?stuck=true')} />
    <${Tile} label="Parked" value=${grouped(parked)} alarm=${parked > 0}
      note=${parked > 0 ? 'wait for a person' : 'nothing waits for a person'} href=${to('/parked')} />
    <${Tile} label="Webhooks behind" value=${grouped(webhooks.most_behind)} alarm=${webhooks.failing > 0}
      note=${webhooks.failing > 0 ? `${webhooks.failing} of ${webhooks.enabled} fail` : `${webhooks.enabled} receive`} href=${to('/webhooks')} />
    <${Tile} label="Halted by venues" value=${grouped(halted)} alarm=${halted > 0} href=${halted > 0 ? to('/liquidations?waiting=halted') : undefined}
      note=${halted > 0 ? 'instruments do not trade' : 'no instrument'} />
  </div>`;
}

/** @param {{ label: string, value: string, note: string, href?: string, alarm?: boolean }} props */
function Tile({ label, value, note, href, alarm = false }) {
  const inside = html`<div class="label">${label}</div>
    <div class="value">${value}</div>
    <div class="note">${note}</div>`;
  const kind = `tile ${alarm ? 'alarm' : ''}`;
  return href === undefined
    ? html`<div class=${kind}>${inside}</div>`
    : html`<a class=${kind} href=${href}>${inside}</a>`;
}

/** @param {{ waiting: { reason: string, count: number }[], open: any }} props */
function Waiting({ waiting, open }) {
  const all = open.new + open.processing;
  const aside = all > 500 && html`<span class="soft">the 500 oldest</span>`;
  return html`<${Panel} title="What they wait for" rows aside=${aside}>
    <${Table}
      label="Why open liquidations wait"
      rows=${waiting}
      keyOf=${(/** @type {any} */ row) => row.reason}
      linkOf=${(/** @type {any} */ row) => `/liquidations?waiting=${row.reason}`}
      empty="Nothing is open, so nothing waits."
      columns=${[
        column(
          'Reason',
          ({ reason }) =>
            html`<a href=${to(`/liquidations?waiting=${reason}`)}><${Badge} state=${wordsOf(reason)} tone=${reasons[reason]?.tone} /></a>`,
        ),
        column(
          'What it means',
          ({ reason }) => html`<span class="soft">${reasons[reason]?.help ?? ''}</span>`,
        ),
        figures('Liquidations', ({ count }) => grouped(count)),
      ]}
    />
  </${Panel}>`;
}

/** @param {{ venues: any[], at: string, marketTime: string }} props */
function Venues({ venues, at, marketTime }) {
  const aheadMs = Date.parse(marketTime) - Date.parse(at);
  const aside =
    aheadMs > 1_000 && html`<span class="soft">market clock ${lasting(aheadMs)} ahead</span>`;
  return html`<${Panel} title="Venues" rows aside=${aside}><${VenueTable} venues=${venues} /></${Panel}>`;
}

/** @param {{ venues: any[] }} props */
export function VenueTable({ venues }) {
  return html`<${Table}
      label="Venues"
      rows=${venues}
      keyOf=${(/** @type {any} */ row) => row.mic}
      empty="No venue yet."
      columns=${[
        column('Venue', ({ mic }) => html`<span class="mono">${mic}</span>`),
        column('Trading', ({ open }) => html`<${Badge} state=${open ? 'open' : 'closed'} />`),
        column(
          'Until',
          (venue) => html`<${At} at=${venue.open ? venue.closes_at : venue.opens_at} />`,
        ),
        column('Session', ({ fix_session: status }) =>
          status === undefined
            ? html`<span class="soft">none</span>`
            : html`<${Badge} state=${status} />`,
        ),
        column('Halted', ({ halted }) =>
          halted.length === 0
            ? html`<span class="soft">none</span>`
            : html`<span class="mono">${halted.slice(0, 5).join(', ')}${halted.length > 5 ? ` and ${halted.length - 5} more` : ''}</span>`,
        ),
      ]}
    />`;
}

function Latest() {
  const { data } = useFresh((asked) => get('/liquidations', { limit: 8 }, asked), []);
  if (data === undefined) return null;
  return html`<${Panel} title="Latest" rows aside=${html`<a href=${to('/liquidations')}>All liquidations</a>`}>
    <${LiquidationTable} rows=${data.data} empty="No liquidation yet. Start one, and it shows here." />
  </${Panel}>`;
}

/** @param {{ minutes: any[], at: string }} props */
function Minutes({ minutes, at }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {import('./plot.js').MinutePlot | undefined} */ (undefined));
  const total = minutes.reduce((sum, minute) => sum + minute.orders, 0);
  useEffect(() => {
    let isGone = false;
    import('./plot.js').then(({ drawMinutes }) => {
      if (!isGone && box.current !== null) {
        plot.current = drawMinutes(box.current);
        plot.current.show(minutes, at);
      }
    });
    return () => {
      isGone = true;
      plot.current?.end();
    };
  }, []);
  useEffect(() => plot.current?.show(minutes, at), [minutes]);
  return html`<div class="plot" ref=${box} role="img" aria-label=${`Orders sold in the last hour: ${total}`}></div>`;
}
