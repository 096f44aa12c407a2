// The packages for integrators as they are published: packed by npm, laid out together in an empty
// project, checked against the types of every Node that they are for, and run on every runtime that is
// here. `npm run runtimes` brings those that the machine has not.
// Long by nature: npm packs, and runtimes run.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, symlink, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import {
  checkTypes,
  copyRepository,
  layOut,
  ownTypes,
  type Packed,
  pack,
  root,
  run,
} from './packing.ts';

const runtimes = join(root, 'tools/runtimes/node_modules');
const absent = 'not installed here: npm run runtimes';

/** What runs a program, and with which arguments before it. */
const commands: Readonly<Record<string, readonly [command: string, ...args: readonly string[]]>> = {
  'Node 20': [join(runtimes, 'node-20/bin/node')],
  'Node 22': [join(runtimes, 'node-22/bin/node')],
  'Node 24': [process.execPath],
  Bun: [join(runtimes, '@oven/bun-linux-x64/bin/bun')],
  Deno: [join(runtimes, '@deno/linux-x64-glibc/deno'), 'run', '--allow-all', '--no-lock'],
};

const types: Readonly<Record<string, string>> = {
  'of this repository': ownTypes,
  'of Node 20': join(runtimes, 'types-node-20'),
  'of Node 22': join(runtimes, 'types-node-22'),
  'of Node 24': join(runtimes, 'types-node-24'),
  'of Node 26': join(runtimes, 'types-node-26'),
};

suite('the packages for integrators', () => {
  let directory = '';
  let project = '';
  let packages: readonly Packed[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unwind-packages-'));
    const copy = await copyRepository(directory);
    const signatures = await pack(copy, 'packages/signatures');
    packages = [signatures, await pack(copy, 'packages/client')];
    project = await layOut(directory, { packages, types: ownTypes });
    await cp(join(root, 'test/packages/consumer'), project, { recursive: true });
    for (const name of ['signatures', 'client']) {
      await cp(join(root, 'packages', name, 'examples'), project, { recursive: true });
    }
    const manifest = await readFile(join(copy, 'packages/client/package.json'), 'utf8');
    const before = await readFile(join(root, 'packages/client/package.json'), 'utf8');
    assert.equal(manifest, before, 'package.json is as it was');
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('hold JavaScript and declarations, and lead nowhere else', async () => {
    const belongs =
      /^(dist\/[\w-]+\.(js|d\.ts)|examples\/[\w-]+\.ts|package\.json|README\.md|LICENSE)$/;
    for (const { name, files } of packages) {
      assert.deepEqual(
        files.filter((path) => !belongs.test(path)),
        [],
      );
      for (const path of ['README.md', 'LICENSE']) assert.ok(files.includes(path), path);
      for (const path of files.filter((one) => one.endsWith('.js'))) {
        const text = await readFile(join(project, 'node_modules', name, path), 'utf8');
        assert.doesNotMatch(text, /from '\.[^']*\.ts'/, `${path} imports what is not there`);
      }
    }
  });

  for (const [whose, folder] of Object.entries(types)) {
    const skip = existsSync(folder) ? false : absent;
    test(`compile against the types ${whose}, declarations checked`, { skip }, async () => {
      await unlink(join(project, 'node_modules/@types/node'));
      await symlink(folder, join(project, 'node_modules/@types/node'));
      await checkTypes(project, ['sign.ts', 'inspect.ts', 'liquidate.ts', 'receive.ts']);
    });
  }

  for (const [runtime, [command, ...args]] of Object.entries(commands)) {
    const skip = existsSync(command) ? false : absent;
    test(`do what they are for on ${runtime}`, { skip }, async () => {
      const program = [...args, 'runtime.mjs'];
      const { stdout } = await run(command, program, { cwd: project, timeout: 300_000 });
      const results: Readonly<Record<string, string>> = JSON.parse(stdout);
      assert.ok(Object.keys(results).length >= 20);
      assert.deepEqual(
        Object.entries(results).filter(([, result]) => result !== 'held'),
        [],
      );
    });
  }
});
