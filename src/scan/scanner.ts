/**
 * The scanner: the truth about the tree. It compares what stands on disk with what the index last saw and tells the
 * differences, as data. It decides nothing and changes nothing.
 */
import { type RelPath } from '../base/brand.ts'
import { FsError } from '../fs/root.ts'
import { type Stat, statMatchesEntry } from '../sync/entry.ts'
import { gone, goneUnder } from './gone.ts'
import { lookSafely } from './look.ts'
import { RecentNames } from './name-clash.ts'
import { type ScannerNeeds } from './scan-needs.ts'
import { lookFailed } from './scan-problems.ts'
import { type Sighting } from './sighting.ts'
import { type ScanCounts, TreeWalk } from './tree-walk.ts'

/** One scan: to be iterated once. Rejects with the signal's reason when aborted. */
export interface Scan extends AsyncIterable<Sighting> {
  /** What was walked so far. */
  readonly counts: Readonly<ScanCounts>
  /** How long it has taken so far, or took. */
  seconds(): number
}

export interface Scanner {
  /** The whole tree. */
  scanAll(signal: AbortSignal): Scan
  /** True for a file that is as the index knows it: the most common hint is the echo of what we have just put there ourselves. */
  isAsKnown(path: RelPath): Promise<boolean>
  /** One path, with all below it if it is a directory: for hints. Directories above it that are new come first. */
  scanPath(path: RelPath, signal: AbortSignal): Scan
}

export function createScanner(needs: ScannerNeeds): Scanner {
  const names = new RecentNames(needs)
  return {
    isAsKnown: (path) => isAsKnown(needs, path),
    scanAll: (signal) => scan(needs, (counts) => new TreeWalk(needs, counts, signal).walk('')),
    scanPath: (path, signal) => scan(needs, (counts) => new PathScan(needs, names, counts, signal).scan(path)),
  }
}

function scan(needs: ScannerNeeds, start: (counts: ScanCounts) => AsyncGenerator<Sighting>): Scan {
  const counts: ScanCounts = { files: 0, directories: 0, links: 0 }
  const startedMs = needs.clock.elapsed()
  let endedMs: number | null = null
  return {
    counts,
    seconds: () => ((endedMs ?? needs.clock.elapsed()) - startedMs) / 1000,
    async *[Symbol.asyncIterator]() {
      try {
        yield* start(counts)
      } finally {
        endedMs = needs.clock.elapsed()
      }
    },
  }
}

async function isAsKnown({ index, root }: ScannerNeeds, path: RelPath): Promise<boolean> {
  const entry = index.entry(path)
  if (entry?.kind !== 'file') return false
  if (!directoriesAbove(path).every((dir) => index.entry(dir)?.kind === 'directory')) return false
  return statMatchesEntry(await root.stat(path).catch(() => null), entry)
}

class PathScan {
  readonly #needs: ScannerNeeds
  readonly #names: RecentNames
  readonly #counts: ScanCounts
  readonly #signal: AbortSignal

  constructor(needs: ScannerNeeds, names: RecentNames, counts: ScanCounts, signal: AbortSignal) {
    this.#needs = needs
    this.#names = names
    this.#counts = counts
    this.#signal = signal
  }

  /** Down from the root: the first step that is not a known directory is told; what is missing there ends the way. */
  async *scan(path: RelPath): AsyncGenerator<Sighting> {
    if (this.#needs.ignored(path)) return
    for (const dir of directoriesAbove(path)) {
      if (!(yield* this.#step(dir))) return
    }
    yield* this.#end(path)
  }

  /** True when `dir` is a directory, which is told if it is new. */
  async *#step(dir: RelPath): AsyncGenerator<Sighting, boolean> {
    const stat = yield* this.#stat(dir)
    if (stat === undefined) return false
    const known = this.#needs.index.entry(dir)?.kind === 'directory'
    if (stat?.kind === 'directory' && known) return true
    return yield* this.#tell(dir, stat)
  }

  async *#end(path: RelPath): AsyncGenerator<Sighting> {
    const stat = yield* this.#stat(path)
    if (stat === undefined) return
    const isDirectory = yield* this.#tell(path, stat)
    if (isDirectory) yield* new TreeWalk(this.#needs, this.#counts, this.#signal).walk(path)
  }

  /** Tells how `path` differs. True when it is a directory that may be entered. */
  async *#tell(path: RelPath, stat: Stat | null): AsyncGenerator<Sighting, boolean> {
    this.#signal.throwIfAborted()
    if (stat === null) {
      yield* goneUnder(this.#needs, path)
      yield* gone(this.#needs, path)
      return false
    }
    if (stat.kind === 'file') this.#counts.files++
    if (stat.kind === 'link') this.#counts.links++
    const sighting = await lookSafely(this.#needs, path, stat, (at) => this.#names.othersThan(at))
    if (sighting?.seen === 'file') yield* goneUnder(this.#needs, path)
    if (sighting !== null) yield sighting
    return stat.kind === 'directory' && sighting?.seen !== 'problem'
  }

  /** Undefined when it could not be looked at: then that has been told. */
  async *#stat(path: RelPath): AsyncGenerator<Sighting, Stat | null | undefined> {
    try {
      return await this.#needs.root.stat(path)
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      const problem = lookFailed(path, error)
      if (problem !== null) yield problem
      return undefined
    }
  }
}

/** The directories above a path, from the root down, without the root itself. */
function directoriesAbove(path: RelPath): readonly RelPath[] {
  const dirs: RelPath[] = []
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) dirs.push(path.slice(0, at) as RelPath)
  return dirs
}
