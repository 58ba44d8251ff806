/**
 * What the daemon has on the root of a folder while it is there: the lock, the ignore list, the watches. Claimed anew
 * whenever the root is found sound after it was not: it may be another mount, of which nothing is locked or watched,
 * and what was there meanwhile is neither to be locked nor written to.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type DiskRoot } from '../fs/disk-root.ts'
import { type Lock } from '../fs/root-lock.ts'
import { defaultIgnoreList } from '../scan/default-ignore-list.ts'
import { compileIgnoreList, type IgnoreList } from '../scan/ignore-list.ts'
import { type Watcher } from '../scan/watcher.ts'
import { InUse, takeLock } from './open-storage.ts'

/** Each new watcher asks for a scan when it is ready: that one is not to make another. */
const WATCH_ANEW_MS = 60_000

export interface RootClaimNeeds {
  readonly disk: Pick<DiskRoot, 'readIgnoreList' | 'assertUsable'>
  readonly watch: (ignored: (path: RelPath) => boolean) => Watcher
  readonly clock: Pick<Clock, 'elapsed'>
  /** All directories are watched: what changed before that gave no hint. */
  readonly watched: () => void
  readonly log: Log
}

export class RootClaim implements AsyncDisposable {
  readonly #root: { readonly dir: string; readonly metaDir: string }
  readonly #needs: RootClaimNeeds
  #lock: Lock | null = null
  #list: IgnoreList | null = null
  #watcher: Watcher | null = null
  #watchedMs = 0

  constructor(root: { readonly dir: string; readonly metaDir: string }, needs: RootClaimNeeds) {
    this.#root = root
    this.#needs = needs
  }

  readonly ignored = (path: RelPath): boolean => this.#list?.ignored(path) === true

  /** Throws InUse when another daemon has the root, FsError when it is not there or nothing can be written there. */
  lock(): void {
    const { dir, metaDir } = this.#root
    this.#needs.disk.assertUsable()
    mkdirSync(metaDir, { recursive: true })
    this.#lock ??= takeLock(join(metaDir, 'lock'), `the folder ${dir}`)
  }

  /** Null when all is there; else why the folder cannot go on. */
  async take(): Promise<string | null> {
    if (this.#watcher !== null && !this.#mayWatchBetter(this.#watcher)) return null
    try {
      this.lock()
      this.#list = await this.#readList()
    } catch (error) {
      await this.leave()
      const why = error instanceof Error ? error.message : String(error)
      return error instanceof InUse
        ? why
        : `nothing can be written to the root: ${why}. It goes on when that is possible`
    }
    await this.#watcher?.close()
    const watcher = this.#needs.watch(this.ignored)
    this.#watcher = watcher
    this.#watchedMs = this.#needs.clock.elapsed()
    void watcher.ready.then(() => this.#watcher === watcher && this.#needs.watched())
    return null
  }

  /** The disk failed when it was to be watched: it may have been mended. */
  #mayWatchBetter(watcher: Watcher): boolean {
    return watcher.hasFailed && this.#needs.clock.elapsed() - this.#watchedMs >= WATCH_ANEW_MS
  }

  /** The root is not there any more, or is another: a claim on it would keep it from being unmounted. */
  async leave(): Promise<void> {
    this.#lock?.release()
    this.#lock = null
    const watcher = this.#watcher
    this.#watcher = null
    await watcher?.close()
  }

  /** The operator may have edited the list. */
  async reread(): Promise<void> {
    if (this.#watcher === null) return
    this.#list = await this.#readList().catch((error: unknown) => {
      this.#needs.log.warn({ err: error }, 'the IgnoreList cannot be read: the one that was read last goes on to count')
      return this.#list
    })
  }

  async #readList(): Promise<IgnoreList> {
    const list = compileIgnoreList(await this.#needs.disk.readIgnoreList(defaultIgnoreList))
    for (const { line, text, reason } of list.troubles)
      this.#needs.log.warn({ line }, `IgnoreList, line ${line}, '${text}': ${reason}; the line is left out`)
    return list
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave()
  }
}
