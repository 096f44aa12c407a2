// The key that signs checkpoints of the trail: Ed25519, in PEM. A sandbox makes its own; live mode is given one.
// Who verifies needs its public part alone.

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileFault } from '../file-fault.ts';
import type { CheckpointSettings } from '../trail/export-checkpoints.ts';
import { type Config, ConfigError } from './config.ts';
import { makeIfMissing, readSecretFile } from './key-file.ts';

type TrailConfig = Pick<Config, 'trail' | 'home'>;

/** The file of the key: the one configured, or the sandbox's own. */
export function trailKeyFileOf({ trail, home }: TrailConfig): string {
  return trail.keyFile ?? join(home, 'trail.key');
}

/** A private key as the file holds it. */
export function newTrailKey(): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** The key that signs. @throws ConfigError when the file is missing, open to others, or holds another kind. */
async function openTrailKey(config: TrailConfig): Promise<KeyObject> {
  const file = trailKeyFileOf(config);
  if (config.trail.keyFile === undefined) await makeIfMissing(file, newTrailKey);
  return keyIn(file, await readSecretFile(file), createPrivateKey);
}

/** A key to verify with, from a file with the public or the private one. @throws ConfigError */
export async function readTrailKey(file: string): Promise<KeyObject> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const fault = fileFault(error);
    if (fault === undefined) throw error;
    throw new ConfigError(`The key ${file} cannot be read: ${fault.reason}.`);
  }
  return keyIn(file, text, createPublicKey);
}

function keyIn(file: string, text: string, read: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = read(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(`${file} holds no such key in PEM; unwind trail key FILE makes one.`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new ConfigError(`${file} holds a key of ${key.asymmetricKeyType}, and not Ed25519.`);
}

/** Where checkpoints go, and who signs them; undefined where no file is set. @throws ConfigError */
export async function openCheckpoints(
  config: TrailConfig & Pick<Config, 'mode'>,
): Promise<CheckpointSettings | undefined> {
  const { file } = config.trail;
  if (file === undefined) return undefined;
  const key = await openTrailKey(config);
  const memory = join(config.home, 'trail.signed');
  return { file, memory, key, allowsNewChain: config.mode === 'sandbox' };
}
