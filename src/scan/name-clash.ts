/**
 * Names of one directory that are one name to some client: equal under NFC and case folding. Both may lie on our disk,
 * but a new one is not announced: on another host's store only one of them could be mounted.
 */
import { LRUCache } from 'lru-cache'
import { type DirPath, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Root } from '../fs/root.ts'
import { foldedName, nameOf, parentOf } from '../sync/path.ts'

/** The names that stand in one directory, by their folded form. */
export class FoldedNames {
  readonly #names = new Map<string, string[]>()

  constructor(names: Iterable<string>) {
    for (const name of names) this.add(name)
  }

  add(name: string): void {
    const folded = foldedName(name)
    const same = this.#names.get(folded)
    if (same === undefined) this.#names.set(folded, [name])
    else if (!same.includes(name)) same.push(name)
  }

  /** Other names with the same folded form. */
  othersThan(name: string): readonly string[] {
    return this.#names.get(foldedName(name))?.filter((other) => other !== name) ?? []
  }
}

/** How old a listing may be: files dropped by the thousand must not list their directory once for each. */
const MAX_AGE_MS = 1_000
/** Directories into which files are dropped at the same time. */
const MAX_DIRECTORIES = 32

/** The same for single paths: lists a directory at most once a second, and remembers the names asked for since. */
export class RecentNames {
  readonly #needs: { readonly root: Pick<Root, 'list'>; readonly clock: Pick<Clock, 'elapsed'> }
  readonly #recent = new LRUCache<DirPath, { readonly names: FoldedNames; readonly atMs: number }>({
    max: MAX_DIRECTORIES,
  })

  constructor(needs: { readonly root: Pick<Root, 'list'>; readonly clock: Pick<Clock, 'elapsed'> }) {
    this.#needs = needs
  }

  /** Names beside `path` that clash with it. Throws FsError. */
  async othersThan(path: RelPath): Promise<readonly string[]> {
    const names = await this.#namesIn(parentOf(path))
    names.add(nameOf(path))
    return names.othersThan(nameOf(path))
  }

  async #namesIn(dir: DirPath): Promise<FoldedNames> {
    const nowMs = this.#needs.clock.elapsed()
    const recent = this.#recent.get(dir)
    if (recent !== undefined && nowMs - recent.atMs < MAX_AGE_MS) return recent.names
    const { children } = await this.#needs.root.list(dir)
    const names = new FoldedNames(children.map(({ name }) => name))
    this.#recent.set(dir, { names, atMs: nowMs })
    return names
  }
}
