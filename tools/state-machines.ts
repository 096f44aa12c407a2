// Prints docs/state-machines.md, drawn from the tables that the code itself follows:
//   node tools/state-machines.ts > docs/state-machines.md
import { batchTransitions } from '../src/batches/batch.ts';
import { accountTransitions, receiverTransitions } from '../src/deliveries/delivery.ts';
import { liquidationTransitions } from '../src/liquidations/liquidation.ts';
import { orderTransitions, submissionTransitions } from '../src/orders/order.ts';
import type { Transitions } from '../src/state-machine.ts';

/** The page as text. */
export function stateMachinesPage(): string {
  return [
    '# State machines',
    '',
    'Each drawing is made of the table that the code follows: it refuses what is not drawn. For liquidations,',
    'orders, submissions and batches triggers of the database (`<table>_transitions`) refuse it as well, as a test tries for',
    'every pair. What each state carries stands beside its table as a type, and in the database as named constraints.',
    '',
    '## Liquidation',
    '',
    'The table: `liquidationTransitions` in [`src/liquidations/liquidation.ts`](../src/liquidations/liquidation.ts).',
    'Causes that end it are its `end_reason`. Each change of state has one event. Between `released` and its end it goes',
    'through rounds of orders without changing its state.',
    '',
    ...drawing(liquidationTransitions, 'NEW'),
    '## Order',
    '',
    'The table: `orderTransitions` in [`src/orders/order.ts`](../src/orders/order.ts). `tried_again`: the venue',
    'had a temporary cause, and the order is sent once more under a new client order id.',
    '',
    ...drawing(orderTransitions, 'NEW'),
    '## Submission',
    '',
    'One client order id at the venue: `submissionTransitions`, in the same file. `reported`: its executions',
    'add up to its final report, which may come before the response to the call that sent it.',
    '',
    ...drawing(submissionTransitions, 'SENDING'),
    '## Batch',
    '',
    'Many accounts at once: `batchTransitions` in [`src/batches/batch.ts`](../src/batches/batch.ts). `ended`: no account of it',
    'waits and no liquidation of it is open. `reschedule`: it was paused before it had begun. Above a set value it begins as',
    '`PENDING_APPROVAL`. Each change of state has one event.',
    '',
    ...drawing(batchTransitions, 'PENDING_APPROVAL', 'SCHEDULED'),
    '## Receiver',
    '',
    'What the receiver of a subscription does, as far as one claim knows: `receiverTransitions` in',
    '[`src/deliveries/delivery.ts`](../src/deliveries/delivery.ts). It stands in memory; the database has `attempts`,',
    '`next_attempt_at` and `enabled`, from which the next claim begins as `acknowledging` or `probing`.',
    '',
    ...drawing(receiverTransitions, 'acknowledging'),
    '- In `resting`, `paused` and `gone` no request begins; those under way still end.',
    '- In `probing` one request is under way at a time.',
    '- An event is never `unreachable` or `asked_to_wait`: those speak of the receiver, and block no account.',
    '',
    '## Account of a subscription',
    '',
    'How an account stands to the offset of a subscription: `accountTransitions`, in the same file. `in_step` and',
    '`doubted` have no row; the other states are `blocked_accounts.status`.',
    '',
    ...drawing(accountTransitions, 'in_step'),
    '- The offset passes an event only when it is acknowledged, or its account is `blocked`, `catching_up` or `set_aside`.',
    '- At most one request of an account is under way, and what follows in it waits until that is acknowledged.',
    '- While an account is `doubted` the offset does not pass it: a process that dies forgets the doubt, not the event.',
    '- Every record is fenced by its claim: a replay begins a claim, so no older record passes it.',
    '',
  ].join('\n');
}

function drawing(table: Transitions<string>, ...starts: readonly string[]): readonly string[] {
  const ends = Object.keys(table).filter((state) => Object.keys(table[state] ?? {}).length === 0);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...starts.map((state) => `    [*] --> ${state}`),
    ...arrowsOf(table).map(({ from, cause, to }) => `    ${from} --> ${to}: ${cause}`),
    ...ends.map((state) => `    ${state} --> [*]`),
    '```',
    '',
  ];
}

/** One arrow of a table. */
export interface Arrow {
  readonly from: string;
  readonly cause: string;
  readonly to: string;
}

/** All arrows of a table, in its order. */
export function arrowsOf(table: Transitions<string>): readonly Arrow[] {
  return Object.entries(table).flatMap(([from, leads]) => {
    return Object.entries(leads).flatMap(([cause, to]) => {
      return to === undefined ? [] : { from, cause, to };
    });
  });
}

if (import.meta.main) process.stdout.write(stateMachinesPage());
