// The key file: 32 random bytes in base64 that seal the private keys of webhooks. A sandbox makes its
// own; live mode is given one, the same for all processes of a database.

import { randomBytes } from 'node:crypto';
import { access, link, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Seal, sealKeyBytes, sealWith } from '../auth/seal.ts';
import { canOpenKeys } from '../auth/signing-keys.ts';
import type { Sql } from '../db/connect.ts';
import { fileFault, makeDirectory } from '../file-fault.ts';
import { type Config, ConfigError, keyFileOf } from './config.ts';

type KeyFileConfig = Pick<Config, 'keyFile' | 'home'>;

/** Mode bits of everybody but the owner. */
const groupAndOthersMay = 0o077;

/**
 * Of 32 random bytes fewer are different from each other, or in their steps, once in 10^12 files: such a
 * file was typed, or filled by a pattern.
 */
const differentBytesMin = 16;

/** @throws ConfigError when the file is missing, open to others, or holds anything but a random key. */
export async function openKeyFile(config: KeyFileConfig): Promise<Seal> {
  const file = keyFileOf(config);
  if (config.keyFile === undefined) {
    await makeIfMissing(file, () => `${randomBytes(sealKeyBytes).toString('base64')}\n`);
  }
  return readSeal(config);
}

/** The same without making one. @throws ConfigError as `openKeyFile`. */
export async function readSeal(config: KeyFileConfig): Promise<Seal> {
  const file = keyFileOf(config);
  return sealWith(keyOf(file, (await readSecretFile(file)).trim()));
}

/** The text of a file with a key in it. @throws ConfigError when it is missing or open to others. */
export async function readSecretFile(file: string): Promise<string> {
  const { text, mode } = await readKeyFile(file);
  if (process.platform !== 'win32' && (mode & groupAndOthersMay) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new ConfigError(
      `The key file ${file} is open to others than its owner (mode ${shown}): chmod 600 '${file}' closes it.`,
    );
  }
  return text;
}

function keyOf(file: string, text: string): Buffer {
  const refuse = (why: string) => {
    const how = `(umask 077; head -c ${sealKeyBytes} /dev/urandom | base64 > FILE)`;
    return new ConfigError(`The key file ${file} ${why}. A new one is made by ${how}.`);
  };
  if (text === '') throw refuse('is empty');
  if (text.includes('-----BEGIN')) {
    throw refuse(`holds a key in PEM; it has to hold ${sealKeyBytes} random bytes in base64`);
  }
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) throw refuse('does not hold base64 on one line');
  const key = Buffer.from(text, 'base64');
  if (key.length !== sealKeyBytes) {
    throw refuse(`holds ${key.length} bytes in base64, and not ${sealKeyBytes}`);
  }
  if (!looksRandom(key)) throw refuse('holds a key that can be guessed: its bytes are not random');
  return key;
}

function looksRandom(key: Buffer): boolean {
  const steps = key.map((byte, i) => byte - (key[i - 1] ?? 0));
  const isText = key.every((byte) => byte >= 0x20 && byte < 0x7f);
  return (
    !isText && new Set(key).size >= differentBytesMin && new Set(steps).size >= differentBytesMin
  );
}

/**
 * Before anything is sealed or signed. @throws ConfigError when the keys in this database are sealed
 * by another key file: webhooks could not be signed, or those of some clients only.
 */
export async function refuseOtherKeyFile(
  sql: Sql,
  config: KeyFileConfig,
  seal: Seal,
): Promise<void> {
  if (await canOpenKeys(sql, seal)) return;
  throw new ConfigError(
    `The keys in this database were sealed with another key file than ${keyFileOf(config)}: ` +
      'all processes of a database need the same one (UNWIND_KEY_FILE).',
  );
}

async function readKeyFile(file: string): Promise<{ text: string; mode: number }> {
  try {
    await using handle = await open(file);
    const { mode } = await handle.stat();
    return { text: await handle.readFile('utf8'), mode };
  } catch (error) {
    const reason =
      fileFault(error)?.reason ?? (isDirectory(error) ? 'it is a directory' : undefined);
    if (reason === undefined) throw error;
    throw new ConfigError(`The key file ${file} cannot be read: ${reason}.`, { cause: error });
  }
}

/** Reading one that is open already fails without a path. */
function isDirectory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EISDIR';
}

/** Written beside and linked, so that of two first starts at once one wins and no reader sees half. */
export async function makeIfMissing(file: string, make: () => string): Promise<void> {
  try {
    if (await isThere(file)) return;
    await makeDirectory(dirname(file));
    const beside = `${file}.${process.pid}`;
    await writeFile(beside, make(), { mode: 0o600 });
    try {
      await link(beside, file);
    } finally {
      await rm(beside, { force: true });
    }
  } catch (error) {
    if (await isThere(file).catch(() => false)) return;
    const fault = fileFault(error);
    if (fault === undefined) throw error;
    throw new ConfigError(
      `UNWIND_HOME ${dirname(file)} cannot be used: ${fault.reason}. Choose another directory.`,
      { cause: error },
    );
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
