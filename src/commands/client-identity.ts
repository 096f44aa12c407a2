// What a client has already: keys in whatever form, and, from another service, its id, its secret and the
// ids of its keys. Read from files that a command line names.

import { type ImportedKey, importPublicKey, UnusableKeyError } from '@unwind/signatures';
import { liveKeysMax } from '../auth/change-client.ts';
import type { CreatedClient } from '../auth/create-client.ts';
import type { KeyId, TenantId } from '../ids.ts';
import { readInputFile } from './input-file.ts';
import { outputTo } from './run.ts';
import { UsageError } from './usage-error.ts';

/** Characters of a secret that is brought: more than anybody guesses, as many as a token's form takes. */
const secretLength = { min: 16, max: 1_000 } as const;

export interface IdentityOptions {
  /** Files. */
  readonly publicKey: readonly string[];
  /** In the order of the files. */
  readonly keyId?: readonly KeyId[];
  readonly clientId?: TenantId;
  readonly clientSecretFile?: string;
}

/** The keys of a client, and what else it brings. @throws UsageError */
export async function readIdentity(options: IdentityOptions): Promise<{
  readonly keys: readonly KeyOfFile[];
  readonly brought: Partial<CreatedClient>;
}> {
  const { publicKey: files, keyId, clientId, clientSecretFile } = options;
  const brought = {
    ...(clientId && { clientId }),
    ...(keyId && { keyIds: keyIdsFor(files, keyId) }),
    ...(clientSecretFile && { clientSecret: await readSecret(clientSecretFile) }),
  };
  if (files.length > liveKeysMax) {
    throw new UsageError(
      `a client has ${liveKeysMax} keys at most, and these are ${files.length}.`,
    );
  }
  const keys = await Promise.all(files.map(readKeyFile));
  if (new Set(keys.map(({ pem }) => pem)).size < keys.length) {
    throw new UsageError('two of the files hold the same key.');
  }
  return { keys, brought };
}

function keyIdsFor(files: readonly string[], keyIds: readonly KeyId[]): readonly KeyId[] {
  if (keyIds.length !== files.length) {
    throw new UsageError(
      'give as many --key-id as --public-key, in the same order: ' +
        `there are ${keyIds.length} and ${files.length}.`,
    );
  }
  if (new Set(keyIds).size < keyIds.length)
    throw new UsageError('two keys have the same --key-id.');
  return keyIds;
}

/** The secret in a file, without the line end behind it. */
async function readSecret(file: string): Promise<string> {
  const secret = (await readInputFile(file)).toString('utf8').replace(/\r?\n$/, '');
  const { min, max } = secretLength;
  if (secret === '') throw new UsageError(`${file} is empty: it has to hold the client's secret.`);
  if (secret.includes('\n')) throw new UsageError(`${file} has several lines: a secret is one.`);
  if (!/^[!-~]+$/.test(secret)) {
    throw new UsageError(`the secret in ${file} has to be of visible ASCII, without spaces.`);
  }
  if (secret.length < min || secret.length > max) {
    throw new UsageError(
      `the secret in ${file} has ${secret.length} characters: ${min} to ${max} are taken.`,
    );
  }
  return secret;
}

/** What `--public-key` takes. */
export const keyForms = 'PEM, DER, JWK, OpenSSH, or base64 of the 32 bytes of an Ed25519 key';

export interface KeyOfFile extends Pick<ImportedKey, 'algorithm'> {
  /** SubjectPublicKeyInfo. */
  readonly pem: string;
}

/**
 * Reads the public key in a file. That the file holds a private key is said on standard error: its public
 * part is all that is kept. @throws UsageError
 */
export async function readKeyFile(file: string): Promise<KeyOfFile> {
  const { algorithm, publicKey, isOfPrivate } = importFrom(file, await readInputFile(file));
  if (isOfPrivate) {
    const note = `${file} holds a private key; only its public part is registered.`;
    outputTo(process.stderr).write(`unwind: ${note}\n`);
  }
  return { algorithm, pem: publicKey.export({ format: 'pem', type: 'spki' }).toString() };
}

function importFrom(file: string, bytes: Uint8Array): ImportedKey {
  try {
    return importPublicKey(bytes);
  } catch (error) {
    if (!(error instanceof UnusableKeyError)) throw error;
    throw new UsageError(`${file}: ${error.message}`, { cause: error });
  }
}
