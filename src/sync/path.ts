/**
 * Paths: which texts may name something in a folder, and how to take them apart. Names are bytes on disk and
 * well-formed text in here; whoever lists a directory turns bytes that are not UTF-8 into a problem before.
 * A path that comes from a peer and is refused here is a protocol error, one from our own disk a problem.
 */
import { type DirPath, type RelPath } from '../base/brand.ts'

/** NAME_MAX of Linux filesystems. */
export const MAX_NAME_BYTES = 255
/** PATH_MAX. */
export const MAX_PATH_BYTES = 4096
/** PATH_MAX with its closing NUL: the longest target that symlink(2) takes. */
export const MAX_TARGET_BYTES = 4095
/** Directory for our own files in a root. Reserved even where they are kept elsewhere, so that all hosts agree. */
export const OWN_DIRECTORY = '.sync'

/** Null when `text` may name something in a folder; else what is wrong with it, such as 'it is absolute'. */
export function pathTrouble(text: string): string | null {
  if (text === '') return 'it is empty'
  if (text.startsWith('/')) return 'it is absolute'
  const components = text.split('/')
  if (components[0] === OWN_DIRECTORY) return `${OWN_DIRECTORY} is for isosyncd's own files`
  for (const name of components) {
    const trouble = nameTrouble(name)
    if (trouble !== null) return trouble
  }
  return isLonger(text, MAX_PATH_BYTES) ? `it is longer than ${MAX_PATH_BYTES} bytes` : null
}

/** The only maker of `RelPath`: null when `pathTrouble` finds something. */
export function parsePath(text: string): RelPath | null {
  return pathTrouble(text) === null ? (text as RelPath) : null
}

function nameTrouble(name: string): string | null {
  if (name === '') return 'it has an empty component'
  if (name === '.' || name === '..') return `it has a component '${name}'`
  if (name.includes('\0')) return 'it has a NUL byte'
  if (!name.isWellFormed()) return 'it is not UTF-8'
  return isLonger(name, MAX_NAME_BYTES) ? `a name in it is longer than ${MAX_NAME_BYTES} bytes` : null
}

/** The directory that holds `path`; '' is the root. */
export function parentOf(path: RelPath): DirPath {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as DirPath
}

/** The last component. */
export function nameOf(path: RelPath): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The path of `name` in `dir`, or null when that may not be a path: too long, reserved, or `name` is no name. */
export function joinPath(dir: DirPath, name: string): RelPath | null {
  if (name.includes('/')) return null
  return parsePath(dir === '' ? name : `${dir}/${name}`)
}

/** True when `path` lies below `dir`, at any depth. No path lies below itself. */
export function isUnder(path: RelPath, dir: DirPath): boolean {
  return dir === '' || path.startsWith(`${dir}/`)
}

/**
 * Null when a symbolic link at `path` may point to `target`; else what is wrong: it must be relative, and stay inside
 * the root and out of `.sync`. '..' may only stand in front: behind a name that is itself a link, it would lead
 * somewhere else on disk than in the text ('deep/../..' leaves the root when deep -> a).
 */
export function linkTargetTrouble(path: RelPath, target: string): string | null {
  if (target === '') return 'its target is empty'
  if (target.startsWith('/')) return 'its target is absolute'
  if (target.includes('\0') || !target.isWellFormed()) return 'its target is not text'
  if (isLonger(target, MAX_TARGET_BYTES)) return `its target is longer than ${MAX_TARGET_BYTES} bytes`
  return leavingTrouble(path.split('/').slice(0, -1), target)
}

function leavingTrouble(from: readonly string[], target: string): string | null {
  const at = [...from]
  let wentDown = false
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue
    if (name !== '..') {
      at.push(name)
      wentDown = true
    } else if (wentDown) return "its target has '..' behind a name"
    else if (at.pop() === undefined) return 'its target is outside the folder'
  }
  return at[0] === OWN_DIRECTORY ? `its target is in ${OWN_DIRECTORY}` : null
}

/**
 * The form under which names of one directory clash: NFC and full case folding (Unicode, section 3.13), so that a
 * pool can be served to clients which do not tell such names apart. Without the Turkish rule, as there: a dotless i
 * stays itself.
 */
export function foldedName(name: string): string {
  const folded = name.normalize('NFC').split('ı').map(foldCase).join('ı')
  return folded.normalize('NFC')
}

/** Lower, upper, lower: by way of the upper case 'ß' meets 'SS', and 'ẞ' needs to be made 'ß' first. */
function foldCase(text: string): string {
  return text.toLowerCase().toUpperCase().toLowerCase()
}

/** In UTF-8, which has at most three bytes for a UTF-16 unit: most texts need not be encoded to tell. */
function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes
}
