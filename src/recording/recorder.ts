// Keeps requests of a sandbox as files, one each, readable by their owner alone. The oldest make room; what
// cannot be written is said once and costs no request anything.

import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileFault, makeDirectory, whyUnreadable } from '../file-fault.ts';
import { recordedBytesMax, recordedMax, recordsQueuedMax } from '../limits.ts';
import { ConfigError } from '../settings/config.ts';

/** The names of records: they sort by time. */
const recordName = /^\d{8}T\d{9}Z-[0-9a-f-]{36}\.json$/;

export interface RecorderOptions {
  readonly directory: string;
  readonly log: { warn(fields: object, message: string): void };
  /** Default the limits of the service. */
  readonly max?: { readonly files: number; readonly bytes: number };
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #files: { name: string; bytes: number }[];
  #bytes: number;
  #queued = 0;
  #writing: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(options: RecorderOptions, files: { name: string; bytes: number }[]) {
    this.#options = options;
    this.#files = files;
    this.#bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @throws ConfigError where the directory cannot be used. */
  static async open(options: RecorderOptions): Promise<Recorder> {
    const { directory } = options;
    try {
      await makeDirectory(directory, 0o700);
      const names = (await readdir(directory)).filter((name) => recordName.test(name)).toSorted();
      const files = await Promise.all(
        names.map(async (name) => ({ name, bytes: (await stat(join(directory, name))).size })),
      );
      return new Recorder(options, files);
    } catch (error) {
      if (fileFault(error) === undefined) throw error;
      const why = whyUnreadable(error);
      throw new ConfigError(`UNWIND_RECORD ${directory} cannot be used: ${why}.`, { cause: error });
    }
  }

  /** Keeps a record in a while. Where too many wait for the disk, it is left out. */
  keep(at: Date, id: string, record: object): void {
    if (this.#queued >= recordsQueuedMax) return;
    this.#queued += 1;
    const name = `${at.toISOString().replaceAll(/[-:.]/g, '')}-${id}.json`;
    const text = `${JSON.stringify(record, undefined, 2)}\n`;
    this.#writing = this.#writing
      .then(() => this.#write(name, text))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#queued -= 1;
      });
  }

  /** Everything that was kept so far is written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #write(name: string, text: string): Promise<void> {
    const { directory, max = { files: recordedMax, bytes: recordedBytesMax } } = this.#options;
    const bytes = Buffer.byteLength(text);
    await writeFile(join(directory, name), text, { mode: 0o600, flag: 'wx' });
    this.#files.push({ name, bytes });
    this.#bytes += bytes;
    while (this.#files.length > max.files || this.#bytes > max.bytes) {
      const oldest = this.#files.shift();
      if (oldest === undefined) return;
      this.#bytes -= oldest.bytes;
      await unlink(join(directory, oldest.name)).catch((error: unknown) => {
        // A person has tidied up.
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      });
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { directory, log } = this.#options;
    log.warn({ directory, reason: whyUnreadable(error) }, 'recording.failed');
  }
}
