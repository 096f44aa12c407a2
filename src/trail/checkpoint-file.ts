// The file of checkpoints: read line by line, and only ever appended to. It may be a pipe or a device, which
// is written to and not read.

import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

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
    if (codeOf(error) === 'ENOENT') return undefined;
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

/** The one line of a file; undefined where there is none. */
export async function recalled(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trimEnd();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes it the one line of a file, which is never half of one. */
export async function remember(file: string, line: string): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  await writeFile(fresh, `${line}\n`, { mode: 0o600 });
  await rename(fresh, file);
}

/** Appends lines. What it is, a file or a pipe, shows with each line. */
export class CheckpointAppender {
  readonly #file: string;
  /** Of a pipe, which would end for its reader if it were closed. */
  #pipe: FileHandle | undefined;
  #isTorn = false;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Appends a line, and returns once it is on disk, or in the pipe. Begins a line of its own where a write was
   * cut off.
   * @param length of the file as it was read; undefined: there is none yet, or it is a pipe.
   * @throws CheckpointFileError where another process writes to the file, or the pipe has no reader.
   */
  async append(
    line: string,
    { length, now }: { readonly length: number | undefined; readonly now: Date },
  ): Promise<void> {
    if (this.#pipe !== undefined || (await isPipe(this.#file))) return this.#send(line);
    const lock = `${this.#file}.lock`;
    await takeLock(lock, now);
    try {
      const found = await lengthOf(this.#file);
      if (found !== length) {
        throw new CheckpointFileError(`Another process has written to ${this.#file} meanwhile.`);
      }
      const isTorn = (found ?? 0) > 0 && (await lastByteOf(this.#file, found ?? 0)) !== newline;
      await using handle = await open(this.#file, 'a', 0o640);
      await handle.appendFile(`${isTorn ? '\n' : ''}${line}\n`);
      // A device has no disk.
      if ((await handle.stat()).isFile()) await handle.sync();
    } finally {
      await rm(lock, { force: true });
    }
  }

  async #send(line: string): Promise<void> {
    const text = `${this.#isTorn ? '\n' : ''}${line}\n`;
    try {
      // Without it, opening waits for a reader, and takes a thread of the process for so long.
      this.#pipe ??= await open(this.#file, constants.O_WRONLY | constants.O_NONBLOCK);
      this.#isTorn = true;
      await writeAll(this.#pipe, Buffer.from(text));
      this.#isTorn = false;
    } catch (error) {
      const why = faultsOfPipe[String(codeOf(error))];
      if (why === undefined) throw error;
      await this.close();
      throw new CheckpointFileError(`${this.#file} is a pipe that ${why}.`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const pipe = this.#pipe;
    this.#pipe = undefined;
    await pipe?.close();
  }
}

/** How long a pipe that is full is waited for, in ms, and so many times: a line can be longer than a pipe holds. */
const fullPipe = { waitMs: 20, triesMax: 500 };

async function writeAll(pipe: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  for (let tries = 0; written < bytes.length; ) {
    try {
      written += (await pipe.write(bytes, written)).bytesWritten;
      tries = 0;
    } catch (error) {
      tries += 1;
      if (codeOf(error) !== 'EAGAIN' || tries > fullPipe.triesMax) throw error;
      await setTimeout(fullPipe.waitMs);
    }
  }
}

const faultsOfPipe: Readonly<Record<string, string>> = {
  ENXIO: 'has no reader: start it',
  EPIPE: 'has lost its reader: start it again',
  EAGAIN: 'is full: its reader does not keep up',
};

async function isPipe(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFIFO();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** A line is written in far less; a lock that is older, in ms, was left by a process that was killed. */
const lockMsMax = 5 * 60_000;

/** Two processes that write to one file at once would let it fork. @throws CheckpointFileError */
async function takeLock(lock: string, now: Date): Promise<void> {
  try {
    const handle = await open(lock, 'wx', 0o640);
    await handle.close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    const found = await stat(lock).catch((gone: unknown) => {
      if (codeOf(gone) === 'ENOENT') return undefined;
      throw gone;
    });
    // Taken with the next try only: who has found it as old may remove it a little later.
    if (found !== undefined && now.getTime() - found.mtimeMs > lockMsMax)
      await rm(lock, { force: true });
    throw new CheckpointFileError(`Another process writes: ${lock} is there.`, { cause: error });
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

const newline = 0x0a;

async function lastByteOf(file: string, length: number): Promise<number | undefined> {
  await using handle = await open(file, 'r');
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, length - 1);
  return buffer[0];
}
