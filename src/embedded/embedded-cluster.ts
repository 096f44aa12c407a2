// Keeps the directory of the built-in database: finds it, makes it on the first start, refuses one
// of another version. It answers for nothing half-made being left where a later start would take
// it for a database; running PostgreSQL on it is left to embedded-process.ts.
//
//   <home>/pg18/            made whole by one rename; a link into `systemDirectory` where root's
//     data/                 home is closed to PostgreSQL's account. PostgreSQL's own, mode 0700.
//     password              of the superuser: random, mode 0600
//     service-password      of the role that the service works as: the same
//     port                  the port of the last start
//   <home>/pg18.log         what PostgreSQL prints
import { randomBytes, randomInt } from 'node:crypto';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from '../file-fault.ts';
import { type Account, canReach, makeOpenDirectory } from './embedded-account.ts';
import { type Binaries, major } from './embedded-binaries.ts';
import { EmbeddedError, systemCode } from './embedded-error.ts';
import { isAlive, runInitdb } from './embedded-program.ts';

/** A database directory that is there and complete. */
export interface Cluster {
  readonly directory: string;
  readonly data: string;
  readonly logFile: string;
  readonly password: string;
  readonly servicePassword: string;
}

export interface ClusterOptions {
  readonly home: string;
  readonly account: Account | undefined;
  readonly binaries: Binaries;
  /** Where root puts what its own home cannot hold. Owned by root, open to everyone. */
  readonly systemDirectory: string;
}

const name = `pg${major}`;
const leftoverAgeMs = 10 * 60_000; // initdb takes seconds on the slowest disk
// Below the ports the kernel hands to outgoing connections (Linux from 32768, others higher), so
// that none of those sits on the port while PostgreSQL is being started again.
const ports = { from: 20_000, to: 32_000 };

/**
 * Finds the database directory below `home`, or makes it (about half a second).
 *
 * A process killed on the way leaves only a directory with a name of its own, which the next start
 * removes; of two processes at once one wins and both use its work. Throws `EmbeddedError`.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { home } = options;
  await makeDirectory(home);
  await refuseOtherVersions(home);
  const place = join(home, name);
  const kind = await kindOf(place);
  if (kind === 'nothing') {
    await make(options);
  } else if (kind === 'link' && (await kindOf(await readlink(place))) === 'nothing') {
    throw new EmbeddedError(
      'data_lost',
      `${place} points to ${await readlink(place)}, which is gone, and with it the database. ` +
        `Bring it back from a backup, or remove ${place} to begin with an empty database.`,
    );
  }
  const directory = (await kindOf(place)) === 'link' ? await readlink(place) : place;
  const data = join(directory, 'data');
  await refuseOtherData(data);
  const password = (await readFile(join(directory, 'password'), 'utf8')).trim();
  const servicePassword = await openServicePassword(directory);
  return { directory, data, logFile: join(home, `${name}.log`), password, servicePassword };
}

/** Made with the directory, or by the first start of a version that has the role. */
async function openServicePassword(directory: string): Promise<string> {
  const file = join(directory, 'service-password');
  if ((await kindOf(file)) === 'nothing') {
    const fresh = `${file}.new-${randomBytes(6).toString('hex')}`;
    await writeDurably(fresh, `${newPassword()}\n`);
    await orExisting(link(fresh, file), async () => {});
    await rm(fresh);
  }
  return (await readFile(file, 'utf8')).trim();
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** The port kept in the directory, or a new one when there is none. */
export async function readPort(cluster: Cluster): Promise<number> {
  try {
    const port = Number((await readFile(join(cluster.directory, 'port'), 'utf8')).trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : pickPort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return pickPort();
    throw error;
  }
}

/** Keeps the port for the next start. */
export async function writePort(cluster: Cluster, port: number): Promise<void> {
  const fresh = join(cluster.directory, `port.new-${randomBytes(6).toString('hex')}`);
  await writeDurably(fresh, `${port}\n`);
  await rename(fresh, join(cluster.directory, 'port'));
}

/** A random port; whether it is free is for the caller to try. */
export function pickPort(): number {
  return randomInt(ports.from, ports.to);
}

async function refuseOtherVersions(home: string): Promise<void> {
  const others = (await readdir(home)).filter((entry) => /^pg\d+$/.test(entry) && entry !== name);
  const [other] = others;
  if (other !== undefined) {
    throw new EmbeddedError(
      'other_version',
      `${join(home, other)} holds a database of PostgreSQL ${other.slice(2)}, but this version ` +
        `of Unwind carries PostgreSQL ${major}. Dump it with the version of Unwind that made it, ` +
        'move that directory away, start, and load the dump.',
    );
  }
}

async function refuseOtherData(data: string): Promise<void> {
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim();
  if (version !== String(major)) {
    throw new EmbeddedError(
      'other_version',
      `${data} holds a database of PostgreSQL ${version}, but this version of Unwind carries ` +
        `PostgreSQL ${major}.`,
    );
  }
}

async function make(options: ClusterOptions): Promise<void> {
  const { home, account } = options;
  if (await canReach(home, account)) {
    await makeIn(home, options);
    return;
  }
  // The choice of the place comes first and is one link, so that two processes choose the same
  // and a start that was killed is continued in the same place.
  const choice = join(home, `${name}.place`);
  if ((await kindOf(choice)) === 'nothing') {
    const chosen = join(options.systemDirectory, randomBytes(8).toString('hex'));
    await makeOpenDirectory(chosen);
    await writeDurably(join(chosen, 'home'), `${home}\n`);
    await orExisting(symlink(chosen, choice), () => rm(chosen, { recursive: true }));
  }
  const chosen = await readlink(choice);
  await makeIn(chosen, options);
  await orExisting(symlink(join(chosen, name), join(home, name)), async () => {});
  await rm(choice, { force: true });
}

async function makeIn(parent: string, options: ClusterOptions): Promise<void> {
  const place = join(parent, name);
  await removeLeftovers(parent);
  if ((await kindOf(place)) !== 'nothing') return;
  const fresh = join(parent, `${name}.new-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    await fill(fresh, options);
    await orExisting(rename(fresh, place), async () => {});
    await syncDirectory(parent);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function fill(fresh: string, options: ClusterOptions): Promise<void> {
  const { account, binaries } = options;
  const data = join(fresh, 'data');
  const password = newPassword();
  const handedOver = join(fresh, 'password.initdb');
  await mkdir(fresh, { mode: 0o755 });
  await mkdir(data, { mode: 0o700 });
  await writeDurably(join(fresh, 'password'), `${password}\n`);
  await writeDurably(join(fresh, 'port'), `${pickPort()}\n`);
  await writeDurably(handedOver, `${password}\n`);
  if (account !== undefined) {
    await chmod(fresh, 0o755); // also under a narrow umask: the account has to pass
    await chown(data, account.uid, account.gid);
    await chown(handedOver, account.uid, account.gid);
  }
  await runInitdb({ binaries, account, data, passwordFile: handedOver });
  await rm(handedOver);
  await syncDirectory(fresh);
}

// Only of processes that are gone: another one may be making its own right now. In a container the
// same process number comes back at every start, so an old one counts as gone too.
async function removeLeftovers(parent: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    const pid = new RegExp(`^${name}\\.new-(\\d+)-`).exec(entry)?.[1];
    const path = join(parent, entry);
    if (pid !== undefined && (!isAlive(Number(pid)) || (await ageMs(path)) > leftoverAgeMs)) {
      // The initdb of a killed start may still be writing; what it leaves goes at the next start.
      await orExisting(rm(path, { recursive: true, force: true, maxRetries: 3 }), async () => {});
    }
  }
}

async function ageMs(path: string): Promise<number> {
  try {
    return Date.now() - (await lstat(path)).mtimeMs;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

async function orExisting(attempt: Promise<void>, otherwise: () => Promise<void>): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EEXIST' && code !== 'ENOTEMPTY') throw error;
    await otherwise();
  }
}

async function kindOf(path: string): Promise<'nothing' | 'link' | 'other'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? 'link' : 'other';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'nothing';
    throw error;
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
