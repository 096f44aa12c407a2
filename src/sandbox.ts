// The sandbox client: on its first start in sandbox mode the service makes a tenant with all scopes
// and two key pairs, and writes down how to use it.

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createClient } from './auth/create-client.ts';
import { scopes } from './auth/scope.ts';
import type { Seal } from './auth/seal.ts';
import { findTenant } from './auth/store.ts';
import type { Clock } from './clock.ts';
import type { Sql } from './db/connect.ts';
import { parseId } from './ids.ts';

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
    throw new Error(`${file} cannot be read; remove it to get a new sandbox client`, {
      cause: error,
    });
  }
}

/**
 * Makes the sandbox client unless the home has one that this database knows. Idempotent; the file
 * always names the address the service really has.
 */
export async function ensureSandboxClient(
  sql: Sql,
  clock: Clock,
  where: { home: string; seal: Seal; baseUrl: string },
): Promise<SandboxClient> {
  const { home, seal, baseUrl } = where;
  const known = await readSandboxClient(home);
  const knownId = known && parseId<'tenant'>(known.client_id);
  const isKnown = knownId !== undefined && (await findTenant(sql, knownId)) !== undefined;
  const client =
    known !== undefined && isKnown ? known : await makeSandboxClient(sql, clock, { home, seal });
  const current = { ...client, base_url: baseUrl };
  if (known?.base_url !== baseUrl || !isKnown) await writeOwnerOnly(sandboxFileOf(home), current);
  return current;
}

async function makeSandboxClient(
  sql: Sql,
  clock: Clock,
  { home, seal }: { home: string; seal: Seal },
): Promise<Omit<SandboxClient, 'base_url'>> {
  const pairs = [
    { algorithm: 'ed25519', ...generateKeyPairSync('ed25519') },
    { algorithm: 'ecdsa-p521', ...generateKeyPairSync('ec', { namedCurve: 'P-521' }) },
  ] as const;
  const created = await createClient(sql, clock, seal, {
    name: 'sandbox',
    scopes,
    signaturePolicy: 'compatible',
    publicKeysPem: pairs.map(({ publicKey }) => toPem(publicKey, 'spki')),
  });
  const keys: SandboxKey[] = [];
  for (const [i, { algorithm, privateKey }] of pairs.entries()) {
    const file = join(home, 'keys', `${created.clientId}-${algorithm}.pem`);
    await mkdir(dirname(file), { recursive: true, mode: ownerOnlyDirectory });
    await writeFile(file, toPem(privateKey, 'pkcs8'), { mode: ownerOnly });
    keys.push({ key_id: created.keyIds[i] ?? '', algorithm, private_key_file: file });
  }
  const { clientId, clientSecret } = created;
  return { client_id: clientId, client_secret: clientSecret, keys, scopes };
}

function toPem(key: KeyObject, type: 'spki' | 'pkcs8'): string {
  return type === 'spki'
    ? key.export({ format: 'pem', type }).toString()
    : key.export({ format: 'pem', type }).toString();
}

/** Written beside and renamed, so that nobody ever reads half of it. */
async function writeOwnerOnly(file: string, content: object): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify(content, undefined, 2)}\n`, { mode: ownerOnly });
  await rename(beside, file);
}
