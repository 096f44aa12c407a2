// What `unwind doctor` finds beside the database: the key file and the disk of this machine.

import { statfs } from 'node:fs/promises';
import { whyUnreadable } from '../file-fault.ts';
import { type Config, ConfigError, keyFileOf } from '../settings/config.ts';
import { readSeal } from '../settings/key-file.ts';

/** `note`: worth knowing, nothing to mend. */
export type Health = 'well' | 'note' | 'ill';

export interface Finding {
  readonly subject: string;
  readonly health: Health;
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export async function keyFile(config: Config): Promise<Finding> {
  const subject = 'key file';
  try {
    await readSeal(config);
    return {
      subject,
      health: 'well',
      found: `${keyFileOf(config)} is a random key, for its owner alone`,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy =
      'Set UNWIND_KEY_FILE to the one of this installation; "unwind start" makes that of a sandbox.';
    return { subject, health: 'ill', found: error.message, remedy };
  }
}

/** Less than this is little for a database that grows: bytes, and a part of the whole. */
const roomMin = { bytes: 2 ** 30, part: 0.1 };

export async function disk({ home, database }: Config): Promise<Finding> {
  const subject = 'disk';
  try {
    const { bavail, blocks, bsize } = await statfs(home);
    const free = bavail * bsize;
    const isTight = free < roomMin.bytes || bavail / blocks < roomMin.part;
    const found = `${(free / 2 ** 30).toFixed(1)} GiB free (${Math.floor((100 * bavail) / blocks)} %) at ${home}`;
    if (!isTight) return { subject, health: 'well', found };
    const isOurs = database.url === undefined;
    const remedy = 'Make room: the database stops when the disk is full.';
    return { subject, health: isOurs ? 'ill' : 'note', found, ...(isOurs ? { remedy } : {}) };
  } catch (error) {
    const found = `${home} cannot be looked at: ${whyUnreadable(error)}`;
    return {
      subject,
      health: 'ill',
      found,
      remedy: 'Set UNWIND_HOME to a directory of the service.',
    };
  }
}
