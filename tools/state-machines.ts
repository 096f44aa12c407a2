// Prints docs/state-machines.md, drawn from the tables that the code itself follows:
//   node tools/state-machines.ts > docs/state-machines.md
import { liquidationTransitions } from '../src/liquidations/liquidation.ts';
import { orderTransitions, submissionTransitions } from '../src/orders/order.ts';
import { arrowsOf, type Transitions } from '../src/state-machine.ts';

/** The page as text. */
export function stateMachinesPage(): string {
  return [
    '# State machines',
    '',
    'Each drawing is made of the table that the code follows, and that triggers of the database mirror',
    '(`<table>_transitions`): what is not drawn is refused by both, as a test tries for every pair. What',
    'each state carries stands beside its table as a discriminated union, and in the database as named',
    'constraints.',
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
    'add up to its final report, which may come before the answer to the call that sent it.',
    '',
    ...drawing(submissionTransitions, 'SENDING'),
  ].join('\n');
}

function drawing(table: Transitions<string>, start: string): readonly string[] {
  const ends = Object.keys(table).filter((state) => Object.keys(table[state] ?? {}).length === 0);
  return [
    '```mermaid',
    'stateDiagram-v2',
    `    [*] --> ${start}`,
    ...arrowsOf(table).map(({ from, cause, to }) => `    ${from} --> ${to}: ${cause}`),
    ...ends.map((state) => `    ${state} --> [*]`),
    '```',
    '',
  ];
}

if (import.meta.main) process.stdout.write(stateMachinesPage());
