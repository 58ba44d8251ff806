/** The system's errors as ours: errno to FsErrorCode and a sentence, by one total function. */
import { FsError, type FsErrorCode } from './root.ts'

const codes: Readonly<Record<string, FsErrorCode>> = {
  ENOENT: 'missing',
  EEXIST: 'changed',
  EISDIR: 'changed',
  ENXIO: 'changed', // a socket or a pipe
  ENOTDIR: 'link-in-the-way',
  ELOOP: 'link-in-the-way',
  EACCES: 'denied',
  EPERM: 'denied',
  ENOTEMPTY: 'not-empty',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EROFS: 'read-only',
}

const sentences: Readonly<Record<FsErrorCode, string>> = {
  missing: 'it is not there',
  changed: 'something else stands there than expected; it is scanned again',
  denied: 'permission denied; let the user that isosyncd runs as read and write there',
  'link-in-the-way': 'a symbolic link or a file is in the way where a directory should be, and is not followed',
  'not-empty': 'the directory is not empty',
  'no-space': 'the disk or quota is full; it goes on when there is room',
  'read-only': 'the filesystem is read-only; it goes on when it can be written again',
  io: 'the disk or filesystem failed',
}

const elsewhere =
  'another filesystem or mount is in between, where a file cannot be renamed to; keep the whole folder and its meta_dir on one'

/** The code for an error of node:fs or of a native call; 'io' for all that has no name of its own. */
export function codeOf(error: unknown): FsErrorCode {
  return codes[errnoName(error)] ?? 'io'
}

/**
 * An error of the system as an FsError about `path`; `doing` such as 'cannot rename it'. Other errors are given back
 * as they are: an FsError says enough, and anything else is our own bug.
 */
export function toFsError(error: unknown, path: string, doing: string): unknown {
  if (error instanceof FsError || !isSystemError(error)) return error
  const name = errnoName(error)
  const code = codeOf(error)
  const what = name === 'EXDEV' ? elsewhere : code === 'io' ? `${sentences.io} (${name})` : sentences[code]
  return new FsError(code, path, `${doing}: ${what}`, { cause: error })
}

/** Runs `work`; what it throws becomes an FsError about `path`. */
export async function attempt<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toFsError(error, path, doing)
  }
}

/** The same for a plain call. */
export function attemptNow<T>(path: string, doing: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw toFsError(error, path, doing)
  }
}

/** An FsError with the usual sentence of its code. */
export function fsError(code: FsErrorCode, path: string, doing: string): FsError {
  return new FsError(code, path, `${doing}: ${sentences[code]}`)
}

/** The disk shows something else than the caller believes. */
export function changedError(path: string): FsError {
  return new FsError('changed', path, 'it has changed since it was last looked at; it is scanned again')
}

/** Another disk is mounted than the one whose marker is ours, or none. */
export function notTrustedError(dir: string): FsError {
  return new FsError('changed', dir, 'it is not the disk that was there: nothing is done on it')
}

export function errnoName(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && 'syscall' in error
}
