// Packs what is published, from a copy of the repository, and lays it out in an empty project as npm
// would. Nothing comes over the network: what a package depends on is linked from this repository's
// node_modules, exactly the dependencies that its package.json names, so that one that is missing
// there is missed here too.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const run = promisify(execFile);

/** A package as npm has packed it. */
export interface Packed {
  readonly name: string;
  readonly archive: string;
  /** Paths of what it holds. */
  readonly files: readonly string[];
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const sources = [
  ...['src', 'packages', 'bin', 'tools/build.ts', 'docs', 'examples', 'package.json', 'README.md'],
  ...['LICENSE', 'CHANGELOG.md', 'tsconfig.json', 'tsconfig.build.json'],
];

/** Copies the repository, since a build would otherwise lie in it while other tests run. */
export async function copyRepository(directory: string): Promise<string> {
  const copy = join(directory, 'copy');
  for (const name of sources) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Packs one folder of a copy. */
export async function pack(copy: string, folder: string): Promise<Packed> {
  const directory = dirname(copy);
  const npm = ['pack', '--json', '--offline', '--pack-destination', directory];
  const env = { ...process.env, npm_config_cache: join(directory, 'cache') };
  const cwd = join(copy, folder);
  const { stdout } = await run('npm', npm, { cwd, env, maxBuffer: 16 * 1024 * 1024 });
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  const files = packed.files.map(({ path }: { readonly path: string }) => path);
  return { name: packed.name, archive: join(directory, packed.filename), files };
}

/** Lays packages out in a project of their own, with what they depend on. @returns its folder. */
export async function layOut(
  directory: string,
  { packages, types }: { readonly packages: readonly Packed[]; readonly types: string },
): Promise<string> {
  const project = join(directory, 'project');
  const modules = join(project, 'node_modules');
  const own = packages.map(({ name }) => name);
  for (const { name, archive } of packages) {
    const home = join(modules, name);
    await mkdir(home, { recursive: true });
    await run('tar', ['-xzf', archive, '-C', home, '--strip-components=1']);
    const manifest: Manifest = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
    const { dependencies = {}, optionalDependencies = {} } = manifest;
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (own.includes(needed)) continue;
      // Optional ones are there for one platform only.
      await link(modules, needed, { mayLack: needed in optionalDependencies });
    }
  }
  await mkdir(join(modules, '@types'));
  await symlink(types, join(modules, '@types/node'));
  const consumer = { name: 'consumer', private: true, type: 'module' };
  await writeFile(join(project, 'package.json'), JSON.stringify(consumer));
  return project;
}

async function link(
  modules: string,
  name: string,
  { mayLack }: { readonly mayLack: boolean },
): Promise<void> {
  const there = join(root, 'node_modules', name);
  const isThere = await access(there).then(
    () => true,
    () => false,
  );
  assert.ok(isThere || mayLack, `${name} is installed here`);
  await mkdir(dirname(join(modules, name)), { recursive: true });
  await symlink(there, join(modules, name));
}

/** The types of Node that this repository is checked with. */
export const ownTypes = join(root, 'node_modules/@types/node');

/** Checks programs in a project by the compiler, strictly; declarations of others as well. */
export async function checkTypes(project: string, files: readonly string[]): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const strictly = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const how = ['--noEmit', '--module', 'nodenext', '--target', 'esnext', '--types', 'node'];
  const args = [tsc, '--ignoreConfig', ...how, ...strictly, '--skipLibCheck', 'false', ...files];
  await run(process.execPath, args, { cwd: project }).catch((error) => assert.fail(error.stdout));
}
