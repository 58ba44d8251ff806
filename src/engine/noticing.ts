/**
 * When to look at the tree: at once where the watcher hints or a file may have settled, and all of it every
 * `folder_rescan_interval` and when the operator says so. Hints only say where to look; the scanner says what is there.
 */
import { type DirPath, type RelPath } from '../base/brand.ts'
import { type Clock } from '../base/clock.ts'
import { type Log } from '../base/log.ts'
import { type Scanner } from '../scan/scanner.ts'
import { type Sighting } from '../scan/sighting.ts'
import { parentOf } from '../sync/path.ts'

/** While the folder is halted: how often to see whether the disk is back. */
const HALTED_LOOK_MS = 5_000

export interface NoticingNeeds {
  readonly scanner: Pick<Scanner, 'scanAll' | 'scanPath' | 'isAsKnown'>
  readonly sighted: (sighting: Sighting) => void
  /** Resolves when more may be sighted: a pool of a million new files is not to be held in memory. */
  readonly room: (signal: AbortSignal) => Promise<void> | undefined
  /** The path was looked at because it waited to settle, and there is no file to wait for. */
  readonly vanished: (path: RelPath) => void
  /** The path was looked at, and is as the index knows it, or not there and unknown. */
  readonly quiet: (path: RelPath) => void
  /** Null when the root is sound; else why the folder halts. */
  readonly rootTrouble: () => Promise<string | null>
  readonly halted: (why: string) => void
  readonly sound: () => void
  /** A whole scan begins. */
  readonly scanning: () => void
  /** A whole scan has ended. */
  readonly scanned: () => void
  readonly clock: Clock
  readonly log: Log
}

export interface ScanState {
  readonly running: boolean
  readonly lastS: number | null
  readonly at: number | null
}

export class Noticing {
  readonly #needs: NoticingNeeds
  readonly #intervalMs: () => number | null
  readonly #stop = new AbortController()
  readonly #hinted = new Set<RelPath>()
  #scan: Promise<void> | null = null
  #again = false
  #cancelNext: () => void = () => {}
  #hints: Promise<void> | null = null
  #state: ScanState = { running: false, lastS: null, at: null }

  /** `intervalMs` is asked after each scan: it may be reloaded. Null: only hints and the operator. */
  constructor(options: { intervalMs: () => number | null }, needs: NoticingNeeds) {
    this.#intervalMs = options.intervalMs
    this.#needs = needs
  }

  get state(): ScanState {
    return this.#state
  }

  /** Scans everything now; once more if a scan is running already. Resolves when the tree has been seen as it is now. */
  rescan(): Promise<void> {
    if (this.#scan !== null) this.#again = true
    this.#scan ??= this.#run().finally(() => this.#ran())
    return this.#scan
  }

  /** Something may have changed at this path. */
  hint(path: RelPath): void {
    this.#hinted.add(path)
    this.#lookSoon()
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('stopping'))
    this.#cancelNext()
    await Promise.allSettled([this.#scan, this.#hints])
  }

  /** Who asked for another scan after the last had been decided on, and before this, was told that one is running. */
  async #ran(): Promise<void> {
    this.#scan = null
    if (this.#again && !this.#stop.signal.aborted) await this.rescan()
  }

  /** A hint may come between the last look at what was hinted and the end of the look. */
  #lookSoon(): void {
    this.#hints ??= this.#lookAtHints().finally(() => {
      this.#hints = null
      if (this.#hinted.size > 0 && !this.#stop.signal.aborted) this.#lookSoon()
    })
  }

  async #run(): Promise<void> {
    this.#cancelNext()
    do {
      this.#again = false
      await this.#scanOnce()
    } while (this.#again && !this.#stop.signal.aborted)
  }

  async #scanOnce(): Promise<void> {
    const startedMs = this.#needs.clock.elapsed()
    this.#state = { ...this.#state, running: true }
    if (!(await this.#isSound())) {
      this.#state = { ...this.#state, running: false }
      return this.#next(HALTED_LOOK_MS)
    }
    this.#needs.scanning()
    try {
      for await (const sighting of this.#needs.scanner.scanAll(this.#stop.signal)) {
        this.#needs.sighted(sighting)
        await this.#needs.room(this.#stop.signal)
      }
      const lastS = (this.#needs.clock.elapsed() - startedMs) / 1000
      this.#state = { running: false, lastS, at: this.#needs.clock.now() }
      this.#needs.scanned()
    } catch (error) {
      this.#state = { ...this.#state, running: false }
      if (this.#stop.signal.aborted) return
      this.#needs.log.error({ err: error }, 'the scan failed; tried again at the next interval')
    }
    this.#next(this.#intervalMs())
  }

  #next(ms: number | null): void {
    if (ms !== null && !this.#stop.signal.aborted)
      this.#cancelNext = this.#needs.clock.after(ms, () => void this.rescan())
  }

  async #isSound(): Promise<boolean> {
    const trouble = await this.#needs.rootTrouble()
    if (trouble === null) this.#needs.sound()
    else this.#needs.halted(trouble)
    return trouble === null
  }

  async #lookAtHints(): Promise<void> {
    while (this.#hinted.size > 0) {
      const hinted = [...this.#hinted]
      this.#hinted.clear()
      const gone = new Set<DirPath>()
      for (const path of hinted) {
        if (this.#stop.signal.aborted) return
        if (isBelow(path, gone)) this.#nothingAt(path)
        else await this.#lookAt(path, gone)
      }
    }
  }

  #nothingAt(path: RelPath): void {
    this.#needs.vanished(path)
    this.#needs.quiet(path)
  }

  /** Adds the directories that have gone to `gone`: all that was in them has been told with them. */
  async #lookAt(path: RelPath, gone: Set<DirPath>): Promise<void> {
    try {
      if (await this.#needs.scanner.isAsKnown(path)) return this.#nothingAt(path)
      let [seen, seenAsFile] = [false, false]
      for await (const sighting of this.#needs.scanner.scanPath(path, this.#stop.signal)) {
        const isIt = (sighting.seen === 'problem' ? sighting.problem.path : sighting.path) === path
        seen ||= isIt && sighting.seen !== 'missing'
        seenAsFile ||= isIt && sighting.seen === 'file'
        if (sighting.seen === 'missing' && sighting.entry.kind === 'directory') gone.add(sighting.path)
        this.#needs.sighted(sighting)
        await this.#needs.room(this.#stop.signal)
      }
      if (!seenAsFile) this.#needs.vanished(path)
      if (!seen) this.#needs.quiet(path)
    } catch (error) {
      if (!this.#stop.signal.aborted)
        this.#needs.log.warn({ path, err: error }, `could not look at ${path}; the rescan does`)
    }
  }
}

function isBelow(path: RelPath, dirs: ReadonlySet<DirPath>): boolean {
  for (let dir = parentOf(path); dir !== ''; dir = parentOf(dir)) if (dirs.has(dir)) return true
  return false
}
