// The key file: 32 random bytes in base64 that seal the private keys of webhooks. A sandbox makes its
// own; live mode is given one, the same for all processes of a database.

import { randomBytes } from 'node:crypto';
import { access, link, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Seal, sealKeyBytes, sealWith } from '../auth/seal.ts';
import { canOpenKeys } from '../auth/signing-keys.ts';
import type { Sql } from '../db/connect.ts';
import { type Config, ConfigError, keyFileOf } from './config.ts';

/** Mode bits of those who are neither owner nor group: a secret that is mounted belongs to a group. */
const othersMay = 0o007;

/**
 * @throws ConfigError when the file is missing (where it has to be there) or malformed, or in live
 *   mode when everybody on the machine can read it.
 */
export async function openKeyFile(config: Config): Promise<Seal> {
  const file = keyFileOf(config);
  if (config.keyFile === undefined) await makeIfMissing(file);
  const { text, mode } = await readKeyFile(file);
  if (config.mode === 'live' && (mode & othersMay) !== 0) {
    throw new ConfigError(`The key file ${file} is open to others: chmod o= '${file}' closes it.`);
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== sealKeyBytes) {
    throw new ConfigError(`${file} does not hold ${sealKeyBytes} bytes in base64.`);
  }
  return sealWith(key);
}

/**
 * Before anything is sealed or signed. @throws ConfigError when the keys in this database are sealed
 * by another key file: webhooks could not be signed, or those of some clients only.
 */
export async function refuseOtherKeyFile(sql: Sql, config: Config, seal: Seal): Promise<void> {
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
    throw new ConfigError(`The key file ${file} cannot be read.`, { cause: error });
  }
}

/** Written beside and linked, so that of two first starts at once one wins and nobody reads half. */
async function makeIfMissing(file: string): Promise<void> {
  if (await isThere(file)) return;
  await mkdir(dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}`;
  const text = `${randomBytes(sealKeyBytes).toString('base64')}\n`;
  await writeFile(beside, text, { mode: 0o600 });
  try {
    await link(beside, file);
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!exists) throw error;
  } finally {
    await rm(beside, { force: true });
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
