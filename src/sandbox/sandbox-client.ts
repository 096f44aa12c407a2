// The sandbox client: on its first start in sandbox mode the service makes a tenant with all scopes
// and two key pairs, and writes down how to use it.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ApiError, Client, type ClientOptions, NoAnswerError } from '@unwind/client';
import { enterClient, newIdentity } from '../auth/create-client.ts';
import { scopes } from '../auth/scope.ts';
import type { Seal } from '../auth/seal.ts';
import { findTenant } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { parseId } from '../ids.ts';
import { ConfigError } from '../settings/config.ts';

export interface SandboxKey {
  readonly key_id: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p521';
  readonly private_key_file: string;
}

/** The content of `sandbox-client.json`. */
export interface SandboxClient {
  readonly base_url: string;
  readonly client_id: string;
  readonly client_secret: string;
  readonly keys: readonly SandboxKey[];
  readonly scopes: readonly string[];
}

const ownerOnly = 0o600;
const ownerOnlyDirectory = 0o700;

export function sandboxFileOf(home: string): string {
  return join(home, 'sandbox-client.json');
}

/** The sandbox client of this home, or undefined where there is none yet. */
export async function readSandboxClient(home: string): Promise<SandboxClient | undefined> {
  const file = sandboxFileOf(home);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as SandboxClient;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unusable(home, error);
  }
}

/**
 * Makes the sandbox client of a home unless there is one, and enters it where the database does not
 * know it. Idempotent, also for several processes at once: the one that writes the file first
 * decides who the client is, and all of them enter the same. The file names the address of the
 * process that came first, as long as that one answers there; then the next that starts.
 */
export async function ensureSandboxClient(
  sql: Sql,
  clock: Clock,
  where: { home: string; seal: Seal; baseUrl: string },
): Promise<SandboxClient> {
  const { home, seal, baseUrl } = where;
  const client = (await readSandboxClient(home)) ?? (await makeSandboxClient(home, baseUrl));
  const clientId = idIn<'tenant'>(home, client.client_id);
  if ((await findTenant(sql, clientId)) === undefined) {
    await enterClient(sql, clock, seal, {
      name: 'sandbox',
      scopes,
      signaturePolicy: 'compatible',
      clientId,
      clientSecret: client.client_secret,
      keyIds: client.keys.map((key) => idIn<'key'>(home, key.key_id)),
      publicKeysPem: await Promise.all(client.keys.map((key) => publicKeyOf(home, key))),
    });
  }
  if (client.base_url === baseUrl || (await isServed(client, home))) return client;
  const current = { ...client, base_url: baseUrl };
  const beside = await writeBeside(sandboxFileOf(home), current);
  await rename(beside, sandboxFileOf(home));
  return current;
}

/** How the client calls the service that its file names. */
export async function clientOptionsOf(sandbox: SandboxClient): Promise<ClientOptions> {
  const [key] = sandbox.keys;
  if (key === undefined) throw new ConfigError('The sandbox client has no key.');
  return {
    baseUrl: sandbox.base_url,
    clientId: sandbox.client_id,
    clientSecret: sandbox.client_secret,
    keyId: key.key_id,
    privateKey: await readFile(key.private_key_file, 'utf8'),
    scopes: sandbox.scopes,
  };
}

/** How long a process may take to answer that the file names, in ms. */
const answerMsMax = 2_000;

/** Whether a service that knows this client answers where the file says; another one may by now. */
async function isServed(sandbox: SandboxClient, home: string): Promise<boolean> {
  const retry = { attemptsMax: 1, attemptMs: answerMsMax };
  try {
    await new Client({ ...(await clientOptionsOf(sandbox)), retry }).grantedScopes();
    return true;
  } catch (error) {
    if (error instanceof ApiError || error instanceof NoAnswerError) return false;
    throw unusable(home, error);
  }
}

/** @returns the client made here, or that of another process which was first. */
async function makeSandboxClient(home: string, baseUrl: string): Promise<SandboxClient> {
  const pairs = [
    { algorithm: 'ed25519', ...generateKeyPairSync('ed25519') },
    { algorithm: 'ecdsa-p521', ...generateKeyPairSync('ec', { namedCurve: 'P-521' }) },
  ] as const;
  const { clientId, clientSecret, keyIds } = newIdentity(pairs.length);
  const keys: SandboxKey[] = [];
  for (const [i, { algorithm, privateKey }] of pairs.entries()) {
    const file = join(home, 'keys', `${clientId}-${algorithm}.pem`);
    await mkdir(dirname(file), { recursive: true, mode: ownerOnlyDirectory });
    await writeFile(file, toPem(privateKey, 'pkcs8'), { mode: ownerOnly });
    keys.push({ key_id: keyIds[i] ?? '', algorithm, private_key_file: file });
  }
  const own = { base_url: baseUrl, client_id: clientId, client_secret: clientSecret, keys, scopes };
  const beside = await writeBeside(sandboxFileOf(home), own);
  try {
    await link(beside, sandboxFileOf(home));
    return own;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(beside, { force: true });
  }
  for (const { private_key_file: file } of keys) await rm(file, { force: true });
  const first = await readSandboxClient(home);
  if (first === undefined) throw new Error(`${sandboxFileOf(home)} came and went; start again`);
  return first;
}

function idIn<Thing extends string>(home: string, text: string) {
  const id = parseId<Thing>(text);
  if (id === undefined) throw unusable(home, undefined);
  return id;
}

async function publicKeyOf(home: string, key: SandboxKey): Promise<string> {
  try {
    const privateKey = createPrivateKey(await readFile(key.private_key_file, 'utf8'));
    return toPem(createPublicKey(privateKey), 'spki');
  } catch (error) {
    throw unusable(home, error);
  }
}

function unusable(home: string, cause: unknown): Error {
  const file = sandboxFileOf(home);
  return new ConfigError(`${file} cannot be used; remove it to get a new sandbox client.`, {
    cause,
  });
}

function toPem(key: KeyObject, type: 'spki' | 'pkcs8'): string {
  return type === 'spki'
    ? key.export({ format: 'pem', type }).toString()
    : key.export({ format: 'pem', type }).toString();
}

/** Written beside and then renamed or linked, so that nobody ever reads half of it. */
async function writeBeside(file: string, content: object): Promise<string> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify(content, undefined, 2)}\n`, { mode: ownerOnly });
  return beside;
}
