// Which database the settings mean: one given by URL, or the embedded one. Every command of the
// service opens it through here.

import { type ConnectOptions, connect, type Sql } from '../db/connect.ts';
import type { Config } from '../settings/config.ts';
import { type EmbeddedLog, startEmbedded } from './embedded.ts';

export interface Database {
  /** Settings for every pool on it. */
  readonly options: Pick<ConnectOptions, 'url' | 'prepare' | 'sessionSettings'>;
  /** The embedded database is left, and stopped when nobody else uses it. Idempotent. */
  close(): Promise<void>;
}

/** @param onLost called when the embedded database died and could not be started again. */
export async function openDatabase(
  config: Config,
  log: EmbeddedLog,
  onLost?: (error: unknown) => void,
): Promise<Database> {
  const {
    databaseUrl,
    databasePrepare: prepare,
    databaseSessionSettings: sessionSettings,
  } = config;
  if (databaseUrl !== undefined) {
    return { options: { url: databaseUrl, prepare, sessionSettings }, close: async () => {} };
  }
  const { home } = config;
  const embedded = await startEmbedded({ home, log, ...(onLost ? { onLost } : {}) });
  return { options: { url: embedded.url }, close: () => embedded.stop() };
}

/** Runs a command on the database with a small pool of its own, and closes both afterwards. */
export async function withDatabase<T>(
  config: Config,
  log: EmbeddedLog,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(config, log);
  try {
    const sql = connect({ ...database.options, max: 4, applicationName: 'unwind command' });
    try {
      return await work(sql);
    } finally {
      await sql.end();
    }
  } finally {
    await database.close();
  }
}
