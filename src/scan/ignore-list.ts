/**
 * Ignore lists: `.sync/IgnoreList` of a folder, one glob a line, compiled once and asked for every path.
 *
 * The rules are the common part of Resilio's and gitignore's: a pattern without a slash is for a name in any directory,
 * one with a slash for a path from the root; what lies under an ignored directory is ignored. Not taken over from
 * gitignore: `!` (re-including), and a slash at the end meaning "only directories" (it is not looked at).
 */
import picomatch from 'picomatch'
import { type RelPath } from '../base/brand.ts'
import { OWN_DIRECTORY } from '../sync/path.ts'

/** A line that could not be understood. The others count. */
export interface IgnoreListTrouble {
  /** From 1 on. */
  readonly line: number
  readonly text: string
  readonly reason: string
}

export interface IgnoreList {
  /** True when the path or a directory above it matches. `.sync` in the root always does. */
  ignored(this: void, path: RelPath): boolean
  readonly troubles: readonly IgnoreListTrouble[]
}

type Matcher = (text: string) => boolean

/** No pattern needs to be longer than a path. */
const MAX_PATTERN_LENGTH = 4096

/** Compiles the text of an ignore list. Never throws: a line that is wrong is left out and reported. */
export function compileIgnoreList(text: string): IgnoreList {
  const names = new Matchers()
  const paths = new Matchers()
  const troubles: IgnoreListTrouble[] = []
  text.split('\n').forEach((raw, i) => {
    const pattern = patternOf(i === 0 ? raw.replace('\ufeff', '') : raw)
    if (pattern === '') return
    const reason = (pattern.includes('/') ? paths : names).add(pattern.replace(/^\//, ''))
    if (reason !== null) troubles.push({ line: i + 1, text: pattern, reason })
  })
  return { ignored: ignoredBy(names.compile(), paths.compile()), troubles }
}

/** The pattern on a line: without the carriage return, blanks at its end and a slash there; '' for a comment. */
function patternOf(line: string): string {
  if (line.startsWith('#')) return ''
  const trimmed = line.replace(/(?<!\\)\s+$/, '').replace(/\/+$/, '')
  return trimmed.trim() === '' ? '' : trimmed
}

/** Siblings follow each other, so the answer for their directory is kept: one name is looked at a path. */
function ignoredBy(names: Matcher, paths: Matcher): (path: RelPath) => boolean {
  let lastDir = ''
  let lastDirIgnored = false
  const ignored = (path: string): boolean => {
    const slash = path.lastIndexOf('/')
    if (slash >= 0) {
      const dir = path.slice(0, slash)
      if (dir !== lastDir) {
        lastDirIgnored = ignored(dir)
        lastDir = dir
      }
      if (lastDirIgnored) return true
    } else if (path === OWN_DIRECTORY) return true
    return names(slash < 0 ? path : path.slice(slash + 1)) || paths(path)
  }
  return ignored
}

/** Patterns, sorted by what they cost: whole texts in a set, ends and beginnings compared, the rest in one regex. */
class Matchers {
  readonly #whole = new Set<string>()
  readonly #ends: string[] = []
  readonly #beginnings: string[] = []
  readonly #sources: string[] = []

  /** Null, or why the pattern cannot be understood. */
  add(pattern: string): string | null {
    if (pattern.startsWith('!')) return 'patterns that begin with ! are not supported; write \\! for a name that does'
    if (pattern.length > MAX_PATTERN_LENGTH) return `it is longer than ${MAX_PATTERN_LENGTH} characters`
    if (isPlain(pattern)) this.#whole.add(pattern)
    else if (pattern.startsWith('*') && isPlain(pattern.slice(1)) && !pattern.includes('/')) {
      this.#ends.push(pattern.slice(1))
    } else if (pattern.endsWith('*') && isPlain(pattern.slice(0, -1)) && !pattern.includes('/')) {
      this.#beginnings.push(pattern.slice(0, -1))
    } else return this.#addGlob(pattern)
    return null
  }

  #addGlob(pattern: string): string | null {
    try {
      this.#sources.push(sourceOf(pattern))
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  compile(): Matcher {
    const rest = this.#sources.length > 0 ? new RegExp(this.#sources.join('|'), 's') : null
    return (text) =>
      this.#whole.has(text) ||
      this.#ends.some((end) => text.endsWith(end)) ||
      this.#beginnings.some((beginning) => text.startsWith(beginning)) ||
      (rest !== null && rest.test(text))
  }
}

function isPlain(text: string): boolean {
  return text !== '' && !/[*?[\]{}\\]/.test(text)
}

/** The regex of a glob, checked. Brackets and the like that are plain in a shell are so here. Throws SyntaxError. */
function sourceOf(pattern: string): string {
  const glob = pattern.replace(/\\.|[()|"+@]/gs, (found) => (found.length > 1 ? found : `\\${found}`))
  const regex = picomatch.makeRe(glob, {
    dot: true,
    nonegate: true,
    noextglob: true,
    posix: true,
    strictBrackets: true,
  })
  if (!(regex instanceof RegExp) || regex.source === '$^') throw new SyntaxError('it matches nothing')
  return regex.source
}
