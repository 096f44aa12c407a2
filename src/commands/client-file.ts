// The file that says who calls the API and where: the form of `sandbox-client.json`, for any service.
//
//   { "base_url": "https://…", "client_id": "…", "client_secret_file": "secret",
//     "keys": [{ "key_id": "…", "private_key_file": "key.pem" }], "scopes": ["…"] }
//
// Files in it lie beside it unless their path is absolute. `client_secret` may stand in it instead of
// `client_secret_file`, as `unwind start` writes it, and `ca_file` where a private authority has to be trusted.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { whyUnreadable } from '../file-fault.ts';
import type { SandboxClient } from '../sandbox/sandbox-client.ts';
import { ConfigError } from '../settings/config.ts';
import { keepsSecrets } from './arguments.ts';

/** @throws ConfigError that names the file and what to mend in it. */
export async function readClientFile(file: string): Promise<SandboxClient> {
  const members = membersOf(file, await readText(file));
  const beside = (path: string) => resolve(dirname(file), path);
  const { base_url: url, client_id: id, keys, scopes, ca_file: ca } = members;
  if (typeof url !== 'string' || !/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw unusable(file, 'base_url is no address such as https://api.example.com');
  }
  if (!keepsSecrets(new URL(url))) {
    throw unusable(file, 'base_url would send the secret in clear: use https, or this machine');
  }
  if (typeof id !== 'string') throw unusable(file, 'client_id is missing');
  if (!Array.isArray(scopes) || scopes.some((scope) => typeof scope !== 'string')) {
    throw unusable(file, 'scopes is no list of names');
  }
  const [key] = Array.isArray(keys) ? keys : [];
  if (typeof key?.key_id !== 'string' || typeof key.private_key_file !== 'string') {
    throw unusable(file, 'keys has no key with key_id and private_key_file');
  }
  return {
    base_url: url,
    client_id: id,
    client_secret: await secretIn(file, members, beside),
    keys: [{ ...key, private_key_file: beside(key.private_key_file) }],
    scopes,
    ...(typeof ca === 'string' ? { ca_file: beside(ca) } : {}),
  };
}

async function secretIn(
  file: string,
  { client_secret: secret, client_secret_file: secretFile }: Readonly<Record<string, unknown>>,
  beside: (path: string) => string,
): Promise<string> {
  if (typeof secret === 'string') return secret;
  if (typeof secretFile !== 'string') {
    throw unusable(file, 'client_secret_file, or client_secret, is missing');
  }
  return (await readText(beside(secretFile))).trim();
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`The file ${file} cannot be read: ${whyUnreadable(error)}.`, {
      cause: error,
    });
  }
}

function membersOf(file: string, text: string) {
  try {
    // biome-ignore lint/suspicious/noExplicitAny: whatever a person has written.
    return Object(JSON.parse(text)) as Record<string, any>;
  } catch (error) {
    throw new ConfigError(`The client file ${file} cannot be used: it is not JSON.`, {
      cause: error,
    });
  }
}

function unusable(file: string, why: string): ConfigError {
  return new ConfigError(`The client file ${file} cannot be used: ${why}.`);
}
