// A PgBouncer in transaction mode before the server of the tests, where the machine has one.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './condition.ts';
import type { AfterTest } from './database.ts';
import { freePort } from './port.ts';

/** Why a test with PgBouncer cannot run here; false where it can. */
export const noPgBouncer = isInstalled() ? false : 'PgBouncer is not installed';

function isInstalled(): boolean {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** True for versions that keep prepared statements in transaction mode. */
export function keepsPreparedStatements(): boolean {
  const text = execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' });
  const [, major = '0', minor = '0'] = /PgBouncer (\d+)\.(\d+)/.exec(text) ?? [];
  return Number(major) > 1 || Number(minor) >= 21;
}

/** Starts one with some connections to the server. @returns the URL of the same database through it. */
export async function startPgBouncer(t: AfterTest, url: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unwind-pgbouncer-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  const { hostname, port: serverPort, username, password } = new URL(url);
  const users = join(folder, 'users.txt');
  await writeFile(users, `"${username}" "${decodeURIComponent(password)}"\n`);
  const config = join(folder, 'pgbouncer.ini');
  await writeFile(
    config,
    `[databases]
* = host=${hostname} port=${serverPort || '5432'}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = transaction
default_pool_size = 4
`,
  );
  // It refuses to run as root.
  const as = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const child = spawn('pgbouncer', ['--quiet', config], { stdio: 'ignore', ...as });
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGINT');
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await eventually('PgBouncer listens', () => listens(port));
  const through = new URL(url);
  through.port = String(port);
  return through.href;
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('connect', () => resolve(true));
  socket.on('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
