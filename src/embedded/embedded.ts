// The database that comes with Unwind: a real PostgreSQL in a directory of ours. It answers for
// one server however many processes use it, for starting it again when it dies, and for the last
// one stopping it. Programs, directory, processes and membership are left to the files beside it.
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isConnectionError } from '../db/errors.ts';
import { findAccount } from './embedded-account.ts';
import { findBinaries } from './embedded-binaries.ts';
import { type Cluster, openCluster, pickPort, readPort, writePort } from './embedded-cluster.ts';
import { EmbeddedError, explainFileTrouble } from './embedded-error.ts';
import { adminUrl, joinServer, type Membership, serviceUrl } from './embedded-membership.ts';
import {
  endServer,
  isPortFree,
  type LaunchOptions,
  launch,
  type Postmaster,
  readPostmaster,
  removeStale,
  runsOn,
} from './embedded-process.ts';
import { isAlive } from './embedded-program.ts';

/** Where the database logs what it does; a pino logger fits. */
export interface EmbeddedLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface EmbeddedOptions {
  /** The directory to keep it in, for example `.unwind`. Made if missing. */
  readonly home: string;
  readonly log: EmbeddedLog;
  /** Called once if the server has died and could not be started again. */
  readonly onLost?: (error: unknown) => void;
  /** Settings of PostgreSQL for this start, before those in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where root keeps what PostgreSQL's account could not reach in `home`. */
  readonly systemDirectory?: string;
  /** How many deaths within five minutes are followed by a new start; default 8. */
  readonly maxDeaths?: number;
}

export interface EmbeddedDatabase {
  /** Stays the same until `stop`, also when the server is started again. Holds the password. */
  readonly url: string;
  /** The same as superuser, for those who make databases and roles of their own. */
  readonly adminUrl: string;
  /** Leaves the server, and stops it if no other process uses it. Idempotent. */
  stop(): Promise<void>;
}

type Parts = Omit<LaunchOptions, 'port' | 'signal'> & {
  readonly log: EmbeddedLog;
  readonly maxDeaths: number;
};
interface Joined {
  readonly port: number;
  readonly membership: Membership;
}

const defaultSystemDirectory = '/var/lib/unwind';

const limits = {
  joinMs: 130_000, // a little longer than a server may take to recover from a crash
  pollMs: 20,
  // A server that ends at once is launched again after 0.1, 0.2, 0.4, 0.8 s: remains of the one
  // before it may still be leaving.
  launches: 5,
  firstGapMs: 100,
  portTries: 50,
  // Deaths within one window before we give up: something kills it as often as we start it.
  maxDeaths: 8,
  deathWindowMs: 5 * 60_000,
  maxGapMs: 10_000,
};

/**
 * Starts the built-in database, or joins the processes that already use it.
 *
 * The first start makes it (about a second); later starts take some 0.2 s. While this process
 * lives, a server that dies is started again on the same port. Throws `EmbeddedError`, whose
 * message says what to do.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const home = resolve(options.home);
  const { log } = options;
  const systemDirectory = options.systemDirectory ?? defaultSystemDirectory;
  try {
    const account = await findAccount();
    const copies = account === undefined ? home : systemDirectory;
    const binaries = await findBinaries({ account, copies });
    const cluster = await openCluster({ home, account, binaries, systemDirectory });
    const server = new EmbeddedServer(
      {
        ...{ account, binaries, cluster, log },
        settings: options.settings ?? {},
        maxDeaths: options.maxDeaths ?? limits.maxDeaths,
      },
      options.onLost ?? (() => {}),
    );
    return { ...(await server.start()), stop: () => server.stop() };
  } catch (error) {
    throw explainFileTrouble(home, error);
  }
}

/** This process's part in the server: joined, joining again after a death, or leaving. */
class EmbeddedServer {
  readonly #parts: Parts;
  readonly #onLost: (error: unknown) => void;
  readonly #leaving = new AbortController();
  #port: number | undefined;
  #membership: Membership | undefined;
  #recovery: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #deaths: readonly number[] = [];

  constructor(parts: Parts, onLost: (error: unknown) => void) {
    this.#parts = parts;
    this.#onLost = onLost;
  }

  async start(): Promise<{ url: string; adminUrl: string }> {
    const port = await this.#join();
    this.#port = port;
    const address = { ...this.#parts.cluster, port };
    return { url: serviceUrl(address), adminUrl: adminUrl(address) };
  }

  stop(): Promise<void> {
    this.#leaving.abort();
    this.#stopped ??= this.#recovery.then(() => this.#leave());
    return this.#stopped;
  }

  async #join(): Promise<number> {
    const joined = await join(this.#parts, this.#port, this.#leaving.signal, () => {
      this.#recovery = this.#recover();
    });
    this.#membership = joined.membership;
    return joined.port;
  }

  // Never rejects: what cannot be mended goes to `onLost`.
  async #recover(): Promise<void> {
    const { log } = this.#parts;
    const port = this.#port;
    for (;;) {
      const now = performance.now();
      this.#deaths = [...this.#deaths.filter((at) => now - at < limits.deathWindowMs), now];
      const deaths = this.#deaths.length;
      const gapMs =
        deaths === 1 ? 0 : Math.min(limits.firstGapMs * 2 ** (deaths - 1), limits.maxGapMs);
      log.warn({ port, deaths, gapMs }, 'the built-in database is gone; starting it again');
      await wait(gapMs, null, { signal: this.#leaving.signal }).catch(() => {});
      if (this.#leaving.signal.aborted) return;
      try {
        await this.#join();
        log.info({ port, ms: performance.now() - now }, 'the built-in database is back');
        return;
      } catch (error) {
        if (this.#leaving.signal.aborted) return;
        if (deaths >= this.#parts.maxDeaths) {
          log.error({ port, error }, 'the built-in database cannot be started again');
          this.#onLost(error);
          return;
        }
        log.warn({ port, error }, 'the built-in database did not come back');
      }
    }
  }

  async #leave(): Promise<void> {
    const { cluster, log } = this.#parts;
    const membership = this.#membership;
    if (membership === undefined || membership.isLost()) return;
    try {
      if (await membership.leave()) {
        const running = await readPostmaster(cluster);
        const how = running === undefined ? 'stopped' : await endServer(cluster, running.pid);
        log.info(how === 'stopped' ? {} : { how }, 'the built-in database has stopped');
      }
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      log.warn({ error }, 'the built-in database was gone before it could be stopped');
    } finally {
      await membership.close();
    }
  }
}

/** Joins the running server, launching one when none runs; on `port` only, if one is given. */
async function join(
  parts: Parts,
  port: number | undefined,
  signal: AbortSignal,
  onLost: () => void,
): Promise<Joined> {
  const { cluster } = parts;
  const deadline = performance.now() + limits.joinMs;
  let failures = 0;
  let hasLaunched = false;
  while (performance.now() < deadline) {
    // What was launched here is joined also by one who is leaving: only a member can stop it.
    if (!hasLaunched) signal.throwIfAborted();
    const running = await findRunning(cluster);
    if (running === undefined) {
      const result = await launch({
        ...parts,
        signal,
        port: port ?? (await choosePort(cluster)),
      });
      hasLaunched = result.outcome !== 'ended';
      // Of two launched at once PostgreSQL lets one live: then there is one to join after all.
      if (result.outcome === 'ended' && (await findRunning(cluster)) === undefined) {
        failures += 1;
        if (failures >= limits.launches) throw startFailed(cluster, result.said);
        await wait(limits.firstGapMs * 2 ** (failures - 1));
      }
      continue;
    }
    if (port !== undefined && running.port !== port) {
      throw startFailed(cluster, `Another process has started it on port ${running.port}.`);
    }
    const server = { ...cluster, port: running.port };
    const membership = running.ready ? await joinServer(server, onLost) : undefined;
    if (membership !== undefined) return { port: running.port, membership };
    await wait(limits.pollMs);
  }
  throw startFailed(cluster, 'It was still not ready after two minutes.');
}

async function findRunning(cluster: Cluster): Promise<Postmaster | undefined> {
  const found = await readPostmaster(cluster);
  if (found === undefined || (await runsOn(cluster, found.pid))) return found;
  // With no process under that number PostgreSQL takes the file away itself, and no process races with it.
  if (isAlive(found.pid)) {
    await removeStale(cluster, found);
  }
  return undefined;
}

/** The port of the last start if it is free, else another one, which is then kept. */
async function choosePort(cluster: Cluster): Promise<number> {
  const kept = await readPort(cluster);
  if (await isPortFree(kept)) return kept;
  for (let tries = 0; tries < limits.portTries; tries += 1) {
    const port = pickPort();
    if (await isPortFree(port)) {
      await writePort(cluster, port);
      return port;
    }
  }
  throw new EmbeddedError('start_failed', 'No free port for the built-in database was found.');
}

function startFailed(cluster: Cluster, said: string): EmbeddedError {
  return new EmbeddedError(
    'start_failed',
    `The built-in database in ${cluster.directory} does not start (log: ${cluster.logFile}):\n` +
      said,
  );
}
