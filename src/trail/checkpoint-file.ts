// The file of checkpoints: read line by line, and only ever appended to. It may be a pipe or a device, which
// is written to and not read.

import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** A file of checkpoints that cannot be read or written. */
export class CheckpointFileError extends Error {
  override readonly name = 'CheckpointFileError';
}

/** Its length in bytes; undefined: there is none yet, or it is no file that could be read. */
export async function lengthOf(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The lines of a file that has any; a last one without an end as well. */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const input = createReadStream(file, 'utf8');
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== '') yield line;
    }
  } finally {
    input.destroy();
  }
}

/** Appends a line, and returns once it is on disk. Begins a line of its own where a write was cut off. */
export async function appendLine(file: string, line: string): Promise<void> {
  const length = await lengthOf(file);
  const isTorn = length !== undefined && length > 0 && (await lastByteOf(file, length)) !== newline;
  await using handle = await open(file, 'a', 0o640);
  await handle.write(`${isTorn ? '\n' : ''}${line}\n`);
  // A pipe has no disk.
  if ((await handle.stat()).isFile()) await handle.sync();
}

const newline = 0x0a;

async function lastByteOf(file: string, length: number): Promise<number | undefined> {
  await using handle = await open(file, 'r');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, length - 1);
  return buffer[0];
}
