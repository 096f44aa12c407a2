// The package of the service as it is published: packed by npm, laid out in an empty project, checked by
// the compiler against its declarations, and run from there.
// Long by nature: npm packs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import {
  checkTypes,
  copyRepository,
  layOut,
  ownTypes,
  pack,
  root,
  run,
} from '../packages/packing.ts';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { allBlocks } from './pages.ts';

const patienceMs = 300_000;

interface Project {
  readonly directory: string;
  /** The command as npm links it. */
  readonly unwind: string;
  readonly files: readonly string[];
}

async function install(directory: string): Promise<Project> {
  const packed = await pack(await copyRepository(directory), '.');
  const project = await layOut(directory, { packages: [packed], types: ownTypes });
  const unwind = join(project, 'node_modules/.bin/unwind');
  await mkdir(dirname(unwind));
  await chmod(join(project, 'node_modules/unwind/bin/unwind.js'), 0o755);
  await symlink('../unwind/bin/unwind.js', unwind);
  await cp(join(root, 'test/client/consumer'), project, { recursive: true });
  return { directory: project, unwind, files: packed.files };
}

suite('the package', () => {
  let directory = '';
  let project: Project;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unwind-pack-'));
    project = await install(directory);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('holds what it needs to run and nothing of the workshop', async () => {
    const { files } = project;
    const belongs =
      /^(bin\/(unwind|needed-node)\.js|dist\/.+\.(js|css|d\.ts|sql)|docs\/.+\.md|examples\/book\/[a-z]+\.csv|(package\.json|README\.md|CHANGELOG\.md|LICENSE))$/;
    assert.deepEqual(
      files.filter((path) => !belongs.test(path)),
      [],
    );
    const client = 'dist/@unwind/client';
    const expected = ['dist/main.js', `${client}/client.js`, `${client}/webhooks.d.ts`];
    for (const path of [
      ...expected,
      'dist/db/migrations/0001-baseline/01-clients.sql',
      'dist/console/browser/main.js',
      'dist/console/browser/console.css',
      'LICENSE',
    ]) {
      assert.ok(files.includes(path), path);
    }
    const home = join(project.directory, 'node_modules/unwind');
    for (const path of files.filter((one) => one.endsWith('.js'))) {
      const text = await readFile(join(home, path), 'utf8');
      assert.doesNotMatch(
        text,
        /from '(\.[^']*\.ts|@unwind\/[^']*)'/,
        `${path} imports what is not there`,
      );
    }
  });

  test('its declarations carry a program of an integrator, and all in the pages, strictly', async () => {
    const blocks = await allBlocks('ts');
    assert.ok(blocks.length >= 4);
    const files = await Promise.all(
      blocks.map(async ({ text }, at) => {
        const name = `page-${at}.ts`;
        await writeFile(join(project.directory, name), text);
        return name;
      }),
    );
    await checkTypes(project.directory, ['program.ts', ...files]);
  });

  const newest = join(root, 'tools/runtimes/node_modules/types-node-26');
  const skip = existsSync(newest) ? false : 'not installed here: npm run runtimes';
  test('and the program with the newest types of Node', { skip }, async () => {
    const types = join(project.directory, 'node_modules/@types/node');
    await rm(types);
    await symlink(newest, types);
    await checkTypes(project.directory, ['program.ts']);
  });

  test('opens two addresses and no other', async () => {
    const open = async (address: string) => {
      const code = `await import('${address}')`;
      const args = ['--input-type=module', '--eval', code];
      return run(process.execPath, args, { cwd: project.directory });
    };
    await open('unwind/client');
    await open('unwind/webhooks');
    for (const closed of ['unwind', 'unwind/dist/main.js', 'unwind/src/main.ts']) {
      await assert.rejects(open(closed), /ERR_PACKAGE_PATH_NOT_EXPORTED/);
    }
  });

  test('its command describes itself', async () => {
    const { stdout } = await run(project.unwind, ['--help'], { cwd: project.directory });
    assert.match(stdout, /^Usage: unwind /);
    assert.match(stdout, /\n {2}start /);
  });

  test('on a Node that is too old the command says what it needs', async () => {
    const launcher = join(project.directory, 'node_modules/unwind/bin/unwind.js');
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' });`;
    const preload = `data:text/javascript,${encodeURIComponent(old)}`;
    const ended = await run(process.execPath, ['--import', preload, launcher]).catch(
      (error: unknown) => error as { code: number; stderr: string },
    );
    assert.ok('code' in ended);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /^unwind: Node 24 or newer is needed; \S+ is 20\.1\.0\.\n/);
  });

  test('starts the service, and a program sells an account and takes its webhooks', async (t) => {
    const { url } = await createTestDatabase(t);
    const home = join(project.directory, 'home');
    const env = {
      PATH: process.env['PATH'],
      DATABASE_URL: url,
      UNWIND_HOME: home,
      PORT: '0',
      UNWIND_RELEASE_DELAY_MS: '0',
    };
    const cwd = project.directory;
    const service = spawn(project.unwind, ['start'], {
      env,
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { text: '' };
    for (const stream of [service.stdout, service.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said.text += chunk;
      });
    }
    const closed = once(service, 'close');
    t.after(async () => {
      service.kill('SIGTERM');
      await closed;
    });
    await eventually('it listens', () => /listens at/.test(said.text), patienceMs);
    assert.match(said.text, /npx unwind import node_modules\/unwind\/examples\/book/);
    await run(project.unwind, ['import', 'node_modules/unwind/examples/book'], { env, cwd });
    const accounts = await readFile(join(cwd, 'node_modules/unwind/examples/book/accounts.csv'));
    const [header = '', line = ''] = accounts.toString().split('\n');
    const cell = (name: string) => line.split(',')[header.split(',').indexOf(name)] ?? '';
    const file = join(home, 'sandbox-client.json');
    const args = ['program.ts', file, cell('account_id'), cell('user_id')];
    const { stdout } = await run(process.execPath, args, { cwd, timeout: patienceMs });
    assert.deepEqual(JSON.parse(stdout), {
      seen: ['NEW', 'PROCESSING', 'FILLED'],
      cash_amount: '35521.09',
      late: 'conflict',
      listed: 1,
      logged: ['NEW', 'PROCESSING', 'FILLED'],
      failed: 0,
      resumed: 0,
    });
  });
});
