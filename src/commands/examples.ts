// Examples of every command, shown by its `--help`: a person copies one and changes it.

import type { Command } from 'commander';
import { assert } from '../assert.ts';
import { isDeclared } from './nouns.ts';

const account = '143d980c-b742-4448-aa4a-78893d650617';
const id = '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f';

/** By the words of the command; `unwind` stands for the way it is called. */
const examples: Readonly<Record<string, readonly string[]>> = {
  start: [
    'unwind start --tls',
    'unwind start',
    'PORT=8081 unwind start --roles api',
    'DATABASE_URL=postgres://unwind:secret@db/unwind unwind start',
  ],
  migrate: ['unwind migrate'],
  import: ['unwind import examples/book', `unwind import /data/book --client ${id}`],
  'positions credit': [
    `unwind positions credit --account ${account} --isin DE0007164600 --quantity 10 --reference 2026-07-01/17`,
  ],
  'positions lock': [
    `unwind positions lock --account ${account} --isin DE0007164600 --quantity 2.5 --reference transfer-4711`,
  ],
  'positions unlock': [
    `unwind positions unlock --account ${account} --isin DE0007164600 --quantity 2.5 --reference transfer-4711-back`,
  ],
  'positions apply': ['unwind positions apply changes.csv'],
  audit: ['unwind audit', 'unwind audit --json > audit.json'],
  'liquidations list': [
    'unwind liquidations list',
    'unwind liquidations list --stuck --older-than 60',
    'unwind liquidations list --json',
  ],
  'liquidations start': [
    `unwind liquidations start ${account}`,
    'unwind liquidations start --file accounts.csv --watch',
  ],
  'liquidations watch': ['unwind liquidations watch', `unwind liquidations watch ${id}`],
  'liquidations cancel': [`unwind liquidations cancel ${id}`],
  'liquidations explain': [`unwind liquidations explain ${id}`],
  'liquidations show': [`unwind liquidations show ${id} --timeline`],
  'liquidations preview': [
    `unwind liquidations preview ${account}`,
    `unwind liquidations preview ${account} --client ${id} --json`,
  ],
  'liquidations schedule': [
    `unwind liquidations schedule ${account} --opening-of XETR --reason "the account is closed"`,
    `unwind liquidations schedule ${account} --at 2026-07-01T09:00:00+02:00`,
  ],
  'events list': [
    'unwind events',
    'unwind events --follow',
    'unwind events list --after e1042 --json',
  ],
  'events follow': ['unwind events follow', `unwind events follow --liquidation ${id} --after e0`],
  'halts set': [
    'unwind halts set --everything --reason "prices are wrong"',
    `unwind halts set --client ${id} --account ${account} --reason "court order" --dry-run`,
    'unwind halts set --isin DE0007164600 --venue XETR --reason "split not booked yet"',
  ],
  'halts list': ['unwind halts', 'unwind halts list --all --json'],
  'halts lift': [`unwind halts lift ${id} --reason "prices are right again"`],
  'statements write': [
    `unwind statements write ${id} --to statement.jsonl`,
    `unwind statements write ${id} --client ${account} > statement.jsonl`,
  ],
  'statements verify': [
    'unwind statements verify statement.jsonl --key keys.json',
    'unwind statements verify statement.jsonl --thumbprint kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
  ],
  'statements keys': ['unwind statements keys > keys.json'],
  'batches start': [
    'unwind batches start --file accounts.csv --reason "the product ends"',
    'unwind batches start --file accounts.csv --rate 6000 --in-progress 2000 --reason "the product ends" --watch',
    'unwind batches start --file accounts.csv --start-at 2026-03-02T08:00:00Z --reason "the product ends"',
  ],
  'batches list': ['unwind batches', 'unwind batches list --status RUNNING --json'],
  'batches show': [`unwind batches show ${id}`, `unwind batches show ${id} --accounts REFUSED`],
  'batches watch': [`unwind batches watch ${id}`],
  'batches pause': [`unwind batches pause ${id} --reason "prices are wrong"`],
  'batches resume': [`unwind batches resume ${id} --reason "prices are right again"`],
  'batches cancel': [`unwind batches cancel ${id} --reason "a mistake"`],
  'liquidations abandon': [
    `unwind liquidations abandon ${id} --reason "the instrument was delisted"`,
  ],
  'controls show': ['unwind controls', `unwind controls show --client ${id} --json`],
  'controls set': [
    'unwind controls set --everything --price-age 900 --rejections 10/60 --reason "limits of 2026"',
    `unwind controls set --client ${id} --order-value 250000 --replaces ${id} --reason "limits of 2026"`,
  ],
  'approvals list': ['unwind approvals', `unwind approvals list --client ${id} --all --json`],
  'approvals approve': [`unwind approvals approve ${id} --reason "checked the prices"`],
  'approvals decline': [`unwind approvals decline ${id} --reason "prices are stale"`],
  'controls stopped': ['unwind controls stopped', `unwind controls stopped --client ${id} --json`],
  'controls release': [`unwind controls release ${id} --reason "agreed with the desk"`],
  'parked list': ['unwind parked', 'unwind parked list --json'],
  'parked resume': [`unwind parked resume release/${id}`, 'unwind parked resume --all'],
  'parked close': [
    `unwind parked close correction/${id} --reason "paid back by hand, ticket 4711"`,
  ],
  'webhooks list': ['unwind webhooks', 'unwind webhooks list --json'],
  'webhooks deliveries': [`unwind webhooks deliveries ${id} --limit 20`],
  'webhooks replay': [
    `unwind webhooks replay ${id} --from 2026-07-01T00:00:00Z`,
    `unwind webhooks replay ${id} --set-aside`,
  ],
  'webhooks test': [`unwind webhooks test ${id}`],
  report: ['unwind report --today', `unwind report --since 2026-07-01 --client ${id} --json`],
  top: ['unwind top', 'unwind top --once'],
  doctor: ['unwind doctor', 'unwind doctor --json'],
  console: ['unwind console'],
  'venues list': ['unwind venues', 'unwind venues list --json'],
  'venues calendar': [
    'unwind venues calendar',
    'unwind venues calendar --file examples/calendars/german-exchange.json',
    'unwind venues calendar --always-open',
  ],
  'venues reconcile': [
    'unwind venues reconcile --venue XDEM executions.csv',
    'unwind venues reconcile --venue XDEM executions.csv --from 2026-01-05 --until 2026-01-09 --json',
  ],
  'venues check': ['UNWIND_VENUES_FILE=venues.json unwind venues check'],
  'trail list': [
    'unwind trail',
    `unwind trail list --account ${account} --since 2026-07-01T00:00:00Z`,
    'unwind trail list --kind command --json',
  ],
  'trail show': [`unwind trail show ${id}`],
  'trail verify': [
    'unwind trail verify',
    'unwind trail verify --checkpoint checkpoints --key trail.key.pub',
  ],
  'trail key': ['unwind trail key trail.key'],
  'fix status': ['unwind fix', 'unwind fix status --json'],
  'fix log': ['unwind fix log', 'unwind fix log --venue XETR --follow'],
  'fix resume': [
    'unwind fix resume XETR --reason "numbers agreed by phone" --next-in 812 --next-out 640',
  ],
  'fix reset': ['unwind fix reset XETR --reason "new trading day, agreed with the venue"'],
  request: [
    'unwind request GET /webhooks',
    `unwind request POST /accounts/${account}/liquidations --data '{"user_id":"3e6ee6f7-c1a3-490f-9629-8f5863e1ae0e"}'`,
    'unwind request GET /events --print',
  ],
  listen: [
    'unwind listen',
    'unwind listen --forward http://127.0.0.1:8081/hooks --from 2026-07-01T00:00:00Z',
  ],
  'replay-request': [
    'unwind replay-request recorded/20260701T120000000Z-0198c5d2-4c3f-4d09-8a5e-3b1f0a6c2d41.json --new-key',
  ],
  'inspect-signature': [
    'unwind inspect-signature request.http',
    'unwind request GET /webhooks --print | unwind inspect-signature',
    'unwind inspect-signature request.http --key public.pem --at 2026-07-01T12:00:00Z',
  ],
  'clients create': [
    'unwind clients create --name Broker --scopes all --public-key public.pem',
    'unwind clients create --name Desk --scopes "account_liquidations:admin webhooks:admin" --public-key public.pem --signature-policy strict',
    `unwind clients create --name Broker --scopes all --client-id ${account} --client-secret-file secret.txt --public-key ed25519.pub --key-id ${id}`,
  ],
  'clients list': ['unwind clients list'],
  'clients show': [`unwind clients show ${id}`],
  'clients disable': [`unwind clients disable ${id} --reason "contract ended"`],
  'clients enable': [`unwind clients enable ${id} --reason "contract renewed"`],
  'clients rotate-secret': [
    `unwind clients rotate-secret ${id} --overlap 48 --reason "yearly rotation"`,
  ],
  'clients add-key': [
    `unwind clients add-key ${id} --public-key new.pem --reason "yearly rotation"`,
  ],
  'clients revoke-key': [`unwind clients revoke-key ${id} --key ${id} --reason "key was leaked"`],
  'clients scopes': [
    `unwind clients scopes ${id} --set "account_liquidations:read" --reason "reads only from now on"`,
  ],
  'clients contract': ['unwind clients contract CLIENT --set 2026 --reason "asked for SETTLED"'],
  'clients certificates': [
    `unwind clients certificates ${id} --add client.pem --reason "calls by mTLS from now on"`,
    `unwind clients certificates ${id} --remove 5f0c7c1b6f0c5a6a4d1f8f4b1f5c9e9d0a7c3b2e1d4f5a6b7c8d9e0f1a2b3c4d --reason "replaced"`,
  ],
  'clients addresses': [
    `unwind clients addresses ${id} --set 203.0.113.0/24,2001:db8::/48 --reason "their data centre"`,
  ],
  'clients revoke-tokens': [`unwind clients revoke-tokens ${id} --reason "token was logged"`],
  'clients packages': [
    'unwind clients packages 65536',
    `unwind clients packages none --client ${id}`,
  ],
  'keys list': ['unwind keys', `unwind keys list --client ${id} --all --json`],
  'keys rotate': [
    'unwind keys rotate',
    'unwind keys rotate --algorithm ed25519 --lead 0 --overlap 24',
  ],
  version: ['unwind version', 'unwind version --json'],
  commands: ['unwind commands', 'unwind commands --json'],
  completion: [
    'unwind completion bash > /etc/bash_completion.d/unwind',
    'unwind completion fish > ~/.config/fish/completions/unwind.fish',
  ],
  'sandbox reset': ['unwind sandbox reset && unwind import examples/book'],
};

/** Names that commands had before the grammar of noun and verb, and the ones that they have now. */
export const olderNames: Readonly<Record<string, string>> = {
  calendar: 'venues calendar',
  reconcile: 'venues reconcile',
  abandon: 'liquidations abandon',
};

/** Adds the examples to the help of each command. Asserts that there are some, and that each is one. */
export function addExamples(program: Command): void {
  for (const { words, command } of leavesOf(program, [])) {
    const name = words.join(' ');
    const lines = examples[olderNames[name] ?? name];
    assert(lines !== undefined, `there is an example of unwind ${name}`);
    for (const line of lines) {
      for (const [option] of line.matchAll(/(?<=\s)--[a-z-]+/g)) {
        const isKnown =
          option === '--json' ||
          line.includes(' | ') ||
          command.options.some(({ long }) => long === option);
        assert(isKnown, `${option} is an option of unwind ${name}`);
      }
    }
    command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  }
}

/** A command that does something, and the words that lead to it. */
export interface Leaf {
  readonly words: readonly string[];
  readonly command: Command;
}

/** All commands below one that are declared, in their order. */
export function leavesOf(command: Command, words: readonly string[]): readonly Leaf[] {
  if (!isDeclared(command)) return [];
  if (command.commands.length === 0) return [{ words, command }];
  return command.commands.flatMap((one) => leavesOf(one, [...words, one.name()]));
}
