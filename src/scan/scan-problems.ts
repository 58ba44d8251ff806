/** What the scanner cannot take up, in the operator's words. */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { FsError, type FsErrorCode, type Listing } from '../fs/root.ts'
import { pathTrouble } from '../sync/path.ts'
import { type ProblemKind } from '../sync/problem.ts'
import { type Sighting } from './sighting.ts'

type ProblemSighting = Extract<Sighting, { seen: 'problem' }>

function problem(kind: ProblemKind, path: string | null, detail: string): ProblemSighting {
  return { seen: 'problem', problem: { kind, path, detail } }
}

/** A directory could not be listed, or a path not be looked at: null when that only means that it has just changed. */
export function lookFailed(path: DirPath, error: unknown): ProblemSighting | null {
  if (!(error instanceof FsError)) throw error
  const kind = kindOf(error.code)
  if (kind === null) return null
  const scope = path === '' ? null : path
  return problem(kind, scope, `${error.message}; nothing there is taken as deleted, and the next rescan looks again`)
}

/** A name that the listing could not give a stat for; null when it has just vanished. */
export function unusableName({ shown, reason }: Listing['unusable'][number]): ProblemSighting | null {
  if (reason === 'not-utf8') {
    return problem('bad-name', shown, `${shown}: its name is not UTF-8, so it is not synced; rename it`)
  }
  const kind = kindOf(reason)
  return kind && problem(kind, shown, `${shown}: it cannot be looked at (${reason}); the next rescan tries again`)
}

export function badName(path: string): ProblemSighting {
  return problem(
    'bad-name',
    path,
    `${path}: it is not synced because ${pathTrouble(path) ?? 'it is reserved'}; rename it`,
  )
}

export function nameClash(path: RelPath, other: string): ProblemSighting {
  const detail = `${path} and ${other} beside it are one name where upper and lower case, or forms of accents, are not told apart: ${path} is not synced; rename one of them`
  return problem('name-clash', path, detail)
}

export function badLink(path: RelPath, target: string, why: string): ProblemSighting {
  return problem('bad-link', path, `${path} -> ${target}: the link is not synced because ${why}`)
}

export function unsupported(path: RelPath): ProblemSighting {
  return problem('unsupported', path, `${path} is a socket, a pipe or a device: it is not synced; move it away`)
}

export function linkOverDirectory(path: RelPath): ProblemSighting {
  const detail = `${path} was a directory and is a symbolic link now: it is not followed, and what was in it is not taken as deleted. Put the directory back, or remove the link, which deletes what was in it`
  return problem('in-the-way', path, detail)
}

function kindOf(code: FsErrorCode): ProblemKind | null {
  switch (code) {
    case 'missing':
    case 'changed':
    case 'link-in-the-way':
      return null // it changed while it was looked at: the hint of that change, or the next rescan, sees it
    case 'denied':
      return 'unreadable'
    default:
      return 'io-error'
  }
}
