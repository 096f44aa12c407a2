// The nouns of the command line, in the order and the groups of its help, and the file that declares the commands of
// each. A file is loaded where its noun stands on the command line: loading all takes longer than most commands do.

import type { Command } from 'commander';
import { assert } from '../assert.ts';

const sell = 'Sell:';
const see = 'See:';
const steer = 'Steer:';
const integrate = 'Integrate:';
const operate = 'Run:';

interface Room {
  /** What each is about, below the heading of its group; older names stand in no help. */
  readonly nouns: Readonly<Record<string, readonly [heading: string, about: string] | 'older'>>;
  readonly load: () => Promise<(program: Command) => void>;
}

const rooms: readonly Room[] = [
  {
    nouns: {
      start: [operate, 'start the service'],
      migrate: [operate, 'bring the database schema up to this version'],
      console: [operate, 'print a link that signs in at the console of a sandbox, once'],
      version: [operate, 'print the versions of Unwind and of what it runs on'],
    },
    load: async () => (await import('./service-commands.ts')).addServiceCommands,
  },
  {
    nouns: {
      import: [
        sell,
        'import the book (users, accounts, instruments, listings, rates, prices, positions) from CSV files',
      ],
      positions: [sell, 'change positions, also while a liquidation runs on their account'],
    },
    load: async () => (await import('./book-commands.ts')).addBookCommands,
  },
  {
    nouns: {
      audit: [see, 'recompute everything from executions and movements and name every difference'],
      top: [
        see,
        'a live screen: who sells, how fast, how long it takes, the oldest waits; q ends it',
      ],
      report: [see, 'how much was sold today, what is open, and what waits and why'],
      doctor: [
        see,
        'check database, schema, clock, keys, disk, venues and receivers, and say what to do',
      ],
    },
    load: async () => (await import('./looking-commands.ts')).addLookingCommands,
  },
  {
    nouns: {
      liquidations: [sell, 'which liquidations there are, and why they wait'],
      abandon: 'older',
      parked: [see, 'what waits for a person, and why'],
    },
    load: async () => (await import('./operator-commands.ts')).addOperatorCommands,
  },
  {
    nouns: { events: [see, 'the log of events of a client'] },
    load: async () => (await import('./events-command.ts')).addEventCommands,
  },
  {
    nouns: {
      halts: [steer, 'stop the release and the sending of orders, until a person lifts it'],
    },
    load: async () => (await import('./halts-command.ts')).addHaltCommands,
  },
  {
    nouns: { controls: [steer, 'limits that orders have to keep before they are sent'] },
    load: async () => (await import('./controls-command.ts')).addControlsCommands,
  },
  {
    nouns: { approvals: [steer, 'what needs a second person'] },
    load: async () => (await import('./approvals-command.ts')).addApprovalCommands,
  },
  {
    nouns: { statements: [sell, 'signed statements of what liquidations sold'] },
    load: async () => (await import('./statement-commands.ts')).addStatementCommands,
  },
  {
    nouns: { batches: [sell, 'liquidate many accounts at once'] },
    load: async () => (await import('./batches-command.ts')).addBatchCommands,
  },
  {
    nouns: { trail: [see, 'who has changed what, and whether it is whole'] },
    load: async () => (await import('./trail-command.ts')).addTrailCommands,
  },
  {
    nouns: {
      venues: [steer, 'the venues that orders go to'],
      calendar: 'older',
      reconcile: 'older',
    },
    load: async () => (await import('./venue-commands.ts')).addVenueCommands,
  },
  {
    nouns: { fix: [steer, 'FIX sessions'] },
    load: async () => (await import('./fix-command.ts')).addFixCommands,
  },
  {
    nouns: {
      request: [integrate, 'send a signed request and print the answer'],
      'replay-request': [
        integrate,
        'send a request again that a sandbox has recorded (UNWIND_RECORD), signed anew',
      ],
      listen: [integrate, 'receive the webhooks of a sandbox, verify and print them, until Ctrl-C'],
      'inspect-signature': [
        integrate,
        'explain the signature of a raw HTTP request; exits 1 where it would be refused',
      ],
    },
    load: async () => (await import('./request-commands.ts')).addRequestCommands,
  },
  {
    nouns: { webhooks: [integrate, 'subscriptions to events, and their deliveries'] },
    load: async () => (await import('./webhooks-commands.ts')).addWebhookCommands,
  },
  {
    nouns: { clients: [integrate, 'API clients and what they may'] },
    load: async () => (await import('./clients-command.ts')).addClientCommands,
  },
  {
    nouns: { keys: [integrate, 'keys that sign deliveries of webhooks'] },
    load: async () => (await import('./keys-command.ts')).addKeyCommands,
  },
  {
    nouns: { sandbox: [operate, 'the sandbox as a whole'] },
    load: async () => (await import('./sandbox-command.ts')).addSandboxCommands,
  },
  {
    nouns: {
      commands: [operate, 'list every command, one a line'],
      completion: [operate, 'print what makes a shell complete commands and options'],
    },
    load: async () => (await import('./help-commands.ts')).addHelpCommands,
  },
];

/** Nouns that show all others. */
const ofAll = ['commands', 'completion'];

/** Nouns whose commands are not declared: they stand in the help, and none of them is on the command line. */
const undeclared = new WeakSet<Command>();

/** Adds all nouns, and the commands of those that a command line names; of all where it is undefined. */
export async function addNouns(program: Command, args?: readonly string[]): Promise<void> {
  for (const { nouns } of rooms) {
    for (const [name, noun] of Object.entries(nouns)) {
      const command = program.command(name, { hidden: noun === 'older' });
      if (noun !== 'older') command.helpGroup(noun[0]).description(noun[1]);
      undeclared.add(command);
    }
  }
  const words = args?.filter((word) => !word.startsWith('-')).slice(0, 2);
  const isAll = words === undefined || words.some((word) => ofAll.includes(word));
  for (const { nouns, load } of rooms) {
    if (isAll || words.some((word) => Object.hasOwn(nouns, word))) (await load())(program);
  }
}

/** A noun that has been added, to be given its commands. */
export function nounOf(program: Command, name: string): Command {
  const command = program.commands.find((one) => one.name() === name);
  assert(command !== undefined, `${name} is a noun`);
  undeclared.delete(command);
  return command;
}

/** Whether the commands of a noun are there. */
export function isDeclared(command: Command): boolean {
  return !undeclared.has(command);
}
