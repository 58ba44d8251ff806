/**
 * Walks a tree, directory by directory, and tells what differs from the index.
 *
 *   1. List the next directory. If that fails, it is a problem, and nothing below is missing.
 *   2. Take the entries that lie in it, by name.
 *   3. Each child: the same stat as its entry's costs nothing more; else look at it (look.ts). New directories are told
 *      before what they contain. Directories are walked next.
 *   4. An entry whose child is not there: look again; a file or link that is not there either is missing.
 *   5. At the end: what lies in directories that were not met is missing too, children first, then those directories.
 */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { type Listing } from '../fs/root.ts'
import { type Entry, type Stat, statMatchesEntry } from '../sync/entry.ts'
import { isUnder, joinPath } from '../sync/path.ts'
import { gone, goneUnder } from './gone.ts'
import { ListingsAhead } from './listings-ahead.ts'
import { lookSafely } from './look.ts'
import { FoldedNames } from './name-clash.ts'
import { type ScannerNeeds } from './scan-needs.ts'
import { badName, lookFailed, unusableName } from './scan-problems.ts'
import { type Sighting } from './sighting.ts'

/** Children compared before other work gets its turn: some 2 ms. */
const BETWEEN_BREATHS = 2_000

/** How much was walked. */
export interface ScanCounts {
  files: number
  directories: number
  links: number
}

export class TreeWalk {
  readonly #needs: ScannerNeeds
  readonly #counts: ScanCounts
  readonly #signal: AbortSignal
  readonly #ahead: ListingsAhead
  readonly #met = new Set<DirPath>()
  /** Directories that were not met, but of which nothing is missing (they could not be listed) or told already. */
  readonly #passOver: DirPath[] = []
  /** Directories that were not there: told last, since what was in them comes first. */
  readonly #goneDirectories: RelPath[] = []

  constructor(needs: ScannerNeeds, counts: ScanCounts, signal: AbortSignal) {
    this.#needs = needs
    this.#counts = counts
    this.#signal = signal
    this.#ahead = new ListingsAhead(needs.root)
  }

  async *walk(top: DirPath): AsyncGenerator<Sighting> {
    this.#ahead.push([top])
    for (let next = await this.#ahead.next(); next !== null; next = await this.#ahead.next()) {
      this.#signal.throwIfAborted()
      this.#met.add(next.dir)
      if ('listing' in next.listed) yield* this.#compare(next.dir, next.listed.listing)
      else yield* this.#cannotList(next.dir, next.listed.error)
    }
    yield* goneUnder(this.#needs, top, (dir) => this.#met.has(dir) || this.#isPassedOver(dir))
    for (const path of this.#goneDirectories.reverse()) yield* gone(this.#needs, path)
  }

  async *#compare(dir: DirPath, { children, unusable }: Listing): AsyncGenerator<Sighting> {
    this.#counts.directories++
    const entries = new Map(this.#needs.index.entriesIn(dir).map((entry) => [nameIn(dir, entry), entry]))
    const othersThan = lazyNames(dir, children)
    const next: DirPath[] = []
    let compared = 0
    for (const { name, stat } of children) {
      if (++compared % BETWEEN_BREATHS === 0) await this.#breathe()
      const entry = entries.get(name)
      entries.delete(name)
      if (entry !== undefined && isSameFile(stat, entry)) this.#counts.files++
      else yield* this.#look(dir, { name, stat, entry, othersThan, next })
    }
    yield* this.#unusable(unusable, dir, entries)
    for (const entry of entries.values()) {
      if (entry.kind === 'directory') this.#goneDirectories.push(entry.path)
      else yield* gone(this.#needs, entry.path)
    }
    this.#ahead.push(next)
  }

  /** A child that is not a file as we know it. A directory that may be walked is added to `next`. */
  async *#look(dir: DirPath, child: Child): AsyncGenerator<Sighting> {
    const { name, stat, entry, othersThan, next } = child
    const path = entry?.path ?? joinPath(dir, name)
    if (path === null) yield badName(dir === '' ? name : `${dir}/${name}`)
    if (path === null || this.#needs.ignored(path)) return
    if (stat.kind === 'file') this.#counts.files++
    if (stat.kind === 'link') this.#counts.links++
    const known = entry !== undefined && entry.kind === stat.kind && stat.kind === 'directory'
    const sighting = known ? null : await lookSafely(this.#needs, path, stat, othersThan)
    if (entry?.kind === 'directory' && sighting?.seen === 'file') {
      this.#passOver.push(path)
      yield* goneUnder(this.#needs, path)
    }
    if (sighting !== null) yield sighting
    if (stat.kind === 'directory' && sighting?.seen !== 'problem') next.push(path)
  }

  /** Names that gave no stat are not missing. */
  *#unusable(unusable: Listing['unusable'], dir: DirPath, entries: Map<string, Entry>): Generator<Sighting> {
    for (const name of unusable) {
      const shown = name.shown as RelPath
      if (name.reason !== 'not-utf8') {
        this.#passOver.push(shown)
        entries.delete(dir === '' ? shown : shown.slice(dir.length + 1))
      }
      const problem = unusableName(name)
      if (problem !== null && !this.#needs.ignored(shown)) yield problem
    }
  }

  *#cannotList(dir: DirPath, error: unknown): Generator<Sighting> {
    this.#passOver.push(dir)
    const problem = lookFailed(dir, error)
    if (problem !== null) yield problem
  }

  #isPassedOver(dir: DirPath): boolean {
    return this.#passOver.some((top) => top === dir || isUnder(dir as RelPath, top))
  }

  async #breathe(): Promise<void> {
    await this.#needs.clock.sleep(0)
    this.#signal.throwIfAborted()
  }
}

interface Child {
  readonly name: string
  readonly stat: Stat
  readonly entry: Entry | undefined
  readonly othersThan: (path: RelPath) => Promise<readonly string[]>
  readonly next: DirPath[]
}

function isSameFile(stat: Stat, entry: Entry): boolean {
  return stat.kind === 'file' && statMatchesEntry(stat, entry)
}

function nameIn(dir: DirPath, entry: Entry): string {
  return dir === '' ? entry.path : entry.path.slice(dir.length + 1)
}

/** The folded names of a listing, made when the first new name asks for them. */
function lazyNames(dir: DirPath, children: Listing['children']): Child['othersThan'] {
  let names: FoldedNames | null = null
  return (path) => {
    names ??= new FoldedNames(children.map(({ name }) => name))
    return Promise.resolve(names.othersThan(dir === '' ? path : path.slice(dir.length + 1)))
  }
}
