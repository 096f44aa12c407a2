// The sandbox client: on its first start in sandbox mode the service makes a tenant with all scopes
// and two key pairs, and writes down how to use it.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { access, link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ApiError, Client, type ClientOptions, NoResponseError } from '@unwind/client';
import { enterClient, newIdentity } from '../auth/create-client.ts';
import { scopes } from '../auth/scope.ts';
import type { Seal } from '../auth/seal.ts';
import { type Contract, findTenant } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import { fileFault, makeDirectory } from '../file-fault.ts';
import { parseId } from '../ids.ts';
import { ConfigError } from '../settings/config.ts';
import { trustAuthority } from './certificate.ts';

export interface SandboxKey {
  readonly key_id: string;
  readonly algorithm: 'ed25519' | 'ecdsa-p521';
  /** Absolute, for clients that read the file. A home that was moved is healed by the next start. */
  readonly private_key_file: string;
}

/** The content of `sandbox-client.json`. */
export interface SandboxClient {
  readonly base_url: string;
  /** Where the service speaks TLS: PEM of the authority that its certificate is of. */
  readonly ca_file?: string;
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

/**
 * The sandbox client of this home, or undefined where there is none yet. Keys are those that lie in this
 * home, also where the file names them in the place where the home was before.
 */
export async function readSandboxClient(home: string): Promise<SandboxClient | undefined> {
  const text = await readIfThere(sandboxFileOf(home));
  if (text === undefined) return undefined;
  const client = parse(home, text);
  const keys = await Promise.all(
    client.keys.map(async (key) => {
      const here = keyFileIn(home, basename(key.private_key_file));
      return (await isThere(here)) ? { ...key, private_key_file: here } : key;
    }),
  );
  return { ...client, keys };
}

function parse(home: string, text: string): SandboxClient {
  const { base_url, client_id, client_secret, keys, scopes, ...rest } = membersOf(home, text);
  if (!base_url || !client_id || !client_secret || !Array.isArray(keys) || !Array.isArray(scopes)) {
    throw unusable(home, 'a member is missing');
  }
  if (!/^https?:\/\//.test(base_url) || !URL.canParse(base_url)) {
    throw new ConfigError(
      `${sandboxFileOf(home)} cannot be used: its base_url is no address such as ` +
        'http://127.0.0.1:8080. Write there where the service listens.',
    );
  }
  return { ...rest, base_url, client_id, client_secret, keys, scopes };
}

function membersOf(home: string, text: string): Partial<SandboxClient> {
  try {
    return (JSON.parse(text) as Partial<SandboxClient> | null) ?? {};
  } catch (error) {
    throw unusable(home, 'it is not JSON', error);
  }
}

function keyFileIn(home: string, name: string): string {
  return join(home, 'keys', name);
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (fileFault(error) === undefined) throw error;
    return false;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
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
  where: {
    home: string;
    seal: Seal;
    baseUrl: string;
    caFile?: string | undefined;
    /** What the client follows where it is entered now; default the reference. */
    contract?: Contract;
  },
): Promise<SandboxClient> {
  const { home, seal, baseUrl, caFile, contract = '2023' } = where;
  const client =
    (await readSandboxClient(home)) ?? (await makeSandboxClient(home, { baseUrl, caFile }));
  const clientId = idIn<'tenant'>(home, client.client_id);
  if ((await findTenant(sql, clientId)) === undefined) {
    await enterClient(sql, clock, seal, {
      name: 'sandbox',
      scopes,
      signaturePolicy: 'compatible',
      contract,
      clientId,
      clientSecret: client.client_secret,
      keyIds: client.keys.map((key) => idIn<'key'>(home, key.key_id)),
      publicKeysPem: await Promise.all(client.keys.map((key) => publicKeyOf(home, key))),
    });
  }
  const isHere = client.base_url === baseUrl || (await isServed(client));
  const current = isHere ? client : { ...client, ...addressOf({ baseUrl, caFile }) };
  const written = await readIfThere(sandboxFileOf(home));
  if (written === textOf(current)) return current;
  const beside = await writeBeside(sandboxFileOf(home), current);
  await rename(beside, sandboxFileOf(home));
  return current;
}

interface Address {
  readonly baseUrl: string;
  readonly caFile: string | undefined;
}

/** Undefined members are not written, and take the place of those that were there. */
function addressOf({ baseUrl, caFile }: Address): Pick<SandboxClient, 'base_url' | 'ca_file'> {
  return { base_url: baseUrl, ca_file: caFile } as Pick<SandboxClient, 'base_url' | 'ca_file'>;
}

/** How the client calls the service that its file names. */
export async function clientOptionsOf(sandbox: SandboxClient): Promise<ClientOptions> {
  const [key] = sandbox.keys;
  if (key === undefined) throw new ConfigError('The sandbox client has no key.');
  if (sandbox.ca_file !== undefined) await trustAuthority(sandbox.ca_file);
  return {
    baseUrl: sandbox.base_url,
    clientId: sandbox.client_id,
    clientSecret: sandbox.client_secret,
    keyId: key.key_id,
    privateKey: await readPrivateKey(key),
    scopes: sandbox.scopes,
  };
}

/** How long a process may take to answer that the file names, in ms: also a busy one is there. */
const responseMsMax = 10_000;

/** Whether a service that knows this client answers where the file says; another one may by now. */
async function isServed(sandbox: SandboxClient): Promise<boolean> {
  const retry = { attemptsMax: 1, attemptMs: responseMsMax };
  try {
    await new Client({ ...(await clientOptionsOf(sandbox)), retry }).grantedScopes();
    return true;
  } catch (error) {
    if (error instanceof ApiError || error instanceof NoResponseError) return false;
    throw error;
  }
}

/** @returns the client made here, or that of another process which was first. */
async function makeSandboxClient(home: string, address: Address): Promise<SandboxClient> {
  const pairs = [
    { algorithm: 'ed25519', ...generateKeyPairSync('ed25519') },
    { algorithm: 'ecdsa-p521', ...generateKeyPairSync('ec', { namedCurve: 'P-521' }) },
  ] as const;
  const { clientId, clientSecret, keyIds } = newIdentity(pairs.length);
  const keys: SandboxKey[] = [];
  for (const [i, { algorithm, privateKey }] of pairs.entries()) {
    const file = keyFileIn(home, `${clientId}-${algorithm}.pem`);
    await makeDirectory(dirname(file), ownerOnlyDirectory);
    await writeFile(file, toPem(privateKey, 'pkcs8'), { mode: ownerOnly });
    keys.push({ key_id: keyIds[i] ?? '', algorithm, private_key_file: file });
  }
  const identity = { client_id: clientId, client_secret: clientSecret, keys, scopes };
  const own = { ...addressOf(address), ...identity };
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
  if (id === undefined) throw unusable(home, 'an id in it is not a UUID');
  return id;
}

async function publicKeyOf(home: string, key: SandboxKey): Promise<string> {
  try {
    const privateKey = createPrivateKey(await readPrivateKey(key));
    return toPem(createPublicKey(privateKey), 'spki');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unusable(home, `${key.private_key_file} holds no private key`, error);
  }
}

/** @throws ConfigError that says which file is missing, and what else there is to do. */
export async function readPrivateKey({ private_key_file: file }: SandboxKey): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const fault = fileFault(error);
    if (fault === undefined) throw error;
    throw new ConfigError(
      `The private key of the sandbox client, ${file}, cannot be used: ${fault.reason}. Bring it ` +
        'back to that place, or into the directory keys of UNWIND_HOME.',
      { cause: error },
    );
  }
}

function unusable(home: string, why: string, cause?: unknown): Error {
  const file = sandboxFileOf(home);
  return new ConfigError(
    `${file} cannot be used: ${why}. Bring it back from a copy. Without it the next start makes ` +
      'another client, whose book is empty.',
    { cause },
  );
}

function toPem(key: KeyObject, type: 'spki' | 'pkcs8'): string {
  return type === 'spki'
    ? key.export({ format: 'pem', type }).toString()
    : key.export({ format: 'pem', type }).toString();
}

/** Written beside and then renamed or linked, so that no reader ever sees half of it. */
async function writeBeside(file: string, content: object): Promise<string> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, textOf(content), { mode: ownerOnly });
  return beside;
}

function textOf(content: object): string {
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
