/**
 * Checks of a config that need the disk: folders, meta_dir, storage_path and pid_file exist or can be made, and none lies in
 * another where it would be synced as content. Reads only; makes nothing.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { type KeyPath } from './document.ts'
import { type Findings } from './findings.ts'

/** A path of the config with its symbolic links resolved as far as it exists. */
export interface Place {
  readonly key: KeyPath
  /** As the operator wrote it. */
  readonly written: string
  readonly real: string
}

/** Where the paths of a config come out, by folder. */
export interface Places {
  readonly storage: Place
  readonly pidFile: Place | null
  readonly folders: readonly { readonly dir: Place; readonly meta: Place | null }[]
}

/** `~` is not expanded, relative paths count from the directory of the config file. */
export function placeOf(key: KeyPath, written: string, configFile: string): Place {
  return { key, written, real: realPath(isAbsolute(written) ? written : resolve(dirname(configFile), written)) }
}

/** Each of `dirs` is a directory that may be written, or will be when its disk is mounted, and shares nothing with another. */
export function checkFolders(dirs: readonly Place[], findings: Findings): void {
  for (const [i, dir] of dirs.entries()) {
    checkDirectory(dir, findings)
    for (const earlier of dirs.slice(0, i)) {
      const words = overlapInWords(dir, earlier)
      if (words !== null) findings.mistake(dir.key, `${words}: each file may belong to one folder only`)
    }
  }
}

/** meta_dirs hold staging and archive: renames go there from the folder, so they must be on its filesystem. */
export function checkMetaDirs(
  metas: readonly { meta: Place; dir: Place }[],
  dirs: readonly Place[],
  findings: Findings,
): void {
  for (const [i, { meta, dir }] of metas.entries()) {
    checkOutside(meta, dirs, findings)
    for (const folder of dirs.filter((d) => isInside(d.real, meta.real))) {
      findings.mistake(
        meta.key,
        `'${meta.written}' contains the folder '${folder.written}': give it a directory of its own`,
      )
    }
    for (const { meta: earlier } of metas.slice(0, i)) {
      if (overlapInWords(meta, earlier) !== null) {
        findings.mistake(
          meta.key,
          `'${meta.written}' is shared with another folder ('${earlier.written}'): each needs its own`,
        )
      }
    }
    checkMaking(meta, findings, (words) => findings.awaited(meta.key, words))
    const apart = filesystemTrouble(meta, dir)
    if (apart !== null) findings.mistake(meta.key, apart)
  }
}

/** storage_path and pid_file: can be made, and are no part of a folder. */
export function checkOwnPlace(
  place: Place,
  kind: 'directory' | 'file',
  dirs: readonly Place[],
  findings: Findings,
): void {
  checkOutside(place, dirs, findings)
  const made = kind === 'directory' ? place : { ...place, real: dirname(place.real) }
  checkMaking(made, findings, (words) => findings.mistake(place.key, words))
}

function checkOutside(place: Place, dirs: readonly Place[], findings: Findings): void {
  const dir = dirs.find((d) => isInside(place.real, d.real) && !isInside(place.real, join(d.real, '.sync')))
  if (dir !== undefined) {
    findings.mistake(
      place.key,
      `'${place.written}' lies in the folder '${dir.written}' and would be synced: put it elsewhere`,
    )
  }
}

function checkDirectory({ key, real, written }: Place, findings: Findings): void {
  const found = statOf(real)
  if (found === null)
    return findings.awaited(
      key,
      `'${written}' does not exist: make it, or mount its disk (isosyncd does not make it, lest it fill the wrong disk)`,
    )
  if (!found.isDirectory()) return findings.mistake(key, `'${written}' is not a directory`)
  const trouble = accessTrouble(real, written)
  if (trouble !== null) findings.awaited(key, trouble)
}

/** Whether a directory that we may make ourselves can be had: its nearest existing parent decides. */
function checkMaking({ key, real, written }: Place, findings: Findings, denied: (words: string) => void): void {
  const parent = nearestExisting(real)
  if (!statSync(parent).isDirectory())
    return findings.mistake(key, `'${written}' cannot be made: '${parent}' is not a directory`)
  const trouble = accessTrouble(parent, written)
  if (trouble !== null) denied(trouble)
}

function accessTrouble(path: string, written: string): string | null {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return null
  } catch (error) {
    const readOnly = (error as NodeJS.ErrnoException).code === 'EROFS'
    const what = path === written ? `'${written}'` : `'${written}' cannot be made or used: '${path}'`
    if (readOnly) return `${what} is on a read-only filesystem (or not among ReadWritePaths= of the systemd unit)`
    return `${what} is not readable and writable for the user with id ${process.getuid?.() ?? '?'}, who asks`
  }
}

function filesystemTrouble(meta: Place, dir: Place): string | null {
  const folder = statOf(dir.real)
  const ours = statOf(nearestExisting(meta.real))
  if (folder === null || ours === null || folder.dev === ours.dev) return null
  return `'${meta.written}' is on another filesystem than '${dir.written}': files are moved there by rename, so it must be the same`
}

function overlapInWords(one: Place, other: Place): string | null {
  if (one.real === other.real) return `'${one.written}' is the same directory as '${other.written}'`
  if (isInside(one.real, other.real)) return `'${one.written}' lies inside '${other.written}'`
  return isInside(other.real, one.real) ? `'${one.written}' contains '${other.written}'` : null
}

function isInside(path: string, parent: string): boolean {
  return path === parent || path.startsWith(parent.endsWith('/') ? parent : `${parent}/`)
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path))
  }
}

function nearestExisting(path: string): string {
  return statOf(path) !== null || path === dirname(path) ? path : nearestExisting(dirname(path))
}

function statOf(path: string) {
  try {
    return statSync(path)
  } catch {
    return null
  }
}
