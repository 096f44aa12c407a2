// The key file: 32 random bytes in base64 that seal the private keys of webhooks. A sandbox makes its
// own; live mode is given one, the same for all processes of a database.

import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Seal, sealKeyBytes, sealWith } from './auth/seal.ts';
import { type Config, ConfigError, keyFileOf } from './config.ts';

/** @throws ConfigError when the file is missing (where it has to be there) or malformed. */
export async function openKeyFile(config: Config): Promise<Seal> {
  const file = keyFileOf(config);
  if (config.keyFile === undefined) await makeIfMissing(file);
  const text = await readKeyFile(file);
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== sealKeyBytes) {
    throw new ConfigError(`${file} does not hold ${sealKeyBytes} bytes in base64.`);
  }
  return sealWith(key);
}

async function readKeyFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`The key file ${file} cannot be read.`, { cause: error });
  }
}

async function makeIfMissing(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  try {
    const text = `${randomBytes(sealKeyBytes).toString('base64')}\n`;
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    if (!exists) throw error;
  }
}
