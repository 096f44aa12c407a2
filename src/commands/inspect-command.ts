// `unwind inspect-signature`: explains the signature of a raw request, from a file or standard input.
// It sends nothing and records nothing; keys come from a file, the sandbox client or the database.

import { createPublicKey, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import {
  type Check,
  importPublicKey,
  inspectSignature,
  keyAlgorithm,
  type PublicJwk,
  type PublicKey,
  parsePublicJwk,
  RawRequestError,
  readRawRequest,
} from '@unwind/signatures';
import { clientIdOf, keyIdsIn, rulesOf, verificationKeysOf } from '../auth/inspected-client.ts';
import { findKeysNamed, findTenant, type SignaturePolicy } from '../auth/store.ts';
import type { Clock } from '../clock.ts';
import { type KeyId, parseId } from '../ids.ts';
import { parseDate, parseInstant } from '../instant.ts';
import { readPrivateKey, readSandboxClient } from '../sandbox/sandbox-client.ts';
import { type DatabaseConfig, withDatabase } from '../settings/database.ts';
import { readInputFile } from './input-file.ts';
import { printInspection } from './print-inspection.ts';
import type { Output } from './run.ts';
import { UsageError } from './usage-error.ts';

export interface InspectOptions {
  readonly config: DatabaseConfig;
  readonly log: Parameters<typeof withDatabase>[1];
  /** `-` for standard input. */
  readonly file: string;
  /** A public key in any form, or a set of JWKs. */
  readonly keyFile: string | undefined;
  /** Which rules to hold it against; default those of the client, else compatible. */
  readonly policy: SignaturePolicy | undefined;
  /** The clock: Unix seconds or an RFC 3339 time. */
  readonly at: string | undefined;
  readonly isJson: boolean;
  readonly clock: Clock;
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: Output;
}

/** Larger than any request the service takes. */
const fileBytesMax = 256 * 1024;

/** Prints what was found. @returns 1 where the service would refuse the signature, else 0. */
export async function runInspect(options: InspectOptions): Promise<number> {
  const { isJson, stdout } = options;
  const bytes = await readInput(options);
  const { message, notes } = readRequest(bytes);
  const clientId = clientIdOf(message);
  const known = await knownClient(options, { clientId, keyIds: keyIdsIn(message) });
  const rules = rulesOf(message, options.policy ?? known.policy);
  const nowS = Math.floor(instantOf(options).getTime() / 1_000);
  const inspection = await inspectSignature(message, {
    clientId,
    keys: known.keys,
    rules,
    now: nowS,
  });
  const allNotes = [...notes, known.source];
  stdout.write(
    isJson
      ? `${JSON.stringify({ ...inspection, notes: allNotes }, undefined, 2)}\n`
      : printInspection(inspection, allNotes),
  );
  return inspection.verdict === 'refused' ? 1 : 0;
}

async function readInput({ file, stdin }: InspectOptions): Promise<Buffer> {
  const bytes = await (file === '-' ? buffer(stdin) : readInputFile(file));
  if (bytes.length > fileBytesMax)
    throw new UsageError(`the request has more than ${fileBytesMax} bytes.`);
  return bytes;
}

function readRequest(bytes: Buffer) {
  try {
    return readRawRequest(bytes);
  } catch (error) {
    if (error instanceof RawRequestError)
      throw new UsageError(lowerFirst(error.message), { cause: error });
    throw error;
  }
}

/** As the messages of a command begin. */
function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function instantOf({ at, clock }: InspectOptions): Date {
  if (at === undefined) return clock.now();
  if (/^\d{1,12}$/.test(at)) return new Date(Number(at) * 1_000);
  const instant = parseInstant(at)?.at ?? parseDate(at);
  if (instant !== undefined) return instant;
  throw new UsageError('--at is neither Unix seconds nor an RFC 3339 time.');
}

/** Whose message it claims to be, and by which keys. */
interface Claim {
  readonly clientId: string | undefined;
  readonly keyIds: readonly KeyId[];
}

interface KnownClient {
  readonly keys: Check['keys'] | undefined;
  readonly policy: SignaturePolicy;
  /** Where the keys are from, for the person who asks. */
  readonly source: string;
}

async function knownClient(options: InspectOptions, claim: Claim): Promise<KnownClient> {
  const { config, keyFile } = options;
  const { clientId, keyIds } = claim;
  if (keyFile !== undefined) return keysOfFile(keyFile, clientId);
  const sandbox = await readSandboxClient(config.home);
  const isSandbox =
    sandbox?.client_id === clientId ||
    sandbox?.keys.some((key) => keyIds.some((one) => one === key.key_id));
  if (sandbox !== undefined && isSandbox) {
    const keys = await Promise.all(
      sandbox.keys.map(async (key): Promise<[string, PublicKey]> => {
        return [key.key_id, publicPartOf(await readPrivateKey(key))];
      }),
    );
    const source = `Keys: those of the sandbox client in ${config.home}.`;
    return { keys: ownedBy(sandbox.client_id, new Map(keys)), policy: 'compatible', source };
  }
  return config.database.url === undefined
    ? { keys: undefined, policy: 'compatible', source: 'Keys: none; give one by --key FILE.' }
    : keysOfDatabase(options, claim);
}

async function keysOfFile(file: string, clientId: string | undefined): Promise<KnownClient> {
  const bytes = await readInputFile(file);
  const text = bytes.toString('utf8');
  const source = `Keys: those in ${file}.`;
  if (!text.trimStart().startsWith('{')) {
    const key = importPublicKey(bytes);
    return { keys: () => owned(clientId, key), policy: 'compatible', source };
  }
  const jwks = jwksOf(text);
  const [first] = jwks;
  if (first === undefined) throw new UsageError(`${file} holds no key.`);
  const isNamed = jwks.every(({ kid }) => typeof kid === 'string');
  if (!isNamed && jwks.length > 1) throw new UsageError(`${file} holds keys without kid.`);
  const keys = new Map(jwks.map((jwk) => [String(jwk['kid']), parsePublicJwk(jwk)]));
  const find = ownedBy(clientId, keys);
  const only = owned(clientId, parsePublicJwk(first));
  return { keys: isNamed ? find : () => only, policy: 'compatible', source };
}

function jwksOf(text: string): readonly NamedJwk[] {
  try {
    const content = JSON.parse(text);
    return Array.isArray(content.keys) ? content.keys : [content];
  } catch (error) {
    throw new UsageError('the key is neither PEM nor JSON.', { cause: error });
  }
}

type NamedJwk = PublicJwk & { readonly kid?: unknown };

async function keysOfDatabase(
  { config, log }: InspectOptions,
  { clientId, keyIds }: Claim,
): Promise<KnownClient> {
  const id = clientId === undefined ? undefined : parseId<'tenant'>(clientId);
  const [tenant, others] = await withDatabase(config, log, async (sql) => {
    return [id && (await findTenant(sql, id)), await findKeysNamed(sql, keyIds)] as const;
  });
  const policy = tenant?.signaturePolicy ?? 'compatible';
  const source = tenant
    ? `Keys: those of the client ${tenant.name} in the database.`
    : 'Keys: the database has no such client.';
  return { keys: verificationKeysOf(tenant, others), policy, source };
}

function publicPartOf(pem: string): PublicKey {
  const publicKey: KeyObject = createPublicKey(pem);
  return { publicKey, algorithm: keyAlgorithm(publicKey) };
}

function ownedBy(
  clientId: string | undefined,
  keys: ReadonlyMap<string, PublicKey>,
): Check['keys'] {
  return (keyid) => {
    const key = keys.get(keyid);
    return key && owned(clientId, key);
  };
}

function owned(clientId: string | undefined, key: PublicKey) {
  return { ...key, clientId, live: true };
}
