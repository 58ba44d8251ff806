/**
 * Which paths want which content: joins the applier, which knows paths, with the downloader, which knows contents.
 * A content that no path wants any more is dropped, its staging too.
 */
import { type RelPath, type RootHash } from '../base/brand.ts'
import { type Root } from '../fs/root.ts'
import { isUnder } from '../sync/path.ts'
import { isSmall } from '../sync/small-content.ts'
import { type Downloader } from './downloader.ts'
import { PathsBelow } from './paths-below.ts'
import { type SmallFetches } from './small-fetches.ts'
import { type Contents } from './tree-changes.ts'

export interface WantedContentsNeeds {
  readonly disk: Pick<Root, 'listStaged' | 'dropStaged' | 'dropLeftovers'>
  readonly downloader: Pick<Downloader, 'fetch' | 'isWhole' | 'drop'>
  readonly small: Pick<SmallFetches, 'fetch' | 'bytesOf' | 'drop'>
  /** What lies in staging for a content that has no name yet. */
  readonly isStagedEarly: (name: RootHash) => boolean
  /** In which order paths are fetched: 0 first. */
  readonly rankOf: (path: RelPath) => number
  /** Look at these paths again. */
  readonly consider: (paths: readonly RelPath[]) => void
  /** The content can be served whole from the tree now. */
  readonly published: (root: RootHash) => void
}

export class WantedContents implements Contents {
  readonly #needs: WantedContentsNeeds
  readonly #rootOf = new Map<RelPath, RootHash>()
  readonly #paths = new PathsBelow()
  /** Most contents are wanted at one path: a set for each would be most of what a path costs. */
  readonly #pathsOf = new Map<RootHash, RelPath | Set<RelPath>>()
  /** With the paths that wanted to install it too, and came too late. */
  readonly #claimed = new Map<RootHash, Set<RelPath>>()
  /** Contents of which what is staged is being dropped. */
  readonly #going = new Map<RootHash, Promise<void>>()

  constructor(needs: WantedContentsNeeds) {
    this.#needs = needs
  }

  /** True, once, for the one caller that may install it; then `installed` or `unclaim`. */
  claim(root: RootHash): boolean {
    if (this.#claimed.has(root) || !this.#isWhole(root)) return false
    this.#claimed.set(root, new Set())
    return true
  }

  /** It could not be installed: those that came too late take their turn. */
  unclaim(root: RootHash): void {
    const late = this.#claimed.get(root) ?? []
    this.#claimed.delete(root)
    this.#needs.consider([...late])
  }

  bytesOf(root: RootHash): Uint8Array | null {
    return this.#needs.small.bytesOf(root)
  }

  async spoiled(root: RootHash): Promise<void> {
    await this.#whileItGoes(root, async () => {
      await this.#drop(root)
      await this.#needs.disk.dropStaged(root).catch(() => undefined) // it has gone already, or the next sweep finds it
    })
  }

  fetch(path: RelPath, root: RootHash, size: number): void {
    if (this.#rootOf.get(path) !== root) this.release(path)
    this.#note(path, root)
    if (!this.#isWhole(root)) this.#begin(path, root, size)
    const late = this.#claimed.get(root)
    if (late !== undefined) late.add(path)
    // Whoever had claimed it has given it up before the path could say that it waits: nobody else would wake it.
    else if (this.#isWhole(root)) this.#needs.consider([path])
  }

  async installed(path: RelPath, root: RootHash): Promise<void> {
    await this.#drop(root)
    this.#claimed.delete(root)
    this.#forget(path)
    this.#needs.published(root)
    this.#needs.consider(this.pathsOf(root))
  }

  /** The path wants nothing fetched any more. */
  release(path: RelPath): void {
    const root = this.#forget(path)
    if (root === null || this.#pathsOf.has(root) || this.#claimed.has(root)) return
    void this.#whileItGoes(root, async () => {
      await this.#drop(root)
      await this.#dropStaged(root)
    })
  }

  pathsOf(root: RootHash): readonly RelPath[] {
    const paths = this.#pathsOf.get(root) ?? []
    return typeof paths === 'string' ? [paths] : [...paths]
  }

  /** The content that the path waits for; null if it waits for none. */
  rootFor(path: RelPath): RootHash | null {
    return this.#rootOf.get(path) ?? null
  }

  /** Paths below this one that still want a content. */
  below(dir: RelPath): readonly RelPath[] {
    if (!this.#paths.isAny(dir)) return []
    return [...this.#rootOf.keys()].filter((path) => isUnder(path, dir))
  }

  /** Files that still want a content. */
  get count(): number {
    return this.#rootOf.size
  }

  /** Removes what lies in staging and nobody wants: left over from before a restart. */
  async sweep(): Promise<void> {
    const staged = await this.#needs.disk.listStaged().catch(() => []) // a failing disk: the next start sweeps it
    for (const root of staged.filter((name) => !this.#needs.isStagedEarly(name)))
      await this.#whileItGoes(root, () => this.#dropStaged(root))
    await this.#needs.disk.dropLeftovers().catch(() => undefined) // likewise
  }

  #note(path: RelPath, root: RootHash): void {
    if (!this.#rootOf.has(path)) this.#paths.add(path)
    this.#rootOf.set(path, root)
    const known = this.#pathsOf.get(root)
    if (known instanceof Set) known.add(path)
    else if (known === undefined) this.#pathsOf.set(root, path)
    else if (known !== path) this.#pathsOf.set(root, new Set([known, path]))
  }

  #isWhole(root: RootHash): boolean {
    return this.#needs.small.bytesOf(root) !== null || this.#needs.downloader.isWhole(root)
  }

  /** Not before what is staged of it has gone: else its file would go under the hands of the new transfer. */
  #begin(path: RelPath, root: RootHash, size: number): void {
    const { small, downloader, rankOf } = this.#needs
    const going = this.#going.get(root)
    const again = () => (this.#rootOf.get(path) === root && !this.#isWhole(root) ? this.#begin(path, root, size) : null)
    if (going !== undefined) return void going.then(again)
    const fetches = isSmall(size) ? small : downloader
    fetches.fetch(root, { size, rank: rankOf(path) })
  }

  #whileItGoes(root: RootHash, work: () => Promise<void>): Promise<void> {
    const before = this.#going.get(root)
    const going = (before === undefined ? work() : before.then(work)).finally(() => {
      if (this.#going.get(root) === going) this.#going.delete(root)
    })
    this.#going.set(root, going)
    return going
  }

  async #drop(root: RootHash): Promise<void> {
    this.#needs.small.drop(root)
    await this.#needs.downloader.drop(root)
  }

  async #dropStaged(root: RootHash): Promise<void> {
    if (!this.#pathsOf.has(root) && !this.#claimed.has(root))
      await this.#needs.disk.dropStaged(root).catch(() => undefined) // the next sweep finds it again
  }

  #forget(path: RelPath): RootHash | null {
    const root = this.#rootOf.get(path)
    if (root === undefined) return null
    this.#rootOf.delete(path)
    this.#paths.remove(path)
    const paths = this.#pathsOf.get(root)
    if (paths instanceof Set) paths.delete(path)
    if (paths === path || (paths instanceof Set && paths.size === 0)) this.#pathsOf.delete(root)
    return root
  }
}
