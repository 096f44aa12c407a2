// Says in words why a file or a directory cannot be used, and makes directories where that may fail.

import { mkdir, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'something that is not a directory is in its place',
  EISDIR: 'it is a directory',
  ENOSYS: 'its file system makes no directories',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
};

export interface FileFault {
  readonly path: string;
  /** Half a sentence. */
  readonly reason: string;
}

/** @returns undefined for an error that is not of the file system. */
export function fileFault(error: unknown): FileFault | undefined {
  if (!(error instanceof Error && 'path' in error && 'code' in error)) return undefined;
  const path = String(error.path);
  const code = String(error.code);
  if (code === 'EACCES' || code === 'EPERM') return { path, reason: `${account()} may not use it` };
  const reason = reasons[code];
  return reason === undefined ? undefined : { path, reason };
}

/** Why a file or a directory cannot be read: half a sentence for every error. */
export function whyUnreadable(error: unknown): string {
  const known = fileFault(error)?.reason;
  if (known !== undefined) return known;
  // Reading a directory fails with no path.
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? (error instanceof Error ? error.message : String(error));
}

/**
 * Makes a directory, and those above it that are missing. Idempotent. `mkdir` of Node tries for ever where
 * the file system makes none (`/proc`), since that says of each that it does not exist.
 *
 * @returns the first one that was made; undefined: all were there.
 */
export function makeDirectory(path: string, mode = 0o777): Promise<string | undefined> {
  return make(path, mode, false);
}

/** @param isAboveThere what is missing below a directory that is there, the file system does not make. */
async function make(
  path: string,
  mode: number,
  isAboveThere: boolean,
): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (await isDirectory(path)) return undefined;
    if (!isCode(error, 'ENOENT')) throw error;
    if (isAboveThere) throw Object.assign(error as Error, { code: 'ENOSYS' });
  }
  // Another process may make it meanwhile, so whether it is there is asked by making it.
  const first = await make(dirname(resolve(path)), mode, false);
  return (await make(path, mode, true)) && (first ?? path);
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function account(): string {
  const uid = process.getuid?.() ?? -1;
  try {
    return `the account ${userInfo().username} (${uid})`;
  } catch (error) {
    // The account is in no passwd file, as in some containers.
    if (error instanceof Error && 'code' in error) return `the account ${uid}`;
    throw error;
  }
}
