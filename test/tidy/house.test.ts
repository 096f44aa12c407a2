// The house rules that a machine can check. The rules stand here as data, so that documentation and
// check are one.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Lines of the longest source file. */
const fileLinesMax = 330;

/** Packages that only some places may import. */
const keepers: readonly { package: string; places: readonly string[] }[] = [
  { package: 'pg', places: ['src/db/'] },
  { package: 'fastify', places: ['src/http/'] },
  {
    package: 'undici',
    places: [
      'src/egress/',
      'src/deliveries/',
      'src/reservations/',
      'src/http/app.ts',
      'src/service.ts',
      'src/engine.ts',
    ],
  },
  { package: 'openid-client', places: ['src/egress/'] },
  { package: 'commander', places: ['src/main.ts', 'src/commands/'] },
  { package: 'cli-progress', places: ['src/commands/'] },
  { package: 'uuid', places: ['src/ids.ts'] },
  { package: 'big.js', places: ['src/money.ts'] },
  { package: 'structured-headers', places: ['packages/signatures/'] },
  { package: 'prom-client', places: ['src/metrics/'] },
  { package: 'jose', places: ['src/statements/'] },
];

/** The rooms from top to bottom: a room calls those below it. Of those above it may know types. */
const rooms = [
  'commands',
  'recording',
  'sandbox',
  'reconcile',
  'http',
  'tunnels',
  'statements',
  'metrics',
  'deliveries',
  'webhooks',
  'executions',
  'batches',
  'liquidations',
  'reservations',
  'settings',
  'embedded',
  'console',
  'orders',
  'venue',
  'controls',
  'book',
  'events',
  'work',
  'auth',
  'trail',
  'egress',
  'audit',
  'approvals',
  'halts',
  'db',
];

/** Rooms of which a room must not even import types. */
const upward: readonly { from: string; to: readonly string[] }[] = [
  { from: 'src/auth/', to: ['http', 'liquidations', 'orders', 'webhooks', 'book', 'events'] },
  { from: 'src/metrics/', to: ['http', 'auth', 'liquidations', 'orders', 'webhooks', 'book'] },
  { from: 'src/book/', to: ['http', 'liquidations', 'orders', 'webhooks', 'events', 'venue'] },
  {
    from: 'src/halts/',
    to: ['http', 'liquidations', 'orders', 'executions', 'webhooks', 'deliveries', 'book'],
  },
  {
    from: 'src/approvals/',
    to: ['http', 'liquidations', 'orders', 'executions', 'webhooks', 'deliveries', 'book', 'venue'],
  },
  {
    from: 'src/controls/',
    to: ['http', 'liquidations', 'orders', 'executions', 'webhooks', 'deliveries', 'book', 'venue'],
  },
  {
    from: 'src/reservations/',
    to: ['http', 'liquidations', 'orders', 'executions', 'deliveries', 'book', 'venue'],
  },
  { from: 'src/events/', to: ['http', 'liquidations', 'orders', 'webhooks', 'book', 'venue'] },
  { from: 'src/orders/', to: ['http', 'liquidations', 'webhooks', 'book', 'auth'] },
  {
    from: 'src/venue/',
    to: ['http', 'liquidations', 'orders', 'webhooks', 'book', 'auth', 'events'],
  },
  {
    from: 'src/work/',
    to: ['http', 'auth', 'liquidations', 'orders', 'webhooks', 'book', 'events', 'venue'],
  },
  {
    from: 'src/console/',
    to: ['http', 'liquidations', 'orders', 'webhooks', 'deliveries', 'executions', 'book', 'venue'],
  },
  { from: 'src/liquidations/', to: ['http', 'webhooks', 'batches'] },
  {
    from: 'src/statements/',
    to: ['http', 'liquidations', 'orders', 'executions', 'webhooks', 'deliveries', 'venue'],
  },
  { from: 'src/batches/', to: ['http', 'webhooks', 'deliveries', 'executions', 'orders', 'venue'] },
  { from: 'src/events/', to: ['batches'] },
  { from: 'src/webhooks/', to: ['http', 'liquidations', 'orders', 'executions', 'book', 'venue'] },
  {
    from: 'src/deliveries/',
    to: ['http', 'liquidations', 'orders', 'executions', 'book', 'venue'],
  },
  {
    from: 'src/egress/',
    to: ['http', 'db', 'liquidations', 'orders', 'executions', 'book', 'venue', 'events'],
  },
  { from: 'src/executions/', to: ['http', 'webhooks', 'deliveries', 'auth'] },
  { from: 'src/liquidations/', to: ['executions', 'deliveries'] },
  { from: 'src/orders/', to: ['executions', 'deliveries'] },
  { from: 'src/venue/', to: ['executions', 'deliveries'] },
  { from: 'src/book/', to: ['executions', 'deliveries'] },
  { from: 'src/work/', to: ['executions', 'deliveries'] },
  {
    from: 'src/reconcile/',
    to: ['http', 'liquidations', 'orders', 'executions', 'webhooks', 'venue', 'events', 'auth'],
  },
  {
    from: 'src/audit/',
    to: ['http', 'liquidations', 'orders', 'webhooks', 'book', 'venue', 'events'],
  },
  { from: 'src/db/', to: ['http', 'auth', 'liquidations', 'orders', 'webhooks', 'book', 'events'] },
];

/** Pure files: no input or output, no database. */
const nouns = [
  'src/batches/batch.ts',
  'src/orders/order.ts',
  'src/liquidations/liquidation.ts',
  'src/webhooks/webhook.ts',
  'src/state-machine.ts',
  'src/money.ts',
];

/** Where the wall clock is read; everybody else is handed one. */
const clockReaders = [
  'src/clock.ts',
  'packages/client/src/client.ts',
  'packages/client/src/webhooks.ts',
  'src/embedded/embedded-cluster.ts',
  // In a program that it writes.
  'src/http/openapi/samples.ts',
];

const bannedFolders = /\/(utils?|common|helpers|types|shared|misc)\//;

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

async function readSources(folder: string): Promise<readonly Source[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name));
  return Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const text = await readFile(path, 'utf8');
      const imports = [...text.matchAll(/^(?:import|export)[^;]*?from '([^']+)'/gms)].flatMap(
        ([, from = '']) => from,
      );
      return { file: relative(root, path), text, imports };
    }),
  );
}

const sources = [...(await readSources('src')), ...(await readSources('packages'))];

function roomOf(source: Source, imported: string): string {
  if (!imported.startsWith('.')) return '';
  const path = relative(root, resolve(root, dirname(source.file), imported));
  return path.split('/')[1] ?? '';
}

test('there are sources to look at', () => {
  assert.ok(sources.length > 50);
});

test('every file opens by saying what it is for, and stays short', () => {
  for (const { file, text } of sources) {
    const lines = text.split('\n');
    const opening = lines[0]?.startsWith('#!') ? lines[1] : lines[0];
    assert.match(opening ?? '', /^\/\/ \S/, `${file} has no opening comment`);
    assert.ok(lines.length <= fileLinesMax, `${file} has ${lines.length} lines`);
    assert.doesNotMatch(file, bannedFolders);
  }
});

test('packages are imported only where they are kept', () => {
  for (const source of sources) {
    for (const { package: name, places } of keepers) {
      if (!source.imports.includes(name)) continue;
      assert.ok(
        places.some((place) => source.file.startsWith(place)),
        `${source.file}: ${name}`,
      );
    }
  }
});

test('packages know only each other, by their addresses, and the client what is below it', () => {
  const own = { signatures: ['structured-headers'], client: ['@unwind/signatures'] };
  for (const { file, imports } of sources) {
    const [, name] = /^packages\/(\w+)\/src\//.exec(file) ?? [];
    const foreign = imports.filter((one) => !/^(node:|\.\/)/.test(one));
    if (name === 'signatures' || name === 'client') {
      assert.deepEqual(
        foreign.filter((one) => !own[name].includes(one)),
        [],
        file,
      );
    }
    assert.deepEqual(
      imports.filter((one) => /\/packages\//.test(one)),
      [],
      file,
    );
  }
});

test('calls go down', () => {
  for (const source of sources) {
    for (const { from, to } of upward) {
      if (!source.file.startsWith(from)) continue;
      const wrong = source.imports.filter((one) => to.includes(roomOf(source, one)));
      assert.deepEqual(wrong, [], source.file);
    }
    if (/^src\/(main\.ts|commands\/)/.test(source.file)) continue;
    const commands = source.imports.filter((one) => roomOf(source, one) === 'commands');
    assert.deepEqual(commands, [], source.file);
  }
});

test('every room has its place, in the order of calls and on the page of the architecture', async () => {
  const page = await readFile(join(root, 'docs/architecture.md'), 'utf8');
  const entries = await readdir(join(root, 'src'), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.deepEqual(folders.toSorted(), rooms.toSorted());
  assert.deepEqual(
    folders.filter((name) => !page.includes(`| \`src/${name}/\` |`)),
    [],
  );
  const placeOf = (file: string) => rooms.indexOf(file.split('/')[1] ?? '');
  for (const { file, text } of sources.filter((source) => placeOf(source.file) >= 0)) {
    const up = valueImports(text).filter((one) => {
      if (!one.startsWith('.')) return false;
      const place = placeOf(relative(root, resolve(root, dirname(file), one)));
      return place >= 0 && place < placeOf(file);
    });
    assert.deepEqual(up, [], file);
  }
});

test('no file imports itself, by whatever way round', () => {
  const imports = new Map(
    sources.map(({ file, imports: own }) => {
      const relatives = own.filter((one) => one.startsWith('.'));
      return [file, relatives.map((one) => relative(root, resolve(root, dirname(file), one)))];
    }),
  );
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    assert.ok(!way.includes(file), [...way, file].join(' → '));
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const { file } of sources) visit(file, []);
});

test('a command loads what it needs: the command line imports nothing that takes long', () => {
  const slow = /^(typebox|fastify|undici|prom-client|@scalar|node-forge)/;
  // What declares the commands of a noun is loaded before they are.
  const declaring = sources.filter(({ text }) => /\bnounOf\(program, /.test(text));
  assert.ok(declaring.length > 15);
  const begin = ['src/main.ts', ...declaring.map(({ file }) => file)];
  const ways = new Map(begin.map((file) => [file, file]));
  const long: string[] = [];
  for (const [file, way] of ways) {
    const source = sources.find((one) => one.file === file);
    for (const one of valueImports(source?.text ?? '')) {
      const path = relative(root, resolve(root, dirname(file), one));
      if (slow.test(one)) long.push(`${way} → ${one}`);
      else if (one.startsWith('.') && !ways.has(path)) ways.set(path, `${way} → ${path}`);
    }
  }
  assert.deepEqual(long, []);
  assert.ok(ways.size > 50);
});

/** What a file imports, without what is only imported for its types and so is not loaded. */
function valueImports(text: string): readonly string[] {
  const statements = text.matchAll(/^(?:import|export) (?!type )([^;]*?) from '([^']+)'/gms);
  return [...statements].flatMap(([, what = '', from = '']) => {
    const names = /^\{(.*)\}$/s.exec(what)?.[1]?.split(',') ?? ['all'];
    const isLoaded = names.some((name) => !/^\s*(type .*)?$/s.test(name));
    return isLoaded ? [from] : [];
  });
}

test('only stores and the database room hold SQL', () => {
  const isStore =
    /(^src\/db\/|^src\/embedded\/|^src\/audit\/|store\.ts$|^src\/auth\/signing-keys\.ts$)/;
  for (const { file, text } of sources) {
    if (isStore.test(file)) continue;
    assert.doesNotMatch(text, /\b(sql|tx)(<[^`]*>)?`/, `${file} holds SQL`);
  }
});

test('nouns are pure', () => {
  for (const source of sources.filter(({ file }) => nouns.includes(file))) {
    const impure = source.imports.filter((one) =>
      /^node:(?!crypto|assert)|\/db\/|store\.ts$/.test(one),
    );
    assert.deepEqual(impure, [], source.file);
    assert.doesNotMatch(source.text, /\basync\b/, source.file);
  }
});

test('the clock is handed in', () => {
  for (const { file, text } of sources) {
    if (clockReaders.includes(file) || /^packages\/\w+\/examples\//.test(file)) continue;
    const code = text.replaceAll(/'[^'\n]*'/g, "''"); // samples of programs stand in texts
    assert.doesNotMatch(code, /Date\.now\(\)|new Date\(\)/, `${file} reads the clock itself`);
  }
});

test('money never becomes a number', () => {
  const rooms = /^src\/(money|orders|executions|liquidations|venue|book)/;
  for (const { file, text } of sources.filter((source) => rooms.test(source.file))) {
    assert.doesNotMatch(text, /parseFloat|\.toNumber\(|Math\.round/, file);
  }
});

test('nothing is left to do, and nothing is exported twice removed', () => {
  for (const { file, text } of sources) {
    assert.doesNotMatch(text, /\b(TODO|FIXME|XXX|HACK)\b/, file);
    assert.doesNotMatch(text, /export default|^enum |^namespace /m, file);
  }
});

test('pnpm finds the workspaces that npm finds, and links them', async () => {
  const read = (file: string) => readFile(join(root, file), 'utf8');
  const { workspaces } = JSON.parse(await read('package.json')) as { workspaces: string[] };
  const lines = (await read('pnpm-workspace.yaml')).split('\n');
  const first = lines.indexOf('packages:') + 1;
  assert.deepEqual(
    lines.slice(first, first + workspaces.length),
    workspaces.map((one) => `  - ${one}`),
  );
  assert.ok(lines.includes('linkWorkspacePackages: true'));
});
