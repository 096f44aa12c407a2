// Decides under which account of the operating system PostgreSQL runs. PostgreSQL refuses to run
// as root, so root lends it an account that exists already; no account's permissions are changed.
import { chmod, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { makeDirectory } from '../file-fault.ts';
import { EmbeddedError } from './embedded-error.ts';

/** An account to run PostgreSQL under; `undefined` in its place means: the one we run under. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const candidates = ['postgres', '_postgres', 'nobody']; // the second one is macOS's

/**
 * The account to lend to PostgreSQL: undefined unless this process runs as root.
 *
 * It has to be in the passwd file, because initdb looks its own name up. Throws `EmbeddedError`
 * `no_account` when root finds neither `postgres` nor `nobody`.
 */
export async function findAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = parsePasswd(await readFile('/etc/passwd', 'utf8'));
  for (const name of candidates) {
    const account = accounts.get(name);
    if (account !== undefined && account.uid !== 0) return account;
  }
  throw new EmbeddedError(
    'no_account',
    'PostgreSQL does not run as root, and there is no account postgres or nobody to run it ' +
      'under. Start Unwind under an ordinary account, or set DATABASE_URL.',
  );
}

/** The accounts of a passwd file by name. Unreadable lines are left out. */
export function parsePasswd(text: string): ReadonlyMap<string, Account> {
  const accounts = new Map<string, Account>();
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && uid && gid && /^\d+$/.test(uid) && /^\d+$/.test(gid)) {
      accounts.set(name, { name, uid: Number(uid), gid: Number(gid) });
    }
  }
  return accounts;
}

/**
 * True when the account may pass through every directory above `path` and enter `path` itself;
 * with `read`, also read or list it.
 *
 * Judged by the permission bits for everyone, or for the owner where the account is the owner;
 * groups and access lists are left out, so a doubtful case counts as closed.
 */
export async function canReach(
  path: string,
  account: Account | undefined,
  how: 'enter' | 'read' = 'enter',
): Promise<boolean> {
  if (account === undefined) return true;
  let place = await realpath(path);
  let wanted = how === 'read' ? 0o5 : 0o1;
  while (await isOpen(place, account, wanted)) {
    const above = dirname(place);
    if (above === place) return true;
    place = above;
    wanted = 0o1;
  }
  return false;
}

/**
 * Makes a directory, and those above it that are missing, open to everyone whatever the umask.
 * Directories that are there already stay as they are. Idempotent.
 */
export async function makeOpenDirectory(path: string): Promise<void> {
  const first = await makeDirectory(path);
  if (first === undefined) return;
  for (let made = resolve(path); made.length >= resolve(first).length; made = dirname(made)) {
    await chmod(made, 0o755);
  }
}

async function isOpen(path: string, account: Account, wanted: number): Promise<boolean> {
  const { mode, uid } = await stat(path);
  const granted = uid === account.uid ? mode >> 6 : mode;
  return (granted & wanted) === wanted;
}
