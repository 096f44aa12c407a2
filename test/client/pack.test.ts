// The package as it is published: packed by npm, laid out in an empty project as npm would, checked
// by the compiler against its declarations, and run from there. Nothing comes over the network: what
// the package depends on is linked from this repository's node_modules, exactly the dependencies
// that package.json names, so that one that is missing there is missed here too.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../support/condition.ts';
import { createTestDatabase } from '../support/database.ts';
import { allBlocks } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const patienceMs = 60_000;

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Project {
  readonly directory: string;
  /** The command as npm links it. */
  readonly unwind: string;
  readonly files: readonly string[];
}

const sources = [
  ...['src', 'packages', 'bin', 'tools', 'docs', 'examples', 'package.json', 'README.md'],
  ...['LICENSE', 'CHANGELOG.md', 'tsconfig.json', 'tsconfig.build.json'],
];

/** Packs a copy, since the build would otherwise lie in the repository while other tests run. */
async function pack(directory: string): Promise<Packed> {
  const copy = join(directory, 'copy');
  await mkdir(copy);
  for (const name of sources) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  const npm = ['pack', '--json', '--offline', '--pack-destination', directory];
  const env = { ...process.env, npm_config_cache: join(directory, 'cache') };
  const { stdout } = await run('npm', npm, { cwd: copy, env, maxBuffer: 16 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  return packed;
}

async function install(directory: string, { filename, files }: Packed): Promise<Project> {
  const project = join(directory, 'project');
  const modules = join(project, 'node_modules');
  const home = join(modules, 'unwind');
  await mkdir(home, { recursive: true });
  await run('tar', ['-xzf', join(directory, filename), '-C', home, '--strip-components=1']);
  const manifest: Manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  for (const name of [...names, '@types/node', 'undici-types']) {
    const there = join(root, 'node_modules', name);
    // Optional ones are there for one platform only.
    const isThere = await access(there).then(
      () => true,
      () => name in manifest.optionalDependencies,
    );
    assert.ok(isThere, `${name} is installed here`);
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(there, join(modules, name));
  }
  const unwind = join(modules, '.bin', 'unwind');
  await mkdir(dirname(unwind));
  await chmod(join(home, 'bin/unwind.js'), 0o755);
  await symlink('../unwind/bin/unwind.js', unwind);
  await cp(join(root, 'test/client/consumer'), project, { recursive: true });
  return { directory: project, unwind, files: files.map(({ path }) => path) };
}

suite('the package', () => {
  let directory = '';
  let project: Project;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unwind-pack-'));
    project = await install(directory, await pack(directory));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('holds what it needs to run and nothing of the workshop', async () => {
    const { files } = project;
    const belongs =
      /^(bin\/unwind\.js|dist\/.+\.(js|d\.ts|sql)|docs\/.+\.md|examples\/book\/[a-z]+\.csv|(package\.json|README\.md|CHANGELOG\.md|LICENSE))$/;
    assert.deepEqual(
      files.filter((path) => !belongs.test(path)),
      [],
    );
    const client = 'dist/@unwind/client';
    const expected = ['dist/main.js', `${client}/client.js`, `${client}/webhooks.d.ts`];
    for (const path of [
      ...expected,
      'dist/db/migrations/0001-baseline/01-clients.sql',
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

  test('its declarations carry a program of an integrator, strictly', async () => {
    await checkTypes(['program.ts']);
  });

  async function checkTypes(files: readonly string[]): Promise<void> {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const strictly = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
    const how = ['--noEmit', '--module', 'nodenext', '--target', 'esnext', '--types', 'node'];
    const args = [tsc, '--ignoreConfig', ...how, ...strictly, ...files];
    const cwd = project.directory;
    await run(process.execPath, args, { cwd }).catch((error) => assert.fail(error.stdout));
  }

  test('and every piece of TypeScript in the pages for integrators', async () => {
    const blocks = await allBlocks('ts');
    assert.ok(blocks.length >= 4);
    const files = await Promise.all(
      blocks.map(async ({ text }, at) => {
        const name = `page-${at}.ts`;
        await writeFile(join(project.directory, name), text);
        return name;
      }),
    );
    await checkTypes(files);
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

  test('its command tells of itself', async () => {
    const { stdout } = await run(project.unwind, ['--help'], { cwd: project.directory });
    assert.match(stdout, /^Usage: unwind /);
    assert.match(stdout, /\n {2}start /);
  });

  test('on a Node that is too old the command says what it needs', async () => {
    const launcher = await readFile(join(project.directory, 'node_modules/unwind/bin/unwind.js'));
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.1.0' });`;
    const code = old + launcher.toString().replace(/^#!.*/, '');
    const ended = await run(process.execPath, ['--input-type=module', '--eval', code]).catch(
      (error: unknown) => error as { code: number; stderr: string },
    );
    assert.ok('code' in ended);
    assert.equal(ended.code, 2);
    assert.match(ended.stderr, /^unwind: Node 24 or newer is needed; \S+ is 20\.1\.0\.\n$/);
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
