// The PostgreSQL of a crash run: a real one with everything on that keeps data, which can be stopped
// at once, as by a crash, and started again after a while.
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from '../../src/db/connect.ts';
import { identifier } from '../../src/db/sql.ts';
import { findAccount } from '../../src/embedded/embedded-account.ts';
import { findBinaries } from '../../src/embedded/embedded-binaries.ts';
import { openCluster } from '../../src/embedded/embedded-cluster.ts';
import {
  endServer,
  type LaunchOptions,
  launch,
  readPostmaster,
  runsOn,
} from '../../src/embedded/embedded-process.ts';
import { eventually } from '../support/condition.ts';
import type { AfterTest } from '../support/database.ts';
import { freePort } from '../support/port.ts';

const database = 'unwind';
/** Three processes with their pools, and those who look on. */
const connectionsMax = 200;

export class CrashServer {
  readonly port: number;
  readonly #options: Omit<LaunchOptions, 'signal'>;

  private constructor(options: Omit<LaunchOptions, 'signal'>) {
    this.#options = options;
    this.port = options.port;
  }

  /** Makes and starts one below a home; it ends with the run. */
  static async start(t: AfterTest, home: string): Promise<CrashServer> {
    const account = await findAccount();
    const systemDirectory = '/var/lib/unwind';
    const copies = account === undefined ? home : systemDirectory;
    const binaries = await findBinaries({ account, copies });
    const cluster = await openCluster({ home, account, binaries, systemDirectory });
    const settings = { max_connections: String(connectionsMax) };
    const port = await freePort();
    const server = new CrashServer({ account, binaries, cluster, settings, port });
    t.after(() => server.#end());
    await server.start();
    const sql = connect({ url: server.url('postgres'), max: 1, applicationName: 'crash run' });
    await sql`create database ${identifier(database)} template template0`;
    await sql.end();
    return server;
  }

  /** Where the database is, or where a relay before it listens. */
  url(name = database, port = this.port): string {
    return `postgres://unwind:${this.#options.cluster.password}@127.0.0.1:${port}/${name}`;
  }

  async start(): Promise<void> {
    const launched = await launch({ ...this.#options, signal: new AbortController().signal });
    if (launched.outcome !== 'ready') throw new Error(`PostgreSQL is ${launched.outcome}`);
  }

  /** Stops it at once, as `pg_ctl stop -m immediate` does, and starts it again after so long. */
  async restart(downMs: number): Promise<void> {
    const { cluster } = this.#options;
    const running = await readPostmaster(cluster);
    if (running === undefined) throw new Error('PostgreSQL runs');
    process.kill(running.pid, 'SIGQUIT');
    await eventually('PostgreSQL is gone', async () => !(await runsOn(cluster, running.pid)));
    await wait(downMs);
    await this.start();
  }

  async #end(): Promise<void> {
    const running = await readPostmaster(this.#options.cluster);
    if (running !== undefined) await endServer(this.#options.cluster, running.pid);
  }
}
