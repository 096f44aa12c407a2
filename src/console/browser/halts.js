// Halts: the kill switch, which every page has, what it would stop, and who halted what and when.

import { html } from 'htm/preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, change, get, may, session } from './api.js';
import { Approvals } from './approvals.js';
import { Confirm, changeBecause, Reason, submitted, useAttempt } from './forms.js';
import { useFresh } from './live.js';
import { Ago, At, grouped, Head, Id, Loading, Panel, Problem, say } from './parts.js';
import { place, to, withQuery } from './router.js';
import { column, Table } from './table.js';

/** @typedef {any} Halt */

/** What a halt may cover: its name, the member that names it, and what that looks like. */
const scopes = /** @type {const} */ ([
  { scope: 'tenant', name: 'Everything of this client' },
  {
    scope: 'account',
    name: 'One account',
    member: 'account_id',
    label: 'Account',
    pattern: '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
  },
  {
    scope: 'instrument',
    name: 'One instrument',
    member: 'isin',
    label: 'ISIN',
    pattern: '[A-Z]{2}[A-Z0-9]{9}[0-9]',
  },
  { scope: 'venue', name: 'One venue', member: 'venue', label: 'MIC', pattern: '[A-Z0-9]{4}' },
]);

/** @param {Halt} halt */
function coverOf({ scope, account_id, isin, venue }) {
  switch (scope) {
    case 'account':
      return html`account <${Id} id=${account_id} href=${to(`/accounts/${account_id}`)} />`;
    case 'instrument':
      return html`instrument <span class="mono">${isin}</span>`;
    case 'venue':
      return html`venue <span class="mono">${venue}</span>`;
    case 'everything':
      return 'everything, of all clients';
    default:
      return 'everything of this client';
  }
}

/** @param {{ liquidations: number, positions: number, orders: number, orders_at_venue: number }} effect */
function effectWords({ liquidations, positions, orders, orders_at_venue }) {
  const held = [
    `${grouped(liquidations)} liquidations that are not released`,
    `${grouped(positions)} positions without an order`,
    `${grouped(orders)} orders that are not sent`,
  ];
  return `${held.join(', ')}; ${grouped(orders_at_venue)} orders are at a venue and go on`;
}

/**
 * The kill switch: one click, what it would stop, a reason.
 * @param {{ label?: string, account?: string | undefined }} props
 */
export function HaltButton({ label = 'Halt', account }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [isOpen, setOpen] = useState(false);
  if (!may('halts:admin')) return null;
  const open = () => {
    setOpen(true);
    dialog.current?.showModal();
  };
  return html`<button type="button" class="danger" onClick=${open}>${label}</button>
    <dialog ref=${dialog} aria-label="Halt the selling" onClose=${() => setOpen(false)}>
      <h2>Halt the selling</h2>
      ${isOpen && html`<${HaltForm} account=${account} close=${() => dialog.current?.close()} />`}
    </dialog>`;
}

/** @param {{ account: string | undefined, close: () => void }} props */
function HaltForm({ account, close }) {
  const [scope, setScope] = useState(account === undefined ? 'tenant' : 'account');
  const [value, setValue] = useState(account ?? '');
  const { isBusy, refused, attempt } = useAttempt();
  // One command, however often it is sent: a halt that is not certain yet is waited for again.
  const key = useRef(crypto.randomUUID());
  const chosen = scopes.find((one) => one.scope === scope) ?? scopes[0];
  const target = { scope, ...('member' in chosen ? { [chosen.member]: value } : {}) };
  const isWhole = !('member' in chosen) || new RegExp(`^${chosen.pattern}$`).test(value);
  const halt = (/** @type {FormData} */ form) =>
    attempt(async () => {
      await changeBecause('/halts', form, target, key.current);
      say('Halted. Nothing that it covers is sent any more.');
      close();
    });
  return html`<form onSubmit=${submitted(halt)}>
    <label>
      <span>What</span>
      <select
        value=${scope}
        onChange=${(/** @type {any} */ { target: { value: next } }) => {
          key.current = crypto.randomUUID();
          setScope(next);
          setValue(next === 'account' ? (account ?? '') : '');
        }}
      >
        ${scopes.map((one) => html`<option value=${one.scope}>${one.name}</option>`)}
      </select>
    </label>
    ${
      'member' in chosen &&
      html`<label>
        <span>${chosen.label}</span>
        <input
          required
          value=${value}
          pattern=${chosen.pattern}
          autocomplete="off"
          spellcheck=${false}
          onInput=${(/** @type {any} */ { target: { value: next } }) => {
            key.current = crypto.randomUUID();
            setValue(next.trim());
          }}
        />
      </label>`
    }
    <${Effect} key=${`${scope} ${value}`} target=${target} isWhole=${isWhole} />
    <${Reason} />
    <${Problem} error=${refused} />
    <div class="buttons">
      <button type="submit" class="danger" disabled=${isBusy}>${isBusy ? 'Halting …' : 'Halt now'}</button>
      <button type="button" onClick=${close}>Not now</button>
    </div>
  </form>`;
}

/**
 * What it would stop, asked before it is done.
 * @param {{ target: object, isWhole: boolean }} props
 */
function Effect({ target, isWhole }) {
  const [answer, setAnswer] = useState(/** @type {any} */ (undefined));
  useEffect(() => {
    if (!isWhole) return;
    let isGone = false;
    const reason = 'Asked what a halt would stop';
    const body = { ...target, reason, person: session.value?.person ?? '', dry_run: true };
    change('POST', '/halts', body, { key: crypto.randomUUID(), reason })
      .then(({ effect }) => ({ words: effectWords(effect) }))
      .catch((error) => {
        if (!(error instanceof ApiError)) throw error;
        return { words: error.message };
      })
      .then((next) => isGone || setAnswer(next));
    return () => {
      isGone = true;
    };
  }, []);
  return html`<p class="notice" role="status">
    ${answer === undefined ? 'What it would stop is shown here first.' : `It would stop ${answer.words}.`.replace(/\.\.$/, '.')}
  </p>`;
}

/** What is halted now, on every page. */
export function HaltStrip() {
  const { data } = useFresh((asked) => get('/halts', { in_force: true, limit: 20 }, asked), []);
  const [first] = data?.data ?? [];
  if (first === undefined) return null;
  const others = data.data.length - 1;
  return html`<div class="notice bad halted" role="status">
    <strong>Halted:</strong> ${coverOf(first)}, by ${first.person} <${Ago} at=${first.set_at} />: ${first.reason}
    ${others > 0 && ` And ${others} more.`}
    ${' '}<a href=${to('/halts')}>Halts</a>
  </div>`;
}

/** Of lifts further back than so many approvals it is not said who has approved them. */
const approvalsLookedAt = 1_000;

/** Who has approved the lift of each halt. @param {any[]} approvals @returns {Map<string, string>} */
function approversOf(approvals) {
  const lifts = approvals.filter(
    ({ operation, status }) => operation === 'lift_halt' && status === 'approved',
  );
  return new Map(lifts.map(({ halt_id: id, decided_by: by }) => [id, by]));
}

export function HaltsPage() {
  const cursor = place.value.query.get('cursor') ?? undefined;
  const { data, error, again } = useFresh(
    async (asked) => {
      const [inForce, lifted, approvals] = await Promise.all([
        get('/halts', { in_force: true, limit: 100 }, asked),
        get('/halts', { in_force: false, limit: 50, cursor }, asked),
        get('/approvals', { limit: approvalsLookedAt }, asked),
      ]);
      return { inForce, lifted, approvers: approversOf(approvals.data) };
    },
    [cursor],
  );
  const head = html`<${Head} title="Halts" />
    <p class="soft">
      A halt holds what is not at a venue yet: nothing it covers is released or sent until a person lifts it. Nothing is
      lost, and new liquidations are taken.
    </p>`;
  if (data === undefined) return html`${head}<${Loading} error=${error} />`;
  const cover = (/** @type {string} */ id) => {
    const halt = data.inForce.data.find((/** @type {Halt} */ one) => one.id === id);
    return halt === undefined ? html`a halt <${Id} id=${id} />` : coverOf(halt);
  };
  return html`${head}
    <${Problem} error=${error} />
    <${Approvals} operation="lift_halt" cover=${cover} again=${again} />
    <${Panel} title="In force" rows><${InForce} halts=${data.inForce.data} again=${again} /></${Panel}>
    <${Panel} title="Lifted" rows><${Lifted} halts=${data.lifted.data} approvers=${data.approvers} /></${Panel}>
    <div class="buttons">
      ${
        data.lifted.meta.next !== null &&
        html`<a class="button" href=${to(withQuery({ cursor: data.lifted.meta.next }))}>Older</a>`
      }
    </div>`;
}

/** @type {{ name: string, cell: (row: Halt) => any }[]} */
const common = [
  column('Halted', (halt) => html`<span>${coverOf(halt)}</span>`),
  column('Why', ({ reason }) => html`<span>${reason}</span>`),
  column('Who', ({ person }) => html`<span>${person}</span>`),
  column('When', ({ set_at: at }) => html`<${At} at=${at} />`),
];

/** @param {{ halts: Halt[], again: () => void }} props */
function InForce({ halts, again }) {
  return html`<${Table}
    label="Halts in force"
    rows=${halts}
    empty="Nothing is halted."
    columns=${[
      ...common,
      column('Holds now', ({ id }) => html`<${Holds} id=${id} />`),
      column('Lift', (halt) => html`<span><${Lift} halt=${halt} again=${again} /></span>`),
    ]}
  />`;
}

/** @param {{ id: string }} props */
function Holds({ id }) {
  const { data } = useFresh((asked) => get(`/halts/${id}`, {}, asked), [id]);
  if (data === undefined) return html`<span class="soft">–</span>`;
  const { liquidations, orders } = data.effect;
  return html`<span>${grouped(liquidations)} liquidations to release, ${grouped(orders)} orders to send</span>`;
}

/** @param {{ halt: Halt, again: () => void }} props */
function Lift({ halt, again }) {
  if (halt.across_clients)
    return html`<span class="soft">by the operator: unwind halts lift</span>`;
  if (!may('halts:admin')) return html`<span class="soft">by the role risk</span>`;
  const lift = async (/** @type {FormData} */ form) => {
    const answer = await changeBecause(`/halts/${halt.id}/lift`, form);
    say(
      answer.status === 'pending'
        ? 'Not lifted yet: it holds so much that a second person has to approve it.'
        : 'Lifted. What it held goes on.',
    );
    again();
  };
  return html`<${Confirm} label="Lift" title="Lift this halt?" confirm="Lift it" act=${lift}>
    <p>${coverOf(halt)}, halted by ${halt.person}: ${halt.reason}</p>
    <p class="soft">What it held goes on at once.</p>
    <${Reason} />
  </${Confirm}>`;
}

/** @param {{ halts: Halt[], approvers: Map<string, string> }} props */
function Lifted({ halts, approvers }) {
  return html`<${Table}
    label="Lifted halts"
    rows=${halts}
    empty="None was lifted yet."
    columns=${[
      ...common,
      column('Lifted', ({ lifted_at: at }) => html`<${At} at=${at} />`),
      column('By', ({ id, lifted_by: by }) => {
        const approver = approvers.get(id);
        return html`<span>${by}${approver !== undefined && `, approved by ${approver}`}</span>`;
      }),
      column('Why lifted', ({ lift_reason: why }) => html`<span>${why}</span>`),
    ]}
  />`;
}
