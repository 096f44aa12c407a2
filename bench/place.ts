// Where a scenario happens: a PostgreSQL of its own with the settings of `npm start` (nothing durable
// is switched off), databases made from one template, and an API client.

import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SigningKey } from '@unwind/signatures';
import { createClient } from '../src/auth/create-client.ts';
import { issueToken } from '../src/auth/issue-token.ts';
import type { Scope } from '../src/auth/scope.ts';
import { sha256 } from '../src/auth/secret.ts';
import { systemClock } from '../src/clock.ts';
import { connect, type Sql } from '../src/db/connect.ts';
import { migrate } from '../src/db/migrate.ts';
import { identifier } from '../src/db/sql.ts';
import { startEmbedded } from '../src/embedded/embedded.ts';
import { newId, type TenantId } from '../src/ids.ts';
import { readConfig } from '../src/settings/config.ts';
import { openKeyFile } from '../src/settings/key-file.ts';
import type { Act } from '../src/trail/act.ts';
import { withDatabase } from '../tools/database-url.ts';

/** A running PostgreSQL, from which each scenario takes fresh databases. */
export interface Place {
  /** A directory for key files; the services started here use it as their home. */
  readonly home: string;
  /** A new database with all migrations. */
  makeDatabase(): Promise<BenchDatabase>;
  close(): Promise<void>;
}

export interface BenchDatabase {
  readonly url: string;
  readonly sql: Sql;
  close(): Promise<void>;
}

const quiet = { info: () => {}, warn: console.warn, error: console.error };

/** Opens a place; with DATABASE_URL on that server instead of one of its own. */
export async function openPlace(): Promise<Place> {
  const home = await mkdtemp(join(tmpdir(), 'unwind-bench-'));
  await chmod(home, 0o711); // PostgreSQL's own account has to pass when we are root
  const given = process.env['DATABASE_URL'];
  const server = given
    ? { adminUrl: given, stop: async () => {} }
    : await startEmbedded({ home, log: quiet });
  const admin = connect({ url: server.adminUrl, max: 1, applicationName: 'unwind bench' });
  let made = 0;
  return {
    home,
    makeDatabase: async () => {
      made += 1;
      const name = `unwind_bench_${process.pid}_${made}`;
      await admin`create database ${identifier(name)}`;
      const url = withDatabase(server.adminUrl, name);
      const sql = connect({ url, max: 4, applicationName: 'unwind bench' });
      await migrate(sql);
      const close = async () => {
        await sql.end();
        await admin`drop database ${identifier(name)} with (force)`;
      };
      return { url, sql, close };
    },
    close: async () => {
      await admin.end();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** An API client with a token, ready to sign. */
export interface BenchClient {
  readonly tenantId: TenantId;
  readonly keyId: string;
  readonly key: SigningKey;
  readonly publicKeyPem: string;
  readonly token: string;
}

const scopes: readonly Scope[] = ['account_liquidations:admin', 'batches:admin', 'webhooks:admin'];

/** Makes a client that signs with Ed25519, or with P-521 as existing clients do. */
export async function makeClient(
  sql: Sql,
  home: string,
  algorithm: 'ed25519' | 'ecdsa-p521' = 'ed25519',
): Promise<BenchClient> {
  const { publicKey, privateKey } =
    algorithm === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-521' });
  const publicKeyPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  const seal = await openKeyFile(await readConfig({ UNWIND_HOME: home }));
  const { clientId, clientSecret, keyIds } = await createClient(sql, systemClock, seal, {
    name: 'Bench',
    scopes,
    signaturePolicy: 'compatible',
    publicKeysPem: [publicKeyPem],
  });
  const now = systemClock.now();
  const signature = { basesSha256: [], expiresAt: now };
  const secretHash = sha256(clientSecret);
  const caller = {
    ...{ tenantId: clientId, scopes, contract: '2023' as const, signature, secretHash },
    certificateSha256: undefined,
    act: undefined,
  };
  const asked = { scope: scopes.join(' '), ignoresUnknown: false };
  const { accessToken } = await issueToken(sql, systemClock, caller, asked);
  const key: SigningKey = { algorithm, privateKey };
  return { tenantId: clientId, keyId: keyIds[0] ?? '', key, publicKeyPem, token: accessToken };
}

/** What the trail keeps of a request that makes a liquidation. */
export function benchAct(target: string): Act {
  return {
    kind: 'client',
    name: newId(),
    role: undefined,
    origin: '127.0.0.1',
    at: systemClock.now(),
    operation: 'create_account_liquidation',
    target,
    reason: undefined,
    detail: undefined,
    requestSha256: sha256(target),
  };
}
