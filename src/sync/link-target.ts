/** Where a symbolic link leads, by its text alone. */
import { type RelPath } from '../base/brand.ts'
import { parsePath } from './path.ts'

/** The path that a link at `path` points at; null for the root itself, or where it leaves the folder. */
export function linkTargetPath(path: RelPath, target: string): RelPath | null {
  const at = path.split('/').slice(0, -1)
  for (const name of target.split('/')) {
    if (name === '' || name === '.') continue
    if (name !== '..') at.push(name)
    else if (at.pop() === undefined) return null
  }
  return parsePath(at.join('/'))
}
