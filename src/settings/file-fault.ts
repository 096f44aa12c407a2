// Says in words why a file or a directory cannot be used.

import { userInfo } from 'node:os';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'something that is not a directory is in its place',
  EISDIR: 'it is a directory',
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
