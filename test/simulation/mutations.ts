// Shows that the simulation can fail: plants known mistakes, one at a time, in a copy of the sources,
// and tells after how many seeds each is found. By hand, since it takes minutes:
//
//   node test/simulation/mutations.ts [--seeds 8] [--liquidations 30] [--only name]
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Each text stands in the file exactly once. */
  readonly edits: readonly { readonly from: string; readonly to: string }[];
}

const mutations: readonly Mutation[] = [
  {
    name: 'an order that never arrived is sent under a new client order id',
    file: 'src/orders/resolve-submissions.ts',
    edits: [
      {
        from: "<= now) return 'never_arrived';",
        to: "<= now) return { type: 'refused', reason: 'never arrived', temporary: true };",
      },
    ],
  },
  {
    name: 'no answer counts as a refusal',
    file: 'src/orders/submit-orders.ts',
    edits: [
      {
        from: "{ type: 'unknown', reason: 'the venue did not answer' }",
        to: "{ type: 'refused', reason: 'the venue did not answer', temporary: false }",
      },
    ],
  },
  {
    name: 'the state is not asked for when a client cancels',
    file: 'src/liquidations/store.ts',
    edits: [
      {
        from: "and l.status = 'NEW'\n        and not v.signature_replayed",
        to: 'and not v.signature_replayed',
      },
    ],
  },
  {
    name: 'two who finish the last orders of a liquidation lock nothing first',
    file: 'src/orders/apply-store.ts',
    edits: [
      {
        from: 'order by a.account_id\n    for no key update',
        to: 'order by a.account_id',
      },
      {
        from: 'order by l.liquidation_id\n    for no key update',
        to: 'order by l.liquidation_id',
      },
    ],
  },
  {
    name: 'two who publish do not take turns',
    file: 'src/events/store.ts',
    edits: [{ from: '\n    for update`;', to: '`;' }],
  },
  {
    name: 'a creation is not remembered under its key',
    file: 'src/liquidations/store.ts',
    edits: [
      {
        from: 'from rendered r\n    )\n    select\n      v.signature_replayed, v.account_status',
        to: 'from rendered r\n      where false\n    )\n    select\n      v.signature_replayed, v.account_status',
      },
    ],
  },
  {
    name: 'a commit whose answer is lost counts as done',
    file: 'src/db/sql.ts',
    edits: [
      {
        from: "await command(lent, 'commit');",
        to: "await command(lent, 'commit').catch(() => 'COMMIT');",
      },
    ],
  },
  {
    name: 'what a dead process was sending is taken over by nobody',
    file: 'src/orders/store.ts',
    edits: [
      { from: 'and s.lease_expires_at <=', to: 'and s.lease_epoch > 9 and s.lease_expires_at <=' },
    ],
  },
  {
    name: 'a failed delivery counts as made',
    file: 'src/webhooks/session.ts',
    edits: [
      {
        from: "isCut ? { type: 'cut' } : outcomeOf(attempt, clock.now(), random());",
        to: "isCut ? { type: 'cut' } : outcomeOf({ ...attempt, type: 'answered', status: 204 } as Attempt, clock.now(), random());",
      },
    ],
  },
];

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '8' },
    liquidations: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
  },
});

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The sources with one mistake in them. */
async function plant(copy: string, { file, edits }: Mutation): Promise<void> {
  let text = await readFile(join(root, file), 'utf8');
  for (const { from, to } of edits) {
    assert.equal(text.split(from).length, 2, `${file} does not have it once: ${from}`);
    text = text.replace(from, () => to);
  }
  await writeFile(join(copy, file), text);
}

async function heal(copy: string, { file }: Mutation): Promise<void> {
  await cp(join(root, file), join(copy, file));
}

interface Found {
  readonly seeds: number;
  /** The first sentence about it; undefined: nothing was found. */
  readonly fault: string | undefined;
}

async function hunt(copy: string): Promise<Found> {
  const { seeds, liquidations } = values;
  const args = ['--seed', '1', '--seeds', seeds, '--liquidations', liquidations];
  const child = spawn(process.execPath, ['test/simulation/run.ts', ...args], { cwd: copy });
  let [out, errors] = ['', ''];
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    errors += part;
  });
  const [code] = await once(child, 'exit');
  const ran = out.match(/^seed /gm)?.length ?? 0;
  assert.ok(ran > 0, `the simulation did not run: ${errors}`);
  const shown = errors.split('\n').find((line) => isFault(line));
  return { seeds: ran, fault: code === 0 ? undefined : (shown ?? errors.slice(-200)) };
}

/** Neither a step of the history nor a line of a stack. */
function isFault(line: string): boolean {
  return !/^(20\d\d-|process |customer |bookkeeper |t\d-|all have|\s+at |$)/.test(line);
}

const copy = await mkdtemp(join(tmpdir(), 'unwind-mutations-'));
let missed = 0;
try {
  for (const part of ['src', 'test', 'tools', 'examples', 'package.json', 'tsconfig.json']) {
    await cp(join(root, part), join(copy, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const mutation of mutations.filter(({ name }) => name.includes(values.only))) {
    await plant(copy, mutation);
    const { seeds, fault } = await hunt(copy);
    await heal(copy, mutation);
    if (fault === undefined) missed += 1;
    const result = fault === undefined ? `NOT FOUND in ${seeds} seeds` : `found by seed ${seeds}`;
    console.log(`${mutation.name}: ${result}${fault === undefined ? '' : `: ${fault}`}`);
  }
} finally {
  await rm(copy, { recursive: true, force: true });
}
process.exitCode = missed === 0 ? 0 : 1;
