/** `priorities` of a folder: globs by which files are fetched first. */
import picomatch from 'picomatch'
import { type RelPath } from '../base/brand.ts'

/** The place of the first glob that fits; the number of globs where none does. One without a slash fits any directory. */
export function rankByGlobs(globs: readonly string[]): (path: RelPath) => number {
  const fits = globs.map((glob) => picomatch(glob, { dot: true, basename: !glob.includes('/') }))
  return (path) => {
    const at = fits.findIndex((fit) => fit(path))
    return at === -1 ? globs.length : at
  }
}
