// The processes that are measured: the service as `unwind start` starts it, and the bare server that
// verifies signatures and does nothing else.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// A scenario that fails leaves none of them behind.
const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export interface Running {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The environment without settings of a service, which the one measured must not inherit. */
function ofMachine(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('UNWIND_'));
  return Object.fromEntries(kept);
}

/** Starts a program that prints an address it listens at, and waits for that line. */
async function start(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Running> {
  const child = spawn(process.execPath, args, {
    env: { ...ofMachine(process.env), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const exited = once(child, 'exit').then(() => children.delete(child));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listens at (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    const stop = async () => {
      child.kill('SIGTERM');
      await exited;
    };
    return { url, pid: child.pid ?? 0, stop };
  }
  throw new Error(`${args.join(' ')} ended before it listened`);
}

function programOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** The service on a database, with settings that differ from the sandbox's. */
export function startService(
  where: { url: string; home: string },
  settings: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const profile = process.env['BENCH_CPU_PROFILE'];
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  return start([...flags, programOf('../src/main.ts'), 'start'], {
    DATABASE_URL: where.url,
    UNWIND_HOME: where.home,
    UNWIND_MODE: 'sandbox',
    UNWIND_LOG_LEVEL: 'warn',
    PORT: '0',
    ...settings,
  });
}

/** The floor of every signed request: parse it, check its signature, answer nothing. */
export function startVerifier(key: {
  tenantId: string;
  keyId: string;
  publicKeyPem: string;
}): Promise<Running> {
  return start([programOf('verifying-server.ts')], {
    BENCH_TENANT: key.tenantId,
    BENCH_KEY_ID: key.keyId,
    BENCH_PUBLIC_KEY: key.publicKeyPem,
  });
}

/** Who the webhooks are sent to. */
export function startReceiver(): Promise<Running> {
  return start([programOf('receiver.ts')], {});
}
