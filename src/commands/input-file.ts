// The files that a command line names.

import { readFile } from 'node:fs/promises';
import { whyUnreadable } from '../file-fault.ts';
import { UsageError } from './usage-error.ts';

/** @throws UsageError where it cannot be read. */
export async function readInputFile(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UsageError(`the file ${file} cannot be read: ${whyUnreadable(error)}.`, {
      cause: error,
    });
  }
}
